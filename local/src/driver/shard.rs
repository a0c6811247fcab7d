//! The reader of a shard.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Running;
use super::lane::Lane;
use super::mapping::Start;
use super::progress::Progress;
use super::record::Record;
use crate::aws::Refusal;

/// Time from one read of a shard to the next, unless more is known to be there: Kinesis allows five reads a second. AWS asks
/// once a second; here somebody waits for the row.
const POLL: Duration = Duration::from_millis(200);
/// Pause after a refusal.
const REFUSED: Duration = Duration::from_millis(500);
/// Records of one `GetRecords`: at 1 MiB each the emulator's answer stays in memory.
const READ_MAX: usize = 500;

/// Reads a shard until it is closed and empty, the stream does not know it, a lane dies, or the driver stops. Then its lanes end. The shard is
/// finished for good only where the stream said so and every record that was read is done; otherwise a reader to come goes on behind the checkpoint.
pub(super) async fn read(running: Arc<Running>, shard: String, start: Start) {
    let progress = Arc::new(Mutex::new(Progress::default()));
    let mut lanes = JoinSet::new();
    let mut senders = Vec::new();
    for _ in 0..running.mapping.parallelization_factor.max(1) {
        // A lane holds a full batch and the next one: a slow function slows the reader down.
        let (sender, receiver) = mpsc::channel(running.mapping.batch_size.max(READ_MAX));
        let lane = Lane { running: Arc::clone(&running), shard: shard.clone(), progress: Arc::clone(&progress) };
        lanes.spawn(lane.work(receiver));
        senders.push(sender);
    }
    let mut reader = Reader {
        last: running.checkpoints.after(&shard),
        running: Arc::clone(&running),
        shard: shard.clone(),
        start,
        progress: Arc::clone(&progress),
        senders,
    };
    let closed = reader.read().await;
    drop(reader);
    let mut ended_well = true;
    while let Some(ended) = lanes.join_next().await {
        ended_well &= ended.is_ok();
    }
    let nothing_left = progress.lock().is_ok_and(|progress| progress.is_empty());
    if closed && ended_well && nothing_left {
        running.checkpoints.finish(&shard);
    }
}

/// What one look at the shard showed.
enum Look {
    /// Go on here.
    Further(String),
    /// It is closed and was read to its end.
    Closed,
    /// A lane takes no more: it died, or the driver stops.
    LaneEnded,
}

struct Reader {
    running: Arc<Running>,
    shard: String,
    start: Start,
    /// The last record that was read.
    last: Option<String>,
    progress: Arc<Mutex<Progress>>,
    senders: Vec<mpsc::Sender<Record>>,
}

impl Reader {
    /// Returns whether the shard is closed and was read to its end.
    async fn read(&mut self) -> bool {
        let mut iterator = None;
        while !self.running.is_stopping() {
            match self.look(iterator.take()).await {
                Ok(Look::Closed) => return true,
                Ok(Look::LaneEnded) => return false,
                Ok(Look::Further(next)) => iterator = Some(next),
                Err(refusal) if refusal.code == "ExpiredIteratorException" => {}
                // Forgotten after its time, or an emulator that is just starting: the next listing tells.
                Err(refusal) if refusal.code == "ResourceNotFoundException" => {
                    tracing::warn!(shard = self.shard, %refusal, "the stream does not know the shard");
                    return false;
                }
                Err(refusal) => {
                    tracing::warn!(shard = self.shard, %refusal, "cannot read the shard");
                    self.running.pause(REFUSED).await;
                }
            }
        }
        false
    }

    /// Reads once and hands the records to the lanes.
    async fn look(&mut self, iterator: Option<String>) -> Result<Look, Refusal> {
        let iterator = match iterator {
            Some(iterator) => iterator,
            None => self.iterator().await?,
        };
        let input = json!({ "ShardIterator": iterator, "Limit": READ_MAX });
        let answer = self.running.aws.call("kinesis", "Kinesis_20131202.GetRecords", &input).await?;
        let records = answer.get("Records").and_then(Value::as_array).into_iter().flatten();
        let records: Option<Vec<Record>> = records.map(Record::of).collect();
        let records = records.ok_or_else(|| broken("GetRecords answered a record that is none"))?;
        let full = records.len() >= READ_MAX;
        for record in records {
            if !self.hand_over(record).await {
                return Ok(Look::LaneEnded);
            }
        }
        if !full {
            self.running.pause(POLL).await;
        }
        let next = answer.get("NextShardIterator").and_then(Value::as_str);
        Ok(next.map_or(Look::Closed, |next| Look::Further(next.to_owned())))
    }

    async fn iterator(&self) -> Result<String, Refusal> {
        let stream = self.running.mapping.stream_name();
        let input = match &self.last {
            Some(last) => json!({
                "StreamName": stream,
                "ShardId": self.shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": last,
            }),
            None => json!({
                "StreamName": stream,
                "ShardId": self.shard,
                "ShardIteratorType": self.start.iterator_type(),
            }),
        };
        let answer = self.running.aws.call("kinesis", "Kinesis_20131202.GetShardIterator", &input).await?;
        let iterator = answer.get("ShardIterator").and_then(Value::as_str);
        iterator.map(str::to_owned).ok_or_else(|| broken("GetShardIterator answered without an iterator"))
    }

    /// Records of one partition key go through one lane, so they stay in order. Returns whether the lane takes any.
    async fn hand_over(&mut self, record: Record) -> bool {
        self.last = Some(record.sequence_number.clone());
        if let Ok(mut progress) = self.progress.lock() {
            progress.read(&record.sequence_number);
        }
        let mut hasher = DefaultHasher::new();
        record.partition_key.hash(&mut hasher);
        let lanes = u64::try_from(self.senders.len()).unwrap_or(1).max(1);
        let lane = usize::try_from(hasher.finish() % lanes).unwrap_or(0);
        match self.senders.get(lane) {
            Some(sender) => sender.send(record).await.is_ok(),
            None => false,
        }
    }
}

/// An answer that breaks Kinesis's contract.
fn broken(message: &str) -> Refusal {
    Refusal { code: String::new(), message: message.to_owned() }
}
