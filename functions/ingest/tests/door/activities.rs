//! `POST /v1/activities`.

use std::io::Write as _;

use relay::activity::Provider;
use relay::metric::Labels;
use serde_json::json;

use super::*;

const PATH: &str = "/v1/activities";
const JSON: &str = "application/json";

fn post(content_type: &str, body: &[u8]) -> Request {
    with_body(request("POST", PATH, "key=relay_ingest_1"), content_type, body)
}

fn item(app_token: &str, event_id: &str) -> Value {
    json!({"kind": "event", "app_token": app_token, "created_at": NOW, "event_id": event_id, "event_token": "abc123"})
}

fn items(n: usize) -> Value {
    (0..n).map(|number| item("app", &number.to_string())).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_batch_is_durable_when_it_is_answered_in_few_records() {
    let door = Door::open().await;
    let response = door.answer(&post(JSON, items(500).to_string().as_bytes())).await;
    assert_eq!((response.status, json(&response)), (200, json!({"accepted": 500, "rejected": []})));
    assert_eq!(door.stream().all().len(), 1);
    let mut ids = door.ids();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 500);
    assert_eq!(door.total(Metric::Accepted), 500);
}

#[tokio::test]
async fn a_resend_is_the_same_activities() {
    let door = Door::open().await;
    let request = post(JSON, items(3).to_string().as_bytes());
    door.answer(&request).await;
    door.answer(&request).await;
    let mut ids = door.ids();
    assert_eq!(ids.len(), 6);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn bad_items_are_told_by_index_and_the_others_kept() {
    let door = Door::open().await;
    door.put_owner("demo", &["abc123"]).await;
    let mut not_allowed = item("app", "e5");
    not_allowed["event_token"] = json!("zzz999");
    let batch = json!([
        item("app", "e0"),
        item("nobodys", "e1"),
        item("others", "e2"),
        {"kind": "event", "app_token": "app", "created_at": "yesterday"},
        7,
        not_allowed,
        item("app", "e6"),
    ]);
    let response = door.answer(&post(JSON, batch.to_string().as_bytes())).await;
    assert_eq!(response.status, 200);
    let body = json(&response);
    assert_eq!(body["accepted"], 2);
    let rejected: Vec<_> =
        body["rejected"].as_array().unwrap().iter().map(|one| (one["index"].as_u64(), one["code"].as_str())).collect();
    let expected = [(1, "unknown_app"), (2, "foreign_app"), (3, "bad_time"), (4, "malformed"), (5, "not_allowed")];
    assert_eq!(rejected, expected.map(|(index, code)| (Some(index), Some(code))));
    assert!(body["rejected"][0]["detail"].as_str().unwrap().contains("nobodys"));
    assert_eq!(door.ids().len(), 2);
    assert!(door.raws().is_empty(), "a bad item is told, not kept");
    let foreign = Labels::provider(Provider::Sdk).discard(Reason::ForeignApp);
    assert_eq!(door.app.counters().get(Metric::Rejected, foreign), 1);
    assert_eq!((door.total(Metric::Rejected), door.total(Metric::Dropped)), (4, 1), "what nobody wants is dropped");
    let lines = door.app.counters().flush(NOW);
    assert!(lines.iter().any(|line| line.contains("\"event_token\":\"zzz999\"")), "by token: {lines:?}");
}

#[tokio::test]
async fn lines_and_compressed_bodies_are_taken() {
    let door = Door::open().await;
    let lines = format!("{}\n{}\n", item("app", "a"), item("app", "b"));
    assert_eq!(json(&door.answer(&post("application/x-ndjson", lines.as_bytes())).await)["accepted"], 2);
    for content_type in ["application/x-ndjson", "application/octet-stream"] {
        let mut request = post(content_type, &gzip(json!({"activities": items(2)}).to_string().as_bytes()));
        request.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        assert_eq!(json(&door.answer(&request).await)["accepted"], 2, "{content_type}");
    }
    assert_eq!(door.ids().len(), 6);
}

#[tokio::test]
async fn an_empty_batch_is_fine_and_puts_nothing() {
    let door = Door::open().await;
    assert_eq!(json(&door.answer(&post(JSON, b"[]")).await), json!({"accepted": 0, "rejected": []}));
    assert!(door.frames().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused_whole() {
    let door = Door::open().await;
    let compressed = |content_type: &str, body: &[u8]| {
        let mut request = post(content_type, body);
        request.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        request
    };
    let damaged = String::from_utf8_lossy(&gzip(b"[]")).into_owned();
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    let cases = [
        (post(JSON, b"[{\"kind\":"), 400, "malformed"),
        (post(JSON, b"{\"items\":[]}"), 400, "malformed"),
        (post(JSON, &vec![b' '; 4 * 1024 * 1024 + 1]), 413, "too-large"),
        (compressed("application/octet-stream", &bomb), 413, "too-large"),
        (post(JSON, items(501).to_string().as_bytes()), 413, "too-many-items"),
        (post("text/csv", b"a,b"), 415, "unsupported-media-type"),
        (compressed(JSON, damaged.as_bytes()), 415, "damaged-body"),
        (compressed("application/octet-stream", b"no gzip \xff"), 400, "malformed"),
    ];
    for (request, status, code) in &cases {
        assert_problem(&door.answer(request).await, *status, code);
    }
    let mut brotli = post(JSON, b"[]");
    brotli.headers.push(("content-encoding".to_owned(), "br".to_owned()));
    assert_problem(&door.answer(&brotli).await, 415, "unsupported-encoding");
    let damaged = door.answer(&compressed(JSON, damaged.as_bytes())).await;
    assert!(assert_problem(&damaged, 415, "damaged-body").contains("application/x-ndjson"));
    assert!(door.frames().is_empty());
    assert_eq!(door.total(Metric::Received), 0);
}

#[tokio::test]
async fn strangers_are_not_read() {
    let door = Door::open().await;
    for (query, code) in [("", "missing-key"), ("key=x", "unknown-key"), ("key=relay_api_1", "wrong-key-role")] {
        let request = with_body(request("POST", PATH, query), JSON, b"no json");
        assert_problem(&door.answer(&request).await, 401, code);
    }
}
