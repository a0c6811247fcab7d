//! The writer over the in-memory doubles: what it stores, sets aside, and answers as failed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::borrow::Cow;
use std::cell::Cell;
use std::time::Duration;

use batch_writer::App;
use batch_writer::batch::Record;
use batch_writer::drain::{Clock, MARGIN};
use relay::activity::{Activity, ActivityId, Kind};
use relay::discard::Reason;
use relay::fault::FaultKind;
use relay::frame::{self, Raw};
use relay::metric::Metric;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, Trouble};
use relay::reader::{Reader, Selection};
use relay::{arbitrary, backlog, page, quarantine};

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

fn app() -> Doubles {
    App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1)
}

/// Time that is used up by looking at it: a try costs a second.
struct Ticks(Cell<u64>);

impl Ticks {
    fn seconds(seconds: u64) -> Self {
        Self(Cell::new(seconds))
    }
}

impl Clock for Ticks {
    fn remaining(&self) -> Duration {
        self.0.set(self.0.get().saturating_sub(1));
        Duration::from_secs(self.0.get())
    }

    fn now(&self) -> i64 {
        1_700_000_000_000
    }

    fn jitter(&self) -> u32 {
        7
    }
}

fn activity(id: u8, minute: i64) -> Activity<'static> {
    let mut activity = arbitrary::one();
    activity.activity_id = ActivityId([id; 16]);
    activity.kind = Kind::Event;
    activity.app_token = Cow::Borrowed("app");
    activity.created_at = 1_700_000_000_000 / 86_400_000 * 86_400_000 + minute * 60_000;
    activity.received_at = 1_700_000_000_000;
    activity
}

fn record(n: usize, data: impl Into<Vec<u8>>) -> Record {
    let sequence_number = format!("{n:056}");
    Record {
        sequence_number,
        shard_id: "shardId-000000000000".into(),
        arrived_at: 1_700_000_000_000,
        data: data.into(),
    }
}

fn records(activities: &[Activity<'_>]) -> Vec<Record> {
    let frame = |activity: &Activity<'_>| frame::pack(90, std::slice::from_ref(activity))[0].data.to_vec();
    activities.iter().enumerate().map(|(n, activity)| record(n, frame(activity))).collect()
}

fn raw(owner: &str) -> Raw {
    Raw {
        owner: owner.into(),
        provider: "adjust".into(),
        reason: Reason::BadTime,
        detail: "created_at is missing".into(),
        received_at: 1_700_000_000_000,
        trace_id: "ab".into(),
        method: "GET".into(),
        path: "/v1/callbacks/adjust".into(),
        query: "app_token=app".into(),
        content_type: String::new(),
        body: Vec::new(),
    }
}

async fn stored_ids(app: &Doubles) -> Vec<u8> {
    let selection = Selection {
        app_token: "app".into(),
        kind: Kind::Event,
        from: 1_600_000_000_000,
        to: 1_800_000_000_000,
        as_of: i64::MAX,
        kept_since: 0,
        received_since: 0,
        after: None,
        shards: page::largest_shards(&app.control).await.unwrap(),
    };
    let selection = Selection { from: 1_699_900_000_000, to: 1_700_100_000_000, ..selection };
    let mut reader = Reader::new(&app.pages, selection);
    let mut ids = Vec::new();
    while let Some(minute) = reader.next().await.unwrap() {
        ids.extend(minute.iter().map(|activity| activity.unwrap().activity_id.0[0]));
    }
    ids
}

fn total(app: &Doubles, metric: Metric) -> u64 {
    app.counters.lock().unwrap().total(metric)
}

#[tokio::test]
async fn a_batch_becomes_pages_and_a_watermark() {
    let app = app();
    let records = records(&[activity(1, 0), activity(2, 0), activity(3, 1), activity(1, 0)]);
    assert_eq!(app.drain(&records, &Ticks::seconds(60)).await, None);
    assert_eq!(app.pages.all().len(), 2);
    assert_eq!(stored_ids(&app).await, [1, 2, 3]);
    assert_eq!((total(&app, Metric::Decoded), total(&app, Metric::Stored)), (4, 4));
    let marks = backlog::watermarks(&app.control).await.unwrap();
    assert_eq!(marks[0].sequence_number, records[3].sequence_number);
}

#[tokio::test]
async fn the_same_batch_again_is_the_same_pages() {
    let app = app();
    let records = records(&[activity(1, 0), activity(2, 3)]);
    app.drain(&records, &Ticks::seconds(60)).await;
    let once = app.pages.all();
    app.drain(&records, &Ticks::seconds(60)).await;
    assert_eq!(app.pages.all(), once);
}

#[tokio::test]
async fn an_empty_batch_is_fine() {
    let app = app();
    assert_eq!(app.drain(&[], &Ticks::seconds(60)).await, None);
    assert!(app.pages.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refused_pages_are_tried_again_alone() {
    let app = app();
    app.pages
        .script
        .add("put", [Trouble::Partial(vec![1], FaultKind::Throttled), Trouble::Refused(FaultKind::TimedOut)]);
    assert_eq!(app.drain(&records(&[activity(1, 0), activity(2, 1), activity(3, 2)]), &Ticks::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn when_time_runs_out_the_lowest_record_that_is_not_durable_is_answered() {
    let app = app();
    app.pages.script.add("put", std::iter::repeat_n(Trouble::Partial(vec![1], FaultKind::Throttled), 1));
    app.pages.script.refuse("put", 100, FaultKind::Throttled);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 2)]);
    assert_eq!(app.drain(&records, &Ticks::seconds(MARGIN.as_secs() + 3)).await, Some(1));
    assert_eq!(stored_ids(&app).await, [1, 3]);
    assert_eq!((total(&app, Metric::Stored), total(&app, Metric::Faulted)), (1, 2));
    let marks = backlog::watermarks(&app.control).await.unwrap();
    assert_eq!(marks[0].sequence_number, records[0].sequence_number);
}

#[tokio::test(start_paused = true)]
async fn a_denied_table_is_not_tried_again() {
    let app = app();
    app.pages.script.refuse("put", 1, FaultKind::Denied);
    assert_eq!(app.drain(&records(&[activity(1, 0)]), &Ticks::seconds(60)).await, Some(0));
    assert!(app.pages.all().is_empty());
}

#[tokio::test]
async fn what_cannot_become_rows_is_set_aside_by_owner_and_the_rest_goes_on() {
    let app = app();
    let mut records = records(&[activity(1, 0)]);
    records.push(record(1, raw("demo").encode()));
    records.push(record(2, raw("other").encode()));
    records.push(record(3, raw("demo").encode()));
    records.push(record(4, *b"poison"));
    assert_eq!(app.drain(&records, &Ticks::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1]);
    let objects = app.quarantine.objects();
    let entries: Vec<_> =
        objects.iter().map(|(key, body)| (key.split('/').nth(1).unwrap(), quarantine::read(body).unwrap())).collect();
    let counts: Vec<_> =
        entries.iter().map(|(owner, entries)| (*owner, entries.len(), entries[0].reason.as_str())).collect();
    assert_eq!(counts, [("demo", 2, "bad_time"), ("other", 1, "bad_time"), ("unknown", 1, "undecodable")]);
    assert_eq!((total(&app, Metric::Undecodable), total(&app, Metric::QuarantinedRaw)), (1, 4));
    let stored: usize = objects.values().map(|body| body.len()).sum();
    assert_eq!(total(&app, Metric::QuarantinedBytes), stored as u64);
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_written_is_a_fault() {
    let app = app();
    app.quarantine.script.refuse("put", 1, FaultKind::Unavailable);
    let mut records = records(&[activity(1, 0), activity(2, 1)]);
    records.insert(1, record(7, raw("demo").encode()));
    assert_eq!(app.drain(&records, &Ticks::seconds(60)).await, Some(1));
    assert_eq!(app.drain(&records, &Ticks::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2]);
}

#[tokio::test]
async fn readers_know_of_more_shards_before_a_page_goes_there() {
    let app = app();
    let wide = App::new(app.pages, app.control, app.quarantine, 4);
    wide.control.script.refuse("commit", 1, FaultKind::Unavailable);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 2), activity(4, 3)]);
    assert_eq!(wide.drain(&records, &Ticks::seconds(60)).await, Some(0));
    assert!(wide.pages.all().is_empty());
    assert_eq!(wide.drain(&records, &Ticks::seconds(60)).await, None);
    assert_eq!(page::largest_shards(&wide.control).await.unwrap(), 4);
    let narrow = App::new(wide.pages, wide.control, wide.quarantine, 1);
    assert_eq!(narrow.drain(&records, &Ticks::seconds(60)).await, None);
    assert_eq!(page::largest_shards(&narrow.control).await.unwrap(), 4);
    assert_eq!(stored_ids(&narrow).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_watermark_that_cannot_be_recorded_fails_nothing() {
    let app = app();
    app.drain(&records(&[activity(1, 0)]), &Ticks::seconds(60)).await;
    app.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(app.drain(&records(&[activity(2, 0)]), &Ticks::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2]);
}
