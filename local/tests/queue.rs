//! Asynchronous events.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use bytes::Bytes;
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::{Stage, queue, until};

fn waiting(stage: &Stage) -> usize {
    std::fs::read_dir(stage.path("events")).unwrap().count()
}

#[tokio::test]
async fn an_event_is_retried_until_it_succeeds_and_then_forgotten() {
    let stage = Stage::new();
    let (queue, _stop) = queue::open(&stage, "http://127.0.0.1:9").await;
    let event = json!({ "do": "flaky", "succeeds_at": 2 });
    queue.accept("Fake", Bytes::from(event.to_string())).await.unwrap();
    until(|| waiting(&stage) == 0).await;
    assert_eq!(stage.notes().len(), 2);
}

#[tokio::test]
async fn an_event_that_fails_for_good_goes_to_its_destination() {
    let (emulator, url) = Emulator::start().await;
    let stage = Stage::with(|function| {
        function.async_retries = 1;
        function.async_destination = Some("arn:aws:sqs:eu-central-1:000000000000:failures".to_owned());
    });
    let (queue, _stop) = queue::open(&stage, &url).await;
    let event = json!({ "do": "fail", "as": "Notify.Unavailable" });
    queue.accept("stack-Fake-1", Bytes::from(event.to_string())).await.unwrap();
    until(|| waiting(&stage) == 0).await;
    let messages = emulator.messages.lock().unwrap();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(message["QueueUrl"], "failures");
    let body: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(body["requestPayload"], event);
    assert_eq!(body["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(body["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(body["responsePayload"]["errorType"], "Notify.Unavailable");
}

#[tokio::test]
async fn an_event_outlives_a_stop_between_two_tries() {
    let stage = Stage::new();
    let (first, stop) = queue::open(&stage, "http://127.0.0.1:9").await;
    let event = json!({ "do": "flaky", "succeeds_at": 2 });
    first.accept("Fake", Bytes::from(event.to_string())).await.unwrap();
    until(|| stage.notes().len() == 1).await;
    stop.send_replace(true);
    first.finish().await;
    assert_eq!((waiting(&stage), stage.notes().len()), (1, 1));
    let (_second, _stop) = queue::open(&stage, "http://127.0.0.1:9").await;
    until(|| waiting(&stage) == 0).await;
    assert_eq!(stage.notes().len(), 2);
}
