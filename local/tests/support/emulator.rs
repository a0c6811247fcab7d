//! A tiny stand-in for the emulator: one stream, objects, messages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::http1::{Handler, Limits, Reply, Request, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What it holds.
#[derive(Default)]
pub(crate) struct Emulator {
    pub(crate) shards: Mutex<BTreeMap<String, Shard>>,
    pub(crate) objects: Mutex<BTreeMap<String, Value>>,
    pub(crate) messages: Mutex<Vec<Value>>,
    /// So many reads are answered as if no shard were there: the emulator starts again.
    pub(crate) forgets: AtomicUsize,
}

#[derive(Default)]
pub(crate) struct Shard {
    records: Vec<Value>,
    closed: bool,
    parent: Option<String>,
}

impl Emulator {
    /// Starts one; it lives as long as the test.
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let emulator = Arc::new(Self::default());
        let limits = Limits { head_bytes: 10_000, body_bytes: 10_000_000 };
        let (stop, stopped) = watch::channel(false);
        std::mem::forget(stop);
        tokio::spawn(serve(listener, limits, stopped, Arc::clone(&emulator)));
        (emulator, url)
    }

    /// Puts a record that arrived so many milliseconds ago.
    pub(crate) fn put(&self, shard: &str, data: &str, age_ms: i64) {
        let mut shards = self.shards.lock().unwrap();
        let records = &mut shards.entry(shard.to_owned()).or_default().records;
        let arrived = relay_lambda::process::now_ms() - age_ms;
        records.push(json!({
            "SequenceNumber": format!("{:030}", records.len()),
            "PartitionKey": data,
            "Data": STANDARD.encode(data),
            "ApproximateArrivalTimestamp": arrived as f64 / 1_000.0,
        }));
    }

    /// Splits a shard: it is closed and has a child.
    pub(crate) fn split(&self, shard: &str, child: &str) {
        let mut shards = self.shards.lock().unwrap();
        shards.get_mut(shard).unwrap().closed = true;
        shards.entry(child.to_owned()).or_default().parent = Some(shard.to_owned());
    }

    fn is_forgetful(&self) -> bool {
        self.forgets.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn kinesis(&self, operation: &str, input: &Value) -> Value {
        let shards = self.shards.lock().unwrap();
        match operation {
            "ListShards" => {
                let list = shards.iter();
                let list = list.map(|(id, shard)| json!({ "ShardId": id, "ParentShardId": shard.parent }));
                json!({ "Shards": list.collect::<Vec<_>>() })
            }
            "GetShardIterator" => {
                let shard = input["ShardId"].as_str().unwrap();
                let after = input["StartingSequenceNumber"].as_str();
                let from = after.map_or(0, |after| after.parse::<usize>().unwrap() + 1);
                json!({ "ShardIterator": format!("{shard}@{from}") })
            }
            _ => {
                let (id, from) = input["ShardIterator"].as_str().unwrap().split_once('@').unwrap();
                let (shard, from) = (&shards[id], from.parse::<usize>().unwrap());
                let end = shard.records.len();
                let next = (!shard.closed).then(|| format!("{id}@{end}"));
                json!({ "Records": shard.records[from..end], "NextShardIterator": next })
            }
        }
    }
}

impl Handler for Emulator {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let input = serde_json::from_slice(&request.body).unwrap_or_default();
        let target = request.header("x-amz-target").unwrap_or_default();
        Some(match target.split_once('.') {
            Some(("Kinesis_20131202", "GetRecords" | "GetShardIterator")) if self.is_forgetful() => {
                Reply::json(400, &json!({ "__type": "ResourceNotFoundException", "message": "no such shard" }))
            }
            Some(("Kinesis_20131202", operation)) => Reply::json(200, &self.kinesis(operation, &input)),
            Some(("AmazonSQS", "GetQueueUrl")) => Reply::json(200, &json!({ "QueueUrl": input["QueueName"] })),
            Some(("AmazonSQS", _)) => {
                self.messages.lock().unwrap().push(input);
                Reply::json(200, &json!({}))
            }
            _ => {
                self.objects.lock().unwrap().insert(request.path, input);
                Reply::new(200, "")
            }
        })
    }
}
