//! The export API over the in-memory doubles: every route, every refusal.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use bytes::Bytes;
use relay::address::{Unreachable, Why};
use relay::backlog;
use relay::control::Key;
use relay::export::{Export, Status, store};
use relay::fault::FaultKind;
use relay::metric::Metric;
use relay::owner::{FormerClaim, Owner};
use relay::port::memory::{MemoryPages, MemoryStream, Trouble};
use relay::port::{ExecutionState, Record, Stream, Watermark};
use relay::reader::Reader;
use serde_json::json;
use support::api::{Answer, World, asking, to};
use support::{API_KEY, INGEST_KEY, NOW, commit, load, profile, put, request, run};

/// How many rows an export's file would have.
fn rows(pages: &MemoryPages, export: &Export) -> usize {
    run(async {
        let mut reader = Reader::new(pages, export.selection(export.kinds[0], 1, None, &relay::erase::Erased::none()));
        let mut rows = 0;
        while let Some(minute) = reader.next().await.unwrap() {
            rows += minute.len();
        }
        rows
    })
}

#[test]
fn an_export_is_queued_started_and_found_again() {
    let world = World::new();
    let answer = world.ask(&json!({}));
    assert_eq!(answer.status, 202);
    let id = answer.body["export_id"].as_str().unwrap();
    assert_eq!(answer.body, json!({"export_id": id, "status": "queued", "position": 1}));
    assert_eq!(answer.header("location"), Some(format!("/v1/exports/{id}").as_str()));
    assert_eq!(world.api.executions.all()[id].0, ExecutionState::Running);
    let one = world.call("GET", &format!("/v1/exports/{id}"));
    assert_eq!((one.status, &one.body["status"], &one.body["position"]), (200, &json!("running"), &json!(null)));
    assert_eq!(
        (&one.body["as_of"], &one.body["trace_id"]),
        (&json!("2026-11-14T09:30:00Z"), &json!(format!("{:032x}", 1)))
    );
    let counters = world.api.counters.lock().unwrap();
    assert_eq!((counters.total(Metric::ExportsRequested), counters.total(Metric::ExportsStarted)), (1, 1));
}

#[test]
fn who_waits_sees_its_place_in_line() {
    let world = World::new();
    let first = world.asked();
    for place in 1..=3 {
        assert_eq!(world.ask(&json!({})).body["position"], json!(place));
    }
    let list = world.call("GET", "/v1/exports");
    let places: Vec<_> = list.body["exports"].as_array().unwrap().iter().map(|one| one["position"].clone()).collect();
    assert_eq!(places.len(), 4);
    assert_eq!(places.iter().filter(|place| place.is_null()).count(), 1);
    assert_eq!(world.call("GET", &first).body["position"], json!(null));
}

#[test]
fn an_owner_has_so_many_waiting_exports_and_no_more() {
    let world = World::new();
    let running = world.asked();
    let mut waiting: Vec<_> = (0..100).map(|_| world.asked()).collect();
    assert_eq!((world.items("queue").len(), world.items("seat#demo").len()), (100, 100));
    let answer = world.ask(&json!({}));
    assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (429, "too-many-exports", Some("60")));
    assert_eq!(world.items("queue").len(), 100);
    // One that is cancelled leaves its seat, as does one that starts.
    assert_eq!(world.call("DELETE", &waiting.remove(7)).status, 200);
    waiting.push(world.asked());
    assert_eq!(world.ask(&json!({})).status, 429);
    assert_eq!(world.call("DELETE", &running).status, 200);
    assert_eq!(world.items("seat#demo").len(), 99);
    waiting.push(world.asked());
    assert_eq!(world.ask(&json!({})).status, 429);
    for path in &waiting {
        drop(world.call("DELETE", path));
    }
    assert!(world.items("queue").is_empty() && world.items("seat#demo").is_empty());
}

#[test]
fn a_period_that_holds_nothing_is_empty_at_once() {
    let world = World::without_rows();
    let answer = world.ask(&json!({}));
    assert_eq!((answer.status, &answer.body), (200, &json!({"status": "empty"})));
    assert!(world.items("export#demo").is_empty() && world.items("queue").is_empty());
    assert!(world.api.mailer.sent().is_empty());
}

#[test]
fn nothing_is_called_empty_while_the_stream_holds_something() {
    let world = World::without_rows();
    world.api.backlog.set_now(NOW - 1000);
    run(world.api.backlog.put(&[Record { partition_key: "k".into(), data: Bytes::from_static(b"frame") }]));
    assert_eq!(world.ask(&json!({})).status, 202);
    let sequence_number = world.api.backlog.records(0)[0].sequence_number.clone();
    let mark = Watermark { shard_id: MemoryStream::shard_id(0), sequence_number };
    let write = run(backlog::advance(&world.api.control, &mark, NOW)).unwrap();
    commit(&world.api.control, &[write.expect("a mark that moves forward")]);
    assert_eq!(world.ask(&json!({})).status, 200);
    world.api.backlog.script.refuse("look", 1, FaultKind::Unavailable);
    assert_eq!(world.ask(&json!({})).status, 202);
}

/// Two weeks over 16 shards are asked for at once; over 256 shards the worker finds out.
#[test]
fn a_period_of_too_many_questions_is_queued_unasked() {
    let world = World::without_rows();
    let body = json!({"start_date": "2026-11-01", "end_date": "2026-11-14"});
    for (shards, status) in [(16, 200), (256, 202)] {
        let write = run(relay::page::raise_shards(&world.api.control, shards)).unwrap().unwrap();
        commit(&world.api.control, &[write]);
        assert_eq!(world.ask(&body).status, status, "{shards} shards");
    }
}

#[test]
fn an_idle_stretch_of_the_stream_is_not_walked_for_ever_and_only_once() {
    let world = World::without_rows();
    world.api.backlog.idle([3_600_000, 1_800_000]);
    assert_eq!([202, 202, 200], [(); 3].map(|()| world.ask(&json!({})).status));
    assert_eq!(world.ask(&json!({})).status, 200);
}

#[test]
fn a_period_that_holds_pages_needs_no_word_of_the_stream() {
    let world = World::new();
    world.asked();
    assert!(world.api.backlog.looks().is_empty());
}

#[test]
fn keys_open_only_what_they_are_for() {
    let world = World::new();
    let mut keyless = to("GET", "/v1/exports", "");
    for (headers, code) in [
        (vec![], "missing-key"),
        (vec![("authorization".to_owned(), "Basic abc".to_owned())], "missing-key"),
        (vec![("authorization".to_owned(), "Bearer ".to_owned())], "missing-key"),
        (vec![("authorization".to_owned(), "Bearer nonsense".to_owned())], "unknown-key"),
        (vec![("x-relay-key".to_owned(), API_KEY.to_owned())], "missing-key"),
        (vec![("authorization".to_owned(), format!("Bearer {INGEST_KEY}"))], "wrong-key-role"),
    ] {
        keyless.headers = headers;
        let answer = world.send(&keyless, NOW);
        assert_eq!((answer.status, answer.code()), (401, code));
    }
    let answer = world.send(&to("GET", "/v1/account", INGEST_KEY), NOW);
    assert!(answer.body["detail"].as_str().unwrap().contains("callbacks"), "{}", answer.body);
}

#[test]
fn a_failed_look_up_is_never_the_callers_fault() {
    for kind in [FaultKind::Throttled, FaultKind::Unavailable, FaultKind::TimedOut, FaultKind::Denied] {
        let world = World::new();
        world.api.control.script.refuse("get", 1, kind);
        let answer = world.call("GET", "/v1/exports");
        assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (503, "unavailable", Some("2")));
    }
}

#[test]
fn what_was_not_stored_is_not_acknowledged() {
    let world = World::new();
    world.api.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(world.ask(&json!({})).status, 503);
    assert!(world.items("export#demo").is_empty() && world.items("queue").is_empty());
}

#[test]
fn what_was_stored_is_acknowledged_whatever_the_dispatcher_meets() {
    let world = World::new();
    world.api.executions.script.refuse("start", 1, FaultKind::Unavailable);
    assert_eq!(world.ask(&json!({})).status, 202);
    world.api.control.script.add("commit", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
    assert_eq!(world.ask(&json!({})).status, 202);
    assert_eq!(world.items("export#demo").len(), 2);
}

#[test]
fn wrong_fields_are_named_all_at_once() {
    let world = World::new();
    let wrong = json!({"kind": "click", "start_date": "2026-02-30", "timezone": "Mars/Olympus", "email": "kim@evil.test", "format": "xlsx"});
    let answer = world.ask(&wrong);
    assert_eq!((answer.status, answer.code()), (422, "invalid-request"));
    assert_eq!(answer.fields(), ["kind", "start_date", "timezone", "email", "format"]);
    for (field, value) in [
        ("end_date", json!("2026-11-13")),
        ("end_date", json!("2026-11-28")),
        ("end_date", json!("2026-11-31")),
        ("timezone", json!("KST")),
        ("kind", json!("click")),
        ("email", json!("kim@example.org")),
        ("format", json!("xlsx")),
    ] {
        let answer = world.ask(&json!({field: value}));
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{value}");
    }
    assert!(world.items("export#demo").is_empty());
}

#[test]
fn an_app_of_another_owner_and_one_of_nobody_are_refused_in_the_same_words() {
    let world = World::new();
    let foreign = world.ask(&json!({"app_token": "rival-app"}));
    let unknown = world.ask(&json!({"app_token": "no-such-app"}));
    for answer in [&foreign, &unknown] {
        assert_eq!((answer.status, answer.code(), answer.fields()), (403, "foreign-app", vec!["app_token"]));
    }
    let words = |answer: &Answer, token: &str| answer.body["detail"].as_str().unwrap().replace(token, "…");
    assert_eq!(words(&foreign, "rival-app"), words(&unknown, "no-such-app"));
}

#[test]
fn an_app_that_was_anothers_is_read_only_from_when_it_was_given_up() {
    let world = World::new();
    let since = |owner: &str, received_since| {
        let former = FormerClaim { owner: owner.to_owned(), received_since, released_at: NOW - 60_000 };
        put(&world.api.control, FormerClaim::key("demo-app"), &former);
        let answer = world.ask(&json!({}));
        let id = answer.body["export_id"].as_str().unwrap();
        let (export, _) = run(store::load(&world.api.control, "demo", id)).unwrap().unwrap();
        (export.received_since, rows(&world.api.pages, &export))
    };
    // Every row was received a minute ago.
    assert_eq!(since("rival", 0), (NOW - 50_000, 0));
    assert_eq!(since("demo", 0), (0, 20));
    assert_eq!(since("demo", NOW - 60_000), (NOW - 60_000, 20));
    assert_eq!(since("demo", NOW - 59_999), (NOW - 59_999, 0));
}

#[test]
fn bodies_that_are_no_request_are_refused() {
    let world = World::new();
    for body in ["", "{", "[1]", "null"] {
        let answer = world.send(&asking(body), NOW);
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{body}");
    }
    let padded = format!("{}{}", request(&json!({})), " ".repeat(64 * 1024));
    assert_eq!(world.send(&asking(&padded), NOW).status, 413);
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = asking(&request(&json!({})).to_string());
        request.headers.retain(|(name, _)| name != "content-type");
        request.headers.extend(content_type.map(|value| ("content-type".to_owned(), value.to_owned())));
        let answer = world.send(&request, NOW);
        assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"));
    }
}

#[test]
fn unknown_paths_and_methods_are_problems() {
    let world = World::new();
    for path in [
        "/",
        "/v1",
        "/v1/exports/",
        "/v1/exports/a/b",
        "/v1/exports/a/link/",
        "/v2/exports",
        "/v1/callbacks/nobody",
        "/v1/exportsx",
    ] {
        let answer = world.call("GET", path);
        assert_eq!((answer.status, answer.code()), (404, "not-found"), "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/exports", "GET, POST"),
        ("POST", "/v1/exports/abc", "DELETE, GET"),
        ("GET", "/v1/exports/abc/link", "POST"),
        ("POST", "/v1/account", "GET"),
    ] {
        let answer = world.call(method, path);
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{path}");
    }
    assert_eq!(world.send(&to("GET", "/nowhere", ""), NOW).status, 404);
}

#[test]
fn a_malformed_an_unknown_and_a_foreign_id_are_the_same() {
    let world = World::new();
    let foreign = world.asked();
    for path in [
        "/v1/exports/abc".to_owned(),
        format!("/v1/exports/{}", "0".repeat(32)),
        format!("/v1/exports/{}", "%20".repeat(4)),
        foreign,
    ] {
        for (method, end) in [("GET", ""), ("DELETE", ""), ("POST", "/link")] {
            let answer = world.send(&to(method, &format!("{path}{end}"), "rival_key"), NOW);
            assert_eq!((answer.status, answer.code()), (404, "not-found"), "{method} {path}{end}");
        }
    }
}

#[test]
fn the_list_is_newest_first_and_paged() {
    let world = World::new();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            let answer = world.send(&asking(&world.unheard_of(&json!({}))), NOW + n);
            answer.body["export_id"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut seen = Vec::new();
    let mut path = "/v1/exports?limit=2".to_owned();
    loop {
        let page = world.call("GET", &path);
        let exports = page.body["exports"].as_array().unwrap();
        assert!(exports.len() <= 2);
        seen.extend(exports.iter().map(|one| one["export_id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/v1/exports?limit=2&cursor={next}");
    }
    assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
    let nobodys = world.send(&to("GET", "/v1/exports", "rival_key"), NOW);
    assert_eq!(nobodys.body, json!({"exports": [], "next": null}));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=abc"] {
        assert_eq!(world.call("GET", &format!("/v1/exports?{query}")).status, 422, "{query}");
    }
}

#[test]
fn one_item_that_cannot_be_read_hides_no_other() {
    let world = World::new();
    let (first, second) = (world.asked(), world.asked());
    let strange = json!({"strange": true});
    for key in [Key::new("queue", "0000000000000#x"), Key::new("turn", "x"), Export::key("demo", &"f".repeat(32))] {
        put(&world.api.control, key, &strange);
    }
    let list = world.call("GET", "/v1/exports");
    assert_eq!((list.status, list.body["exports"].as_array().map(Vec::len)), (200, Some(2)), "{}", list.body);
    assert_eq!(world.call("GET", &first).status, 200);
    assert_eq!(world.call("GET", &second).body["position"], json!(1));
    assert_eq!(world.ask(&json!({})).body["position"], json!(2));
}

#[test]
fn a_queued_export_is_cancelled_and_leaves_the_line() {
    let world = World::new();
    world.asked();
    let second = world.asked();
    let answer = world.call("DELETE", &second);
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("cancelled")));
    assert!(world.items("queue").is_empty());
    let again = world.call("DELETE", &second);
    assert_eq!((again.status, again.code()), (409, "already-ended"));
}

#[test]
fn a_running_export_is_cancelled_stopped_and_its_slot_goes_to_who_waits() {
    let world = World::new();
    let first = world.asked();
    let second = world.asked();
    assert_eq!(world.call("DELETE", &first).body["status"], json!("cancelled"));
    let executions = world.api.executions.all();
    let state = |path: &str| executions.get(path.trim_start_matches("/v1/exports/")).map(|(state, _)| *state);
    assert_eq!((state(&first), state(&second)), (Some(ExecutionState::Failed), Some(ExecutionState::Running)));
    assert_eq!(world.call("GET", &second).body["status"], json!("running"));
}

#[test]
fn what_has_ended_cannot_be_cancelled() {
    for status in [Status::Done, Status::Empty, Status::Failed, Status::Cancelled] {
        let world = World::new();
        let path = world.asked();
        world.amend(&path, |export| export.finish(status, NOW));
        assert_eq!(world.call("DELETE", &path).status, 409);
    }
}

#[test]
fn a_fresh_link_is_answered_and_mailed() {
    let world = World::new();
    let path = world.asked();
    let export = world.amend(&path, |export| export.finish(Status::Done, NOW));
    let mut request = to("POST", &format!("{path}/link"), API_KEY);
    request.body = b"\xff anything".to_vec().into();
    let answer = world.send(&request, NOW + 60_000);
    assert_eq!((answer.status, &answer.body["expires_at"]), (200, &json!("2026-11-14T10:31:00Z")));
    assert_eq!(answer.body["mailed"], json!(true));
    let url = answer.body["url"].as_str().unwrap();
    assert!(url.contains(&export.object_key()), "{url}");
    let sent = world.api.mailer.sent();
    assert_eq!((sent.len(), sent[0].0.as_str()), (1, "kim@example.com"));
    assert!(sent[0].1.text.contains(url) && sent[0].1.text.contains("https://relay.example"));
    assert_eq!(load(&world.api.control, &export).link_expires_at, Some(NOW + 60_000 + 3_600_000));
}

#[test]
fn a_link_does_not_depend_on_the_mail() {
    let world = World::new();
    let path = world.asked();
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    world.api.mailer.script.refuse("send", 1, FaultKind::Unavailable);
    assert_eq!(world.call("POST", &format!("{path}/link")).status, 200);
    world.api.signer.script.refuse("sign", 1, FaultKind::Unavailable);
    assert_eq!(world.call("POST", &format!("{path}/link")).status, 503);
}

#[test]
fn a_loop_of_links_fills_no_mailbox() {
    let world = World::new();
    let path = world.asked();
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    let link = to("POST", &format!("{path}/link"), API_KEY);
    let mailed = [0, 0, 1, 299_999, 300_000, 300_001, 700_000].map(|later| {
        let answer = world.send(&link, NOW + later);
        assert_eq!(answer.status, 200);
        answer.body["mailed"] == json!(true)
    });
    assert_eq!(mailed, [true, false, false, false, true, false, true]);
    assert_eq!(world.api.mailer.sent().len(), 3);
    // What cannot be noted cannot be bounded: no mail, but a link.
    world.api.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(world.send(&link, NOW + 2_000_000).body["mailed"], json!(false));
}

#[test]
fn a_link_is_not_mailed_to_a_domain_that_is_no_longer_registered() {
    let world = World::new();
    let path = world.asked();
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    let mut owner = profile("demo");
    owner.mail_domains = ["example.org".to_owned()].into();
    put(&world.api.control, Owner::key("demo"), &owner);
    let answer = world.call("POST", &format!("{path}/link"));
    assert_eq!((answer.status, &answer.body["mailed"]), (200, &json!(false)));
    assert!(world.api.mailer.sent().is_empty());
}

fn mark(world: &World, email: &str) -> Unreachable {
    let mark = Unreachable {
        owner: "demo".into(),
        email: email.into(),
        reason: Why::Bounced,
        since: NOW,
        detail: "smtp; 550 5.1.1 user unknown".into(),
        export_id: "0".repeat(32),
    };
    commit(&world.api.control, &[mark.mark().unwrap()]);
    mark
}

#[test]
fn an_address_that_takes_no_mail_gets_none_and_is_told_of() {
    let world = World::new();
    let mark = mark(&world, "kim@example.com");
    let answer = world.ask(&json!({"email": ["Kim@example.com", "lee@example.com"]}));
    assert_eq!((answer.status, &answer.body["warnings"]), (202, &json!([mark.words()])));
    let path = answer.header("location").unwrap().to_owned();
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    assert_eq!(world.call("POST", &format!("{path}/link")).body["mailed"], json!(true));
    let sent: Vec<_> = world.api.mailer.sent().into_iter().map(|(to, _)| to).collect();
    assert_eq!(sent, ["lee@example.com"]);
    let unreachable = json!([{"email": "kim@example.com", "reason": "bounced", "since": "2026-11-14T09:30:00Z"}]);
    assert_eq!(world.call("GET", "/v1/account").body["unreachable"], unreachable);
}

#[test]
fn a_link_that_reaches_nobody_by_mail_is_answered_all_the_same() {
    let world = World::new();
    mark(&world, "kim@example.com");
    let answer = world.ask(&json!({}));
    let path = answer.header("location").unwrap().to_owned();
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    let answer = world.call("POST", &format!("{path}/link"));
    assert_eq!((answer.status, &answer.body["mailed"]), (200, &json!(false)));
    // Where mails go there is nothing to tell.
    let fine = world.ask(&json!({"email": "lee@example.com"}));
    assert_eq!((fine.status, fine.body.get("warnings")), (202, None));
}

#[test]
fn there_is_no_link_before_the_end_nor_after_the_file() {
    let world = World::new();
    let path = world.asked();
    let link = format!("{path}/link");
    assert_eq!((world.call("POST", &link).status, world.call("POST", &link).code()), (409, "no-file"));
    world.amend(&path, |export| export.finish(Status::Done, NOW));
    let later = NOW + 14 * 86_400_000;
    let answer = world.send(&to("POST", &link, API_KEY), later);
    assert_eq!((answer.status, answer.code()), (410, "expired"));
    assert_eq!(world.send(&to("GET", &path, API_KEY), later).body["status"], json!("expired"));
    assert_eq!(world.send(&to("DELETE", &path, API_KEY), later).status, 409);
}

#[test]
fn the_account_says_what_may_be_asked() {
    let world = World::new();
    let answer = world.call("GET", "/v1/account");
    assert_eq!(
        (answer.status, &answer.body["owner"], &answer.body["apps"]),
        (200, &json!("demo"), &json!([{"app_token": "demo-app"}]))
    );
    assert_eq!(answer.body["mail_domains"], json!(["example.com"]));
    let limits = &answer.body["limits"];
    assert_eq!(
        (&limits["max_export_days"], &limits["export_retention_days"], &limits["max_batch_items"]),
        (&json!(14), &json!(14), &json!(500))
    );
    assert_eq!(limits["max_waiting_exports"], json!(100));
    assert_eq!(
        (&answer.body["formats"], &answer.body["kinds"]),
        (&json!(["csv", "csv.gz", "jsonl.gz", "parquet"]), &json!(["install", "reattribution", "event"]))
    );
    assert_eq!(answer.body["columns"]["install"][0], json!("created_at"));
}

#[test]
fn a_refusal_is_counted_by_its_code() {
    let world = World::new();
    world.call("GET", "/nowhere");
    world.ask(&json!({"kind": "click"}));
    assert_eq!(world.api.counters.lock().unwrap().total(Metric::Refused), 2);
}
