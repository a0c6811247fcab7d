//! The stream and its backlog.

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Backlog, Record, Stream, Watermark};
use relay_aws::kinesis::{AwsBacklog, AwsStream};
use serde_json::{Value, json};

use crate::server::{Answer, Service};

fn record(key: &str, data: impl Into<Bytes>) -> Record {
    Record { partition_key: key.to_owned(), data: data.into() }
}

fn stored(count: usize) -> Answer {
    let result = json!({"SequenceNumber": "49", "ShardId": "shardId-000000000000"});
    Answer::Json(200, json!({"FailedRecordCount": 0, "Records": vec![result; count]}))
}

fn kinds(results: &[Result<(), Fault>]) -> Vec<Option<FaultKind>> {
    results.iter().map(|result| result.as_ref().err().map(|fault| fault.kind)).collect()
}

#[tokio::test]
async fn a_record_that_was_refused_in_a_good_answer_is_not_durable() {
    let answer = json!({"FailedRecordCount": 2, "Records": [
        {"SequenceNumber": "49", "ShardId": "shardId-000000000000"},
        {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded for shard shardId-000000000001"},
        {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"},
        {"SequenceNumber": "50", "ShardId": "shardId-000000000000"},
    ]});
    let service = Service::new([Answer::Json(200, answer)]).await;
    let stream = AwsStream::new(&service.aws, "activities");
    let records = [record("a", "one"), record("b", "two"), record("c", "three"), record("d", "four")];
    let results = stream.put(&records).await;

    assert_eq!(kinds(&results), [None, Some(FaultKind::Throttled), Some(FaultKind::Unavailable), None]);
    let request = service.request();
    assert_eq!(request.header("x-amz-target"), "Kinesis_20131202.PutRecords");
    let expected = json!({"StreamName": "activities", "Records": [
        {"Data": "b25l", "PartitionKey": "a"},
        {"Data": "dHdv", "PartitionKey": "b"},
        {"Data": "dGhyZWU=", "PartitionKey": "c"},
        {"Data": "Zm91cg==", "PartitionKey": "d"},
    ]});
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_call_holds_at_most_500_records_and_a_failed_call_fails_only_its_own() {
    let throttled =
        Answer::Json(400, json!({"__type": "ProvisionedThroughputExceededException", "message": "slow down"}));
    let service = Service::new([throttled.clone(), throttled, stored(1)]).await;
    let records = vec![record("a", "x"); 501];
    let results = AwsStream::new(&service.aws, "activities").put(&records).await;

    let mut expected = vec![Some(FaultKind::Throttled); 500];
    expected.push(None);
    assert_eq!(kinds(&results), expected);
    let sizes: Vec<usize> =
        service.requests().iter().map(|request| request.json()["Records"].as_array().unwrap().len()).collect();
    // The first call twice: two attempts, as `config::MAX_ATTEMPTS` says.
    assert_eq!(sizes, [500, 500, 1]);
}

#[tokio::test]
async fn a_call_holds_at_most_10_mib_with_the_keys() {
    let service = Service::new([stored(9), stored(2)]).await;
    let records = vec![record("a", vec![0; 1024 * 1024]); 11];
    let results = AwsStream::new(&service.aws, "activities").put(&records).await;
    assert_eq!(kinds(&results), [None; 11]);
}

#[tokio::test]
async fn results_that_do_not_match_the_records_are_no_acknowledgement() {
    let service = Service::new([stored(1)]).await;
    let results = AwsStream::new(&service.aws, "activities").put(&[record("a", "x"), record("b", "y")]).await;
    assert_eq!(kinds(&results), [Some(FaultKind::Unavailable); 2]);

    let service = Service::new([Answer::Json(200, json!({"FailedRecordCount": 0, "Records": [{}]}))]).await;
    let results = AwsStream::new(&service.aws, "activities").put(&[record("a", "x")]).await;
    assert_eq!(kinds(&results), [Some(FaultKind::Unavailable)]);
}

fn shards(names: &[&str], next: Option<&str>) -> Answer {
    let shard = |name: &&str| {
        json!({
            "ShardId": name,
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1"},
        })
    };
    let shards: Vec<Value> = names.iter().map(shard).collect();
    Answer::Json(200, json!({"Shards": shards, "NextToken": next}))
}

fn iterator(name: &str) -> Answer {
    Answer::Json(200, json!({"ShardIterator": name}))
}

fn look(arrived: Option<f64>, behind: i64, next: Option<&str>) -> Answer {
    let record =
        |at| json!({"Data": "eA==", "PartitionKey": "a", "SequenceNumber": "7", "ApproximateArrivalTimestamp": at});
    let records: Vec<Value> = arrived.into_iter().map(record).collect();
    Answer::Json(200, json!({"Records": records, "MillisBehindLatest": behind, "NextShardIterator": next}))
}

#[tokio::test]
async fn the_backlog_is_the_oldest_record_behind_any_watermark() {
    let service = Service::new([
        shards(&["s0", "s1"], Some("more")),
        shards(&["s2"], None),
        iterator("i0"),
        look(Some(2000.5), 10, Some("x")),
        iterator("i1"),
        look(None, 5000, Some("i1b")),
        look(Some(1000.25), 10, Some("x")),
        iterator("i2"),
        look(None, 0, Some("x")),
    ])
    .await;
    let watermark = Watermark { shard_id: "s0".into(), sequence_number: "42".into() };
    let oldest = AwsBacklog::new(&service.aws, "activities").oldest(&[watermark]).await;
    assert_eq!(oldest, Ok(Some(1_000_250)));

    let bodies: Vec<Value> = service.requests().iter().map(crate::server::Request::json).collect();
    assert_eq!(bodies[0], json!({"StreamName": "activities"}));
    assert_eq!(bodies[1], json!({"NextToken": "more"}));
    let after = json!({"StreamName": "activities", "ShardId": "s0", "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "42"});
    assert_eq!(bodies[2], after);
    assert_eq!(bodies[3], json!({"ShardIterator": "i0", "Limit": 1}));
    assert_eq!(bodies[4], json!({"StreamName": "activities", "ShardId": "s1", "ShardIteratorType": "TRIM_HORIZON"}));
    assert_eq!(bodies[6], json!({"ShardIterator": "i1b", "Limit": 1}));
}

#[tokio::test]
async fn a_drained_stream_has_no_backlog_and_a_closed_shard_ends() {
    let service = Service::new([
        shards(&["s0", "s1"], None),
        iterator("i0"),
        look(None, 0, Some("x")),
        iterator("i1"),
        look(None, 90, None),
    ])
    .await;
    assert_eq!(AwsBacklog::new(&service.aws, "activities").oldest(&[]).await, Ok(None));
}

#[tokio::test]
async fn a_watermark_of_an_earlier_stream_counts_as_none() {
    let refused =
        Answer::Json(400, json!({"__type": "InvalidArgumentException", "message": "did not come from this stream"}));
    let service = Service::new([shards(&["s0"], None), refused, iterator("i0"), look(Some(1.0), 0, Some("x"))]).await;
    let watermark = Watermark { shard_id: "s0".into(), sequence_number: "42".into() };
    let oldest = AwsBacklog::new(&service.aws, "activities").oldest(&[watermark]).await;
    assert_eq!(oldest, Ok(Some(1000)));
    assert_eq!(service.requests()[2].json()["ShardIteratorType"], "TRIM_HORIZON");
}

#[tokio::test]
async fn a_shard_that_never_comes_to_its_end_is_a_fault_not_a_drained_stream() {
    let answers = [shards(&["s0"], None), iterator("i0")].into_iter().chain(vec![look(None, 5, Some("x")); 10]);
    let service = Service::new(answers).await;
    let oldest = AwsBacklog::new(&service.aws, "activities").oldest(&[]).await;
    assert_eq!(oldest.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!(service.requests().len(), 12);
}
