//! `GET /v1/arrivals` over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use export::api::{Api, Call, Settings};
use relay::activity::Provider;
use relay::arrival::{Arrivals, Whose};
use relay::fault::FaultKind;
use relay::http::Request;
use relay::owner::{App, FormerClaim};
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryMailer, MemoryPages, MemorySigner, MemoryStream, Trouble,
};
use serde_json::{Value, json};
use support::{API_KEY, INGEST_KEY, NOW, commit, put, register, run};

const HOUR_MS: i64 = 3_600_000;

struct World(
    Api<(MemoryControl, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>,
);

impl World {
    fn new() -> Self {
        let control = MemoryControl::default();
        register(&control);
        let settings = Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None };
        let ports = (
            control,
            MemoryPages::default(),
            MemoryStream::new(1),
            MemoryExecutions::default(),
            MemoryFiles::default(),
            MemorySigner::default(),
            MemoryMailer::default(),
        );
        Self(Api::new(ports, settings))
    }

    /// Counts for somebody what the writer would, `n` at a time.
    fn count(&self, whose: &Whose, provider: Provider, what: &'static str, received_at: i64, n: u64) {
        let found = run(relay::port::ControlTable::get(&self.0.control, &[whose.key()])).remove(0).unwrap();
        let mut arrivals = Arrivals::default();
        arrivals.add(provider, what, received_at, n);
        commit(&self.0.control, &[arrivals.write(whose, found.as_ref(), NOW).unwrap()]);
    }

    fn get(&self, query: &str, key: &str) -> (u16, Value) {
        let headers = vec![("authorization".to_owned(), format!("Bearer {key}"))];
        let (method, path, query) = ("GET".to_owned(), "/v1/arrivals".to_owned(), query.to_owned());
        let request = Request { method, path, query, headers, ..Request::default() };
        let call = Call { request: &request, now: NOW, random: [0; 10], secret: [0; 32], trace_id: "ab".repeat(16) };
        let response = run(self.0.answer(&call));
        (response.status, serde_json::from_str(&response.body).unwrap())
    }

    /// The arrivals of one app.
    fn of(&self, app_token: &str, key: &str) -> Value {
        let (status, body) = self.get(&format!("app_token={app_token}"), key);
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["apps"].as_array().unwrap().len(), 1);
        body["apps"][0]["arrivals"].clone()
    }
}

fn app(token: &str) -> Whose {
    Whose::App(token.to_owned())
}

fn owner(name: &str) -> Whose {
    Whose::Owner(name.to_owned())
}

#[test]
fn what_came_is_shown_by_app_provider_and_kind_and_what_was_set_aside_by_reason() {
    let world = World::new();
    let other = App { app_token: "another".into(), owner: "demo".into(), created_at: 0 };
    put(&world.0.control, App::listing_key("demo", "another"), &other);
    world.count(&app("demo-app"), Provider::Adjust, "install", NOW - 25, 2);
    world.count(&app("demo-app"), Provider::Adjust, "install", NOW - 2 * HOUR_MS, 3);
    world.count(&app("rival-app"), Provider::Adjust, "install", NOW, 9);
    world.count(&owner("demo"), Provider::Branch, "unknown_app", NOW - 60_000, 4);
    world.count(&owner("rival"), Provider::Adjust, "bad_time", NOW, 9);
    let (status, body) = world.get("", API_KEY);
    let hours =
        json!([{"hour": "2026-11-14T07:00:00Z", "received": 3}, {"hour": "2026-11-14T09:00:00Z", "received": 2}]);
    let expected = json!({
        "as_of": "2026-11-14T09:30:00.000Z",
        "since": "2026-11-13T09:00:00Z",
        "window_hours": 24,
        "apps": [
            {"app_token": "another", "arrivals": []},
            {"app_token": "demo-app", "arrivals": [{
                "provider": "adjust", "kind": "install", "last_received_at": "2026-11-14T09:29:59.975Z", "received_24h": 5,
                "hours": hours,
            }]},
        ],
        "quarantined": [{
            "provider": "branch", "reason": "unknown_app", "last_received_at": "2026-11-14T09:29:00.000Z", "received_24h": 4,
            "hours": [{"hour": "2026-11-14T09:00:00Z", "received": 4}],
        }],
    });
    assert_eq!((status, body), (200, expected));
}

#[test]
fn one_app_may_be_asked_for_and_only_ones_own() {
    let world = World::new();
    world.count(&app("demo-app"), Provider::Sdk, "event", NOW, 1);
    assert_eq!(world.of("demo-app", API_KEY)[0]["provider"], "sdk");
    assert_eq!(world.of("rival-app", "rival_key"), json!([]));
    for (token, expected) in
        [("rival-app", (403, "foreign-app")), ("nobodys", (403, "foreign-app")), ("a%20b", (422, "invalid-request"))]
    {
        let (status, body) = world.get(&format!("app_token={token}"), API_KEY);
        let code = body["type"].as_str().unwrap().trim_start_matches("urn:relay:problem:");
        assert_eq!((status, code), expected, "{body}");
        assert_eq!(body["errors"][0]["field"], "app_token");
    }
    assert_eq!(world.get("app_token=", API_KEY).1["apps"].as_array().unwrap().len(), 1, "an empty one asks for all");
}

#[test]
fn what_an_apps_former_owner_received_is_not_shown() {
    let world = World::new();
    world.count(&app("demo-app"), Provider::Adjust, "install", NOW - 2 * HOUR_MS, 7);
    let former = |owner: &str| FormerClaim { owner: owner.to_owned(), received_since: 0, released_at: NOW - HOUR_MS };
    put(&world.0.control, FormerClaim::key("demo-app"), &former("rival"));
    assert_eq!(world.of("demo-app", API_KEY), json!([]));
    world.count(&app("demo-app"), Provider::Adjust, "install", NOW, 1);
    assert_eq!(world.of("demo-app", API_KEY)[0]["received_24h"], 1);
    put(&world.0.control, FormerClaim::key("demo-app"), &former("demo"));
    assert_eq!(world.of("demo-app", API_KEY)[0]["received_24h"], 8, "a token that came back brings its own");
}

#[test]
fn it_takes_an_api_key() {
    let world = World::new();
    for (key, code) in [("", "missing-key"), ("nobodys", "unknown-key"), (INGEST_KEY, "wrong-key-role")] {
        let (status, body) = world.get("", key);
        assert_eq!((status, body["type"].as_str().unwrap()), (401, format!("urn:relay:problem:{code}").as_str()));
    }
}

#[test]
fn a_table_that_does_not_answer_is_503_and_never_nothing() {
    for (call, troubles) in [
        // The key, then the counts.
        ("get", vec![Trouble::None, Trouble::Refused(FaultKind::Throttled)]),
        ("get", vec![Trouble::None, Trouble::Partial(vec![2], FaultKind::Unavailable)]),
        ("query", vec![Trouble::Refused(FaultKind::Unavailable)]),
    ] {
        let world = World::new();
        world.0.control.script.add(call, troubles);
        let (status, body) = world.get("", API_KEY);
        assert_eq!((status, body["type"].as_str().unwrap()), (503, "urn:relay:problem:unavailable"));
    }
}
