//! `GET|POST /v1/callbacks/{provider}`.

use relay::callback::MAX_CALLBACK_BYTES;
use relay::metric::Labels;

use super::*;

const PATH: &str = "/v1/callbacks/adjust";
const INSTALL: &str = "key=relay_ingest_1&activity_kind=install&app_token=app&created_at=1699999999&adid=a";

#[tokio::test]
async fn a_callback_is_durable_when_it_is_answered() {
    let door = Door::open().await;
    let response = door.get(PATH, INSTALL).await;
    assert_eq!(response.status, 200);
    assert_eq!(json(&response)["status"], "accepted");
    assert_eq!(door.ids().len(), 1);
    assert_eq!(door.ids()[0].0, 30, "the owner's retention goes with the activity");
    let retry = door.get(PATH, INSTALL).await;
    assert_eq!(retry.status, 200);
    assert_eq!(door.ids()[0], door.ids()[1], "a retry is the same activity");
}

#[tokio::test]
async fn posts_are_taken_as_forms_and_as_json() {
    let door = Door::open().await;
    let query = "key=relay_ingest_1&app_token=app";
    let form = b"activity_kind=install&created_at=1699999999&adid=a";
    let json = br#"{"activity_kind":"install","created_at":1699999999,"adid":"a"}"#;
    let form = with_body(request("POST", PATH, query), "application/x-www-form-urlencoded", form);
    let json = with_body(request("POST", PATH, query), "application/json", json);
    assert_eq!(door.answer(&form).await.status, 200);
    assert_eq!(door.answer(&json).await.status, 200);
    assert_eq!(door.ids().len(), 2);
    assert_eq!(door.ids()[0], door.ids()[1]);
}

#[tokio::test]
async fn a_key_comes_in_the_query_or_a_header() {
    let door = Door::open().await;
    let query = INSTALL.trim_start_matches("key=relay_ingest_1&");
    for (name, value) in [
        ("authorization", "Bearer relay_ingest_1"),
        ("authorization", "relay_ingest_1"),
        ("x-relay-key", "relay_ingest_1"),
    ] {
        let mut request = request("GET", PATH, query);
        request.headers.push((name.to_owned(), value.to_owned()));
        assert_eq!(door.answer(&request).await.status, 200, "{name}: {value}");
    }
    assert_eq!(door.ids().len(), 3);
}

#[tokio::test]
async fn without_an_ingest_key_nobody_comes_in() {
    let door = Door::open().await;
    let keyed = |key: &str| INSTALL.replace(INGEST_KEY, key);
    for (query, code) in [
        (INSTALL.trim_start_matches("key=relay_ingest_1&").to_owned(), "missing-key"),
        (keyed(""), "missing-key"),
        (keyed("{key}"), "missing-key"),
        (keyed("relay_ingest_2"), "unknown-key"),
        (keyed(API_KEY), "wrong-key-role"),
    ] {
        let response = door.get(PATH, &query).await;
        assert_problem(&response, 401, code);
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer realm=\"relay\""));
    }
    assert!(door.frames().is_empty());
    assert_eq!((door.total(Metric::Received), door.total(Metric::Refused)), (0, 5));
    assert_eq!(door.app.counters().get(Metric::Refused, Labels::NONE.reason("missing-key")), 3);
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_raw_and_answered_200() {
    let door = Door::open().await;
    let base = "key=relay_ingest_1&created_at=1699999999&activity_kind=install";
    let cases = [
        (format!("{base}&app_token=nobodys"), Reason::UnknownApp),
        (format!("{base}&app_token=others"), Reason::ForeignApp),
        (base.to_owned(), Reason::BadAppToken),
        ("key=relay_ingest_1&app_token=app&activity_kind=install&created_at=1".to_owned(), Reason::BadTime),
        ("key=relay_ingest_1&app_token=app&created_at=1699999999".to_owned(), Reason::BadKind),
        (format!("{base}&app_token=app&x={}", "y".repeat(70_000)), Reason::TooLarge),
    ];
    for (query, reason) in &cases {
        let response = door.get(PATH, query).await;
        assert_eq!(response.status, 200);
        assert_eq!(json(&response)["reason"], reason.name());
        assert!(response.body.len() < 100, "tiny: {}", response.body);
        let labels = Labels::provider(relay::activity::Provider::Adjust).discard(*reason);
        assert_eq!(door.app.counters().get(Metric::Quarantined, labels), 1);
    }
    assert!(door.ids().is_empty());
    let mut kept = door.reasons();
    let mut expected: Vec<_> = cases.iter().map(|(_, reason)| *reason).collect();
    kept.sort_by_key(|reason| reason.name());
    expected.sort_by_key(|reason| reason.name());
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn a_raw_frame_holds_the_callback_as_it_came_less_the_key() {
    let door = Door::open().await;
    let query = "a={x}|[y]%zz&key=relay_ingest_1&b=%FF";
    let body = b"\xff not json";
    let response = door.answer(&with_body(request("POST", PATH, query), "application/json", body)).await;
    assert_eq!(response.status, 200);
    let raw = door.raws().remove(0);
    assert_eq!(raw.reason, Reason::Malformed);
    assert_eq!((raw.owner.as_str(), raw.provider.as_str(), raw.method.as_str()), ("demo", "adjust", "POST"));
    assert_eq!((raw.path.as_str(), raw.query.as_str()), (PATH, "a={x}|[y]%zz&b=%FF"));
    assert_eq!((raw.content_type.as_str(), raw.body.as_slice()), ("application/json", &body[..]));
    assert_eq!((raw.received_at, raw.trace_id.as_str()), (NOW, TRACE));
}

#[tokio::test]
async fn an_allow_list_drops_other_events_and_nothing_else() {
    let door = Door::open().await;
    door.put_owner("demo", &["abc123"]).await;
    let event = "key=relay_ingest_1&app_token=app&created_at=1699999999&activity_kind=event";
    assert_eq!(json(&door.get(PATH, &format!("{event}&event=abc123")).await)["status"], "accepted");
    assert_eq!(json(&door.get(PATH, INSTALL).await)["status"], "accepted");
    let dropped = door.get(PATH, &format!("{event}&event=zzz999")).await;
    assert_eq!((dropped.status, json(&dropped)["status"].as_str()), (200, Some("dropped")));
    assert_eq!((door.frames().len(), door.total(Metric::Dropped)), (2, 1));
}

#[tokio::test]
async fn what_changes_in_the_table_is_believed_within_seconds() {
    let door = Door::open().await;
    let later = NOW + 5_000;
    let revoke = Write::Delete { key: KeyRecord::key(&owner::secret_hash(INGEST_KEY)), expect: Expect::Any };
    let install = request("GET", PATH, INSTALL);
    let app = request("GET", PATH, &INSTALL.replace("app_token=app", "app_token=new"));
    assert_eq!(json(&door.answer(&app).await)["reason"], "unknown_app");
    door.put_app("new", "demo").await;
    assert_eq!(json(&door.answer(&app).await)["status"], "accepted", "what was missing is asked for again at once");
    door.control().commit(&[revoke]).await.unwrap();
    assert_eq!(door.answer_at(&install, later - 1).await.status, 200);
    assert_eq!(door.answer_at(&install, later).await.status, 401);
}

#[tokio::test]
async fn oversize_is_refused() {
    let door = Door::open().await;
    let form = "application/x-www-form-urlencoded";
    let body = |bytes: usize| with_body(request("POST", PATH, INSTALL), form, &vec![b'&'; bytes]);
    let fits = MAX_CALLBACK_BYTES - INSTALL.len();
    assert_eq!(door.answer(&body(fits)).await.status, 200);
    let detail = assert_problem(&door.answer(&body(fits + 1)).await, 413, "too-large");
    assert!(detail.contains("131072"), "{detail}");
    assert_eq!(door.frames().len(), 1);
}

#[tokio::test]
async fn paths_and_methods_that_are_none_are_told() {
    let door = Door::open().await;
    for provider in ["nobody", "Adjust", "sdk", ""] {
        let detail =
            assert_problem(&door.get(&format!("/v1/callbacks/{provider}"), INSTALL).await, 404, "unknown-provider");
        assert!(detail.contains("supported: adjust"), "{detail}");
    }
    for path in ["/", "/v1/callbacks", "/v1/callbacks/adjust/", "/v1/activities/1"] {
        assert_problem(&door.get(path, INSTALL).await, 404, "not-found");
    }
    for (method, path, allow) in [
        ("HEAD", PATH, "GET, POST"),
        ("DELETE", PATH, "GET, POST"),
        ("GET", "/v1/activities", "POST"),
        ("POST", "/v1/health", "GET"),
    ] {
        let response = door.answer(&request(method, path, INSTALL)).await;
        assert_problem(&response, 405, "method-not-allowed");
        assert_eq!(header(&response, "allow"), Some(allow));
    }
    assert!(door.frames().is_empty());
}

#[tokio::test]
async fn health_tells_the_version() {
    let door = Door::open().await;
    let response = door.get("/v1/health", "").await;
    assert_eq!(response.status, 200);
    assert_eq!(json(&response), serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
}
