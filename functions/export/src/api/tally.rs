//! How many rows there are: counted from the first on, and where that takes too much, the rest told from a sample.

use relay::activity::{Activity, ActivityId};
use relay::export::Filters;
use relay::fault::{Fault, FaultKind};
use relay::port::PageStore;
use relay::reader::{ReadError, Reader, Sample, Sampled, Selection};

use super::bounded::Bounded;

const MINUTE_MS: i64 = 60_000;

/// From how many rows a minute on a sixteenth of a minute's pages stands for all: some pages are in it then, whatever they hold.
const DENSE_ROWS: u64 = 2_000;

/// From what mean size of pages on: only a minute that holds very much has pages so large (storage.md).
const DENSE_PAGE_BYTES: u64 = 64 * 1024;

/// The fewest pages of a sampled minute and shard that are asked for: of fewer nobody could tell how many there are.
pub(super) const FEWEST_SAMPLED_PAGES: u64 = 4;

/// The most bytes of rows held while they are counted; a minute that has more comes in passes. Several periods are counted at a time.
const ROW_ROOM: usize = 4 * 1024 * 1024;

/// The most bytes of compressed pages held meanwhile.
const PAGE_ROOM: usize = 4 * 1024 * 1024;

/// Rows counted, each once and as a file would have it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Those that the filters take.
    pub(super) rows: u64,
    /// All that were looked at.
    pub(super) read: u64,
    /// The last of these.
    pub(super) last: Option<(i64, ActivityId)>,
    /// Whether these are all there are.
    pub(super) is_all: bool,
    /// What counting has cost: questions and bytes.
    pub(super) spent: (u64, u64),
}

impl Tally {
    /// Counts on, until so many rows are read or the bounds reached; `see` is shown each that the filters take.
    pub(super) async fn count<P: PageStore>(
        &mut self,
        store: &Bounded<'_, P>,
        (selection, filters): (&Selection, &Filters),
        most: u64,
        mut see: impl FnMut(&Activity<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let counted = self.count_on(store, (selection, filters), most, &mut see).await;
        let (questions, bytes) = store.spent();
        self.spent = (self.spent.0 + questions, self.spent.1 + bytes);
        counted
    }

    async fn count_on<P: PageStore>(
        &mut self,
        store: &Bounded<'_, P>,
        (selection, filters): (&Selection, &Filters),
        most: u64,
        see: &mut impl FnMut(&Activity<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut reader = Reader::with_room(store, self.rest(selection), ROW_ROOM, PAGE_ROOM);
        while self.read < most {
            let minute = match reader.next().await {
                Ok(Some(minute)) => minute,
                Ok(None) => {
                    self.is_all = true;
                    break;
                }
                Err(_) if store.is_spent() => break,
                Err(error) => return Err(fault(error)),
            };
            for activity in minute.iter() {
                let activity = activity.map_err(fault)?;
                self.read += 1;
                self.last = Some((activity.created_at, activity.activity_id));
                if filters.take(&activity) {
                    self.rows += 1;
                    see(&activity)?;
                }
            }
        }
        Ok(())
    }

    /// What is not counted yet.
    fn rest(&self, selection: &Selection) -> Selection {
        Selection { after: self.last.or(selection.after), ..selection.clone() }
    }

    /// How far through the selection it has come: milliseconds, and of how many.
    fn reach(&self, selection: &Selection) -> (u64, u64) {
        let length = |to: i64| u64::try_from(to.saturating_sub(selection.from)).unwrap_or(0);
        (self.last.map_or(0, |(created_at, _)| length(created_at)), length(selection.to))
    }

    /// Whether what is left of it seems to need no more than these: by what was spent for what is counted.
    pub(super) fn seems_near(&self, selection: &Selection, (questions, bytes): (u64, u64)) -> bool {
        let (reached, length) = self.reach(selection);
        let left = u128::from(length.saturating_sub(reached));
        let fits = |spent: u64, most: u64| u128::from(spent) * left <= u128::from(most) * u128::from(reached);
        reached > 0 && fits(self.spent.0, questions) && fits(self.spent.1, bytes)
    }

    /// Whether a minute holds so much that a part of it is enough for a sample, by what was counted.
    fn is_dense(&self, selection: &Selection) -> bool {
        let (reached, _) = self.reach(selection);
        let minutes = reached / MINUTE_MS.unsigned_abs() + 1;
        // What was paid for did not come to the end of one minute.
        let is_huge = self.read == 0 && self.spent.1 > 0;
        is_huge || self.read / minutes >= DENSE_ROWS
    }

    /// About how many rows the filters take of what was not counted, from at most so many minutes.
    pub(super) async fn sample<P: PageStore>(
        &self,
        store: &Bounded<'_, P>,
        (selection, filters): (&Selection, &Filters),
        (minutes, seed): (u64, [u8; 10]),
    ) -> Result<Sampled, Fault> {
        let sample = Sample {
            minutes,
            seed,
            is_wanted: |activity: &Activity<'_>| filters.take(activity),
            may_go_on: || !store.is_spent(),
            is_thin: self.is_dense(selection) || store.page_bytes() >= DENSE_PAGE_BYTES,
        };
        sample.take(store, &self.rest(selection)).await.map_err(fault)
    }
}

fn fault(error: ReadError) -> Fault {
    match error {
        ReadError::Fault(fault) => fault,
        corrupt @ ReadError::Corrupt { .. } => Fault::new(FaultKind::Denied, "pages:List", corrupt.to_string()),
    }
}
