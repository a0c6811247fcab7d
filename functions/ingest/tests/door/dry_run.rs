//! `?dry_run=1`: the door says what would become of a callback, and nothing becomes of it.

use relay::fault::FaultKind;
use relay::metric::Metric;
use relay::problem::FieldError;
use serde_json::{Value, json};

use super::{Door, assert_problem, header, json, request, with_body};

const PATH: &str = "/v1/callbacks/adjust";
const INSTALL: &str =
    "key=relay_ingest_1&app_token=app&activity_kind=install&created_at=1699999999&idfa=a&revenue=0.10";

impl Door {
    /// The answer to a dry run, after which nothing is durable and nothing counts as received.
    async fn tried(&self, query: &str) -> Value {
        let response = self.get(PATH, &format!("{query}&dry_run=1")).await;
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        self.assert_untouched();
        json(&response)
    }

    fn assert_untouched(&self) {
        assert!(self.frames().is_empty(), "a dry run stores nothing");
        assert_eq!((self.total(Metric::Received), self.total(Metric::Dropped)), (0, 0));
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_activity_and_stores_nothing() {
    let door = Door::open().await;
    let tried = door.tried(INSTALL).await;
    let id = tried["activity"]["activity_id"].as_str().unwrap().to_owned();
    let activity = json!({
        "activity_id": id, "kind": "install", "app_token": "app", "created_at": "2023-11-14T22:13:19.000Z",
        "received_at": "2023-11-14T22:13:20.000Z", "provider": "adjust", "idfa": "a", "revenue": "0.10",
        "extra": {"activity_kind": "install"},
    });
    assert_eq!(tried, json!({"status": "accepted", "activity": activity}));
    assert_eq!(door.total(Metric::DryRuns), 1);
    door.get(PATH, &format!("{INSTALL}&dry_run=0")).await;
    assert_eq!(door.ids()[0].1, id, "the id is the one that the callback will have");
}

#[tokio::test]
async fn names_stand_in_their_order() {
    let door = Door::open().await;
    let response = door.get(PATH, &format!("{INSTALL}&dry_run=true")).await;
    assert!(response.body.starts_with(r#"{"status":"accepted","activity":{"activity_id":""#), "{}", response.body);
    let order = [r#""kind""#, r#""app_token""#, r#""created_at""#, r#""idfa""#, r#""extra""#];
    assert!(order.map(|name| response.body.find(name).unwrap()).is_sorted(), "{}", response.body);
}

#[tokio::test]
async fn what_would_not_be_kept_as_a_row_is_shown_where_it_was_understood() {
    let door = Door::open().await;
    door.put_owner("demo", &["abc123"]).await;
    let with = |from: &str, to: &str| INSTALL.replace(from, to);
    for (query, status, reason, app_token) in [
        (with("app_token=app", "app_token=nobodys"), "quarantined", "unknown_app", Some("nobodys")),
        (with("app_token=app", "app_token=others"), "quarantined", "foreign_app", Some("others")),
        (with("=install", "=event&event=zzz999"), "dropped", "not_allowed", Some("app")),
        (with("1699999999", "1"), "quarantined", "bad_time", None),
        (with("app_token=app&", ""), "quarantined", "bad_app_token", None),
    ] {
        let tried = door.tried(&query).await;
        assert_eq!((&tried["status"], &tried["reason"]), (&json!(status), &json!(reason)), "{tried}");
        assert!(tried["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{tried}");
        assert_eq!(tried["activity"]["app_token"].as_str(), app_token, "{tried}");
    }
}

#[tokio::test]
async fn a_body_is_understood_as_it_would_be() {
    let door = Door::open().await;
    let body = br#"{"activity_kind":"event","created_at":1699999999,"event":"abc123","dry_run":false}"#;
    let query = "key=relay_ingest_1&app_token=app&dry_run=1";
    let response = door.answer(&with_body(request("POST", PATH, query), "application/json", body)).await;
    door.assert_untouched();
    let tried = json(&response);
    assert_eq!(tried["activity"]["event_token"], "abc123");
    assert_eq!(tried["activity"]["extra"]["dry_run"], "false", "a field of a body is data");
}

#[tokio::test]
async fn a_dry_run_that_says_neither_yes_nor_no_is_refused_and_stores_nothing() {
    let door = Door::open().await;
    for unclear in ["dry_run", "dry_run=", "dry_run=yes", "dry_run=True"] {
        let response = door.get(PATH, &format!("{INSTALL}&{unclear}")).await;
        let detail = assert_problem(&response, 422, "invalid-request");
        let expected = json!([FieldError { field: "dry_run".to_owned(), detail }]);
        assert_eq!(json(&response)["errors"], expected);
    }
    door.assert_untouched();
}

#[tokio::test]
async fn a_dry_run_needs_an_ingest_key_too() {
    let door = Door::open().await;
    let with_key = |key: &str| INSTALL.replace("key=relay_ingest_1", key);
    for (key, code) in [("", "missing-key"), ("key=nobodys", "unknown-key"), ("key=relay_api_1", "wrong-key-role")] {
        assert_problem(&door.get(PATH, &format!("{}&dry_run=1", with_key(key))).await, 401, code);
    }
}

#[tokio::test]
async fn apps_that_cannot_be_looked_up_are_503() {
    let door = Door::open().await;
    door.tried(&INSTALL.replace("app_token=app", "app_token=unheard")).await;
    // The key and the owner are remembered, this app is not.
    door.control().script.refuse("get", 1, FaultKind::Unavailable);
    assert_problem(&door.get(PATH, &format!("{INSTALL}&dry_run=1")).await, 503, "unavailable");
    door.assert_untouched();
    assert_eq!(door.total(Metric::Failed), 0);
}
