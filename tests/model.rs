//! The model: random callbacks and batches, late, repeated, under faults and kills, through the real handlers over the in-memory doubles, against a set
//! of ids. Whatever was acknowledged is a row, once; nothing is a row that was not sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

#[path = "model/outage.rs"]
mod outage;
#[path = "model/spill.rs"]
mod spill;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use proptest::prelude::*;
use relay::activity::Kind;
use relay::control::{Expect, Write};
use relay::fault::FaultKind;
use relay::field::Field;
use relay::http::Request;
use relay::owner::{App, KeyRecord, Owner, Role, new_secret};
use relay::page;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, MemorySpill, MemoryStream, Trouble};
use relay::reader::{Reader, Selection};

const NOW: i64 = 1_794_648_600_000;
const DAY_MS: i64 = 86_400_000;
const SHARDS: usize = 3;
const APPS: [&str; 2] = ["app-one", "app-two"];

type Door = ingest::App<MemoryStream, MemorySpill, MemoryControl>;
type Writer = batch_writer::App<MemoryPages, MemoryControl, MemoryQuarantine>;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A provider calls back about activity `id`.
    Callback(u16),
    /// An SDK sends these activities.
    Batch(Vec<u16>),
    /// What the next calls of the door's stream meet.
    StreamTrouble(Vec<Trouble>),
    /// What the next calls of the door's spill queue meet.
    SpillTrouble(Vec<Trouble>),
    /// What the next calls of the writer's tables and bucket meet.
    WriterTrouble(&'static str, Trouble),
    /// The writer gets up to `size` records of a shard. Killed, its answer does not count, and they come again.
    Drain { shard: usize, size: usize, killed: bool },
    /// The same with messages of the spill queue, which come in any order.
    DrainSpill { skip: usize, size: usize, killed: bool },
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let kind = prop::sample::select(vec![
        FaultKind::Throttled,
        FaultKind::Unavailable,
        FaultKind::TimedOut,
        FaultKind::Denied,
    ]);
    prop_oneof![
        kind.clone().prop_map(Trouble::Refused),
        (prop::collection::vec(0usize..6, 1..4), kind).prop_map(|(which, kind)| Trouble::Partial(which, kind)),
        Just(Trouble::AnswerLost),
        Just(Trouble::None),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u16..60).prop_map(Step::Callback),
        4 => prop::collection::vec(0u16..60, 1..20).prop_map(Step::Batch),
        3 => prop::collection::vec(trouble(), 1..9).prop_map(Step::StreamTrouble),
        1 => prop::collection::vec(trouble(), 1..4).prop_map(Step::SpillTrouble),
        2 => (prop::sample::select(vec!["pages", "control", "quarantine"]), trouble()).prop_map(|(port, trouble)| Step::WriterTrouble(port, trouble)),
        5 => (0..SHARDS, 1usize..8, prop::bool::weighted(0.2)).prop_map(|(shard, size, killed)| Step::Drain { shard, size, killed }),
        2 => (0usize..4, 1usize..8, prop::bool::weighted(0.2)).prop_map(|(skip, size, killed)| Step::DrainSpill { skip, size, killed }),
    ]
}

/// What activity `id` is: always the same, so that a repeat is a repeat. From seconds to days old; apps, kinds and ways in mixed.
struct Sample {
    app_token: &'static str,
    kind: Kind,
    created_at: i64,
    /// A provider's activity comes as a callback, an SDK's in a batch.
    name: String,
}

fn sample(id: u16) -> Sample {
    let n = i64::from(id);
    let late = if id.is_multiple_of(3) { n * 700 } else { n * DAY_MS / 20 };
    Sample {
        app_token: APPS[usize::from(id % 2)],
        kind: Kind::ALL[usize::from(id / 2 % 3)],
        created_at: (NOW - late) / 1000 * 1000,
        name: format!("활동-{id}"),
    }
}

struct Machine {
    door: Door,
    writer: Writer,
    secret: String,
    /// The next record of each shard that the writer has not answered for.
    next: [usize; SHARDS],
    acknowledged: BTreeSet<String>,
    sent: BTreeSet<String>,
    requests: i64,
}

/// A writer's clock with so many seconds left.
struct Hurried(u64);

impl Clock for Hurried {
    fn remaining(&self) -> Duration {
        Duration::from_secs(self.0)
    }

    fn now(&self) -> i64 {
        NOW
    }

    fn jitter(&self) -> u32 {
        500
    }
}

impl Machine {
    async fn new() -> Self {
        let control = MemoryControl::default();
        let secret = new_secret(Role::Ingest, [5; 32]);
        let record = KeyRecord::of(&secret, "demo", Role::Ingest, 0);
        let owner = Owner {
            owner: "demo".into(),
            mail_domains: BTreeSet::new(),
            event_tokens: BTreeSet::new(),
            retention_days: 400,
            access: relay::access::Access::default(),
            created_at: 0,
        };
        let put = |key, value: serde_json::Value| Write::Put { key, doc: value, expires_at: None, expect: Expect::Any };
        let mut writes = vec![
            put(KeyRecord::key(&record.sha256), serde_json::to_value(&record).unwrap()),
            put(Owner::key("demo"), serde_json::to_value(&owner).unwrap()),
        ];
        for app_token in APPS {
            let app = App { app_token: app_token.into(), owner: "demo".into(), created_at: 0 };
            writes.push(put(App::key(app_token), serde_json::to_value(app).unwrap()));
        }
        control.commit(&writes).await.unwrap();
        Self {
            door: ingest::App::new(MemoryStream::new(SHARDS), MemorySpill::default(), control),
            writer: batch_writer::App::new(
                MemoryPages::default(),
                MemoryControl::default(),
                MemoryQuarantine::default(),
                2,
            ),
            secret,
            next: [0; SHARDS],
            acknowledged: BTreeSet::new(),
            sent: BTreeSet::new(),
            requests: 0,
        }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Callback(id) => self.callback(id).await,
            Step::Batch(ids) => self.batch(&ids).await,
            Step::StreamTrouble(troubles) => self.door.stream.script.add("put", troubles),
            Step::SpillTrouble(troubles) => self.door.spill.script.add("send", troubles),
            Step::WriterTrouble("pages", trouble) => self.writer.pages.script.add("put", [trouble]),
            Step::WriterTrouble("control", trouble) => self.writer.control.script.add("commit", [trouble]),
            Step::WriterTrouble(_, trouble) => self.writer.quarantine.script.add("put", [trouble]),
            Step::Drain { shard, size, killed } => self.drain(shard, size, killed, 30).await,
            Step::DrainSpill { skip, size, killed } => self.drain_spill(skip, size, killed, 60).await,
        }
    }

    async fn answer(&mut self, request: Request) -> u16 {
        self.requests += 1;
        let (now, trace_id) = (NOW + self.requests, format!("{:032}", self.requests));
        self.door.answer(ingest::Visit { request: &request, now, trace_id: &trace_id }).await.status
    }

    async fn callback(&mut self, id: u16) {
        let Sample { app_token, kind, created_at, name } = sample(id);
        let seconds = created_at / 1000;
        let query = format!(
            "key={}&app_token={app_token}&activity_kind={kind}&created_at={seconds}&nonce=adjust-{id}&campaign_name={name}%zz",
            self.secret
        );
        let request =
            Request { method: "GET".into(), path: "/v1/callbacks/adjust".into(), query, ..Request::default() };
        let status = self.answer(request).await;
        self.record(status, [format!("adjust-{id}")]);
    }

    async fn batch(&mut self, ids: &[u16]) {
        let item = |id: &u16| {
            let Sample { app_token, kind, created_at, name } = sample(*id);
            serde_json::json!({"kind": kind.name(), "app_token": app_token, "created_at": created_at, "event_id": format!("sdk-{id}"), "campaign_name": name})
        };
        let body = serde_json::to_string(&ids.iter().map(item).collect::<Vec<_>>()).unwrap();
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-relay-key".to_owned(), self.secret.clone()),
        ];
        let request = Request {
            method: "POST".into(),
            path: "/v1/activities".into(),
            headers,
            body: body.into(),
            ..Request::default()
        };
        let status = self.answer(request).await;
        self.record(status, ids.iter().map(|id| format!("sdk-{id}")));
    }

    fn record(&mut self, status: u16, ids: impl IntoIterator<Item = String>) {
        assert!(matches!(status, 200 | 503), "a good request under faults is 200 or 503, not {status}");
        for id in ids {
            if status == 200 {
                self.acknowledged.insert(id.clone());
            }
            self.sent.insert(id);
        }
    }

    async fn drain(&mut self, shard: usize, size: usize, killed: bool, seconds: u64) {
        let records: Vec<Record> = self.door.stream.records(shard)[self.next[shard]..]
            .iter()
            .take(size)
            .map(|record| Record {
                sequence_number: record.sequence_number.clone(),
                shard_id: MemoryStream::shard_id(shard),
                arrived_at: record.arrived_at,
                data: record.data.to_vec(),
            })
            .collect();
        let failed = self.writer.drain(&records, &Hurried(seconds)).await;
        if !killed {
            self.next[shard] += failed.unwrap_or(records.len());
        }
    }

    async fn drain_spill(&mut self, skip: usize, size: usize, killed: bool, seconds: u64) {
        let messages = self.door.spill.messages().into_iter().skip(skip).take(size);
        let records: Vec<Record> = messages
            .map(|message| Record {
                sequence_number: message.message_id,
                shard_id: String::new(),
                arrived_at: message.sent_at,
                data: relay::spill::frame(&message.body),
            })
            .collect();
        let failed = self.writer.drain_spill(&records, &Hurried(seconds)).await;
        if !killed {
            let done = records.iter().filter(|record| !failed.contains(record));
            let done: Vec<String> = done.map(|record| record.sequence_number.clone()).collect();
            self.door.spill.delete(&done);
        }
    }

    /// All is well again: everything is drained.
    async fn settle(&mut self) {
        for shard in 0..SHARDS {
            let whole = self.door.stream.records(shard).len();
            for _ in 0..10_000 {
                if self.next[shard] == whole {
                    break;
                }
                self.drain(shard, 100, false, 10_000).await;
            }
            assert_eq!(self.next[shard], whole, "the writer comes through once the world is well");
        }
        for _ in 0..10_000 {
            if self.door.spill.messages().is_empty() {
                return;
            }
            self.drain_spill(0, 100, false, 10_000).await;
        }
        assert!(self.door.spill.messages().is_empty(), "the writer comes through once the world is well");
    }

    /// The ids in the pages, each with how often it is a row.
    async fn rows(&self) -> BTreeMap<String, usize> {
        self.rows_of(NOW - 10 * DAY_MS..NOW + DAY_MS).await
    }

    /// The same of a period: milliseconds since the epoch.
    async fn rows_of(&self, period: Range<i64>) -> BTreeMap<String, usize> {
        let mut rows = BTreeMap::new();
        for app_token in APPS {
            for kind in Kind::ALL {
                let selection = Selection {
                    app_token: app_token.into(),
                    kind,
                    from: period.start,
                    to: period.end,
                    as_of: i64::MAX,
                    kept_since: 0,
                    received_since: 0,
                    after: None,
                    shards: page::largest_shards(&self.writer.control).await.unwrap(),
                    erased: relay::erase::Erased::none(),
                };
                let mut reader = Reader::new(&self.writer.pages, selection);
                while let Some(minute) = reader.next().await.unwrap() {
                    for activity in minute.iter() {
                        let id = activity.unwrap().fields.text(Field::EventId).unwrap().to_owned();
                        *rows.entry(id).or_default() += 1;
                    }
                }
            }
        }
        rows
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_twice(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut machine = Machine::new().await;
            for step in steps {
                machine.run(step).await;
            }
            machine.settle().await;
            let rows = machine.rows().await;
            for id in &machine.acknowledged {
                prop_assert_eq!(rows.get(id), Some(&1), "{} was acknowledged", id);
            }
            for (id, times) in &rows {
                prop_assert_eq!(*times, 1, "{} is there {} times", id, times);
                prop_assert!(machine.sent.contains(id), "{} was never sent", id);
            }
            prop_assert!(machine.writer.quarantine.objects().is_empty(), "nothing here is the input's fault");
            Ok(())
        })?;
    }
}
