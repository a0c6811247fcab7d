//! Recurring exports: made, run once each whoever dies or comes twice, caught up, and left again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Waker};

use export::agenda::{Agenda, CarriedOut};
use export::api::{Api, Call, Settings};
use relay::agenda::{AGENDA, Errand, LEASE_MS, Recurring};
use relay::audit::Record;
use relay::control::{Expect, Item, Key, Write};
use relay::export::queue::{MAX_WAITING, QUEUE, Seat};
use relay::export::{Export, Status};
use relay::http::{Request, Response};
use relay::metric::Counters;
use relay::owner::{App, Owner};
use relay::port::memory::{
    MemoryExecutions, MemoryFiles, MemoryHooks, MemoryMailer, MemoryPages, MemorySigner, MemoryStream,
};
use relay::schedule::{MAX_RUNS_A_TICK, MAX_SCHEDULES, Schedule};
use serde_json::{Value, json};
use support::{API_KEY, INGEST_KEY, NOW, Shared, commit, profile, put, register, run};

const HOUR: i64 = 3_600_000;
/// 2026-11-15T02:00:00Z: a daily run of a schedule made [`NOW`].
const DUE: i64 = NOW - NOW % (24 * HOUR) + 26 * HOUR;

type Doubles = Api<(Shared, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

struct World {
    api: Doubles,
    hooks: MemoryHooks,
    calls: Cell<u8>,
}

impl World {
    fn new() -> Self {
        let control = Shared::default();
        register(&control);
        let api = Api {
            control,
            pages: MemoryPages::default(),
            backlog: MemoryStream::new(1),
            executions: MemoryExecutions::default(),
            files: MemoryFiles::default(),
            signer: MemorySigner::default(),
            mailer: MemoryMailer::default(),
            settings: Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None },
            counters: Mutex::new(Counters::default()),
        };
        Self { api, hooks: MemoryHooks::default(), calls: Cell::new(0) }
    }

    fn send(&self, request: &Request) -> Response {
        let number = self.calls.get() + 1;
        self.calls.set(number);
        let call =
            Call { request, now: NOW, random: [number; 10], secret: [number; 32], trace_id: format!("{number:032x}") };
        run(self.api.answer(&call))
    }

    fn call(&self, method: &str, path: &str, key: &str) -> (u16, Value) {
        let response = self.send(&to(method, path, key));
        (response.status, serde_json::from_str(&response.body).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, API_KEY);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn ask(&self, more: &Value) -> Response {
        let mut body =
            json!({"app_token": "demo-app", "kind": "event", "frequency": "daily", "email": "kim@example.com"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let mut request = to("POST", "/v1/schedules", API_KEY);
        request.headers.push(("content-type".into(), "application/json".into()));
        request.body = body.to_string().into();
        self.send(&request)
    }

    /// Makes a schedule and answers its path.
    fn schedule(&self, more: &Value) -> String {
        let response = self.ask(more);
        assert_eq!(response.status, 201, "{}", response.body);
        response.headers.iter().find(|(name, _)| *name == "location").unwrap().1.clone()
    }

    fn tick(&self, now: i64) -> CarriedOut {
        run(self.agenda().run(|| now))
    }

    fn agenda(&self) -> Agenda<'_, Shared, MemoryFiles, MemoryHooks> {
        Agenda { control: &self.api.control, files: &self.api.files, hooks: &self.hooks }
    }

    fn items(&self, pk: &str) -> Vec<Item> {
        self.api.control.0.all().into_iter().filter(|item| item.key.pk == pk).collect()
    }

    /// The exports of `demo`, by id.
    fn exports(&self) -> Vec<Export> {
        self.items("export#demo").iter().map(|item| item.read().unwrap()).collect()
    }

    fn stored(&self) -> Schedule {
        let items = self.items("schedule#demo");
        items.iter().find(|item| item.key.sk != "count").unwrap().read().unwrap()
    }

    fn tokens(&self) -> Vec<String> {
        self.stored().subscribers.into_iter().map(|one| one.token).collect()
    }

    /// What must hold at any time: each export of a run is there once, waits on a seat of its own, and the periods touch.
    fn check(&self, runs: usize) {
        let exports = self.exports();
        assert_eq!(exports.len(), runs);
        assert_eq!((self.items(QUEUE).len(), self.items("seat#demo").len()), (runs, runs));
        for pair in exports.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "a gap or an overlap");
        }
        let stored = self.stored();
        assert_eq!(stored.next.start, exports.last().map_or(stored.next.start, |last| last.to));
        assert_eq!(self.items(AGENDA).len(), 1, "one run is to come");
    }
}

fn to(method: &str, path: &str, key: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = vec![("authorization".into(), format!("Bearer {key}"))];
    Request { method: method.into(), path: path.into(), query: query.into(), headers, ..Request::default() }
}

/// Polls so many times, then dies.
fn poll(future: impl Future<Output = CarriedOut>, times: usize) -> Option<CarriedOut> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    })
}

#[test]
fn a_schedule_is_made_shown_listed_and_deleted() {
    let world = World::new();
    let response = world.ask(&json!({"timezone": "Asia/Seoul", "email": ["kim@example.com", "lee@example.com"]}));
    let made: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!((response.status, &made["next_run_at"]), (201, &json!("2026-11-14T17:00:00Z")));
    let path = format!("/v1/schedules/{}", made["schedule_id"].as_str().unwrap());
    assert!(response.headers.contains(&("location", path.clone())));
    assert_eq!(world.get(&path), made);
    assert_eq!(made["email"], json!(["kim@example.com", "lee@example.com"]));
    assert_eq!((&made["status"], &made["delay_minutes"]), (&json!("active"), &json!(120)));
    assert_eq!(world.get("/v1/schedules"), json!({"schedules": [made], "next": null}));
    assert_eq!(world.call("GET", &path, "rival_key").0, 404);
    assert_eq!(world.call("DELETE", &path, "rival_key").0, 404);
    assert_eq!(world.call("GET", &path, INGEST_KEY).0, 401);
    let (status, deleted) = world.call("DELETE", &path, API_KEY);
    assert_eq!((status, &deleted["status"], &deleted["next_run_at"]), (200, &json!("ended"), &Value::Null));
    assert_eq!((world.call("GET", &path, API_KEY).0, world.call("DELETE", &path, API_KEY).0), (404, 404));
    assert_eq!(world.get("/v1/schedules")["schedules"], json!([]));
    assert_eq!(world.tick(DUE + 1000 * HOUR), CarriedOut::default());
    // A dispatcher had taken its run at that very moment.
    let id = made["schedule_id"].as_str().unwrap().to_owned();
    let left = Errand::Run(Recurring { owner: "demo".to_owned(), schedule_id: id });
    commit(&world.api.control, &[left.put(DUE).unwrap()]);
    assert_eq!(world.tick(DUE).carried_out, 1);
    assert_eq!((world.items(AGENDA), world.exports()), (Vec::new(), Vec::new()));
}

#[test]
fn ids_that_are_none_are_not_found() {
    let world = World::new();
    world.schedule(&json!({}));
    for id in ["count", "x", "0000", &"f".repeat(32), "%20"] {
        let (status, body) = world.call("GET", &format!("/v1/schedules/{id}"), API_KEY);
        assert_eq!((status, &body["type"]), (404, &json!("urn:relay:problem:not-found")), "{id}");
    }
}

#[test]
fn the_list_is_newest_first_and_paged() {
    let world = World::new();
    let paths: Vec<String> = (0..5).map(|_| world.schedule(&json!({}))).collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for page in 0..3 {
        let body = world.get(&format!("/v1/schedules?limit=2&cursor={cursor}"));
        let ids = body["schedules"].as_array().unwrap().iter().map(|one| one["schedule_id"].as_str().unwrap());
        seen.extend(ids.map(|id| format!("/v1/schedules/{id}")));
        assert_eq!(body["next"].is_null(), page == 2);
        body["next"].as_str().unwrap_or_default().clone_into(&mut cursor);
    }
    assert_eq!(seen, paths.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(world.call("GET", "/v1/schedules?limit=0", API_KEY).0, 422);
}

#[test]
fn what_cannot_be_scheduled_is_refused_and_nothing_is_kept() {
    let world = World::new();
    for (more, status, code) in [
        (json!({"frequency": "yearly"}), 422, "invalid-request"),
        (json!({"start_date": "2026-11-01"}), 422, "invalid-request"),
        (json!({"email": "kim@elsewhere.com"}), 422, "invalid-request"),
        (json!({"app_token": "rival-app"}), 403, "foreign-app"),
    ] {
        let response = world.ask(&more);
        assert_eq!(response.status, status, "{more}");
        assert!(response.body.contains(code), "{more}: {}", response.body);
    }
    assert!(world.items("schedule#demo").is_empty() && world.items(AGENDA).is_empty());
}

#[test]
fn an_owner_has_so_many_schedules_and_no_more() {
    let world = World::new();
    let paths: Vec<String> = (0..MAX_SCHEDULES).map(|_| world.schedule(&json!({}))).collect();
    let refused = world.ask(&json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("too-many-schedules"), "{}", refused.body);
    assert_eq!(world.call("DELETE", &paths[7], API_KEY).0, 200);
    world.schedule(&json!({}));
    assert_eq!(world.ask(&json!({})).status, 409);
}

#[test]
fn a_run_that_is_due_is_an_export_in_the_queue() {
    let world = World::new();
    let path = world.schedule(&json!({"filters": {"country": ["kr"]}}));
    assert_eq!(world.tick(DUE - 1), CarriedOut::default());
    let now = DUE + 20_000;
    assert_eq!(world.tick(now), CarriedOut { carried_out: 1, runs_queued: 1, ..CarriedOut::default() });
    world.check(1);
    let export = world.exports().remove(0);
    assert_eq!((export.from, export.to, export.as_of), (DUE - 26 * HOUR, DUE - 2 * HOUR, now));
    assert_eq!(
        (export.status, export.start_date.as_str(), export.end_date.as_str()),
        (Status::Queued, "2026-11-14", "2026-11-14")
    );
    assert!(!export.filters.is_empty());
    let run = export.run.clone().unwrap();
    assert_eq!((run.previous, run.subscribers.len()), (None, 1));
    let shown = world.get(&format!("/v1/exports/{}", export.export_id));
    assert_eq!(shown["schedule_id"], world.get(&path)["schedule_id"]);
    assert_eq!(world.get("/v1/exports")["exports"][0]["schedule_id"], shown["schedule_id"]);
    let schedule = world.get(&path);
    assert_eq!(schedule["next_run_at"], json!("2026-11-16T02:00:00Z"));
    assert_eq!(schedule["last_run"]["export_id"], json!(export.export_id));
    assert_eq!(world.tick(now), CarriedOut::default());
    world.tick(DUE + 24 * HOUR);
    world.check(2);
    let previous = world.exports().remove(1).run.unwrap().previous.unwrap();
    assert_eq!((previous.export_id, previous.as_of), (export.export_id, now));
}

#[test]
fn missed_runs_are_caught_up_a_bounded_number_a_tick() {
    let world = World::new();
    world.schedule(&json!({"frequency": "hourly"}));
    let now = NOW + 60 * HOUR;
    let queued: Vec<usize> = (0..4).map(|_| world.tick(now).runs_queued).collect();
    assert_eq!(queued, [MAX_RUNS_A_TICK, MAX_RUNS_A_TICK, 60 - 2 * MAX_RUNS_A_TICK, 0]);
    world.check(60);
    let names: BTreeSet<String> = world.exports().iter().map(Export::file_name).collect();
    assert_eq!(names.len(), 60, "{names:?}");
    assert!(names.contains("demo-app_event_20261114T07_UTC.csv"), "{names:?}");
}

#[test]
fn wherever_a_tick_dies_each_run_is_made_once() {
    let mut died = 0;
    for calls in 0..60 {
        let world = World::new();
        world.schedule(&json!({"frequency": "hourly"}));
        let now = NOW + 3 * HOUR;
        died += usize::from(poll(world.agenda().run(|| now), calls).is_none());
        for lease in 1..4 {
            world.tick(now + lease * LEASE_MS);
        }
        world.check(3);
    }
    assert!(died > 15, "{died} ticks died");
}

#[test]
fn two_ticks_at_once_make_each_run_once() {
    for head_start in 0..40 {
        let world = World::new();
        world.schedule(&json!({"frequency": "hourly"}));
        let (now, later) = (NOW + 3 * HOUR, NOW + 3 * HOUR + LEASE_MS);
        let agenda = world.agenda();
        let mut context = Context::from_waker(Waker::noop());
        let mut slow: Pin<Box<dyn Future<Output = CarriedOut> + '_>> = Box::pin(agenda.run(|| now));
        let has_ended = (0..head_start).any(|_| slow.as_mut().poll(&mut context).is_ready());
        // The slow one's lease is over; both go on in turns.
        let mut both = vec![Box::pin(agenda.run(|| later)) as Pin<Box<dyn Future<Output = CarriedOut> + '_>>];
        if !has_ended {
            both.push(slow);
        }
        while !both.is_empty() {
            both.retain_mut(|one| one.as_mut().poll(&mut context).is_pending());
        }
        world.tick(later + LEASE_MS);
        world.tick(later + 2 * LEASE_MS);
        world.check(3);
    }
}

#[test]
fn a_run_without_a_free_seat_waits_for_one() {
    let world = World::new();
    world.schedule(&json!({}));
    for number in 0..MAX_WAITING {
        put(&world.api.control, Seat::key("demo", number), &Seat { export_id: "f".repeat(32) });
    }
    assert_eq!(world.tick(DUE).runs_queued, 0);
    assert_eq!((world.exports().len(), world.stored().last_error), (0, None));
    commit(&world.api.control, &[Write::Delete { key: Seat::key("demo", 42), expect: Expect::Any }]);
    assert_eq!(world.tick(DUE + 60_000).runs_queued, 1);
    assert_eq!(world.exports()[0].as_of, DUE + 60_000);
}

#[test]
fn a_run_that_cannot_be_made_is_told_and_the_next_one_comes() {
    let world = World::new();
    let path = world.schedule(&json!({}));
    let claim = |owner: &str| App { app_token: "demo-app".into(), owner: owner.into(), created_at: 0 };
    put(&world.api.control, App::key("demo-app"), &claim("rival"));
    world.tick(DUE);
    let error = world.get(&path)["last_error"].clone();
    assert_eq!((&error["code"], &error["period"]["from"]), (&json!("foreign_app"), &json!("2026-11-14T00:00:00Z")));
    put(&world.api.control, App::key("demo-app"), &claim("demo"));
    put(&world.api.control, Owner::key("demo"), &Owner { mail_domains: [].into(), ..profile("demo") });
    world.tick(DUE + 24 * HOUR);
    let error = world.get(&path)["last_error"].clone();
    assert_eq!(error["code"], json!("invalid_request"));
    assert!(error["detail"].as_str().unwrap().contains("email: no mail domain is registered"), "{error}");
    assert_eq!(world.exports(), []);
    put(&world.api.control, Owner::key("demo"), &profile("demo"));
    world.tick(DUE + 48 * HOUR);
    assert_eq!((world.exports().len(), world.exports()[0].start_date.as_str()), (1, "2026-11-16"));
    assert_eq!(world.items(AGENDA).len(), 1);
}

#[test]
fn what_is_past_retention_is_skipped_and_told() {
    let world = World::new();
    let path = world.schedule(&json!({"frequency": "monthly"}));
    let now = NOW + 200 * 24 * HOUR;
    assert_eq!(world.tick(now).runs_queued, 3);
    let schedule = world.get(&path);
    assert_eq!(schedule["last_error"]["code"], json!("past_retention"));
    assert_eq!(schedule["last_error"]["period"]["to"], json!("2027-03-01T00:00:00Z"));
    let starts: Vec<String> = world.exports().into_iter().map(|export| export.start_date).collect();
    assert_eq!(starts, ["2027-03-01", "2027-04-01", "2027-05-01"]);
}

#[test]
fn an_address_leaves_by_its_link_and_the_last_one_ends_the_schedule() {
    let world = World::new();
    let path = world.schedule(&json!({"email": ["kim@example.com", "lee@example.com"], "language": "ko"}));
    let tokens = world.tokens();
    let leave = |method: &str, token: &str| world.send(&to(method, &format!("/v1/unsubscribe/{token}"), ""));
    // A scanner that follows the link changes nothing.
    let page = leave("GET", &tokens[0]);
    assert!(page.status == 200 && page.body.contains("<form method=\"post\">") && page.body.contains("lang=\"ko\""));
    assert!(page.headers.contains(&("content-type", "text/html; charset=utf-8".to_owned())));
    assert!(
        page.headers
            .iter()
            .any(|(name, value)| *name == "content-security-policy" && value.contains("default-src 'none'"))
    );
    assert_eq!(world.get(&path)["email"], json!(["kim@example.com", "lee@example.com"]));
    for _ in 0..2 {
        let page = leave("POST", &tokens[0]);
        assert!(page.status == 200 && !page.body.contains("<form"), "{}", page.body);
        assert_eq!(world.get(&path)["email"], json!("lee@example.com"));
    }
    assert!(!leave("GET", &tokens[0]).body.contains("<form"));
    assert_eq!(world.get(&path)["status"], json!("active"));
    assert_eq!(leave("POST", &tokens[1]).status, 200);
    let ended = world.get(&path);
    assert_eq!((&ended["status"], &ended["next_run_at"], &ended["email"]), (&json!("ended"), &Value::Null, &json!([])));
    assert_eq!(world.tick(DUE), CarriedOut::default());
    for token in ["", "x", &"0".repeat(32)] {
        assert_eq!(leave("POST", token).status, 404, "{token}");
    }
    assert_eq!(leave("DELETE", &tokens[0]).status, 405);
    assert_eq!(world.call("DELETE", &path, API_KEY).0, 200);
    assert_eq!(leave("POST", &tokens[0]).status, 200, "the links in old mails still say that nothing more comes");
}

#[test]
fn a_run_goes_to_who_is_left() {
    let world = World::new();
    world.schedule(&json!({"email": ["kim@example.com", "lee@example.com"]}));
    let tokens = world.tokens();
    world.send(&to("POST", &format!("/v1/unsubscribe/{}", tokens[0]), ""));
    world.tick(DUE);
    let export = world.exports().remove(0);
    assert_eq!(export.emails, ["lee@example.com"]);
    let run = export.run.unwrap();
    assert_eq!((run.token("lee@example.com"), run.token("kim@example.com")), (Some(tokens[1].as_str()), None));
}

#[test]
fn a_schedule_that_cannot_be_read_stops_no_other() {
    let world = World::new();
    let spoilt = world.schedule(&json!({}));
    world.schedule(&json!({}));
    let id = spoilt.trim_start_matches("/v1/schedules/");
    put(&world.api.control, Key::new("schedule#demo", id), &json!({"schedule_id": 7}));
    let done = world.tick(DUE);
    assert_eq!((done.runs_queued, done.faults.len()), (1, 1));
    assert_eq!(world.get("/v1/schedules")["schedules"].as_array().unwrap().len(), 1);
}

#[test]
fn schedules_and_their_runs_are_recorded_by_whom_without_addresses() {
    let world = World::new();
    let path = world.schedule(&json!({"email": ["kim@example.com", "lee@example.com"]}));
    let (id, tokens) = (path.trim_start_matches("/v1/schedules/"), world.tokens());
    for _ in 0..2 {
        world.send(&to("POST", &format!("/v1/unsubscribe/{}", tokens[0]), ""));
    }
    for _ in 0..2 {
        world.tick(DUE);
    }
    world.call("DELETE", &path, API_KEY);
    world.call("DELETE", &path, API_KEY);
    let mut records: Vec<Record> = world.items("audit#demo").iter().map(|item| item.read().unwrap()).collect();
    records.sort_by(|one, other| one.action.cmp(&other.action));
    let key = records.iter().find(|record| record.action == "schedule.made").unwrap().who.clone();
    assert!(key.starts_with("key "), "{key}");
    let export = world.exports().remove(0);
    let told: Vec<[&str; 3]> =
        records.iter().map(|record| [record.action.as_str(), record.who.as_str(), record.subject.as_str()]).collect();
    let expected = [
        ["export.created", "relay", &export.export_id],
        ["schedule.left", "mail", id],
        ["schedule.made", &key, id],
        ["schedule.removed", &key, id],
    ];
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(expected.iter().all(|one| told.contains(one)), "{told:?}");
    let run = records.iter().find(|record| record.action == "export.created").unwrap();
    assert_eq!((run.at, run.details["schedule_id"].as_str()), (DUE, id));
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains("kim") && !all.contains("lee") && !all.contains(&tokens[0]), "{all}");
}
