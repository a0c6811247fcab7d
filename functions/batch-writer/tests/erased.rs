//! What is erased does not become a page, and nothing else is kept from becoming one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::time::Duration;

use batch_writer::App;
use relay::activity::{Activity, Fields, Provider, Value};
use relay::control::{Expect, Key, Write};
use relay::erase::{
    self, By, Erased, FORGET_DEVICE, Id, IdType, Ledger, Mark, Origin, Tombstone, partition, take_callbacks,
};
use relay::fault::FaultKind;
use relay::field::Field;
use relay::metric::Metric;
use relay::owner::FormerClaim;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use support::{NOW, Until, activity, records, rows, total};

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

async fn put<T: serde::Serialize>(control: &MemoryControl, key: Key, value: &T) {
    control.commit(&[Write::put(key, value, Expect::Any).unwrap()]).await.unwrap();
}

async fn claim(control: &MemoryControl, owner: &str) {
    let app = relay::owner::App { app_token: "app".into(), owner: owner.into(), created_at: 0 };
    put(control, relay::owner::App::key("app"), &app).await;
}

/// A writer of an owner `demo`, who has the app.
async fn app() -> Doubles {
    let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
    claim(&app.control, "demo").await;
    app
}

fn id(text: &str) -> Id {
    Id::new(IdType::UserId, text).unwrap()
}

async fn erase(control: &MemoryControl, owner: &str, user: &str, erased_at: i64) {
    let marks = [Mark { id: id(user), erased_at }];
    let origin = Origin { by: By::Operator, now: NOW, random: [7; 32], beside: &[] };
    erase::record(control, owner, &marks, &mut Erased::default(), origin).await.unwrap();
}

/// The `n`th activity, of this user.
fn of(user: &str, n: u8, minute: i64) -> Activity<'static> {
    let mut activity = activity(n, minute);
    activity.fields.set(Field::UserId, Value::Text(user.to_owned().into()));
    activity
}

async fn drain(app: &Doubles, activities: &[Activity<'_>]) -> Option<usize> {
    app.drain(&records(activities), &Until::seconds(60)).await
}

async fn stored(app: &Doubles) -> Vec<u8> {
    rows(&app.pages, &app.control).await
}

#[tokio::test]
async fn what_is_erased_is_left_out_and_counted_and_all_else_is_stored() {
    let app = app().await;
    let at = |minute| of("kim", 0, minute).created_at;
    erase(&app.control, "demo", "kim", at(5)).await;
    let batch = [of("kim", 1, 4), of("kim", 2, 5), of("kim", 3, 6), of("lee", 4, 5), activity(5, 5)];
    assert_eq!(drain(&app, &batch).await, None);
    assert_eq!(stored(&app).await, [4, 5, 3]);
    let counted = [Metric::Decoded, Metric::Stored, Metric::Erased, Metric::Faulted].map(|metric| total(&app, metric));
    assert_eq!(counted, [5, 3, 2, 0], "decoded = stored + erased + faulted");
    assert_eq!(app.pages.all().iter().map(|page| page.n).sum::<u64>(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_which_a_part_fails_counts_what_is_left_out_once() {
    let app = app().await;
    erase(&app.control, "demo", "kim", NOW).await;
    app.pages.script.refuse("put", 1, FaultKind::Denied);
    let batch = [of("kim", 1, 4), of("lee", 2, 5), of("kim", 3, 6)];
    assert_eq!(drain(&app, &batch).await, Some(1));
    let counted = [Metric::Decoded, Metric::Stored, Metric::Erased, Metric::Faulted].map(|metric| total(&app, metric));
    assert_eq!(counted, [3, 0, 1, 2]);
}

#[tokio::test]
async fn where_nobody_erases_a_batch_costs_no_look_but_at_the_gate() {
    let app = app().await;
    // No owner, app or tombstone is asked for: those calls would be refused.
    app.control.script.refuse("query", 100, FaultKind::Denied);
    assert_eq!(drain(&app, &[of("kim", 1, 4)]).await, None);
    assert_eq!(drain(&app, &[of("kim", 2, 4)]).await, None);
    assert_eq!(stored(&app).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_has_read_nothing_yet_stores_nothing_and_one_that_has_goes_on() {
    let app = app().await;
    erase(&app.control, "demo", "kim", NOW).await;
    // The first read is of the number of page shards.
    app.control
        .script
        .add("get", [relay::port::memory::Trouble::None, relay::port::memory::Trouble::Refused(FaultKind::Throttled)]);
    assert_eq!(drain(&app, &[of("lee", 1, 4)]).await, Some(0));
    assert!(app.pages.all().is_empty(), "what it is not known whether it is erased is no page");
    assert_eq!(drain(&app, &[of("lee", 1, 4), of("kim", 2, 4)]).await, None);

    tokio::time::advance(Duration::from_hours(1)).await;
    app.control.script.refuse("get", 2, FaultKind::Throttled);
    app.control.script.refuse("query", 1, FaultKind::Throttled);
    assert_eq!(drain(&app, &[of("lee", 3, 4)]).await, None, "what was read last is believed");
    app.control.script.clear();
    assert_eq!(stored(&app).await, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_left_out_for_certain_comes_again() {
    let app = app().await;
    erase(&app.control, "demo", "kim", NOW).await;
    assert_eq!(drain(&app, &[of("lee", 1, 4)]).await, None);
    // Whose the app is must be looked up anew before anything is left out for it.
    tokio::time::advance(Duration::from_secs(1)).await;
    app.control.script.refuse("query", 1, FaultKind::Throttled);
    assert_eq!(drain(&app, &[of("kim", 2, 4)]).await, Some(0));
    assert_eq!(drain(&app, &[of("kim", 2, 4)]).await, None);
    assert_eq!(stored(&app).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_moves_takes_no_tombstones_with_it() {
    let app = app().await;
    erase(&app.control, "demo", "kim", NOW).await;
    erase(&app.control, "rival", "lee", NOW).await;
    assert_eq!(drain(&app, &[of("kim", 1, 4), of("lee", 2, 4)]).await, None);
    assert_eq!(stored(&app).await, [2]);
    // What came from here on is the rival's; what came before is demo's, however late it becomes a page.
    let former = FormerClaim { owner: "demo".into(), received_since: 0, released_at: NOW - 5_000 };
    let free_from = former.free_from();
    put(&app.control, FormerClaim::key("app"), &former).await;
    claim(&app.control, "rival").await;
    let came = |mut activity: Activity<'static>, received_at| {
        activity.received_at = received_at;
        activity
    };
    let batch = [
        came(of("kim", 3, 4), free_from),
        came(of("lee", 4, 4), free_from),
        came(of("kim", 5, 4), free_from - 1),
        came(of("lee", 6, 4), free_from - 1),
    ];
    assert_eq!(drain(&app, &batch).await, None);
    assert_eq!(stored(&app).await, [2, 3, 6], "3 is the rival's kim, 6 was demo's lee");
}

/// Adjust's word that a person wants to be forgotten.
fn wish(n: u8, adid: &str, minute: i64) -> Activity<'static> {
    let mut activity = activity(n, minute);
    activity.fields = Fields::default();
    activity.provider = Provider::Adjust;
    activity.fields.set(Field::Adid, Value::Text(adid.to_owned().into()));
    activity.extra.insert("activity_kind".into(), FORGET_DEVICE.into());
    activity
}

fn on(n: u8, adid: &str, minute: i64) -> Activity<'static> {
    Activity { provider: Provider::Adjust, extra: [].into(), ..wish(n, adid, minute) }
}

fn tombstones(control: &MemoryControl) -> Vec<Tombstone> {
    let all = control.all().into_iter();
    let ours = all.filter(|item| item.key.pk == partition("demo") && item.key.sk.starts_with(Tombstone::PREFIX));
    ours.map(|item| item.read().unwrap()).collect()
}

#[tokio::test]
async fn a_wish_to_be_forgotten_erases_where_the_owner_wants_it_and_once() {
    let app = app().await;
    let batch = [on(1, "ab", 3), wish(2, "AB", 5), on(3, "ab", 6), on(4, "cd", 3)];
    assert_eq!(drain(&app, &batch).await, None);
    assert_eq!((stored(&app).await, tombstones(&app.control).len()), (vec![1, 4, 2, 3], 0), "nobody has asked for it");

    take_callbacks(&app.control, "demo", true, [7; 32], &[]).await.unwrap();
    let app = Doubles::new(MemoryPages::default(), app.control, MemoryQuarantine::default(), 1);
    for _ in 0..2 {
        assert_eq!(drain(&app, &batch).await, None);
        assert_eq!(stored(&app).await, [4, 3], "the wish itself holds the id, too");
    }
    let made = tombstones(&app.control);
    assert_eq!(made.len(), 1, "again it is the same");
    assert_eq!((made[0].id_type, made[0].erased_at, made[0].by), (IdType::Adid, batch[1].created_at, By::Callback));
    assert_eq!(total(&app, Metric::Erased), 4);
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_cannot_be_recorded_comes_again() {
    let app = app().await;
    take_callbacks(&app.control, "demo", true, [7; 32], &[]).await.unwrap();
    app.control.script.refuse("commit", 2, FaultKind::Throttled);
    let batch = [on(1, "ab", 3), wish(2, "ab", 5)];
    // The first commit tells readers of the page shards.
    assert_eq!(drain(&app, &batch).await, Some(0));
    assert_eq!(drain(&app, &batch).await, Some(0));
    assert!(app.pages.all().is_empty());
    assert_eq!(drain(&app, &batch).await, None);
    assert_eq!((stored(&app).await.len(), tombstones(&app.control).len()), (0, 1));
    let found = relay::tenancy::find::<Ledger>(&app.control, Ledger::key("demo")).await.unwrap().unwrap().0;
    assert!(found.due_at.is_some_and(|due_at| due_at > NOW), "its job waits for others of the day");
}
