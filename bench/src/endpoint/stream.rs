//! The calls of Kinesis. Without shards records are taken and forgotten.

use std::sync::{Mutex, PoisonError};

use relay_lambda::process;
use serde_json::{Value, json};

use super::text;

/// What a record answers.
const TAKEN: &str = r#"{"SequenceNumber":"1","ShardId":"shardId-000000000000"}"#;

/// A stream's shards and their records: JSON as `GetRecords` gives them.
pub(super) struct Shards(Vec<Mutex<Vec<String>>>);

impl Shards {
    pub(super) fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| Mutex::default()).collect())
    }

    /// What Kinesis answers; `None` for a call that nobody here makes.
    pub(super) fn answer(&self, operation: &str, input: &Value) -> Option<String> {
        match operation {
            "PutRecord" => self.put(input).map(|()| TAKEN.to_owned()),
            "PutRecords" => {
                let records = input.get("Records")?.as_array()?;
                records.iter().try_for_each(|record| self.put(record))?;
                let taken = vec![TAKEN; records.len()].join(",");
                Some(format!(r#"{{"FailedRecordCount":0,"Records":[{taken}]}}"#))
            }
            "ListShards" => {
                let shards: Vec<Value> = (0..self.0.len()).map(|shard| json!({"ShardId": name(shard)})).collect();
                Some(json!({ "Shards": shards }).to_string())
            }
            "GetShardIterator" => {
                let after =
                    text(input, "/StartingSequenceNumber").and_then(|number| number.parse().ok()).unwrap_or(0_usize);
                Some(json!({"ShardIterator": format!("{} {after}", text(input, "/ShardId")?)}).to_string())
            }
            "GetRecords" => self.get(text(input, "/ShardIterator")?, input.get("Limit")?.as_u64()?),
            _ => None,
        }
    }

    fn put(&self, record: &Value) -> Option<()> {
        let (key, data) = (text(record, "/PartitionKey")?, text(record, "/Data")?);
        let place = key.bytes().map(usize::from).sum::<usize>().checked_rem(self.0.len());
        let Some(shard) = place.and_then(|place| self.0.get(place)) else { return Some(()) };
        let mut records = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let now = process::now_ms();
        let arrived = format!("{}.{:03}", now / 1000, now % 1000);
        let number = json!({"PartitionKey": key, "Data": data, "SequenceNumber": (records.len() + 1).to_string()});
        let record = number.to_string();
        let open = record.strip_suffix('}')?;
        records.push(format!("{open},\"ApproximateArrivalTimestamp\":{arrived}}}"));
        Some(())
    }

    /// The iterator is the shard's name and the number of its last record that was read.
    fn get(&self, iterator: &str, limit: u64) -> Option<String> {
        let (shard, after) = iterator.split_once(' ')?;
        let place = (0..self.0.len()).find(|place| name(*place) == shard)?;
        let records = self.0.get(place)?.lock().unwrap_or_else(PoisonError::into_inner);
        let after: usize = after.parse().ok()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found: Vec<&str> = records.iter().skip(after).take(limit).map(String::as_str).collect();
        let (next, found) = (after + found.len(), found.join(","));
        Some(format!(r#"{{"Records":[{found}],"NextShardIterator":"{shard} {next}","MillisBehindLatest":0}}"#))
    }
}

fn name(shard: usize) -> String {
    format!("shardId-{shard:012}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_once_behind_those_before_it() {
        let shards = Shards::new(2);
        let ask =
            |operation, input| -> Value { serde_json::from_str(&shards.answer(operation, &input).unwrap()).unwrap() };
        for data in ["YQ==", "Yg=="] {
            ask("PutRecord", json!({"StreamName": "stream", "PartitionKey": "b", "Data": data}));
        }
        let shard = ask("ListShards", json!({}))["Shards"][0]["ShardId"].clone();
        let first = ask("GetShardIterator", json!({"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}));
        let one = ask("GetRecords", json!({"ShardIterator": first["ShardIterator"], "Limit": 1}));
        assert_eq!(one["Records"][0]["Data"], "YQ==");
        let rest = ask("GetRecords", json!({"ShardIterator": one["NextShardIterator"], "Limit": 10}));
        assert_eq!((rest["Records"].as_array().unwrap().len(), &rest["Records"][0]["Data"]), (1, &json!("Yg==")));
        let behind = ask("GetShardIterator", json!({"ShardId": shard, "StartingSequenceNumber": "1"}));
        assert_eq!(behind["ShardIterator"], one["NextShardIterator"]);
    }

    #[test]
    fn without_shards_records_are_taken_and_forgotten() {
        let shards = Shards::new(0);
        let input = json!({"Records": [{"PartitionKey": "b", "Data": "YQ=="}, {"PartitionKey": "c", "Data": "YQ=="}]});
        let answer: Value = serde_json::from_str(&shards.answer("PutRecords", &input).unwrap()).unwrap();
        assert_eq!(answer["Records"].as_array().unwrap().len(), 2);
        assert_eq!(shards.answer("ListShards", &json!({})).unwrap(), r#"{"Shards":[]}"#);
    }
}
