//! The spill queue from end to end: Lambda's own events in and answers out, the real handlers of ingest and batch-writer between them, the reader behind.
//! The doubles stand for the services alone.

use std::collections::BTreeMap;

use lambda_runtime::{Context, LambdaEvent};
use relay::fault::FaultKind;
use relay::port::memory::{MemorySpill, MemoryStream, SpillMessage, StreamRecord, Trouble};
use relay::spill;
use relay_lambda::process;
use serde_json::{Value, json};

use super::{APPS, DAY_MS, Machine, SHARDS};

/// Refusals enough for every try that the door makes of a few requests.
const DOWN: usize = 1_000;

/// How often the door puts a frame before it gives the stream up.
const PUTS: usize = 4;

/// The machine as Lambda and API Gateway see it. The handlers read the clock themselves, so what happens is of today.
struct Stage {
    machine: Machine,
    /// When everything happened: a retry says the same as the first try.
    created_at: i64,
}

impl Stage {
    async fn new() -> Self {
        Self { machine: Machine::new().await, created_at: process::now_ms() }
    }

    fn stream(&self) -> &MemoryStream {
        &self.machine.door.stream
    }

    fn queue(&self) -> &MemorySpill {
        &self.machine.door.spill
    }

    /// A provider calls back about a delivery of its own.
    async fn provider_calls(&self, nonce: &str) -> Value {
        let (key, app_token, created_at) = (&self.machine.secret, APPS[0], self.created_at / 1000);
        let query =
            format!("key={key}&app_token={app_token}&activity_kind=install&created_at={created_at}&nonce={nonce}");
        let path = "/v1/callbacks/adjust";
        self.gateway_calls(&json!({
            "version": "2.0", "routeKey": "GET /v1/callbacks/{provider}", "rawPath": path, "rawQueryString": query,
            "headers": {"host": "api.example.com"},
            "requestContext": {"http": {"method": "GET", "path": path, "protocol": "HTTP/1.1"}, "timeEpoch": 1},
            "isBase64Encoded": false,
        }))
        .await
    }

    /// An SDK sends a batch of these events.
    async fn sdk_sends(&self, ids: &[&str]) -> Value {
        let created_at = self.created_at;
        let item = |id: &&str| json!({"kind": "event", "app_token": APPS[1], "created_at": created_at, "event_id": id});
        let items: Value = ids.iter().map(item).collect();
        let path = "/v1/activities";
        self.gateway_calls(&json!({
            "version": "2.0", "routeKey": "POST /v1/activities", "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json", "x-relay-key": self.machine.secret},
            "requestContext": {"http": {"method": "POST", "path": path, "protocol": "HTTP/1.1"}, "timeEpoch": 1},
            "body": items.to_string(), "isBase64Encoded": false,
        }))
        .await
    }

    async fn gateway_calls(&self, event: &Value) -> Value {
        let event = LambdaEvent::new(serde_json::from_value(event.clone()).unwrap(), Context::default());
        serde_json::to_value(ingest::handler::handle(&self.machine.door, event).await.unwrap()).unwrap()
    }

    /// Lambda brings the writer everything that waits in the queue, and deletes what the writer does not name as failed. Answers how much that was.
    async fn lambda_drains_the_queue(&self) -> usize {
        let messages = self.queue().messages();
        let record = |message: &SpillMessage| {
            json!({
                "messageId": message.message_id, "receiptHandle": "handle", "body": message.body, "messageAttributes": {},
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": message.sent_at.to_string()},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:spill",
            })
        };
        let failed = self.lambda_calls(messages.iter().map(record).collect()).await;
        let ids = messages.into_iter().map(|message| message.message_id);
        let done: Vec<String> = ids.filter(|id| !failed.contains(id)).collect();
        self.queue().delete(&done);
        done.len()
    }

    /// Lambda brings the writer everything that the stream holds, from its beginning.
    async fn lambda_drains_the_stream(&self) -> usize {
        let mut drained = 0;
        for shard in 0..SHARDS {
            let (records, shard_id) = (self.stream().records(shard), MemoryStream::shard_id(shard));
            let record = |record: &StreamRecord| {
                json!({
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": record.sequence_number,
                        "data": spill::message(&record.data), "approximateArrivalTimestamp": 1_545_084_650.987,
                    },
                    "eventSource": "aws:kinesis", "eventID": format!("{shard_id}:{}", record.sequence_number),
                    "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
                })
            };
            let failed = self.lambda_calls(records.iter().map(record).collect()).await;
            assert!(failed.is_empty(), "{failed:?}");
            drained += records.len();
        }
        drained
    }

    /// One invocation of the writer with a minute of time; the items that it names as failed.
    async fn lambda_calls(&self, records: Value) -> Vec<String> {
        let mut context = Context::default();
        context.deadline = u64::try_from(process::now_ms() + 60_000).unwrap();
        let event = LambdaEvent::new(serde_json::from_value(json!({"Records": records})).unwrap(), context);
        let answer = batch_writer::handler::handle(&self.machine.writer, event).await.unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap().iter();
        failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids in the pages, each with how often it is a row.
    async fn rows(&self) -> BTreeMap<String, usize> {
        self.machine.rows_of(self.created_at - DAY_MS..self.created_at + DAY_MS).await
    }
}

/// These ids, each once.
fn once<const N: usize>(ids: [&str; N]) -> BTreeMap<String, usize> {
    ids.into_iter().map(|id| (id.to_owned(), 1)).collect()
}

fn assert_unavailable(answer: &Value) {
    assert_eq!(answer["statusCode"], 503, "{answer}");
    let retry_after = answer["headers"]["retry-after"].as_str().and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(retry_after.is_some_and(|seconds| seconds > 0), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_does_not_take_is_a_row_by_way_of_the_queue_and_a_retry_makes_no_second() {
    let stage = Stage::new().await;
    stage.stream().script.refuse("put", DOWN, FaultKind::Unavailable);
    assert_eq!(stage.provider_calls("n1").await["statusCode"], 200);
    assert_eq!(stage.sdk_sends(&["e1", "e2"]).await["statusCode"], 200);
    assert_eq!((stage.stream().all().len(), stage.queue().messages().len()), (0, 2));
    assert_eq!(stage.rows().await, once([]), "durable, and not drained yet");
    assert_eq!(stage.lambda_drains_the_queue().await, 2);
    assert_eq!(stage.rows().await, once(["n1", "e1", "e2"]));

    stage.stream().script.clear();
    assert_eq!(stage.provider_calls("n1").await["statusCode"], 200);
    assert_eq!(stage.sdk_sends(&["e1", "e2", "e3"]).await["statusCode"], 200);
    assert_eq!(stage.lambda_drains_the_stream().await, 2, "the stream is back");
    assert_eq!(stage.rows().await, once(["n1", "e1", "e2", "e3"]));
}

#[tokio::test(start_paused = true)]
async fn with_stream_and_queue_down_nothing_is_acknowledged_and_nothing_stored_until_the_retry() {
    let stage = Stage::new().await;
    stage.stream().script.refuse("put", DOWN, FaultKind::Unavailable);
    stage.queue().script.refuse("send", DOWN, FaultKind::Unavailable);
    assert_unavailable(&stage.provider_calls("n1").await);
    assert_unavailable(&stage.sdk_sends(&["e1"]).await);
    assert_eq!(stage.lambda_drains_the_queue().await + stage.lambda_drains_the_stream().await, 0);
    assert!(stage.machine.writer.pages.all().is_empty() && stage.machine.writer.quarantine.objects().is_empty());

    stage.stream().script.clear();
    assert_eq!(stage.provider_calls("n1").await["statusCode"], 200);
    assert_eq!(stage.sdk_sends(&["e1"]).await["statusCode"], 200);
    assert_eq!(stage.lambda_drains_the_stream().await, 2);
    assert_eq!(stage.rows().await, once(["n1", "e1"]));
}

/// The door cannot know that the stream took the first frame, so the queue holds it, too: there beside the second, and so in another page.
#[tokio::test(start_paused = true)]
async fn a_frame_that_both_stream_and_queue_took_is_one_row_whichever_is_drained_first() {
    for is_queue_first in [true, false] {
        let stage = Stage::new().await;
        stage.stream().script.add("put", std::iter::repeat_n(Trouble::AnswerLost, PUTS));
        stage.stream().script.refuse("put", PUTS, FaultKind::Unavailable);
        assert_eq!(stage.provider_calls("n1").await["statusCode"], 200);
        assert_eq!(stage.provider_calls("n2").await["statusCode"], 200);
        assert_eq!((stage.stream().all().len(), stage.queue().messages().len()), (PUTS, 2));
        if is_queue_first {
            assert_eq!(stage.lambda_drains_the_queue().await, 2);
            assert_eq!(stage.rows().await, once(["n1", "n2"]));
        }
        assert_eq!(stage.lambda_drains_the_stream().await, PUTS);
        stage.lambda_drains_the_queue().await;
        assert_eq!(stage.rows().await, once(["n1", "n2"]), "queue first: {is_queue_first}");
        assert_eq!(stage.machine.writer.pages.all().len(), 2);
        assert!(stage.queue().messages().is_empty());
    }
}

/// What the writer could not store, Lambda leaves in the queue and brings again.
#[tokio::test(start_paused = true)]
async fn a_message_whose_page_the_table_does_not_take_waits_in_the_queue() {
    let stage = Stage::new().await;
    stage.stream().script.refuse("put", DOWN, FaultKind::Unavailable);
    assert_eq!(stage.provider_calls("n1").await["statusCode"], 200);
    stage.machine.writer.pages.script.refuse("put", 1, FaultKind::Denied);
    assert_eq!(stage.lambda_drains_the_queue().await, 0);
    assert_eq!((stage.rows().await, stage.queue().messages().len()), (once([]), 1));
    assert_eq!(stage.lambda_drains_the_queue().await, 1);
    assert_eq!(stage.rows().await, once(["n1"]));
}
