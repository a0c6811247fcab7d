//! Lambda's own event and answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use batch_writer::App;
use batch_writer::handler::{Event, handle};
use lambda_runtime::{Context, LambdaEvent};
use relay::arbitrary;
use relay::fault::FaultKind;
use relay::frame;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, Trouble};
use serde_json::{Value, json};

fn event(data: &str) -> LambdaEvent<Event> {
    lambda(&json!([{
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": "495903382714902566",
            "data": data, "approximateArrivalTimestamp": 1_545_084_650.987,
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0",
        "eventID": "shardId-000000000006:495903382714902566", "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/writer", "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
    }]))
}

fn lambda(records: &Value) -> LambdaEvent<Event> {
    let mut context = Context::default();
    context.deadline = 0;
    LambdaEvent::new(serde_json::from_value(json!({"Records": records})).unwrap(), context)
}

/// An event of SQS as the developer guide shows it, with a message for each body.
fn messages(bodies: &[String]) -> LambdaEvent<Event> {
    let message = |(index, body): (usize, &String)| {
        json!({
            "messageId": format!("message-{index}"),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:spill",
            "awsRegion": "us-east-2",
        })
    };
    lambda(&bodies.iter().enumerate().map(message).collect())
}

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

fn app() -> Doubles {
    App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1)
}

/// A message with one activity, in a minute of its own for each `minute`.
fn spilled(minute: i64) -> String {
    let mut activity = arbitrary::one();
    activity.activity_id.0 = [u8::try_from(minute).unwrap(); 16];
    activity.created_at += minute * 60_000;
    relay::spill::message(&frame::pack(90, &[activity])[0].data)
}

async fn failures(app: &Doubles, event: LambdaEvent<Event>) -> Vec<String> {
    let answer = serde_json::to_value(handle(app, event).await.unwrap()).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_spill_queue_becomes_pages_and_no_watermark() {
    let app = app();
    assert_eq!(failures(&app, messages(&[spilled(0), spilled(1)])).await, [""; 0]);
    assert_eq!(app.pages.all().len(), 2);
    assert!(relay::backlog::watermarks(&app.control).await.unwrap().is_empty(), "a queue has no order");
}

#[tokio::test(start_paused = true)]
async fn each_message_fails_alone_whatever_its_place() {
    let app = app();
    let mut event = messages(&[spilled(0), spilled(1), spilled(2)]);
    event.context.deadline = u64::MAX / 4;
    app.pages.script.add("put", [Trouble::Partial(vec![0], FaultKind::Denied)]);
    assert_eq!(failures(&app, event).await, ["message-0"]);
    assert_eq!(app.pages.all().len(), 2, "those behind it are stored");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_messages_share_is_missing_for_each_of_them() {
    let app = app();
    let mut event = messages(&[spilled(0), spilled(1), spilled(0)]);
    event.context.deadline = u64::MAX / 4;
    let first_minute = || Trouble::Partial(vec![0], FaultKind::Denied);
    let last_alone = Trouble::Partial(vec![0], FaultKind::Denied);
    // The first drain fails for the page of messages 0 and 2; the second, of 1 and 2, for the page of 2.
    app.pages.script.add("put", [first_minute(), last_alone]);
    assert_eq!(failures(&app, event).await, ["message-0", "message-2"]);
    assert_eq!(app.pages.all().len(), 1);
}

#[tokio::test]
async fn when_the_time_is_over_what_lies_behind_a_failure_comes_again() {
    let app = app();
    app.pages.script.add("put", [Trouble::Partial(vec![1], FaultKind::Throttled)]);
    let event = || messages(&[spilled(0), spilled(1), spilled(2)]);
    assert_eq!(failures(&app, event()).await, ["message-1", "message-2"]);
    assert_eq!(failures(&app, event()).await, [""; 0]);
    assert_eq!(app.pages.all().len(), 3, "the same write is the same page");
}

#[tokio::test]
async fn a_message_of_somebody_else_is_set_aside() {
    let app = app();
    assert_eq!(failures(&app, messages(&["hello".to_owned(), spilled(0)])).await, [""; 0]);
    let objects = app.quarantine.objects();
    let entries = relay::quarantine::read(objects.values().next().unwrap()).unwrap();
    assert_eq!(entries[0].reason, "undecodable");
    assert_eq!(app.pages.all().len(), 1);
}

fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

#[tokio::test]
async fn a_failure_names_its_sequence_number_and_success_names_none() {
    let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
    let frame = base64(&frame::pack(90, &[arbitrary::one()])[0].data);
    app.pages.script.refuse("put", 1, FaultKind::Throttled);
    let response = handle(&app, event(&frame)).await.unwrap();
    let expected = json!({"batchItemFailures": [{"itemIdentifier": "495903382714902566"}]});
    assert_eq!(serde_json::to_value(response).unwrap(), expected);
    let response = handle(&app, event(&frame)).await.unwrap();
    assert_eq!(serde_json::to_value(response).unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(app.pages.all().len(), 1);
    assert_eq!(relay::backlog::watermarks(&app.control).await.unwrap()[0].shard_id, "shardId-000000000006");
}
