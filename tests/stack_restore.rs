//! The restore drill of docs/restore.md on the running stack: the table of pages is lost, what a back-up holds comes back, and the stream behind
//! the back-up is read again; a file then has the rows it had. Needs a stack, named by `RELAY_STACK`; it holds afterwards what it held.
//!
//! The emulator cannot restore a table to a point in time. Here a scan is the back-up and puts are the restore: that the stack can be pointed at a
//! table of another name, `tests/infrastructure.rs` holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::collections::BTreeMap;

use relay_tests::stack::{Stack, column};
use serde_json::{Value, json};

/// The most writes of a call (DynamoDB API reference, `BatchWriteItem`).
const WRITES: usize = 25;
/// Records of an event, far under the 6 MB that one may have.
const RECORDS: usize = 500;

/// The table of pages.
struct Pages<'a>(&'a Stack);

impl Pages<'_> {
    fn call(&self, operation: &str, input: &Value) -> Value {
        self.0.aws("dynamodb", &format!("DynamoDB_20120810.{operation}"), input)
    }

    fn scan(&self) -> Vec<Value> {
        let mut asked = json!({"TableName": self.0.get("pages_table"), "ConsistentRead": true});
        let mut items = Vec::new();
        loop {
            let answer = self.call("Scan", &asked);
            items.extend(answer["Items"].as_array().unwrap().iter().cloned());
            if answer["LastEvaluatedKey"].is_null() {
                return items;
            }
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"].clone();
        }
    }

    fn write(&self, requests: &[Value]) {
        for some in requests.chunks(WRITES) {
            let answer = self.call("BatchWriteItem", &json!({"RequestItems": {self.0.get("pages_table"): some}}));
            let left = answer["UnprocessedItems"].as_object().is_none_or(serde_json::Map::is_empty);
            assert!(left, "written as a whole: {answer}");
        }
    }

    fn lose(&self) {
        let delete = |item: &Value| json!({"DeleteRequest": {"Key": {"pk": item["pk"], "sk": item["sk"]}}});
        self.write(&self.scan().iter().map(delete).collect::<Vec<_>>());
        assert!(self.scan().is_empty(), "the table is lost");
    }

    fn restore(&self, backup: &[Value]) {
        self.write(&backup.iter().map(|item| json!({"PutRequest": {"Item": item}})).collect::<Vec<_>>());
    }
}

/// Hands the writer every record of the stream that came since a moment, as a mapping that starts there would. How many there were.
fn replay(stack: &Stack, since: i64) -> usize {
    let stream = stack.get("stream");
    let kinesis =
        |operation: &str, input: &Value| stack.aws("kinesis", &format!("Kinesis_20131202.{operation}"), input);
    let mut replayed = 0;
    for shard in kinesis("ListShards", &json!({"StreamName": stream}))["Shards"].as_array().unwrap() {
        let shard_id = shard["ShardId"].as_str().unwrap();
        let seconds = since.div_euclid(1000);
        let start = json!({"StreamName": stream, "ShardId": shard_id, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": seconds});
        let mut iterator = kinesis("GetShardIterator", &start)["ShardIterator"].clone();
        loop {
            let answer = kinesis("GetRecords", &json!({"ShardIterator": iterator, "Limit": RECORDS}));
            let records: Vec<Value> =
                answer["Records"].as_array().unwrap().iter().map(|record| event(record, shard_id, stream)).collect();
            replayed += records.len();
            if !records.is_empty() {
                let said = stack.invoke("BatchWriterFunction", &json!({"Records": records}));
                assert_eq!(said["batchItemFailures"], json!([]), "all of it is durable");
            }
            iterator = answer["NextShardIterator"].clone();
            if iterator.is_null() || (records.is_empty() && answer["MillisBehindLatest"] == 0) {
                break;
            }
        }
    }
    replayed
}

fn event(record: &Value, shard_id: &str, stream: &str) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": record["PartitionKey"], "sequenceNumber": record["SequenceNumber"],
            "data": record["Data"], "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record", "awsRegion": "us-east-1",
        "eventID": format!("{shard_id}:{}", record["SequenceNumber"].as_str().unwrap()),
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/writer",
        "eventSourceARN": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"),
    })
}

/// The file's rows of these ids, whole, by id; each once.
fn rows(stack: &Stack, ids: &[String]) -> BTreeMap<String, String> {
    let day = relay_lambda::process::now_ms().div_euclid(86_400_000);
    let file = stack.export("install", &relay::time::date_of_day(day - 2), &relay::time::date_of_day(day));
    let named = column(&file, "event_id");
    let mut lines = csv::Reader::from_reader(file.as_slice());
    let lines = lines.records().map(|line| line.unwrap().iter().collect::<Vec<_>>().join("\u{1f}"));
    let mine: Vec<_> = named.into_iter().zip(lines).filter(|(id, _)| ids.contains(id)).collect();
    let count = mine.len();
    let rows: BTreeMap<_, _> = mine.into_iter().collect();
    assert_eq!(rows.len(), count, "a row is there twice");
    rows
}

/// About how many rows there are, asked without a file.
fn previewed(stack: &Stack) -> Value {
    let day = relay_lambda::process::now_ms().div_euclid(86_400_000);
    let (first, last) = (relay::time::date_of_day(day - 2), relay::time::date_of_day(day));
    let asked = json!({"app_token": stack.get("app_token"), "kind": "install", "start_date": first, "end_date": last});
    let (status, answer) = stack.call("POST", "/v1/exports/preview", "api_key", Some(&asked));
    assert_eq!(status, 200, "{answer}");
    answer["previews"][0]["about_rows"].clone()
}

#[test]
fn a_lost_table_is_restored_and_the_stream_behind_it_read_again() {
    let Some(stack) = Stack::running("a_lost_table_is_restored_and_the_stream_behind_it_read_again") else { return };
    let pages = Pages(&stack);
    let mut ids = stack.send_installs(300);
    assert_eq!(rows(&stack, &ids).len(), 300);
    let (backup, point) = (pages.scan(), relay_lambda::process::now_ms());
    ids.extend(stack.send_installs(100));
    let before = rows(&stack, &ids);
    assert_eq!(before.len(), 400);

    pages.lose();
    assert_eq!(previewed(&stack), json!(0));
    pages.restore(&backup);
    assert_eq!(rows(&stack, &ids).len(), 300, "what came behind the point is missing");

    // From a minute before the point, as the runbook says, and twice: pages that are there already are written again as they are.
    for _ in 0..2 {
        assert!(replay(&stack, point - 60_000) > 0);
        assert_eq!(rows(&stack, &ids), before);
    }
}
