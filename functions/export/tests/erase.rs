//! The job of an erase: it takes out what is covered, in slices, and ends; rivals, changed pages and pages that cannot be read included.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use export::erase::{Eraser, TakenOut};
use relay::activity::{Activity, Value};
use relay::agenda::{LEASE_MS, first_to_erase};
use relay::avro::Head;
use relay::control::{Expect, Write};
use relay::erase::{self, By, Erased, Id, IdType, Job, Mark, Origin, SWEEP_AFTER_MS};
use relay::fault::{Fault, FaultKind};
use relay::field::Field;
use relay::owner::{App, Owner, Tenure};
use relay::page::{Page, PageDay, Unpacker};
use relay::port::memory::{MemoryControl, MemoryPages, Trouble};
use relay::port::{ControlTable, PageEdit, PageEdits, PageListing, PageStore, PutPageError, SortRange};
use relay::{page, tenancy};
use support::{NOW, event, pages_of, profile, put, register, run, store_pages};

struct World {
    control: MemoryControl,
    pages: MemoryPages,
}

/// The `n`th event, of a user.
fn of(user: &str, n: u32) -> Activity<'static> {
    let mut activity = event(n, 64);
    activity.fields.set(Field::UserId, Value::Text(user.to_owned().into()));
    activity
}

fn world(activities: &[Activity<'static>]) -> World {
    let world = World { control: MemoryControl::default(), pages: MemoryPages::default() };
    register(&world.control);
    let owner = Owner { created_at: NOW - 3 * 86_400_000, ..profile("demo") };
    put(&world.control, Owner::key("demo"), &owner);
    store_pages(&world.pages, &pages_of(activities, 10, 1));
    world
}

impl World {
    fn erase(&self, user: &str, now: i64) {
        let marks = [Mark { id: Id::new(IdType::UserId, user).unwrap(), erased_at: NOW }];
        let origin = Origin { by: By::Operator, now, random: [7; 32], beside: &[] };
        run(erase::record(&self.control, "demo", &marks, &mut Erased::default(), origin)).unwrap();
    }

    /// A tick with so many looks at the clock, 100 ms each.
    fn tick(&self, now: i64, looks: i64) -> TakenOut {
        let time = Cell::new(now);
        let eraser = Eraser { control: &self.control, pages: &self.pages };
        let look = || {
            time.set(time.get() + 100);
            time.get()
        };
        run(eraser.run(look, now + looks * 100))
    }

    fn users(&self) -> Vec<String> {
        let mut users = Vec::new();
        for page in self.pages.all() {
            let bytes = page::unpack(&page.body).unwrap();
            for range in page::datums(&bytes) {
                let activity = relay::avro::decode(&bytes[range.unwrap()]).unwrap();
                users.push(activity.fields.text(Field::UserId).unwrap().to_owned());
            }
        }
        users.sort();
        users
    }

    fn job(&self) -> Job {
        run(tenancy::find::<Job>(&self.control, Job::key("demo"))).unwrap().unwrap().0
    }

    fn due(&self) -> Vec<String> {
        let listing = run(self.control.query(&first_to_erase(100))).unwrap();
        listing.items.into_iter().map(|item| item.key.sk).collect()
    }
}

/// Looks enough for a whole pass.
const ENOUGH: i64 = 100_000;

fn three_users() -> Vec<Activity<'static>> {
    (0..60).map(|n| of(["kim", "lee", "choi"][n as usize % 3], n * 40)).collect()
}

#[test]
fn what_is_erased_is_taken_out_and_swept_and_then_there_is_nothing_more_to_do() {
    let world = world(&three_users());
    let before: Vec<Page> = world.pages.all();
    world.erase("kim", NOW);
    let done = world.tick(NOW, ENOUGH);
    assert_eq!((done.passes, done.rows, &done.faults), (1, 20, &vec![]));
    assert!(world.users().iter().all(|user| user != "kim") && world.users().len() == 40);
    for page in world.pages.all() {
        let was = before.iter().find(|it| it.sk == page.sk && it.day == page.day).expect("the same key");
        assert_eq!(page.expires_at, was.expires_at, "it expires as it would have");
    }
    let job = world.job();
    assert_eq!((job.taken_out, job.swept), (1, 0));
    let pass = job.last.clone().unwrap();
    assert_eq!((pass.rows, pass.unreadable, pass.days_done), (20, 0, pass.days));
    assert!(pass.changed > 0 && pass.pages >= pass.changed);

    // A batch that was under way puts an original again, and a page of kim's alone comes anew.
    store_pages(&world.pages, &before);
    assert_eq!(
        world.tick(NOW + SWEEP_AFTER_MS, ENOUGH).passes,
        0,
        "the sweep is not due before the pass's time and 15 days"
    );
    let done = world.tick(NOW + SWEEP_AFTER_MS + 600_000, ENOUGH);
    assert_eq!((done.passes, done.rows), (1, 20));
    assert_eq!((world.users().len(), world.job().swept), (40, 1));
    assert_eq!(world.due(), Vec::<String>::new(), "the job ends");
    assert_eq!(world.tick(NOW + 3 * SWEEP_AFTER_MS, ENOUGH), TakenOut::default());
}

#[test]
fn a_page_of_which_nothing_is_left_is_removed() {
    let world = world(&(0..30).map(|n| of("kim", n * 40)).collect::<Vec<_>>());
    world.erase("kim", NOW);
    assert_eq!(world.tick(NOW, ENOUGH).rows, 30);
    assert!(world.pages.all().is_empty());
}

#[test]
fn slices_go_on_from_where_the_last_left_off_and_owners_take_turns() {
    let world = world(&three_users());
    world.erase("kim", NOW);
    let marks = [Mark { id: Id::new(IdType::UserId, "kim").unwrap(), erased_at: NOW }];
    let origin = Origin { by: By::Operator, now: NOW + 1, random: [8; 32], beside: &[] };
    run(erase::record(&world.control, "rival", &marks, &mut Erased::default(), origin)).unwrap();
    let (mut now, mut ticks, mut rows, mut places) = (NOW + 10, 0, 0, Vec::new());
    while world.job_or_default().last.is_none() {
        let done = world.tick(now, 400);
        assert_eq!(done.faults, vec![]);
        now += 60_000;
        ticks += 1;
        rows += done.rows;
        places.extend(world.job_or_default().pass.and_then(|pass| pass.place));
    }
    assert!(ticks > 3 && places.is_sorted(), "{ticks} ticks: {places:?}");
    assert_eq!((rows, world.users().len()), (20, 40));
    let rivals = run(tenancy::find::<Job>(&world.control, Job::key("rival"))).unwrap();
    assert!(rivals.is_some(), "the other owner had its turn, too");
}

impl World {
    fn job_or_default(&self) -> Job {
        run(tenancy::find::<Job>(&self.control, Job::key("demo"))).unwrap().map(|(job, _)| job).unwrap_or_default()
    }
}

#[test]
fn a_fault_leaves_the_rest_for_when_the_lease_is_over() {
    let world = world(&three_users());
    world.erase("kim", NOW);
    world.pages.script.add("edit", [Trouble::Partial(vec![1], FaultKind::Throttled)]);
    let done = world.tick(NOW, ENOUGH);
    assert_eq!((done.passes, done.faults.len()), (0, 1));
    assert_eq!(world.tick(NOW + 60_000, ENOUGH), TakenOut::default());
    world.pages.script.add("edit", [Trouble::AnswerLost]);
    let done = world.tick(NOW + 20 * LEASE_MS, ENOUGH);
    assert_eq!((done.passes, done.faults.len()), (0, 1), "an answer that is lost, too");
    let done = world.tick(NOW + 40 * LEASE_MS, ENOUGH);
    assert_eq!((done.passes, world.users().len()), (1, 40));
}

#[test]
fn a_page_that_cannot_be_read_stops_nothing_and_is_told() {
    let world = world(&three_users());
    let page = world.pages.all().remove(3);
    let broken = Page { body: Bytes::from_static(b"no page at all"), ..page };
    run(world.pages.put(&[broken]));
    world.erase("kim", NOW);
    let done = world.tick(NOW, ENOUGH);
    assert_eq!((done.passes, done.faults.len(), world.job().last.unwrap().unreadable), (1, 0, 1));
}

#[test]
fn only_what_was_received_while_the_token_was_the_owners_is_taken_out() {
    let received = |n: u32, received_at| Activity { received_at, ..of("kim", n) };
    let batch: Vec<_> = (0..10).map(|n| received(n, NOW - 60_000 + i64::from(n) * 1000)).collect();
    let world = world(&batch);
    // The first three came while another had the token, the next three in demo's time before that one took it.
    let tenure = |owner: &str, since: i64, until: i64| Tenure {
        app_token: "demo-app".into(),
        owner: owner.into(),
        since: NOW - 60_000 + since * 1000,
        until: NOW - 60_000 + until * 1000,
    };
    let gone = [App::key("demo-app"), App::listing_key("demo", "demo-app")];
    run(world.control.commit(&gone.map(|key| Write::Delete { key, expect: Expect::Any }))).unwrap();
    for tenure in [tenure("rival", 0, 3), tenure("demo", 3, 6)] {
        put(&world.control, tenure.key(), &tenure);
        put(&world.control, tenure.listing_key(), &tenure);
    }
    world.erase("kim", NOW);
    assert_eq!(world.tick(NOW, ENOUGH).rows, 3, "a token that was given up long ago is gone through, too");
    assert_eq!(world.users().len(), 7);
}

/// A table in which a rival, whose picture is another, is quicker with the first few changes.
struct Busy<'a> {
    pages: &'a MemoryPages,
    times: AtomicUsize,
}

impl PageStore for Busy<'_> {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.pages.put(pages).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.pages.list(day, range, limit).await
    }
}

impl PageEdits for Busy<'_> {
    async fn edit(&self, edits: &[PageEdit]) -> Vec<Result<bool, Fault>> {
        if self.times.fetch_update(Relaxed, Relaxed, |times| times.checked_sub(1)).is_ok() {
            for edit in edits {
                // It takes one activity out that is nobody's who is erased here.
                let lees = |_: &Head<'_>, datum: &[u8]| {
                    Ok(relay::avro::decode(datum)?.fields.text(Field::UserId) == Some("lee"))
                };
                let Some(rewrite) = page::without(&edit.was, &mut Unpacker::default(), lees).unwrap() else { continue };
                let quicker = PageEdit { becomes: rewrite.left, ..edit.clone() };
                assert_eq!(self.pages.edit(&[quicker]).await, [Ok(true)]);
            }
        }
        self.pages.edit(edits).await
    }
}

#[test]
fn a_page_that_a_rival_changes_meanwhile_keeps_the_rivals_change_and_gets_ours() {
    let world = world(&three_users());
    world.erase("kim", NOW);
    let busy = Busy { pages: &world.pages, times: AtomicUsize::new(2) };
    let time = Cell::new(NOW);
    let look = || {
        time.set(time.get() + 1);
        time.get()
    };
    let done = run(Eraser { control: &world.control, pages: &busy }.run(look, NOW + ENOUGH * 100));
    assert_eq!((done.passes, done.faults), (1, vec![]));
    let users = world.users();
    assert!(users.iter().all(|user| user != "kim"), "{users:?}");
    assert_eq!(users.iter().filter(|user| *user == "choi").count(), 20);
    assert!(users.iter().filter(|user| *user == "lee").count() < 20, "the rival was quicker");
}
