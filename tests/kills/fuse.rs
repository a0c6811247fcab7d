//! A process that dies at one of its calls: every port goes through its fuse.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use relay::control::{CommitError, Item, Key, Listing, Query, Write};
use relay::fault::Fault;
use relay::page::{Page, PageDay};
use relay::port::{
    Backlog, ControlTable, ExecutionState, Executions, ExportFiles, Leavings, Look, PageEdit, PageEdits, PageListing,
    PageStore, PutPageError, Sights, SortRange, Start, StoredPart, Tails, Upload, UploadState,
};
use relay_tests::random::Random;

/// On which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The call is not carried out.
    Before,
    /// The call is carried out, and nobody hears of it.
    After,
}

impl Strike {
    pub(crate) const ALL: [Self; 2] = [Self::Before, Self::After];
}

/// When processes die.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Never.
    None,
    /// At these calls, counted over the whole run.
    At(Vec<(usize, Strike)>),
    /// Each process after at most so many calls, until so many have died.
    Storm { lives: usize, deaths: usize, random: u64 },
}

impl Plan {
    /// How many die, if the run makes as many calls.
    pub(crate) fn deaths(&self) -> usize {
        match self {
            Self::None => 0,
            Self::At(points) => points.len(),
            Self::Storm { deaths, .. } => *deaths,
        }
    }
}

struct State {
    plan: Plan,
    calls: usize,
    /// How many calls the present process has left in a storm.
    left: Option<usize>,
    is_dead: bool,
    killed: usize,
}

/// Counts calls and kills.
#[derive(Clone)]
pub(crate) struct Fuse(Arc<Mutex<State>>);

enum Fate {
    Lives,
    Dies(Strike),
    IsDead,
}

impl Fuse {
    pub(crate) fn new(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(State { plan, calls: 0, left: None, is_dead: false, killed: 0 })))
    }

    /// Another process begins.
    pub(crate) fn renew(&self) {
        let mut state = self.0.lock().unwrap();
        state.is_dead = false;
        let State { plan, left, .. } = &mut *state;
        *left = match plan {
            Plan::Storm { lives, deaths, random } if *deaths > 0 => {
                let mut chance = Random(*random);
                *random = chance.below(u64::MAX);
                Some(chance.index(*lives + 1))
            }
            Plan::None | Plan::At(_) | Plan::Storm { .. } => None,
        };
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().is_dead
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// How many processes died.
    pub(crate) fn killed(&self) -> usize {
        self.0.lock().unwrap().killed
    }

    fn fate(&self) -> Fate {
        let mut state = self.0.lock().unwrap();
        if state.is_dead {
            return Fate::IsDead;
        }
        let call = state.calls;
        state.calls += 1;
        let State { plan, left, .. } = &mut *state;
        let strike = match plan {
            Plan::None => None,
            Plan::At(points) => points.iter().find(|(at, _)| *at == call).map(|(_, strike)| *strike),
            Plan::Storm { deaths, .. } => match left {
                Some(0) => {
                    *deaths -= 1;
                    Some(Strike::ALL[call % 2])
                }
                Some(left) => {
                    *left -= 1;
                    None
                }
                None => None,
            },
        };
        let Some(strike) = strike else { return Fate::Lives };
        state.is_dead = true;
        state.killed += 1;
        Fate::Dies(strike)
    }

    /// Makes a call, unless the process dies before it; one that is dead makes none.
    async fn call<T>(&self, call: impl Future<Output = T> + Send) -> T {
        match self.fate() {
            Fate::Lives => call.await,
            Fate::Dies(Strike::After) => {
                drop(call.await);
                pending().await
            }
            Fate::Dies(Strike::Before) | Fate::IsDead => pending().await,
        }
    }
}

/// A double behind a fuse.
pub(crate) struct Fused<T> {
    pub(crate) inner: Arc<T>,
    pub(crate) fuse: Fuse,
}

impl<T: ControlTable> ControlTable for Fused<T> {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        self.fuse.call(self.inner.get(keys)).await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        self.fuse.call(self.inner.query(query)).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        self.fuse.call(self.inner.commit(writes)).await
    }
}

impl<T: PageStore> PageStore for Fused<T> {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.fuse.call(self.inner.put(pages)).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.fuse.call(self.inner.list(day, range, limit)).await
    }
}

impl<T: PageEdits> PageEdits for Fused<T> {
    async fn edit(&self, edits: &[PageEdit]) -> Vec<Result<bool, Fault>> {
        self.fuse.call(self.inner.edit(edits)).await
    }
}

impl<T: ExportFiles> ExportFiles for Fused<T> {
    async fn begin(&self, key: &str, metadata: &[(&str, String)]) -> Result<Upload, Fault> {
        self.fuse.call(self.inner.begin(key, metadata)).await
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<StoredPart, Fault> {
        self.fuse.call(self.inner.put_part(upload, number, body)).await
    }

    async fn state(&self, upload: &Upload) -> Result<UploadState, Fault> {
        self.fuse.call(self.inner.state(upload)).await
    }

    async fn complete(&self, upload: &Upload, parts: &[StoredPart], within: Duration) -> Result<(), Fault> {
        self.fuse.call(self.inner.complete(upload, parts, within)).await
    }
}

impl<T: Tails> Tails for Fused<T> {
    async fn keep(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        self.fuse.call(self.inner.keep(key, body)).await
    }

    async fn fetch(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.fuse.call(self.inner.fetch(key)).await
    }
}

impl<T: Leavings> Leavings for Fused<T> {
    async fn uploads(&self, prefix: &str) -> Result<Vec<Upload>, Fault> {
        self.fuse.call(self.inner.uploads(prefix)).await
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        self.fuse.call(self.inner.abort(upload)).await
    }

    async fn clear(&self, prefix: &str) -> Result<usize, Fault> {
        self.fuse.call(self.inner.clear(prefix)).await
    }
}

impl<T: Backlog> Backlog for Fused<T> {
    async fn look(&self, starts: &[Start], look: Look) -> Result<Sights, Fault> {
        self.fuse.call(self.inner.look(starts, look)).await
    }
}

impl<T: Executions> Executions for Fused<T> {
    async fn start(&self, name: &str, input: &str) -> Result<(), Fault> {
        self.fuse.call(self.inner.start(name, input)).await
    }

    async fn state(&self, name: &str) -> Result<ExecutionState, Fault> {
        self.fuse.call(self.inner.state(name)).await
    }

    async fn stop(&self, name: &str) -> Result<(), Fault> {
        self.fuse.call(self.inner.stop(name)).await
    }
}
