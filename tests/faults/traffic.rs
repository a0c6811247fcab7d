//! What a cell sends, and how: as providers and SDKs do, again until it is acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use relay_tests::random::Random;
use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::{Value, json};

use crate::size::Size;
use crate::tenant::{Tenant, WANTED};

/// Senders at a time.
const SENDERS: usize = 6;
/// How long one request is sent again and again before its sender gives up.
const PATIENCE: Duration = Duration::from_mins(2);
/// Requests that are sent while the door can keep nothing.
const REFUSED: usize = 8;
/// Where activities lie: up to so many minutes ago.
const MINUTES: u64 = 40;

/// What must become of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// A row.
    Row,
    /// Dropped by the allow-list, and said so.
    Dropped,
    /// Kept raw in the quarantine.
    Quarantined,
}

/// One request.
struct Delivery {
    /// What the query holds beside the key; of a batch nothing.
    query: String,
    /// The body of a batch.
    body: Option<Value>,
    ids: Vec<String>,
    fate: Fate,
    /// Sent once more after its acknowledgement.
    twice: bool,
}

/// What the door said.
#[derive(Default)]
pub(crate) struct Sent {
    /// Each acknowledged id with what must become of it.
    pub(crate) acknowledged: BTreeMap<String, Fate>,
    /// Every id that was sent.
    pub(crate) all: BTreeSet<String>,
    /// Answers that were no acknowledgement, and requests without an answer.
    pub(crate) again: usize,
    /// Answers that should not have been.
    pub(crate) wrong: Vec<String>,
}

impl Sent {
    /// The same requests, sent once more.
    pub(crate) fn merge(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.all.extend(other.all);
        self.again += other.again;
        self.wrong.extend(other.wrong);
    }
}

/// The cell's requests: singles and batches, mixed; some twice, some batches over one another.
fn deliveries(tenant: &Tenant, size: &Size) -> Vec<Delivery> {
    let mut random = Random(size.seed ^ u64::from(tenant.number) << 32);
    let singles = (0..size.singles).map(|n| single(tenant, n, &mut random, size.now));
    let mut all: Vec<Delivery> = singles.collect();
    let in_batches: Vec<Value> = (size.singles..size.activities)
        .map(|n| {
            let created_at = size.now - i64::try_from(random.below(MINUTES * 60_000)).unwrap();
            let event_id = format!("{}-{n}", tenant.name);
            json!({"kind": "event", "app_token": tenant.app, "created_at": created_at, "event_id": event_id, "event_token": WANTED})
        })
        .collect();
    for (nth, items) in in_batches.chunks(size.batch).enumerate() {
        // A batch brings a piece of the one before it once more.
        let before = (nth * size.batch).saturating_sub(random.below(4).try_into().unwrap());
        let mut items = items.to_vec();
        items.extend_from_slice(&in_batches[before..nth * size.batch]);
        let ids = items.iter().map(|item| item["event_id"].as_str().unwrap().to_owned()).collect();
        let place = usize::try_from(random.below(all.len() as u64 + 1)).unwrap();
        let twice = random.below(5) == 0;
        all.insert(
            place,
            Delivery { query: String::new(), body: Some(Value::Array(items)), ids, fate: Fate::Row, twice },
        );
    }
    all
}

fn single(tenant: &Tenant, n: usize, random: &mut Random, now: i64) -> Delivery {
    let seconds = now / 1000 - i64::try_from(random.below(MINUTES * 60)).unwrap();
    let id = format!("{}-{n}", tenant.name);
    // Each fate once for certain: a fault of the quarantine must find something to strike.
    let fate = if n < 2 { n as u64 } else { random.below(10) };
    let (fate, created_at, token) = match fate {
        0 => (Fate::Quarantined, "yesterday".to_owned(), WANTED),
        1 => (Fate::Dropped, seconds.to_string(), "unwanted"),
        _ => (Fate::Row, seconds.to_string(), WANTED),
    };
    let query =
        format!("app_token={}&activity_kind=event&event_token={token}&created_at={created_at}&nonce={id}", tenant.app);
    Delivery { query, body: None, ids: vec![id], fate, twice: random.below(5) == 0 }
}

/// Sends all of a cell's requests.
pub(crate) fn send(stage: &Stage, tenant: &Tenant, size: &Size) -> Sent {
    let deliveries = deliveries(tenant, size);
    let (next, sent) = (AtomicUsize::new(0), Mutex::new(Sent::default()));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while let Some(delivery) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for _ in 0..=usize::from(delivery.twice) {
                        deliver(stage, tenant, delivery, &sent);
                    }
                }
            });
        }
    });
    sent.into_inner().unwrap()
}

/// Sends some of a cell's requests once each while nothing can be kept; answers what was said other than "503, not now".
pub(crate) fn refused(stage: &Stage, tenant: &Tenant, size: &Size) -> Vec<String> {
    let mut wrong = Vec::new();
    // What the owner does not want needs no keeping.
    let to_keep = |delivery: &&Delivery| delivery.fate != Fate::Dropped;
    for delivery in deliveries(tenant, size).iter().filter(to_keep).take(REFUSED) {
        match attempt(stage, tenant, delivery) {
            Some((503, answer)) if answer["type"].as_str().is_some_and(|kind| kind.ends_with("unavailable")) => {}
            other => wrong.push(format!("{}: {other:?} while nothing could be kept", delivery.ids[0])),
        }
    }
    wrong
}

fn attempt(stage: &Stage, tenant: &Tenant, delivery: &Delivery) -> Option<(u16, Value)> {
    match &delivery.body {
        Some(body) => stage.post("/v1/activities", &tenant.ingest_key, body),
        None => stage.get(&format!("/v1/callbacks/adjust?key={}&{}", tenant.ingest_key, delivery.query)),
    }
}

/// Sends one request until it is acknowledged.
fn deliver(stage: &Stage, tenant: &Tenant, delivery: &Delivery, sent: &Mutex<Sent>) {
    let acknowledged = until(PATIENCE, || {
        match attempt(stage, tenant, delivery) {
            Some((200, answer)) => Some(answer),
            // What a fault may be answered with, by the function or by the gateway; or nothing came back.
            None | Some((500 | 502 | 503 | 504, _)) => {
                sent.lock().unwrap().again += 1;
                None
            }
            Some((status, answer)) => Some(json!({ "wrong": format!("{status} {answer}") })),
        }
    });
    let mut sent = sent.lock().unwrap();
    sent.all.extend(delivery.ids.iter().cloned());
    let expected = match delivery.fate {
        Fate::Row if delivery.body.is_some() => json!({ "accepted": delivery.ids.len(), "rejected": [] }),
        Fate::Row => json!({ "status": "accepted" }),
        Fate::Dropped => json!({ "status": "dropped", "reason": "not_allowed" }),
        Fate::Quarantined => json!({ "status": "quarantined", "reason": "bad_time" }),
    };
    match acknowledged {
        Some(answer) if answer == expected => {
            sent.acknowledged.extend(delivery.ids.iter().map(|id| (id.clone(), delivery.fate)));
        }
        other => sent.wrong.push(format!("{}: {:?} instead of {expected}", delivery.ids[0], other)),
    }
}
