//! A stream, a writer, an eraser and readers over the same doubles, and what must come of them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use export::erase::Eraser;
use relay::activity::{Activity, ActivityId, Kind, Value};
use relay::agenda::{LEASE_MS, first_to_erase};
use relay::control::{CommitError, Expect, Item, Key, Listing, Query, Write};
use relay::erase::{By, Erased, Id, IdType, Mark, Origin, record};
use relay::fault::Fault;
use relay::field::Field;
use relay::owner::{App, Owner};
use relay::page::{self, Page, PageDay};
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, Trouble};
use relay::port::{ControlTable, PageEdit, PageEdits, PageListing, PageStore, PutPageError, SortRange};
use relay::reader::{Reader, Selection};
use relay::{avro, frame};

use super::fuse::{Fuse, Fused, Plan};

/// 2026-11-14T09:30:00Z.
const NOW: i64 = 1_794_648_600_000;
const DAY_MS: i64 = 86_400_000;

/// How many users there are; each has an id in a field of its own kind.
pub(crate) const USERS: u8 = 4;

/// A port that lets others go first, before each call: two processes at once make their calls in turn.
#[derive(Clone)]
struct Turns<T>(Arc<Fused<T>>);

impl<T: ControlTable> ControlTable for Turns<T> {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        tokio::task::yield_now().await;
        self.0.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        tokio::task::yield_now().await;
        self.0.query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        tokio::task::yield_now().await;
        self.0.commit(writes).await
    }
}

impl<T: PageStore> PageStore for Turns<T> {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.0.put(pages).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        tokio::task::yield_now().await;
        self.0.list(day, range, limit).await
    }
}

impl<T: PageEdits> PageEdits for Turns<T> {
    async fn edit(&self, edits: &[PageEdit]) -> Vec<Result<bool, Fault>> {
        tokio::task::yield_now().await;
        self.0.edit(edits).await
    }
}

type Writer = batch_writer::App<Turns<MemoryPages>, Turns<MemoryControl>, MemoryQuarantine>;

struct Hurried;

impl Clock for Hurried {
    fn remaining(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn now(&self) -> i64 {
        NOW
    }

    fn jitter(&self) -> u32 {
        500
    }
}

pub(crate) struct World {
    control: Arc<MemoryControl>,
    pages: Arc<MemoryPages>,
    writer: Writer,
    stream: Vec<Record>,
    /// The next record that the writer has not answered for.
    next: usize,
    /// The number, user and time of each activity that was sent.
    sent: Vec<(u16, u8, i64)>,
    /// Until when each user is erased.
    erased: BTreeMap<u8, i64>,
    now: i64,
}

fn id_type(user: u8) -> IdType {
    IdType::ALL[usize::from(user) % IdType::ALL.len()]
}

fn name(user: u8) -> String {
    format!("0a1b-{user}")
}

fn activity(number: u16, user: u8, minute: u8) -> Activity<'static> {
    let mut activity = relay::arbitrary::one();
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    activity.activity_id = ActivityId(id);
    activity.kind = Kind::ALL[usize::from(number % 3)];
    activity.app_token = "app".into();
    activity.created_at = NOW - DAY_MS * i64::from(number % 2) + i64::from(minute) * 60_000;
    activity.received_at = NOW + 600_000;
    activity.fields = relay::activity::Fields::default();
    // As senders write it, which is not always as it is compared.
    let text = if number.is_multiple_of(2) { name(user).to_uppercase() } else { name(user) };
    activity.fields.set(id_type(user).field(), Value::Text(text.into()));
    activity
}

fn number(activity: &Activity<'_>) -> u16 {
    u16::from_be_bytes([activity.activity_id.0[0], activity.activity_id.0[1]])
}

fn port<T>(inner: &Arc<T>, fuse: &Fuse) -> Turns<T> {
    Turns(Arc::new(Fused { inner: Arc::clone(inner), fuse: fuse.clone() }))
}

/// Runs a process to its end, or to its death.
async fn process<T>(fuse: &Fuse, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if fuse.is_dead() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn new_writer(control: &Arc<MemoryControl>, pages: &Arc<MemoryPages>) -> Writer {
    let fuse = Fuse::new(Plan::None);
    batch_writer::App::new(port(pages, &fuse), port(control, &fuse), MemoryQuarantine::default(), 1)
}

impl World {
    pub(crate) async fn new() -> Self {
        let (control, pages) = (Arc::new(MemoryControl::default()), Arc::new(MemoryPages::default()));
        let owner = Owner {
            owner: "demo".into(),
            mail_domains: BTreeSet::new(),
            event_tokens: BTreeSet::new(),
            retention_days: 400,
            access: relay::access::Access::default(),
            created_at: NOW - DAY_MS,
        };
        let app = App { app_token: "app".into(), owner: "demo".into(), created_at: 0 };
        let registered = [
            Write::put(Owner::key("demo"), &owner, Expect::Any).unwrap(),
            Write::put(App::key("app"), &app, Expect::Any).unwrap(),
            Write::put(App::listing_key("demo", "app"), &app, Expect::Any).unwrap(),
        ];
        control.commit(&registered).await.unwrap();
        let writer = new_writer(&control, &pages);
        let (stream, sent, erased) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { control, pages, writer, stream, next: 0, sent, erased, now: NOW + 3_600_000 }
    }

    /// The door takes activities: one frame.
    pub(crate) fn send(&mut self, activities: &[(u8, u8)]) {
        let mut taken = Vec::new();
        for (user, minute) in activities {
            let number = u16::try_from(self.sent.len()).unwrap();
            let activity = activity(number, *user, *minute);
            self.sent.push((number, *user, activity.created_at));
            taken.push(activity);
        }
        for frame in frame::pack(400, &taken) {
            let sequence_number = format!("{:020}", self.stream.len());
            let (shard_id, data) = ("shard".to_owned(), frame.data.to_vec());
            self.stream.push(Record { sequence_number, shard_id, arrived_at: NOW, data });
        }
    }

    pub(crate) async fn drain(&mut self, killed: bool) {
        let records = &self.stream[self.next..];
        let failed = self.writer.drain(records, &Hurried).await;
        if !killed {
            self.next += failed.unwrap_or(records.len());
        }
    }

    pub(crate) fn replay(&mut self) {
        self.next = 0;
    }

    pub(crate) fn restart(&mut self) {
        self.writer = new_writer(&self.control, &self.pages);
    }

    pub(crate) fn trouble(&self, call: &'static str, trouble: Trouble) {
        let script = if call == "commit" { &self.control.script } else { &self.pages.script };
        script.add(call, [trouble]);
    }

    pub(crate) async fn later(&mut self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        self.now += i64::try_from(seconds).unwrap() * 1000;
    }

    /// An operator erases a user; a fault is met by trying again.
    pub(crate) async fn erase(&mut self, user: u8, minute: u8) {
        let erased_at = NOW + i64::from(minute) * 60_000;
        let marks = [Mark { id: Id::new(id_type(user), &name(user)).unwrap(), erased_at }];
        let origin = Origin { by: By::Operator, now: self.now, random: [7; 32], beside: &[] };
        while record(&*self.control, "demo", &marks, &mut Erased::default(), origin).await.is_err() {}
        let until = self.erased.entry(user).or_insert(i64::MIN);
        *until = erased_at.max(*until);
    }

    /// A dispatcher's tick; each look at the clock costs 100 ms.
    pub(crate) async fn tick(&mut self, looks: i64, plan: Plan) {
        let fuse = Fuse::new(plan);
        let (control, pages) = (port(&self.control, &fuse), port(&self.pages, &fuse));
        let time = Cell::new(self.now);
        let eraser = Eraser { control: &control, pages: &pages };
        process(&fuse, eraser.run(|| look(&time), self.now + looks * 100)).await;
        self.now = time.get();
    }

    pub(crate) async fn rivals(&mut self, looks: i64) {
        let fuse = Fuse::new(Plan::None);
        let (control, pages) = (port(&self.control, &fuse), port(&self.pages, &fuse));
        let eraser = Eraser { control: &control, pages: &pages };
        let (one, other) = (Cell::new(self.now), Cell::new(self.now));
        // The second is so late that it finds the first's lease over.
        other.set(self.now + LEASE_MS);
        let ends = self.now + looks * 100;
        futures::future::join(eraser.run(|| look(&one), ends), eraser.run(|| look(&other), ends + LEASE_MS)).await;
        self.now = one.get().max(other.get());
    }

    /// All is well again: everything is drained, and all that is due is done, the last sweep, too.
    pub(crate) async fn settle(&mut self) {
        self.control.script.clear();
        self.pages.script.clear();
        self.later(60).await;
        for _ in 0..100 {
            if self.next == self.stream.len() {
                break;
            }
            self.drain(false).await;
        }
        assert_eq!(self.next, self.stream.len(), "the writer comes through once the world is well");
        for _ in 0..2_000 {
            let Some(first) = self.control.query(&first_to_erase(1)).await.unwrap().items.pop() else { return };
            let due_at: i64 = first.key.sk[..13].parse().unwrap();
            self.now = self.now.max(due_at);
            self.tick(400, Plan::None).await;
        }
        panic!("the job does not end");
    }

    fn is_erased(&self, user: u8, created_at: i64) -> bool {
        self.erased.get(&user).is_some_and(|until| created_at <= *until)
    }

    /// The numbers of all activities that are to be rows once the writer has had them.
    pub(crate) fn expected(&self) -> Vec<u16> {
        let stay = self.sent.iter().filter(|(_, user, created_at)| !self.is_erased(*user, *created_at));
        stay.map(|(number, ..)| *number).collect()
    }

    /// The numbers of the rows that an export would hold now.
    pub(crate) async fn given_out(&self) -> Vec<u16> {
        let erased = Erased::load(&*self.control, "demo").await.unwrap();
        let mut rows = Vec::new();
        for kind in Kind::ALL {
            let selection = Selection {
                app_token: "app".into(),
                kind,
                from: NOW - 2 * DAY_MS,
                to: NOW + DAY_MS,
                as_of: i64::MAX,
                kept_since: 0,
                received_since: 0,
                after: None,
                shards: 1,
                erased: Arc::clone(&erased),
            };
            let mut reader = Reader::new(&*self.pages, selection);
            loop {
                match reader.next().await {
                    Ok(Some(minute)) => rows.extend(minute.iter().map(|row| number(&row.unwrap()))),
                    Ok(None) => break,
                    // What a step scripted for the eraser meets the reader: it goes on.
                    Err(_) => {}
                }
            }
        }
        rows.sort_unstable();
        rows
    }

    pub(crate) async fn given_out_though_erased(&self) -> Vec<u16> {
        let rows = self.given_out().await;
        let sent = |number: &u16| self.sent[usize::from(*number)];
        rows.into_iter().filter(|number| self.is_erased(sent(number).1, sent(number).2)).collect()
    }

    /// The numbers of the activities that stand in any page, though they are erased.
    pub(crate) fn stored_though_erased(&self) -> Vec<u16> {
        let mut found = Vec::new();
        for page in self.pages.all() {
            let bytes = page::unpack(&page.body).unwrap();
            assert!(!bytes.is_empty(), "an empty page is none");
            for range in page::datums(&bytes) {
                let activity = avro::decode(&bytes[range.unwrap()]).unwrap();
                let (_, user, _) = self.sent[usize::from(number(&activity))];
                assert!(activity.fields.text(Field::Country).is_none(), "nothing is added");
                if self.is_erased(user, activity.created_at) {
                    found.push(number(&activity));
                }
            }
        }
        found
    }
}

fn look(time: &Cell<i64>) -> i64 {
    time.set(time.get() + 100);
    time.get()
}
