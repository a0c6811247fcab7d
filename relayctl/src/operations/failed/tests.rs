//! The verbs on batches that were given up, against the doubles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use relay::arbitrary;
use relay::fault::FaultKind;
use relay::frame;
use relay::port::memory::{MemoryObjects, MemoryStream, Trouble};
use serde_json::{Value, json};

use super::*;
use crate::view::ObjectReport;

const NOW: i64 = 1_763_700_000_000;
const MAPPING: &str = "aws/lambda/14f3a1b2-0000-4000-8000-000000000000/shardId-000000000000/2025/11/21/";

/// The event that Lambda called the function with.
fn event(frames: &[Bytes]) -> Value {
    let record = |(index, data): (usize, &Bytes)| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": index.to_string(),
                "data": STANDARD.encode(data), "approximateArrivalTimestamp": 1_763_690_000.25,
            },
            "eventSource": "aws:kinesis", "eventID": format!("shardId-000000000000:{index}"),
        })
    };
    json!({"Records": frames.iter().enumerate().map(record).collect::<Vec<_>>()})
}

/// The document of the Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source", with a payload.
fn document(payload: &Value) -> Bytes {
    let document = json!({
        "requestContext": {
            "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:writer",
            "condition": "RecordAgeExceeded", "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2025-11-21T00:38:06.021Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000", "startSequenceNumber": "10", "endSequenceNumber": "11",
            "approximateArrivalOfFirstRecord": "2025-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2025-11-14T00:38:05.580Z",
            "batchSize": 2, "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/mystream",
        },
        "payload": payload,
    });
    Bytes::from(document.to_string())
}

fn frames() -> Vec<Bytes> {
    vec![frame::pack(30, &[arbitrary::one()])[0].data.clone(), Bytes::from_static(b"poison")]
}

async fn with_batch(name: &str) -> MemoryObjects {
    let bucket = MemoryObjects::default();
    keep(&bucket, name, document(&event(&frames()).to_string().into())).await;
    bucket
}

async fn keep(bucket: &MemoryObjects, name: &str, body: Bytes) {
    bucket.put(&format!("{MAPPING}{name}"), body).await.unwrap();
}

async fn run(bucket: &MemoryObjects, stream: &MemoryStream, again: bool) -> Result<Vec<ObjectReport>, Refusal> {
    let mut replay = ReplayBatches::new(bucket, stream, None, again, NOW);
    let mut reports = Vec::new();
    while let Some(report) = replay.next().await? {
        reports.push(report);
    }
    Ok(reports)
}

fn page(limit: u16, before: Option<&str>) -> Page {
    Page { limit, before: before.map(str::to_owned) }
}

#[tokio::test]
async fn an_empty_bucket_is_an_answer() {
    let (bucket, stream) = (MemoryObjects::default(), MemoryStream::new(1));
    assert!(run(&bucket, &stream, false).await.unwrap().is_empty());
    assert_eq!(list_batches(&bucket, &page(20, None)).await.unwrap().text(), "no batch was given up\n");
}

#[tokio::test]
async fn records_go_back_as_they_were_and_once() {
    let (bucket, stream) = (with_batch("2025-11-21T00.38.06-a").await, MemoryStream::new(1));
    let reports = run(&bucket, &stream, false).await.unwrap();
    assert_eq!((reports.len(), &reports[0].accepted[..]), (1, &[0, 1][..]));
    let back: Vec<Bytes> = stream.all().into_iter().map(|record| record.data).collect();
    assert_eq!(back, frames());
    assert!(run(&bucket, &stream, false).await.unwrap().is_empty());
    assert_eq!(stream.all().len(), 2);
    assert_eq!(run(&bucket, &stream, true).await.unwrap().len(), 1);
    assert_eq!(stream.all().len(), 4);
}

#[tokio::test]
async fn a_payload_that_is_no_text_is_read_too() {
    let (bucket, stream) = (MemoryObjects::default(), MemoryStream::new(1));
    keep(&bucket, "a", document(&event(&frames()))).await;
    assert_eq!(run(&bucket, &stream, false).await.unwrap()[0].accepted.len(), 2);
}

#[tokio::test]
async fn what_holds_no_records_says_why_and_stays() {
    let (bucket, stream) = (MemoryObjects::default(), MemoryStream::new(1));
    let mut broken = event(&frames());
    broken["Records"][1]["kinesis"]["data"] = json!("*");
    for (name, body) in [
        ("a", Bytes::from_static(b"no JSON")),
        ("b", Bytes::from_static(b"{}")),
        ("c", document(&"no event".into())),
        ("d", document(&broken.to_string().into())),
    ] {
        keep(&bucket, name, body).await;
    }
    for _ in 0..2 {
        let reports = run(&bucket, &stream, false).await.unwrap();
        let details: Vec<&str> = reports.iter().map(|report| report.rejected[0].detail.as_str()).collect();
        for (detail, part) in
            details.iter().zip(["no invocation record", "no payload", "no event of a stream", "record 1 is no base64"])
        {
            assert!(detail.contains(part), "{details:?}");
        }
    }
    assert!(stream.all().is_empty());
    assert_eq!(list_batches(&bucket, &page(20, None)).await.unwrap().batches.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_marked_only_for_what_is_durable() {
    let (bucket, stream) = (with_batch("a").await, MemoryStream::new(1));
    stream.script.add("put", [Trouble::Partial(vec![0], FaultKind::Denied)]);
    assert!(run(&bucket, &stream, false).await.is_err());
    let rows = list_batches(&bucket, &page(20, None)).await.unwrap().batches;
    assert!(!rows[0].replayed);
    let reports = run(&bucket, &stream, false).await.unwrap();
    assert_eq!((reports[0].accepted.clone(), stream.all().len()), (vec![0], 2));
    assert!(list_batches(&bucket, &page(20, None)).await.unwrap().batches[0].replayed);
}

#[tokio::test]
async fn a_crash_between_put_and_mark_puts_them_again() {
    let (bucket, stream) = (with_batch("a").await, MemoryStream::new(1));
    bucket.script.refuse("put", 1, FaultKind::TimedOut);
    assert!(run(&bucket, &stream, false).await.is_err());
    assert_eq!(run(&bucket, &stream, false).await.unwrap()[0].accepted.len(), 2);
    assert_eq!(stream.all().len(), 4);
    assert!(run(&bucket, &stream, false).await.unwrap().is_empty());
}

#[tokio::test]
async fn faults_of_the_bucket_are_told() {
    let (bucket, stream) = (with_batch("a").await, MemoryStream::new(1));
    for call in ["list", "get"] {
        bucket.script.refuse(call, 1, FaultKind::Throttled);
        assert!(run(&bucket, &stream, false).await.is_err(), "{call}");
        bucket.script.refuse(call, 1, FaultKind::Throttled);
        assert!(list_batches(&bucket, &page(20, None)).await.is_err(), "{call}");
    }
    assert!(stream.all().is_empty());
}

#[tokio::test]
async fn batches_of_all_shards_are_listed_newest_first_and_paged() {
    let bucket = with_batch("2025-11-21T00.38.06-b").await;
    let other = "aws/lambda/14f3a1b2-0000-4000-8000-000000000000/shardId-000000000007/2025/11/22/2025-11-22T01.00.00-a";
    bucket.put(other, Bytes::from_static(b"?")).await.unwrap();
    keep(&bucket, "2025-11-20T00.00.00-c", document(&"".into())).await;
    let first = list_batches(&bucket, &page(2, None)).await.unwrap();
    let second = format!("{MAPPING}2025-11-21T00.38.06-b");
    assert_eq!(first.batches.iter().map(|row| row.batch.as_str()).collect::<Vec<_>>(), [other, &second]);
    let row = &first.batches[1];
    assert_eq!((row.records, row.condition.as_deref(), row.replayed), (Some(2), Some("RecordAgeExceeded"), false));
    assert_eq!((row.first_sequence_number.as_deref(), row.last_sequence_number.as_deref()), (Some("10"), Some("11")));
    assert_eq!(first.next.as_deref(), Some(second.as_str()));
    assert!(first.text().contains("2025-11-21T00:38:06.021Z  RecordAgeExceeded"), "{}", first.text());
    let rest = list_batches(&bucket, &page(2, first.next.as_deref())).await.unwrap();
    assert_eq!((rest.batches.len(), rest.next), (1, None));

    let stream = MemoryStream::new(1);
    let mut one = ReplayBatches::new(&bucket, &stream, Some(second.clone()), false, NOW);
    assert_eq!(one.next().await.unwrap().unwrap().object, second);
    assert_eq!(one.next().await.unwrap(), None);
    let mut none = ReplayBatches::new(&bucket, &stream, Some(format!("{second}x")), false, NOW);
    assert!(none.next().await.unwrap_err().to_string().starts_with("there is no object `aws/lambda/"));
}
