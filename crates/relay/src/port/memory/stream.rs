//! The stream: shards in memory.

use std::sync::Mutex;

use bytes::Bytes;

use super::{Script, broken_limit, lock};
use crate::fault::Fault;
use crate::port::{Backlog, Record, Stream, Watermark};

/// The most bytes of a record, data and partition key (Kinesis `PutRecords`: 1 MiB).
const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// The most characters of a partition key (Kinesis).
const MAX_PARTITION_KEY: usize = 256;

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// Grows within a shard; compares as text.
    pub sequence_number: String,
    /// When it arrived: milliseconds since the epoch.
    pub arrived_at: i64,
    /// The frame.
    pub data: Bytes,
}

/// A stream of some shards. Records keep the order in which they came to their shard.
#[derive(Debug)]
pub struct MemoryStream {
    /// Calls: `put`, `oldest`.
    pub script: Script,
    now: Mutex<i64>,
    shards: Mutex<Vec<Vec<StreamRecord>>>,
}

impl MemoryStream {
    /// An empty stream.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        let shards = vec![Vec::new(); shards.max(1)];
        Self { script: Script::default(), now: Mutex::new(0), shards: Mutex::new(shards) }
    }

    /// Sets the clock that stamps arrivals.
    pub fn set_now(&self, now: i64) {
        *lock(&self.now) = now;
    }

    /// The name of a shard.
    #[must_use]
    pub fn shard_id(shard: usize) -> String {
        format!("shardId-{shard:012}")
    }

    /// All records of a shard, oldest first.
    #[must_use]
    pub fn records(&self, shard: usize) -> Vec<StreamRecord> {
        lock(&self.shards).get(shard).cloned().unwrap_or_default()
    }

    /// All records of all shards.
    #[must_use]
    pub fn all(&self) -> Vec<StreamRecord> {
        lock(&self.shards).concat()
    }

    fn push(&self, record: &Record) -> Result<(), Fault> {
        let key_characters = record.partition_key.chars().count();
        if !(1..=MAX_PARTITION_KEY).contains(&key_characters) {
            return Err(broken_limit(format!("a partition key of {key_characters} characters; 1 to 256 are allowed")));
        }
        let bytes = record.data.len() + record.partition_key.len();
        if bytes > MAX_RECORD_BYTES {
            return Err(broken_limit(format!("a record of {bytes} bytes; at most {MAX_RECORD_BYTES} are allowed")));
        }
        let arrived_at = *lock(&self.now);
        let mut shards = lock(&self.shards);
        let shard = record.partition_key.bytes().map(usize::from).sum::<usize>() % shards.len();
        if let Some(records) = shards.get_mut(shard) {
            let sequence_number = format!("{:056}", records.len() + 1);
            records.push(StreamRecord { sequence_number, arrived_at, data: record.data.clone() });
        }
        Ok(())
    }
}

impl Stream for MemoryStream {
    async fn put(&self, records: &[Record]) -> Vec<Result<(), Fault>> {
        self.script.batch("put", records, |record| self.push(record))
    }
}

impl Backlog for MemoryStream {
    async fn oldest(&self, watermarks: &[Watermark]) -> Result<Option<i64>, Fault> {
        self.script.single("oldest", || {
            let shards = lock(&self.shards);
            let oldest = shards.iter().enumerate().filter_map(|(shard, records)| {
                let mark = watermarks.iter().find(|mark| mark.shard_id == Self::shard_id(shard));
                let behind =
                    |record: &&StreamRecord| mark.is_none_or(|mark| record.sequence_number > mark.sequence_number);
                records.iter().find(behind).map(|record| record.arrived_at)
            });
            Ok(oldest.min())
        })
    }
}
