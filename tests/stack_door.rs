//! Bad input over HTTP at the running stack: every answer is a problem that says what was wrong. Needs a stack, named by `RELAY_STACK`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use relay_tests::stack::Stack;
use serde_json::{Value, json};

/// The last part of a problem's type; every error carries a trace id.
fn problem((status, body): (u16, Value)) -> (u16, String) {
    assert!(body["trace_id"].as_str().is_some_and(|id| id.len() == 32), "{status} {body}");
    assert_eq!(body["status"], json!(status), "{body}");
    let code = body["type"].as_str().unwrap_or_default().trim_start_matches("urn:relay:problem:");
    (status, code.to_owned())
}

fn export(stack: &Stack, change: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "app_token": stack.get("app_token"), "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-02",
        "email": stack.get("email"),
    });
    for (name, value) in change {
        body[*name] = value.clone();
    }
    body
}

#[test]
fn keys_open_only_their_own_door() {
    let Some(stack) = Stack::running("keys_open_only_their_own_door") else { return };
    let batch = json!([]);
    let (status, code) = problem(stack.call("POST", "/v1/activities", "api_key", Some(&batch)));
    assert_eq!((status, code.as_str()), (401, "wrong-key-role"));
    let (status, _) = problem(stack.call("GET", "/v1/exports", "ingest_key", None));
    assert_eq!(status, 401);
    let (status, _) = problem(stack.send("/v1/activities", &[("content-type", "application/json")], b"[]"));
    assert_eq!(status, 401);
    let forged = [("content-type", "application/json"), ("x-relay-key", "relay_ingest_00")];
    let (status, code) = problem(stack.send("/v1/activities", &forged, b"[]"));
    assert_eq!((status, code.as_str()), (401, "unknown-key"));
}

#[test]
fn paths_and_providers_that_are_none_say_so() {
    let Some(stack) = Stack::running("paths_and_providers_that_are_none_say_so") else { return };
    assert_eq!(
        problem(stack.call("GET", "/v1/callbacks/nobody", "ingest_key", None)),
        (404, "unknown-provider".into())
    );
    assert_eq!(problem(stack.call("GET", "/v1/nothing", "api_key", None)).0, 404);
    assert_eq!(problem(stack.call("GET", "/v1/exports/not-an-id", "api_key", None)).0, 404);
    let foreign = format!("/v1/exports/{}", "ab".repeat(16));
    assert_eq!(problem(stack.call("GET", &foreign, "api_key", None)).0, 404);
    let (status, health) = stack.call("GET", "/v1/health", "api_key", None);
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
}

#[test]
fn batches_that_are_none_are_refused_whole() {
    let Some(stack) = Stack::running("batches_that_are_none_are_refused_whole") else { return };
    let post = |content_type: &str, encoding: &str, body: &[u8]| {
        let headers =
            [("x-relay-key", stack.get("ingest_key")), ("content-type", content_type), ("content-encoding", encoding)];
        let used = if encoding.is_empty() { &headers[..2] } else { &headers[..] };
        problem(stack.send("/v1/activities", used, body)).0
    };
    assert_eq!(post("application/json", "", b"[{"), 400);
    assert_eq!(post("image/png", "", b"[]"), 415);
    assert_eq!(post("application/json", "br", b"[]"), 415);
    assert_eq!(post("application/x-ndjson", "", &vec![b' '; 4 * 1024 * 1024 + 1]), 413);
    assert_eq!(post("application/x-ndjson", "gzip", &gzip(&vec![b'\n'; 64 * 1024 * 1024])), 413);
    assert_eq!(post("application/json", "gzip", &gzip(b"[{\"kind\":\"install\"}]")), 415);
    assert_eq!(post("application/json", "", format!("[{}]", vec!["{}"; 501].join(",")).as_bytes()), 413);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn a_bad_item_is_named_by_index_and_the_rest_is_taken() {
    let Some(stack) = Stack::running("a_bad_item_is_named_by_index_and_the_rest_is_taken") else { return };
    let now = relay_lambda::process::now_ms();
    let id = relay_lambda::process::trace_id();
    let good = json!({"kind": "event", "app_token": stack.get("app_token"), "created_at": now, "event_name": "좋아요 👍", "event_id": id});
    let mut bad = vec![good; 5];
    bad[1]["app_token"] = json!("nobody-registered-this");
    bad[2]["kind"] = json!("purchase");
    bad[3]["created_at"] = json!("yesterday");
    bad[4]["event_id"] = json!("x".repeat(129));
    let (status, answer) = stack.call("POST", "/v1/activities", "ingest_key", Some(&json!(bad)));
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)));
    let rejected = answer["rejected"].as_array().expect("rejected is a list");
    let codes: Vec<_> = rejected.iter().map(|one| (one["index"].as_u64(), one["code"].as_str())).collect();
    let expected = ["unknown_app", "bad_kind", "bad_time", "bad_event_id"];
    let expected: Vec<_> = (1u64..).map(Some).zip(expected.map(Some)).collect();
    assert_eq!(codes, expected);
}

#[test]
fn exports_that_cannot_be_name_every_wrong_field() {
    let Some(stack) = Stack::running("exports_that_cannot_be_name_every_wrong_field") else { return };
    for (field, value) in [
        ("email", json!("kim@unregistered.example")),
        ("start_date", json!("2026-11-03")),
        ("start_date", json!("2026-02-30")),
        ("start_date", json!("2026-09-01")),
        ("timezone", json!("Mars/Olympus")),
        ("kind", json!("click")),
        ("format", json!("xlsx")),
        ("columns", json!(["no_such_column"])),
    ] {
        let (status, body) =
            stack.call("POST", "/v1/exports", "api_key", Some(&export(&stack, &[(field, value.clone())])));
        assert_eq!(status, 422, "{field} {value}: {body}");
        let fields = body["errors"].as_array().expect("the fields are named");
        let named = |error: &Value| {
            error["field"] == json!(field) || (field == "start_date" && error["field"] == json!("end_date"))
        };
        assert!(fields.iter().any(named), "{field}: {body}");
    }
    let foreign = export(&stack, &[("app_token", json!("nobody-registered-this"))]);
    assert!(matches!(problem(stack.call("POST", "/v1/exports", "api_key", Some(&foreign))).0, 403 | 422));
    let key = format!("Bearer {}", stack.get("api_key"));
    let json_type = [("authorization", key.as_str()), ("content-type", "application/json")];
    assert_eq!(problem(stack.send("/v1/exports", &json_type, b"{\"app_token\":")).0, 400);
    let text = [("authorization", key.as_str()), ("content-type", "text/plain")];
    assert_eq!(problem(stack.send("/v1/exports", &text, b"{}")).0, 415);
    let large = format!("{{\"email\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(problem(stack.send("/v1/exports", &json_type, large.as_bytes())).0, 413);
}

#[test]
fn a_callback_with_anything_in_its_url_is_answered_exactly_200() {
    let Some(stack) = Stack::running("a_callback_with_anything_in_its_url_is_answered_exactly_200") else { return };
    let authority = stack.get("api_url").trim_start_matches("http://").to_owned();
    let (key, app_token) = (stack.get("ingest_key"), stack.get("app_token"));
    let now = relay_lambda::process::now_ms() / 1000;
    for tail in [
        "&label=a{b}|c[d]^e<f>\"g",
        "&label=%zz%&x=%B0%A1",
        "&idfa={idfa}&campaign_name=\u{acbd}\u{c6b8}",
        "&created_at=never",
    ] {
        let target = format!(
            "/v1/callbacks/adjust?key={key}&app_token={app_token}&activity_kind=install&created_at={now}&nonce={now}{tail}"
        );
        let mut stream = TcpStream::connect(&authority).expect("the door listens");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")
            .expect("the door reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the door answers");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{tail}: {answer}");
    }
}
