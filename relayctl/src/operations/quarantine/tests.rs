//! The verbs on the quarantine against the doubles.

use bytes::Bytes;
use relay::activity::Activity;
use relay::discard::Reason;
use relay::fault::FaultKind;
use relay::frame::{self, Frame, Raw};
use relay::port::Objects;
use relay::port::memory::{MemoryControl, MemoryObjects, MemoryStream, Trouble};
use relay::quarantine::{self, Entry};
use relay::replay::{Marker, marker_key};
use relay::{arbitrary, avro};

use super::*;
use crate::cli::{Page, ReasonFilter};
use crate::names::{Place, place};
use crate::operations::tests::by;
use crate::operations::{Change, Refusal, add_app, add_owner, change_owner, remove_app};
use crate::view::{ObjectReport, Totals};

const NOW: i64 = 1_763_700_000_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

struct World {
    bucket: MemoryObjects,
    control: MemoryControl,
    stream: MemoryStream,
}

impl World {
    /// An empty quarantine, and owner demo with app abc.
    async fn new() -> Self {
        let (bucket, control) = (MemoryObjects::default(), MemoryControl::default());
        add_owner(&control, "demo", 30, &by(NOW)).await.unwrap();
        add_app(&control, "demo", "abc", &by(NOW)).await.unwrap();
        Self { bucket, control, stream: MemoryStream::new(1) }
    }

    async fn keep(&self, owner: &str, entries: &[Entry]) -> String {
        let object = quarantine::object(owner, entries);
        self.bucket.put(&object.key, object.body).await.unwrap();
        object.key
    }

    fn replay(&self, options: Options) -> Replay<'_, MemoryObjects, MemoryControl, MemoryStream> {
        Replay::new(&self.bucket, &self.control, &self.stream, options)
    }

    /// A whole run: a report an object.
    async fn run(&self, options: Options) -> Result<Vec<ObjectReport>, Refusal> {
        let mut replay = self.replay(options);
        let mut reports = Vec::new();
        while let Some(report) = replay.next().await? {
            reports.push(report);
        }
        Ok(reports)
    }

    async fn run_all(&self) -> Vec<ObjectReport> {
        self.run(all()).await.unwrap()
    }

    /// Every activity that the stream holds, doubles included.
    fn rows(&self) -> Vec<Activity<'static>> {
        let frames = self.stream.all().into_iter().map(|record| frame::decode(&record.data).unwrap());
        let datums = frames.flat_map(|frame| {
            let Frame::Activities(activities) = frame else { panic!("a Raw frame: {frame:?}") };
            activities.datums().map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        datums.map(|datum| avro::decode(datum.leak()).unwrap()).collect()
    }

    async fn marker(&self, key: &str) -> Option<Marker> {
        self.bucket.get(&marker_key(key)).await.unwrap().and_then(|body| Marker::read(&body))
    }
}

fn all() -> Options {
    Options { place: Place::Days { owner: None }, filter: ReasonFilter::default(), again: false, now: NOW }
}

fn page(limit: u16, before: Option<&str>) -> Page {
    Page { limit, before: before.map(str::to_owned) }
}

fn raw(app_token: &str, nonce: u8, received_at: i64) -> Entry {
    let created_at = (received_at - 1000) / 1000;
    let raw = Raw {
        owner: "demo".into(),
        provider: "adjust".into(),
        reason: Reason::UnknownApp,
        detail: "not registered then".into(),
        received_at,
        trace_id: "ab".into(),
        method: "GET".into(),
        path: "/v1/callbacks/adjust".into(),
        query: format!("app_token={app_token}&activity_kind=event&event=e1&created_at={created_at}&nonce=n{nonce}"),
        content_type: String::new(),
        body: Vec::new(),
    };
    let frame = raw.encode();
    Entry::of_callback(raw, &frame)
}

#[tokio::test]
async fn an_empty_quarantine_is_an_answer() {
    let world = World::new().await;
    assert!(world.run_all().await.is_empty());
    let filter = ReasonFilter::default();
    let days = list_days(&world.bucket, None, &filter, &page(20, None)).await.unwrap();
    assert_eq!(days.text(), "the quarantine holds nothing there\n");
    let objects = list_objects(&world.bucket, "quarantine/demo/2026-11-21/", &filter, &page(20, None)).await.unwrap();
    assert_eq!((objects.objects, objects.next), (vec![], None));
    let error = show(&world.bucket, "quarantine/demo/2026-11-21/x", None).await.unwrap_err();
    assert!(error.to_string().starts_with("there is no object `quarantine/demo/2026-11-21/x`"), "{error}");
}

#[tokio::test]
async fn what_is_registered_now_becomes_a_row_once_and_as_it_arrived() {
    let world = World::new().await;
    let key = world.keep("demo", &[raw("abc", 1, NOW), raw("later", 2, NOW)]).await;
    let reports = world.run_all().await;
    assert_eq!((reports.len(), &reports[0].accepted[..], reports[0].rejected.len()), (1, &[0][..], 1));
    let rejected = &reports[0].rejected[0];
    assert_eq!((rejected.entry, rejected.reason.as_str()), (1, "unknown_app"));
    let rows = world.rows();
    assert_eq!((rows[0].app_token.as_ref(), rows[0].received_at), ("abc", NOW));

    let again = world.run_all().await;
    assert_eq!((again[0].accepted.len(), again[0].rejected.len(), world.rows().len()), (0, 1, 1));
    add_app(&world.control, "demo", "later", &by(NOW)).await.unwrap();
    assert_eq!(world.run_all().await[0].accepted, [1]);
    assert!(world.run_all().await.is_empty(), "nothing is left");
    assert_eq!(world.rows().len(), 2);
    assert!(world.marker(&key).await.unwrap().is_complete());
    assert!(world.bucket.all().contains_key(&key), "nothing is ever deleted");
}

#[tokio::test]
async fn a_crash_between_put_and_mark_makes_the_same_row_again() {
    let world = World::new().await;
    let key = world.keep("demo", &[raw("abc", 1, NOW)]).await;
    world.bucket.script.refuse("put", 1, FaultKind::Unavailable);
    assert!(matches!(world.run(all()).await, Err(Refusal::Fault(_))));
    assert_eq!((world.marker(&key).await, world.rows().len()), (None, 1));
    assert_eq!(world.run_all().await[0].accepted, [0]);
    let rows = world.rows();
    assert_eq!((rows.len(), &rows[0]), (2, &rows[1]), "a reader keeps one of two that are equal");
    assert!(world.run_all().await.is_empty());
}

#[tokio::test]
async fn a_marker_whose_answer_was_lost_is_there() {
    let world = World::new().await;
    world.keep("demo", &[raw("abc", 1, NOW)]).await;
    world.bucket.script.add("put", [Trouble::AnswerLost]);
    assert!(world.run(all()).await.is_err());
    assert!(world.run_all().await.is_empty());
    assert_eq!(world.rows().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_refuses_stays_and_ends_the_run() {
    let world = World::new().await;
    let first = world.keep("demo", &[raw("abc", 1, NOW - DAY_MS), raw("abc", 2, NOW - DAY_MS)]).await;
    let second = world.keep("demo", &[raw("abc", 3, NOW)]).await;
    world.stream.script.add("put", [Trouble::Partial(vec![1], FaultKind::Denied)]);
    let mut replay = world.replay(all());
    let report = replay.next().await.unwrap().unwrap();
    assert_eq!((report.object.as_str(), &report.accepted[..], report.failed[0].entry), (first.as_str(), &[0][..], 1));
    assert!(report.text().contains("1 failed: memory Denied"), "{}", report.text());
    assert!(matches!(replay.next().await, Err(Refusal::Fault(fault)) if fault.kind == FaultKind::Denied));
    assert_eq!(world.marker(&second).await, None);

    let reports = world.run_all().await;
    let accepted: Vec<_> = reports.iter().map(|report| (report.object.as_str(), report.accepted.clone())).collect();
    assert_eq!(accepted, [(first.as_str(), vec![1]), (second.as_str(), vec![0])]);
    assert_eq!(world.rows().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_is_tried_again() {
    let world = World::new().await;
    world.keep("demo", &[raw("abc", 1, NOW), raw("abc", 2, NOW)]).await;
    world.stream.script.add("put", [Trouble::Partial(vec![0], FaultKind::Throttled), Trouble::AnswerLost]);
    assert_eq!(world.run_all().await[0].accepted, [0, 1]);
}

#[tokio::test]
async fn faults_of_bucket_and_table_end_the_run_and_lose_nothing() {
    let world = World::new().await;
    world.keep("demo", &[raw("abc", 1, NOW)]).await;
    for call in ["list", "get"] {
        world.bucket.script.refuse(call, 1, FaultKind::Throttled);
        assert!(world.run(all()).await.is_err(), "{call}");
    }
    world.control.script.refuse("get", 1, FaultKind::Unavailable);
    assert!(world.run(all()).await.is_err());
    assert!(world.stream.all().is_empty());
    assert_eq!(world.run_all().await[0].accepted, [0]);
}

#[tokio::test]
async fn the_present_rule_decides_as_the_door_does() {
    let world = World::new().await;
    add_owner(&world.control, "acme", 30, &by(NOW)).await.unwrap();
    add_app(&world.control, "acme", "theirs", &by(NOW)).await.unwrap();
    let event = Change::AddEvent("other".into());
    change_owner(&world.control, "demo", &event, &by(NOW)).await.unwrap();
    let mut too_old = raw("abc", 3, NOW);
    too_old.query = too_old.query.replace("created_at=1", "created_at=");
    let key = world.keep("demo", &[raw("abc", 1, NOW), raw("theirs", 2, NOW), too_old]).await;
    let nobody = world.keep("gone", &[raw("abc", 4, NOW)]).await;
    let reports = world.run_all().await;
    let report = |key: &str| reports.iter().find(|report| report.object == key).unwrap();
    assert_eq!(report(&key).dropped, [0]);
    let reasons: Vec<_> = report(&key).rejected.iter().map(|rejected| rejected.reason.as_str()).collect();
    assert_eq!(reasons, ["foreign_app", "bad_time"]);
    assert_eq!(report(&nobody).rejected[0].detail, "owner gone does not exist");
    assert!(world.stream.all().is_empty());

    let event = Change::RemoveEvent("other".into());
    change_owner(&world.control, "demo", &event, &by(NOW)).await.unwrap();
    assert!(world.run_all().await.iter().all(|report| report.accepted.is_empty()), "dropped is dropped");
    let again = Options { again: true, place: place("demo").unwrap(), ..all() };
    assert_eq!(world.run(again).await.unwrap()[0].accepted, [0], "unless it is asked for again");
}

#[tokio::test]
async fn a_token_that_was_somebody_elses_then_brings_no_row() {
    let world = World::new().await;
    add_owner(&world.control, "acme", 30, &by(NOW)).await.unwrap();
    remove_app(&world.control, "demo", "abc", &by(NOW)).await.unwrap();
    let moved = NOW + relay::owner::MOVE_PAUSE_MS;
    add_app(&world.control, "acme", "abc", &by(moved)).await.unwrap();
    world.keep("acme", &[raw("abc", 1, moved - 1), raw("abc", 2, moved)]).await;
    let report = world.run_all().await.remove(0);
    assert_eq!((&report.accepted[..], report.rejected[0].reason.as_str()), (&[1][..], "foreign_app"));
    assert_eq!(report.rejected[0].detail, "app token abc was not yet acme's when the callback came");
}

#[tokio::test]
async fn frames_and_pages_that_are_understood_now_go_back() {
    let world = World::new().await;
    let activity = arbitrary::one();
    let frame = frame::pack(7, std::slice::from_ref(&activity))[0].data.clone();
    let mut datum = Vec::new();
    avro::encode(&activity, &mut datum);
    let datum = relay::page::Datum { bytes: &datum, retention_days: 7, source: 0 };
    let page = relay::page::paginate([datum], 1).unwrap()[0].page.body.clone();
    let of = |reason, bytes: &[u8]| Entry::of_stream(reason, "then".into(), NOW, "49", bytes);
    let mut raw_frame = raw_of_demo();
    raw_frame.body = b"{}".to_vec();
    let entries = [
        of(Reason::Undecodable, &frame),
        of(Reason::RefusedPage, &page),
        of(Reason::Undecodable, &raw_frame.encode()),
        of(Reason::Undecodable, b"poison"),
    ];
    world.keep(quarantine::UNKNOWN_OWNER, &entries).await;
    let report = world.run_all().await.remove(0);
    assert_eq!((report.accepted, report.rejected[0].reason.as_str()), (vec![0, 1, 2], "undecodable"));
    let rows = world.rows();
    assert_eq!((rows.len(), &rows[0], &rows[1]), (3, &activity, &activity));
}

fn raw_of_demo() -> Raw {
    let entry = raw("abc", 9, NOW);
    Raw {
        owner: "demo".into(),
        provider: entry.source,
        reason: Reason::UnknownApp,
        detail: entry.detail,
        received_at: entry.received_at,
        trace_id: entry.trace_id,
        method: entry.method,
        path: entry.path,
        query: entry.query,
        content_type: entry.content_type,
        body: Vec::new(),
    }
}

#[tokio::test]
async fn a_damaged_object_gives_what_can_be_read_and_stays_open() {
    let world = World::new().await;
    let line = serde_json::to_string(&raw("abc", 1, NOW)).unwrap();
    let key = "quarantine/demo/2025-11-21/torn.ndjson.zst";
    world.bucket.put(key, Bytes::from(format!("{line}\n{{\"reason\":"))).await.unwrap();
    world.bucket.put("quarantine/demo/2025-11-21/zero.ndjson.zst", Bytes::from_static(b"zstd?")).await.unwrap();
    let reports = world.run_all().await;
    assert_eq!((&reports[0].accepted[..], reports[0].rejected[0].reason.as_str()), (&[0][..], "unreadable"));
    assert_eq!(reports[1].rejected[0].reason, "unreadable");
    assert!(!world.marker(key).await.unwrap().is_complete());
    let days = list_days(&world.bucket, None, &ReasonFilter::default(), &page(20, None)).await.unwrap();
    assert!(days.days.iter().any(|row| row.reason == "unreadable"));
    assert!(show(&world.bucket, key, None).await.unwrap_err().to_string().contains("cannot be read"));
}

#[tokio::test]
async fn a_damaged_marker_counts_as_none() {
    let world = World::new().await;
    let key = world.keep("demo", &[raw("abc", 1, NOW)]).await;
    world.bucket.put(&marker_key(&key), Bytes::from_static(b"{")).await.unwrap();
    assert_eq!(world.run_all().await[0].accepted, [0]);
}

#[tokio::test]
async fn place_and_reason_choose_what_is_replayed() {
    let world = World::new().await;
    let mut bad_time = raw("abc", 2, NOW);
    bad_time.reason = "bad_time".into();
    let key = world.keep("demo", &[raw("abc", 1, NOW), bad_time]).await;
    world.keep("demo", &[raw("abc", 3, NOW - DAY_MS)]).await;
    add_owner(&world.control, "demo-2", 30, &by(NOW)).await.unwrap();
    let other = world.keep("demo-2", &[raw("xyz", 4, NOW)]).await;
    let only = |text: &str, reason: Option<&str>| Options {
        place: place(text).unwrap(),
        filter: ReasonFilter { reason: reason.map(str::to_owned) },
        ..all()
    };
    assert_eq!(world.run(only(&other, None)).await.unwrap()[0].rejected.len(), 1);
    let nothing = world.run(only("demo/2025-11-21/nothing.zst", None)).await.unwrap_err().to_string();
    assert_eq!(nothing, "there is no object `quarantine/demo/2025-11-21/nothing.zst`");
    let day = key.split('/').nth(2).unwrap();
    let reports = world.run(only(&format!("demo/{day}"), Some("bad_time"))).await.unwrap();
    assert_eq!((reports.len(), &reports[0].accepted[..]), (1, &[1][..]));
    let reports = world.run(only("demo", None)).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.accepted.clone()).collect::<Vec<_>>(), [[0], [0]]);
}

#[tokio::test]
async fn days_are_listed_newest_first_by_owner_and_reason_and_paged() {
    let world = World::new().await;
    for (days_ago, nonce) in [(0, 1), (0, 2), (1, 3), (2, 4)] {
        world.keep("demo", &[raw("abc", nonce, NOW - days_ago * DAY_MS + i64::from(nonce) * 1000)]).await;
    }
    let mut bad_time = raw("nope", 5, NOW);
    bad_time.reason = "bad_time".into();
    world.keep("acme", &[bad_time, raw("nope", 6, NOW)]).await;
    world.run(Options { place: place("demo/2025-11-20").unwrap(), ..all() }).await.unwrap();
    let filter = ReasonFilter::default();
    let listed = async |limit, before: Option<&str>| {
        let days = list_days(&world.bucket, None, &filter, &page(limit, before)).await.unwrap();
        let row = |row: crate::view::DayRow| {
            (row.day, row.owner, row.reason, (row.count.objects, row.count.entries, row.count.open))
        };
        (days.days.into_iter().map(row).collect::<Vec<_>>(), days.next)
    };
    let row =
        |day: &str, owner: &str, reason: &str, counts| (day.to_owned(), owner.to_owned(), reason.to_owned(), counts);
    let (first, next) = listed(1, None).await;
    let newest = [
        row("2025-11-21", "acme", "bad_time", (1, 1, 1)),
        row("2025-11-21", "acme", "unknown_app", (1, 1, 1)),
        row("2025-11-21", "demo", "unknown_app", (2, 2, 2)),
    ];
    assert_eq!((first, next.as_deref()), (newest.to_vec(), Some("2025-11-21")), "a day is never cut");
    let (rest, next) = listed(20, next.as_deref()).await;
    let older =
        [row("2025-11-20", "demo", "unknown_app", (1, 1, 0)), row("2025-11-19", "demo", "unknown_app", (1, 1, 1))];
    assert_eq!((rest, next), (older.to_vec(), None));
    world.keep("demo", &[raw("abc", 4, NOW - 2 * DAY_MS + 4000), raw("abc", 7, NOW - 2 * DAY_MS)]).await;
    let counts = listed(20, Some("2025-11-20")).await.0.remove(0).3;
    assert_eq!(counts, (1, 2, 2), "what the stream brought twice is counted once");
    let only = ReasonFilter { reason: Some("bad_time".into()) };
    let days = list_days(&world.bucket, None, &only, &page(20, None)).await.unwrap().days;
    assert_eq!((days.len(), days[0].owner.as_str()), (1, "acme"));
}

#[tokio::test]
async fn objects_of_a_day_are_listed_newest_first_and_paged() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for nonce in 1..=3 {
        keys.push(world.keep("demo", &[raw("abc", nonce, NOW + i64::from(nonce) * 1000)]).await);
    }
    let prefix = "quarantine/demo/2025-11-21/";
    let filter = ReasonFilter::default();
    let first = list_objects(&world.bucket, prefix, &filter, &page(2, None)).await.unwrap();
    let objects: Vec<&str> = first.objects.iter().map(|row| row.object.as_str()).collect();
    assert_eq!((objects, first.next.as_ref()), (vec![keys[2].as_str(), &keys[1]], Some(&keys[1])));
    assert_eq!(first.objects[0].received_at, Some(NOW + 3000));
    let name = keys[1].strip_prefix(prefix);
    for before in [first.next.as_deref(), name] {
        let rest = list_objects(&world.bucket, prefix, &filter, &page(2, before)).await.unwrap();
        assert_eq!((rest.objects.len(), &rest.objects[0].object, rest.next), (1, &keys[0], None));
    }
    world.bucket.script.refuse("get", 1, FaultKind::Throttled);
    assert!(list_objects(&world.bucket, prefix, &filter, &page(2, None)).await.is_err());
}

#[tokio::test]
async fn an_object_is_shown_with_its_state_and_without_any_key() {
    let world = World::new().await;
    let secret = format!("relay_ingest_{}", "0f".repeat(32));
    let mut entry = raw("nope", 1, NOW);
    entry.body = Some(format!("key={secret}&x=겨울\u{1b}[2J"));
    let mut bytes = raw("nope", 2, NOW);
    bytes.body_base64 = Some(base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        [&b"\xff"[..], secret.as_bytes()].concat(),
    ));
    bytes.body = None;
    let key = world.keep("demo", &[raw("abc", 3, NOW), entry, bytes]).await;
    world.run_all().await;
    let shown = show(&world.bucket, &key, None).await.unwrap();
    let states: Vec<_> = shown.entries.iter().map(|entry| entry.state).collect();
    assert_eq!(states, ["accepted", "open", "open"]);
    let text = shown.text();
    for part in [
        "entry    1, open",
        "received 2025-11-21T",
        "unknown_app: not registered then",
        "GET /v1/callbacks/adjust",
        "겨울\\u{1b}[2J",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let body = shown.entries[2].content.body_bytes().unwrap();
    assert!(
        body.ends_with(b"relay_ingest_****************************************************************"),
        "{body:?}"
    );
    let json = serde_json::to_string(&shown).unwrap();
    assert!(!text.contains("0f0f") && !json.contains("0f0f"));

    let one = show(&world.bucket, &key, Some(1)).await.unwrap();
    assert_eq!((one.entries.len(), one.entries[0].entry), (1, 1));
    let error = show(&world.bucket, &key, Some(3)).await.unwrap_err().to_string();
    assert!(error.ends_with("has the entries 0 to 2, no 3"), "{error}");
}

#[test]
fn totals_are_told_to_people_and_programs() {
    let report = ObjectReport { object: "q".into(), accepted: vec![0, 2], dropped: vec![1], ..ObjectReport::default() };
    let mut totals = Totals::default();
    assert_eq!(totals.text(), "nothing is left to replay\n");
    totals.add(&report);
    assert_eq!(totals.text(), "1 objects: 2 accepted, 1 dropped, 0 still rejected, 0 failed\n");
    assert_eq!(
        report.json().unwrap(),
        "{\"object\":\"q\",\"accepted\":[0,2],\"dropped\":[1],\"rejected\":[],\"failed\":[]}\n"
    );
    let total: serde_json::Value = serde_json::from_str(&totals.json().unwrap()).unwrap();
    assert_eq!((&total["total"]["objects"], &total["total"]["accepted"]), (&1.into(), &2.into()));
}
