//! The Lambda host with real processes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use local::host::{Endpoint, Outcome, PAYLOAD_MAX};
use local::http1::{Handler, Request};
use serde_json::json;
use support::{Stage, error_type, texts};

/// Sends a signal; whether there was a process to send it to.
fn signal(name: &str, pid: &str) -> bool {
    let command = format!("kill {name} {pid} 2>/dev/null");
    std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success()
}

/// Whether a child has ended that nobody has asked for its status yet.
fn is_dead(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.contains(") Z ")
}

#[tokio::test]
async fn one_instance_serves_call_after_call() {
    let stage = Stage::new();
    let first = stage.answer(json!({ "n": 1 })).await;
    let second = stage.answer(json!({ "n": 2 })).await;
    assert_eq!(second["event"], json!({ "n": 2 }));
    assert_eq!(first["pid"], second["pid"]);
}

#[tokio::test]
async fn calls_at_the_same_time_have_instances_of_their_own() {
    let stage = Stage::new();
    let (one, two) = tokio::join!(stage.answer(json!({})), stage.answer(json!({})));
    assert_ne!(one["pid"], two["pid"]);
}

#[tokio::test]
async fn a_function_sees_lambdas_environment_and_its_own() {
    let stage = Stage::with(|function| drop(function.environment.insert("TABLE".to_owned(), "t".to_owned())));
    let environment = texts(&stage.answer(json!({ "do": "environment" })).await);
    assert_eq!(environment["TABLE"], "t");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "stack-Fake-1");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(environment["AWS_REGION"], "eu-central-1");
    assert_eq!(environment["AWS_ENDPOINT_URL"], "http://127.0.0.1:9");
    assert_eq!(environment["AWS_ACCESS_KEY_ID"], "AKIAFAKE000000000000");
    assert!(!environment.contains_key("HOME"), "the caller's environment must not leak in");
}

#[tokio::test]
async fn a_call_carries_the_runtime_apis_headers() {
    let stage = Stage::new();
    let headers = texts(&stage.answer(json!({ "do": "headers" })).await);
    assert_eq!(headers["lambda-runtime-aws-request-id"].len(), 36);
    assert!(headers["lambda-runtime-invoked-function-arn"].ends_with(":function:stack-Fake-1"));
    assert!(headers["lambda-runtime-trace-id"].starts_with("Root=1-"));
    let left = headers["lambda-runtime-deadline-ms"].parse::<i64>().unwrap() - relay_lambda::process::now_ms();
    assert!((0..=30_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_functions_error_keeps_its_name() {
    let stage = Stage::new();
    let outcome = stage.call(json!({ "do": "fail", "as": "Export.Throttled" })).await;
    let error = json!({ "errorType": "Export.Throttled", "errorMessage": "as told" });
    assert_eq!(outcome, Outcome::Failed(error));
}

#[tokio::test]
async fn a_crash_is_an_exit_error_and_the_next_call_has_a_new_instance() {
    let stage = Stage::new();
    let outcome = stage.call(json!({ "do": "exit" })).await;
    assert_eq!(error_type(&outcome), "Runtime.ExitError");
    assert_eq!(stage.answer(json!({ "n": 1 })).await["event"]["n"], 1);
}

#[tokio::test]
async fn an_instance_that_was_killed_while_idle_costs_no_call() {
    let stage = Stage::new();
    let pid = stage.answer(json!({})).await["pid"].to_string();
    assert!(signal("-9", &pid));
    support::until(|| is_dead(&pid)).await;
    assert_ne!(stage.answer(json!({})).await["pid"].to_string(), pid);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended_with_its_process() {
    let stage = Stage::with(|function| function.timeout_seconds = 1);
    let pid = stage.answer(json!({})).await["pid"].to_string();
    let outcome = stage.call(json!({ "do": "hang" })).await;
    assert_eq!(error_type(&outcome), "Sandbox.Timedout");
    assert!(!signal("-0", &pid), "the process must be gone");
    assert_ne!(stage.answer(json!({})).await["pid"].to_string(), pid);
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why() {
    let stage = Stage::with(|function| drop(function.environment.insert("INIT".to_owned(), "error".to_owned())));
    assert_eq!(error_type(&stage.call(json!({})).await), "Test.NoConfig");
    let stage = Stage::with(|function| function.binary = "missing".to_owned());
    assert_eq!(error_type(&stage.call(json!({})).await), "Runtime.InvalidEntrypoint");
}

#[tokio::test]
async fn payloads_have_lambdas_limit() {
    let stage = Stage::new();
    let large = "x".repeat(PAYLOAD_MAX);
    let outcome = stage.call(json!(large)).await;
    assert!(matches!(outcome, Outcome::Refused("RequestTooLargeException", _)));
    let outcome = stage.call(json!({ "do": "large", "bytes": PAYLOAD_MAX })).await;
    assert_eq!(error_type(&outcome), "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn after_the_stop_nothing_is_called() {
    let stage = Stage::new();
    stage.answer(json!({})).await;
    stage.host.stop();
    assert!(matches!(stage.call(json!({})).await, Outcome::Refused("ServiceException", _)));
}

#[tokio::test]
async fn the_endpoint_tells_failures_apart() {
    let stage = Stage::new();
    let endpoint = Endpoint { host: Arc::clone(&stage.host), queue: support::queue::none(&stage).await };
    let post = |path: &str, event: serde_json::Value| Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: Bytes::from(event.to_string()),
        peer: ([127, 0, 0, 1], 1).into(),
        head_bytes: 0,
    };
    let reply = endpoint.handle(post("/Fake", json!({ "n": 1 }))).await.unwrap();
    assert_eq!(reply.status, 200);
    let path = "/2015-03-31/functions/stack-Fake-1/invocations";
    let reply = endpoint.handle(post(path, json!({ "do": "fail", "as": "X.Y" }))).await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.headers.contains(&("x-amz-function-error".to_owned(), "Unhandled".to_owned())));
    assert_eq!(endpoint.handle(post("/Nobody", json!({}))).await.unwrap().status, 404);
}
