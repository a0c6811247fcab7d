//! Documents of table `control`: a later release may add to them, never take away or change what is there.

use relay::access::Access;
use relay::activity::Provider;
use relay::address::{Unreachable, Why};
use relay::agenda::{Ended, Errand, Recurring, Sweep};
use relay::arrival::{Arrivals, Whose};
use relay::backlog;
use relay::control::{Expect, Item, Key, Write};
use relay::export::queue::{Holder, Seat, Slot, Turn, Waiting};
use relay::export::{Asked, Export, ExportRequest, Recent, Status, export_id};
use relay::owner::{App, FormerClaim, KeyRecord, Owner, Role};
use relay::page;
use relay::port::memory::MemoryControl;
use relay::port::{ControlTable, Watermark};
use relay::schedule::{Count, Schedule, ScheduleRequest, Subscription};
use relay::webhook::Webhook;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::recorded::Document;
use crate::written::CREATED_AT as NOW;

/// One of each sort, as this release writes it.
pub(crate) fn all() -> Vec<Document> {
    let (owner, export, schedule) = (owner(), export(), schedule());
    let sweep = Errand::Sweep(Sweep { owner: "demo".into(), export_id: export.export_id.clone(), last_at: NOW });
    let run = Errand::Run(Recurring { owner: "demo".into(), schedule_id: schedule.schedule_id.clone() });
    let told = Errand::Webhook(Ended { owner: "demo".into(), export_id: export.export_id.clone() });
    let holder = Holder { owner: "demo".into(), export_id: export.export_id.clone(), claimed_at: NOW };
    let former = FormerClaim { owner: "demo".into(), received_since: 0, released_at: NOW };
    let record = KeyRecord::of("relay_ingest_secret", "demo", Role::Ingest, NOW);
    let app = App { app_token: "abc".into(), owner: "demo".into(), created_at: NOW };
    let subscription = Subscription::of(&schedule, &schedule.subscribers[0]);
    let mut documents = vec![
        stored("Owner", Owner::key("demo"), &owner),
        stored("App", App::key("abc"), &app),
        stored("FormerClaim", FormerClaim::key("abc"), &former),
        stored("KeyRecord", KeyRecord::key(&record.sha256), &record),
        stored("Export", Export::key("demo", &export.export_id), &export),
        stored("Waiting", Waiting::key_for(&export), &Waiting::of(&export, 3)),
        stored("Seat", Seat::key("demo", 3), &Seat { export_id: export.export_id.clone() }),
        stored("Slot", Slot::key(0), &Slot { held: Some(holder) }),
        stored("Turn", Turn::key("demo"), &Turn { served_at: NOW }),
        stored("Recent", Recent::key("demo", "ab"), &Recent::of(&export)),
        stored("Sweep", sweep.key(NOW), &sweep),
        stored("Run", run.key(NOW), &run),
        stored("Told", told.key(NOW), &told),
        stored("Schedule", Schedule::key("demo", &schedule.schedule_id), &schedule),
        stored("Count", Count::key("demo"), &Count { schedules: 1 }),
        stored("Subscription", Subscription::key(&schedule.subscribers[0].token), &subscription),
        stored("Unreachable", Unreachable::key("demo", "kim@example.com"), &unreachable(&export)),
        stored("Arrivals", Whose::App("abc".into()).key(), &arrivals()),
        stored("Webhook", Webhook::key("demo"), &webhook()),
    ];
    documents.extend(private());
    documents
}

/// What this release reads of a document, written again.
pub(crate) fn again(document: &Document) -> Value {
    match document.what.as_str() {
        "Owner" => read::<Owner>(document),
        "App" => read::<App>(document),
        "FormerClaim" => read::<FormerClaim>(document),
        "KeyRecord" => read::<KeyRecord>(document),
        "Export" => read::<Export>(document),
        "Waiting" => read::<Waiting>(document),
        "Seat" => read::<Seat>(document),
        "Slot" => read::<Slot>(document),
        "Turn" => read::<Turn>(document),
        "Recent" => read::<Recent>(document),
        "Sweep" | "Run" | "Told" => read::<Errand>(document),
        "Schedule" => read::<Schedule>(document),
        "Count" => read::<Count>(document),
        "Subscription" => read::<Subscription>(document),
        "Unreachable" => read::<Unreachable>(document),
        "Arrivals" => read::<Arrivals>(document),
        "Webhook" => read::<Webhook>(document),
        "Watermark" => {
            let marks = finished(backlog::watermarks(&table(document))).unwrap();
            json!({"sequence_number": marks[0].sequence_number, "drained_at": document.doc["drained_at"]})
        }
        "PageShards" => json!({"largest": finished(page::largest_shards(&table(document))).unwrap()}),
        other => panic!("no release has a document {other}"),
    }
}

/// That everything of `earlier` is in `later`, as it is.
pub(crate) fn assert_holds(later: &Value, earlier: &Value, what: &str) {
    match (later, earlier) {
        (Value::Object(later), Value::Object(earlier)) => {
            for (name, value) in earlier {
                let at = format!("{what}.{name}");
                assert_holds(later.get(name).unwrap_or_else(|| panic!("{at} is gone")), value, &at);
            }
        }
        (later, earlier) => assert_eq!(later, earlier, "{what}"),
    }
}

fn stored<T: Serialize>(what: &str, key: Key, value: &T) -> Document {
    Document { what: what.to_owned(), pk: key.pk, sk: key.sk, doc: serde_json::to_value(value).unwrap() }
}

fn read<T: DeserializeOwned + Serialize>(document: &Document) -> Value {
    let key = Key::new(&document.pk, &document.sk);
    let item = Item { key, version: 1, doc: document.doc.clone() };
    let read: T = item.read().unwrap_or_else(|fault| panic!("{}: {fault}", document.what));
    serde_json::to_value(read).unwrap()
}

/// Sorts that no type of the library's surface stands for: as the calls that write them do.
fn private() -> Vec<Document> {
    let control = MemoryControl::default();
    let watermark = Watermark { shard_id: "shardId-000000000000".into(), sequence_number: "4957".into() };
    let mark = finished(backlog::advance(&control, &watermark, NOW)).unwrap().unwrap();
    let shards = finished(page::raise_shards(&control, 8)).unwrap().unwrap();
    let document = |what: &str, write: Write| match write {
        Write::Put { key, doc, .. } => Document { what: what.into(), pk: key.pk, sk: key.sk, doc },
        Write::Delete { .. } => panic!("a put"),
    };
    vec![document("Watermark", mark), document("PageShards", shards)]
}

fn table(document: &Document) -> MemoryControl {
    let control = MemoryControl::default();
    let key = Key::new(&document.pk, &document.sk);
    let put = Write::Put { key, doc: document.doc.clone(), expires_at: None, expect: Expect::Absent };
    finished(control.commit(&[put])).unwrap();
    control
}

/// The doubles never wait.
fn finished<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn owner() -> Owner {
    Owner {
        owner: "demo".into(),
        mail_domains: ["example.com".into()].into(),
        event_tokens: ["f0ob4r".into()].into(),
        retention_days: 90,
        access: Access::default(),
        created_at: NOW,
    }
}

fn export() -> Export {
    let body = json!({
        "app_token": "abc", "kind": ["install", "event"], "start_date": "2026-11-01", "end_date": "2026-11-14", "timezone": "Asia/Seoul",
        "email": ["kim@example.com"], "format": "csv.gz", "filters": {"country": ["kr"]}, "columns": ["created_at", "revenue"],
    });
    let request = ExportRequest::parse(body.to_string().as_bytes(), &owner(), 14).unwrap();
    let id = export_id(NOW, [0xab; 10]);
    let asked = Asked { owner: "demo".into(), retention_days: 90, now: NOW, export_id: id, trace_id: "7".repeat(32) };
    let mut export = Export::new(request, asked);
    export.finish(Status::Done, NOW + 1_000);
    export
}

fn schedule() -> Schedule {
    let body = json!({"app_token": "abc", "kind": "event", "frequency": "daily", "timezone": "Asia/Seoul", "email": "kim@example.com"});
    let request = ScheduleRequest::parse(body.to_string().as_bytes(), &owner()).unwrap();
    Schedule::new(request, "demo", export_id(NOW, [0xcd; 10]), NOW, &[7; 32]).unwrap()
}

fn unreachable(export: &Export) -> Unreachable {
    Unreachable {
        owner: "demo".into(),
        email: "kim@example.com".into(),
        reason: Why::Bounced,
        since: NOW,
        detail: "550 no such user".into(),
        export_id: export.export_id.clone(),
    }
}

fn arrivals() -> Arrivals {
    let mut arrivals = Arrivals::default();
    arrivals.add(Provider::Adjust, "install", NOW, 3);
    arrivals
}

fn webhook() -> Webhook {
    Webhook { url: "https://example.com/relay".into(), secret: "whsec_c2VjcmV0".into(), created_at: NOW }
}
