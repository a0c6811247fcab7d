//! The stream and its backlog.

use std::time::Duration;

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Backlog, Look, Position, Record, Sight, Start, Stream};
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

const NOW: i64 = 1_000_000_000;

async fn look_into(service: &Service, starts: &[Start], within: Duration) -> Vec<(String, Result<Sight, Fault>)> {
    let look = Look { now: NOW, enough: NOW - 60_000, within };
    AwsBacklog::new(&service.aws, "activities").look(starts, look).await.unwrap()
}

/// Time for as many looks as it takes.
const ENDLESS: Duration = Duration::from_hours(1);

fn start(shard_id: &str, at: Position) -> Start {
    Start { shard_id: shard_id.into(), at }
}

#[tokio::test]
async fn each_shard_is_looked_into_from_where_it_is_known() {
    let service = Service::new([
        shards(&["s0", "s1"], Some("more")),
        shards(&["s2"], None),
        iterator("i0"),
        iterator("i1"),
        iterator("i2"),
        look(Some(2000.5), 10, Some("x")),
        look(None, 5_000_000, Some("i1b")),
        look(None, 0, Some("x")),
        look(Some(1000.25), 10, Some("x")),
    ])
    .await;
    let starts = [start("s0", Position::Behind("42".into())), start("s1", Position::From(990_123))];
    let sights = look_into(&service, &starts, ENDLESS).await;
    let expected = [("s0", Sight::Record(2_000_500)), ("s1", Sight::Record(1_000_250)), ("s2", Sight::Nothing)];
    assert_eq!(sights, expected.map(|(shard, sight)| (shard.to_owned(), Ok(sight))));

    let bodies: Vec<Value> = service.requests().iter().map(crate::server::Request::json).collect();
    assert_eq!(bodies[0], json!({"StreamName": "activities"}));
    assert_eq!(bodies[1], json!({"NextToken": "more"}));
    let after = json!({"StreamName": "activities", "ShardId": "s0", "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "42"});
    assert_eq!(bodies[2], after);
    let from =
        json!({"StreamName": "activities", "ShardId": "s1", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 990.123});
    assert_eq!(bodies[3], from);
    assert_eq!(bodies[4], json!({"StreamName": "activities", "ShardId": "s2", "ShardIteratorType": "TRIM_HORIZON"}));
    assert_eq!(bodies[5], json!({"ShardIterator": "i0", "Limit": 1}));
    assert_eq!(bodies[8], json!({"ShardIterator": "i1b", "Limit": 1}));
}

#[tokio::test]
async fn a_closed_shard_ends() {
    let service = Service::new([shards(&["s0"], None), iterator("i0"), look(None, 90_000, None)]).await;
    assert_eq!(look_into(&service, &[], ENDLESS).await, [("s0".to_owned(), Ok(Sight::Nothing))]);
}

#[tokio::test]
async fn a_place_in_an_earlier_stream_counts_as_none() {
    let refused =
        Answer::Json(400, json!({"__type": "InvalidArgumentException", "message": "did not come from this stream"}));
    let service = Service::new([shards(&["s0"], None), refused, iterator("i0"), look(Some(1.0), 0, Some("x"))]).await;
    let starts = [start("s0", Position::Behind("42".into()))];
    assert_eq!(look_into(&service, &starts, ENDLESS).await, [("s0".to_owned(), Ok(Sight::Record(1000)))]);
    assert_eq!(service.requests()[2].json()["ShardIteratorType"], "TRIM_HORIZON");
}

#[tokio::test]
async fn an_idle_stretch_is_walked_until_it_is_past_what_is_asked() {
    let idle = [900_000, 600_000, 300_000, 60_000].map(|behind| look(None, behind, Some("on")));
    let service = Service::new([shards(&["s0"], None), iterator("i0")].into_iter().chain(idle)).await;
    assert_eq!(look_into(&service, &[], ENDLESS).await, [("s0".to_owned(), Ok(Sight::NothingBefore(NOW - 60_000)))]);
    assert_eq!(service.requests().len(), 6);
}

#[tokio::test]
async fn a_walk_that_must_end_on_its_way_says_how_far_it_came() {
    let answers = [shards(&["s0"], None), iterator("i0"), look(None, 900_000, Some("on")), look(None, 0, Some("on"))];
    let service = Service::new(answers).await;
    let sights = look_into(&service, &[], Duration::ZERO).await;
    assert_eq!(sights, [("s0".to_owned(), Ok(Sight::NothingBefore(NOW - 900_000)))]);
    assert_eq!(service.requests().len(), 3);

    let throttled = Answer::Json(400, json!({"__type": "ProvisionedThroughputExceededException", "message": "slow"}));
    let answers = [shards(&["s0"], None), iterator("i0"), look(None, 900_000, Some("on"))];
    let service = Service::new(answers.into_iter().chain(vec![throttled.clone(); 2])).await;
    let sights = look_into(&service, &[], ENDLESS).await;
    assert_eq!(sights, [("s0".to_owned(), Ok(Sight::NothingBefore(NOW - 900_000)))]);

    let answers = [shards(&["s0"], None), iterator("i0")].into_iter().chain(vec![throttled; 2]);
    let service = Service::new(answers).await;
    let sights = look_into(&service, &[], ENDLESS).await;
    assert_eq!(sights[0].1.as_ref().unwrap_err().kind, FaultKind::Throttled);
}
