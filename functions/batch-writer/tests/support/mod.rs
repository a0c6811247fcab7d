//! The writer over doubles, what comes to it, and what became of it.
#![allow(dead_code, reason = "each test target uses its part")]

pub(crate) mod world;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use batch_writer::App;
use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use relay::activity::{Activity, ActivityId, Kind};
use relay::discard::Reason;
use relay::frame::{self, Raw};
use relay::metric::Metric;
use relay::port::{ControlTable, PageStore, Quarantine};
use relay::quarantine::{self, Entry};
use relay::reader::{Reader, Selection};
use relay::{arbitrary, page};
use tokio::time::Instant;

pub(crate) const NOW: i64 = 1_700_000_000_000;

/// An invocation's time, by tokio's clock: paused where a test pauses it.
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn seconds(seconds: u64) -> Self {
        Self(Instant::now() + Duration::from_secs(seconds))
    }

    /// What is left now.
    pub(crate) fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

impl Clock for Until {
    fn remaining(&self) -> Duration {
        self.left()
    }

    fn now(&self) -> i64 {
        NOW
    }

    fn jitter(&self) -> u32 {
        7
    }
}

pub(crate) fn activity(id: u8, minute: i64) -> Activity<'static> {
    let mut activity = arbitrary::one();
    activity.activity_id = ActivityId([id; 16]);
    activity.kind = Kind::Event;
    activity.app_token = Cow::Borrowed("app");
    activity.created_at = NOW / 86_400_000 * 86_400_000 + minute * 60_000;
    activity.received_at = NOW;
    activity
}

pub(crate) fn framed(activity: &Activity<'_>) -> Vec<u8> {
    frame::pack(90, std::slice::from_ref(activity))[0].data.to_vec()
}

pub(crate) fn record(n: usize, data: impl Into<Vec<u8>>) -> Record {
    let sequence_number = format!("{n:056}");
    Record { sequence_number, shard_id: "shardId-000000000000".into(), arrived_at: NOW, data: data.into() }
}

pub(crate) fn records(activities: &[Activity<'_>]) -> Vec<Record> {
    activities.iter().enumerate().map(|(n, activity)| record(n, framed(activity))).collect()
}

/// A callback that could not be understood.
pub(crate) fn raw(owner: &str) -> Raw {
    Raw {
        owner: owner.into(),
        provider: "adjust".into(),
        reason: Reason::BadTime,
        detail: "created_at is missing".into(),
        received_at: NOW,
        trace_id: "ab".into(),
        method: "GET".into(),
        path: "/v1/callbacks/adjust".into(),
        query: "app_token=app".into(),
        content_type: String::new(),
        body: Vec::new(),
    }
}

/// The rows of all pages, as a reader makes them, by the first byte of their ids.
pub(crate) async fn rows(pages: &impl PageStore, control: &impl ControlTable) -> Vec<u8> {
    let selection = Selection {
        app_token: "app".into(),
        kind: Kind::Event,
        from: NOW - 100_000_000,
        to: NOW + 100_000_000,
        as_of: i64::MAX,
        kept_since: 0,
        received_since: 0,
        after: None,
        shards: page::largest_shards(control).await.unwrap(),
        erased: relay::erase::Erased::none(),
    };
    let mut reader = Reader::new(pages, selection);
    let mut ids = Vec::new();
    while let Some(minute) = reader.next().await.unwrap() {
        ids.extend(minute.iter().map(|activity| activity.unwrap().activity_id.0[0]));
    }
    ids
}

/// Every entry of every object of a quarantine, with its owner.
pub(crate) fn entries(objects: &BTreeMap<String, bytes::Bytes>) -> Vec<(String, Entry)> {
    let owner = |key: &str| key.split('/').nth(1).unwrap().to_owned();
    let read = |(key, body): (&String, &bytes::Bytes)| {
        let entries = quarantine::read(body).unwrap();
        entries.into_iter().map(|entry| (owner(key), entry)).collect::<Vec<_>>()
    };
    objects.iter().flat_map(read).collect()
}

pub(crate) fn total<P: PageStore, C: ControlTable, Q: Quarantine>(app: &App<P, C, Q>, metric: Metric) -> u64 {
    app.counters.lock().unwrap().total(metric)
}
