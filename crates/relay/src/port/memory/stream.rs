//! The stream: shards in memory.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;

use super::{Script, broken_limit, lock};
use crate::fault::Fault;
use crate::port::{Backlog, Look, Position, Record, Sight, Sights, Start, Stream};

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
    /// Calls: `put`, `look`.
    pub script: Script,
    now: Mutex<i64>,
    shards: Mutex<Vec<Vec<StreamRecord>>>,
    idle: Mutex<VecDeque<i64>>,
    looks: Mutex<Vec<Vec<Start>>>,
}

impl MemoryStream {
    /// An empty stream.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self {
            script: Script::default(),
            now: Mutex::new(0),
            shards: Mutex::new(vec![Vec::new(); shards.max(1)]),
            idle: Mutex::default(),
            looks: Mutex::default(),
        }
    }

    /// The next looks into shards without a record find an idle stretch: they end so many milliseconds behind the tip.
    pub fn idle(&self, behind: impl IntoIterator<Item = i64>) {
        lock(&self.idle).extend(behind);
    }

    /// Where each look so far began.
    #[must_use]
    pub fn looks(&self) -> Vec<Vec<Start>> {
        lock(&self.looks).clone()
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
        self.script.batch("put", records, |record| self.push(record)).await
    }
}

impl Backlog for MemoryStream {
    async fn look(&self, starts: &[Start], look: Look) -> Result<Sights, Fault> {
        self.script
            .single("look", || {
                lock(&self.looks).push(starts.to_vec());
                let shards = lock(&self.shards);
                let sight = |(shard, records): (usize, &Vec<StreamRecord>)| {
                    let shard_id = Self::shard_id(shard);
                    let start = starts.iter().find(|start| start.shard_id == shard_id).map(|start| &start.at);
                    let first = records.iter().find(|record| start.is_none_or(|start| is_behind(record, start)));
                    let idle = || lock(&self.idle).pop_front().filter(|behind| *behind > 0);
                    let sight = first.map(|record| Sight::Record(record.arrived_at));
                    let sight = sight.or_else(|| idle().map(|behind| Sight::NothingBefore(look.now - behind)));
                    (shard_id, Ok(sight.unwrap_or(Sight::Nothing)))
                };
                Ok(shards.iter().enumerate().map(sight).collect())
            })
            .await
    }
}

fn is_behind(record: &StreamRecord, start: &Position) -> bool {
    match start {
        Position::Behind(sequence_number) => record.sequence_number > *sequence_number,
        Position::From(moment) => record.arrived_at >= *moment,
    }
}
