//! A callback that comes in is seen to arrive, and one that is not understood to be set aside, at the running stack; a dry run is neither. Needs a stack,
//! named by `RELAY_STACK`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::time::Duration;

use relay_tests::stack::Stack;
use relay_tests::wait::until;
use serde_json::{Value, json};

/// How long it may take from the answer at the door to the count: the stream, the writer's window of a second, its write.
const LIMIT: Duration = Duration::from_mins(1);

fn callback(stack: &Stack, query: &str) -> Value {
    let now = relay_lambda::process::now_ms();
    let id = relay_lambda::process::trace_id();
    let path = format!("/v1/callbacks/adjust?activity_kind=reattribution&created_at={}&nonce={id}&{query}", now / 1000);
    let (status, answer) = stack.call("GET", &path, "ingest_key", None);
    assert_eq!(status, 200, "{answer}");
    answer
}

fn arrivals(stack: &Stack, query: &str) -> Value {
    let (status, answer) = stack.call("GET", &format!("/v1/arrivals{query}"), "api_key", None);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// How many of a sort: 0 where it is not there.
fn count(list: &Value, name: &str, value: &str) -> u64 {
    let mut of_sort = list.as_array().unwrap().iter().filter(|it| it["provider"] == "adjust" && it[name] == value);
    of_sort.next().map_or(0, |it| it["received_24h"].as_u64().unwrap())
}

/// Reattributions of the stack's app and callbacks of unknown apps, as counted.
fn counts(stack: &Stack) -> (u64, u64) {
    let shown = arrivals(stack, &format!("?app_token={}", stack.get("app_token")));
    let apps = shown["apps"].as_array().unwrap();
    assert_eq!(apps.len(), 1, "{shown}");
    (count(&apps[0]["arrivals"], "kind", "reattribution"), count(&shown["quarantined"], "reason", "unknown_app"))
}

#[test]
fn a_callback_is_seen_to_arrive_and_a_dry_run_is_not() {
    let Some(stack) = Stack::running("a_callback_is_seen_to_arrive_and_a_dry_run_is_not") else { return };
    let (known, unknown) = (format!("app_token={}", stack.get("app_token")), "app_token=nobody-registered-this");
    let before = counts(&stack);

    let tried = callback(&stack, &format!("{known}&dry_run=1"));
    assert_eq!((&tried["status"], &tried["activity"]["kind"]), (&json!("accepted"), &json!("reattribution")));
    let tried = callback(&stack, &format!("{unknown}&dry_run=1"));
    assert_eq!((&tried["reason"], &tried["activity"]["kind"]), (&json!("unknown_app"), &json!("reattribution")));

    // Two of each: other tests' callbacks may come beside them, so at least two are seen; a dry run that was stored would be a third.
    for _ in 0..2 {
        assert_eq!(callback(&stack, &known), json!({"status": "accepted"}));
        assert_eq!(callback(&stack, unknown)["reason"], "unknown_app");
    }
    let seen = until(LIMIT, || Some(counts(&stack)).filter(|seen| seen.0 >= before.0 + 2 && seen.1 >= before.1 + 2));
    assert!(seen.is_some(), "before {before:?}, after {LIMIT:?} {:?}", counts(&stack));

    let all = arrivals(&stack, "");
    let mine = all["apps"].as_array().unwrap().iter().find(|app| app["app_token"] == stack.get("app_token"));
    let newest = mine.unwrap()["arrivals"].as_array().unwrap().iter().find(|it| it["kind"] == "reattribution");
    assert!(newest.unwrap()["last_received_at"].as_str() <= all["as_of"].as_str(), "{all}");
    assert!(all["since"].is_string() && all["window_hours"] == json!(24), "{all}");
}

#[test]
fn arrivals_are_ones_own() {
    let Some(stack) = Stack::running("arrivals_are_ones_own") else { return };
    let (status, problem) = stack.call("GET", "/v1/arrivals?app_token=nobody-registered-this", "api_key", None);
    assert_eq!((status, &problem["type"]), (403, &json!("urn:relay:problem:foreign-app")));
    assert_eq!(stack.call("GET", "/v1/arrivals", "ingest_key", None).0, 401);
    assert_eq!(stack.call("POST", "/v1/arrivals", "api_key", None).0, 405);
}
