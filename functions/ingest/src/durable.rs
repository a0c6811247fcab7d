//! Frames → the stream: durable, or told why not, one result per frame.

use std::time::Duration;

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Record, Stream};
use relay_lambda::process;
use tokio::time::{Instant, sleep};

/// How often what failed is put again. Kinesis has random glitches: a few jittered retries spare the sender a 503.
const RETRIES: u32 = 3;

/// The longest first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// No retry begins later than this after the first put: the sender must have its answer before the function's time is over.
const RETRY_WITHIN: Duration = Duration::from_secs(4);

/// Puts frames into the stream, retrying those that failed and only those.
pub async fn put(stream: &impl Stream, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
    let started = Instant::now();
    let mut results = put_once(stream, frames.iter()).await;
    for retry in 0..RETRIES {
        let failed = |result: &Result<(), Fault>| result.as_ref().is_err_and(Fault::is_transient);
        let (again, slots): (Vec<_>, Vec<_>) = frames.iter().zip(&mut results).filter(|(_, slot)| failed(slot)).unzip();
        if again.is_empty() || started.elapsed() >= RETRY_WITHIN {
            break;
        }
        sleep(pause(retry)).await;
        for (slot, result) in slots.into_iter().zip(put_once(stream, again.into_iter()).await) {
            *slot = result;
        }
    }
    results
}

/// Each put draws new partition keys: a retry goes to another shard than the one that was too busy.
async fn put_once(stream: &impl Stream, frames: impl Iterator<Item = &Bytes>) -> Vec<Result<(), Fault>> {
    let record = |frame: &Bytes| Record { partition_key: process::trace_id(), data: frame.clone() };
    let records: Vec<Record> = frames.map(record).collect();
    if records.is_empty() {
        return Vec::new();
    }
    let mut results = stream.put(&records).await;
    // A frame without a result is not known to be durable.
    results.resize(records.len(), Err(Fault::new(FaultKind::Unavailable, "stream:Put", "no result for the record")));
    results
}

/// Half to the whole of the retry's longest pause.
fn pause(retry: u32) -> Duration {
    let longest = FIRST_PAUSE * 2u32.saturating_pow(retry);
    let jitter = u32::from(u8::from_le_bytes(process::random()));
    longest / 2 + longest / 2 * jitter / 255
}
