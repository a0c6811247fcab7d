//! Lambda's own event and answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use batch_writer::App;
use batch_writer::handler::handle;
use lambda_runtime::{Context, LambdaEvent};
use relay::arbitrary;
use relay::fault::FaultKind;
use relay::frame;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use serde_json::json;

fn event(data: &str) -> LambdaEvent<aws_lambda_events::event::kinesis::KinesisEvent> {
    let record = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": "495903382714902566",
            "data": data, "approximateArrivalTimestamp": 1_545_084_650.987,
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0",
        "eventID": "shardId-000000000006:495903382714902566", "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/writer", "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
    });
    let mut context = Context::default();
    context.deadline = 0;
    LambdaEvent::new(serde_json::from_value(json!({"Records": [record]})).unwrap(), context)
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
