//! What the writer tells of what arrived: after it is durable, for whoever looks, and never at the batch's expense.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::time::Duration;

use batch_writer::App;
use relay::activity::{Kind, Provider};
use relay::arrival::{Arrivals, Whose, Window};
use relay::backlog;
use relay::control::{Expect, Write};
use relay::fault::FaultKind;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, Trouble};
use serde_json::{Value, json};
use support::world::World;
use support::{NOW, Until, activity, framed, raw, record, records};
use tokio::time::Instant;

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

fn app() -> Doubles {
    App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1)
}

fn writer(world: &World) -> App<World, World, World> {
    App::new(world.clone(), world.clone(), world.clone(), 1)
}

/// What stands in the table: `[what, count]` of each sort.
async fn told(control: &impl ControlTable, whose: Whose) -> Value {
    let item = control.get(&[whose.key()]).await.remove(0).unwrap();
    let view = Arrivals::read(item.as_ref()).unwrap().view("what", Window { now: NOW, received_since: 0 });
    let short = |it: &Value| json!([it["provider"], it["what"], it["received_24h"]]);
    view.iter().map(short).collect()
}

fn of_app() -> Whose {
    Whose::App("app".into())
}

fn of_owner() -> Whose {
    Whose::Owner("demo".into())
}

/// The provider of `arbitrary::one`, by which the support's activities are made.
fn provider() -> Provider {
    relay::arbitrary::one().provider
}

#[tokio::test]
async fn what_is_durable_is_told_by_provider_kind_and_reason() {
    let app = app();
    let mut install = activity(3, 0);
    (install.kind, install.provider) = (Kind::Install, Provider::Sdk);
    let mut batch = records(&[activity(1, 0), activity(2, 0), activity(1, 0), install]);
    batch.push(record(4, raw("demo").encode()));
    batch.push(record(5, raw("demo").encode()));
    batch.push(record(6, b"no frame".as_slice()));
    assert_eq!(app.drain(&batch, &Until::seconds(60)).await, None);
    let expected = json!([[provider().name(), "event", 3], ["sdk", "install", 1]]);
    let mut expected = expected.as_array().unwrap().clone();
    expected.sort_by_key(ToString::to_string);
    assert_eq!(told(&app.control, of_app()).await, json!(expected), "a delivery that came twice counts twice");
    assert_eq!(told(&app.control, of_owner()).await, json!([["adjust", "bad_time", 2]]));
    assert_eq!(told(&app.control, Whose::Owner("unknown".into())).await, json!([]), "a frame is nobody's");
}

#[tokio::test]
async fn batches_add_up_whoever_drains_them() {
    let world = World::default();
    for writer in [writer(&world), writer(&world)] {
        for minute in 0..3 {
            writer.drain(&records(&[activity(1, minute)]), &Until::seconds(60)).await;
        }
    }
    assert_eq!(told(&*world.control, of_app()).await[0][2], 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_durable_is_not_told() {
    let app = app();
    app.pages.script.add("put", [Trouble::Partial(vec![1], FaultKind::Denied)]);
    let batch = records(&[activity(1, 0), activity(2, 1), activity(3, 2)]);
    assert_eq!(app.drain(&batch, &Until::seconds(60)).await, Some(1));
    assert_eq!(told(&app.control, of_app()).await[0][2], 1);
    assert_eq!(app.drain(&batch[1..], &Until::seconds(60)).await, None);
    assert_eq!(told(&app.control, of_app()).await[0][2], 3);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_set_aside_is_not_told() {
    let app = app();
    app.quarantine.script.refuse("put", 1, FaultKind::Unavailable);
    let batch = [record(0, framed(&activity(1, 0))), record(1, raw("demo").encode())];
    assert_eq!(app.drain(&batch, &Until::seconds(60)).await, Some(1));
    assert_eq!(told(&app.control, of_owner()).await, json!([]));
    assert_eq!(app.drain(&batch[1..], &Until::seconds(60)).await, None);
    assert_eq!(told(&app.control, of_owner()).await, json!([["adjust", "bad_time", 1]]));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_takes_no_counts_fails_no_batch_and_hears_of_them_later() {
    let app = app();
    // The number of page shards and the watermark go before the counts.
    app.control.script.add("commit", [Trouble::None, Trouble::None, Trouble::Refused(FaultKind::Throttled)]);
    assert_eq!(app.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await, None);
    assert_eq!(told(&app.control, of_app()).await, json!([]));
    assert_eq!(backlog::watermarks(&app.control).await.unwrap().len(), 1);
    assert_eq!(app.drain(&records(&[activity(2, 0)]), &Until::seconds(60)).await, None);
    assert_eq!(told(&app.control, of_app()).await[0][2], 2);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_keeps_the_batch_waiting_no_longer_than_without_counts() {
    let world = World::default();
    let writer = writer(&world);
    writer.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await;
    world.control.script.silence(&["get", "commit"]);
    let spilled = [{
        let mut message = record(2, framed(&activity(2, 0)));
        message.shard_id.clear();
        message
    }];
    let begun = Instant::now();
    assert_eq!(writer.drain(&spilled, &Until::seconds(60)).await, None);
    assert_eq!(begun.elapsed(), Duration::from_secs(2), "a message has no watermark to wait for");
    world.control.script.clear();
    writer.drain(&records(&[activity(3, 0)]), &Until::seconds(60)).await;
    assert_eq!(told(&*world.control, of_app()).await[0][2], 3);
}

/// A table in which somebody else adds to the app's arrivals right before each of the next so many writes to it.
struct Contended {
    control: MemoryControl,
    others: std::sync::Mutex<usize>,
}

impl ControlTable for Contended {
    async fn get(
        &self,
        keys: &[relay::control::Key],
    ) -> Vec<Result<Option<relay::control::Item>, relay::fault::Fault>> {
        self.control.get(keys).await
    }

    async fn query(&self, query: &relay::control::Query) -> Result<relay::control::Listing, relay::fault::Fault> {
        self.control.query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), relay::control::CommitError> {
        let is_first = |others: &mut usize| std::mem::replace(others, others.saturating_sub(1)) > 0;
        if *writes[0].key() == of_app().key() && is_first(&mut self.others.lock().unwrap()) {
            let found = self.control.get(&[of_app().key()]).await.remove(0).unwrap();
            let mut one = Arrivals::default();
            one.add(Provider::Kochava, "install", NOW, 1);
            self.control.commit(&[one.write(&of_app(), found.as_ref(), NOW).unwrap()]).await.unwrap();
        }
        self.control.commit(writes).await
    }
}

#[tokio::test(start_paused = true)]
async fn writers_at_the_same_time_lose_nothing_to_each_other() {
    let control = Contended { control: MemoryControl::default(), others: 3.into() };
    let app = App::new(MemoryPages::default(), control, MemoryQuarantine::default(), 1);
    app.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await;
    let mut expected = [json!([provider().name(), "event", 1]), json!(["kochava", "install", 3])];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(told(&app.control, of_app()).await, json!(expected));
    // One that never gets its turn keeps its counts.
    *app.control.others.lock().unwrap() = 4;
    app.drain(&records(&[activity(2, 0)]), &Until::seconds(60)).await;
    assert!(told(&app.control, of_app()).await.as_array().unwrap().contains(&json!(["kochava", "install", 7])));
    app.drain(&[], &Until::seconds(60)).await;
    assert!(told(&app.control, of_app()).await.as_array().unwrap().contains(&json!([provider().name(), "event", 2])));
}

#[tokio::test]
async fn a_document_that_this_release_cannot_read_is_left_as_it_is() {
    let app = app();
    let key = of_app().key();
    let doc = json!({"tallies": "of a later release"});
    let foreign = Write::Put { key: key.clone(), doc: doc.clone(), expires_at: None, expect: Expect::Any };
    app.control.commit(&[foreign]).await.unwrap();
    assert_eq!(app.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await, None);
    assert_eq!(app.control.get(&[key]).await.remove(0).unwrap().unwrap().doc, doc);
}
