//! Frames → the stream, else the spill queue: durable, and where, or told why not, one result per frame.

use std::time::Duration;

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Record, Spill, Stream};
use relay_lambda::process;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::{SPILL_WITHIN, STREAM_WITHIN};

/// How often what failed is put again. Kinesis has random glitches: a few jittered retries spare a frame the detour.
const RETRIES: u32 = 3;

/// The longest first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// No retry begins later than this after the first put: what the stream did not take by then it will hardly take in time.
const RETRY_WITHIN: Duration = Duration::from_secs(4);

/// How often frames are sent to the spill queue. A batch may be taken in part, so once more for what was not.
const SENDS: u32 = 2;

/// Where a frame became durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the stream.
    Stream,
    /// In the spill queue, because the stream did not take it.
    Spill,
}

/// Makes frames durable: in the stream, and those that it does not take (only those) in the spill queue.
pub async fn keep(stream: &impl Stream, spill: &impl Spill, frames: &[Bytes]) -> Vec<Result<Place, Fault>> {
    let put = put(stream, frames).await;
    let mut results: Vec<_> = put.into_iter().map(|result| result.map(|()| Place::Stream)).collect();
    let refused = frames.iter().zip(&mut results).filter(|(_, result)| result.is_err());
    let (spilled, slots): (Vec<Bytes>, Vec<_>) = refused.map(|(frame, slot)| (frame.clone(), slot)).unzip();
    for (slot, sent) in slots.into_iter().zip(send(spill, &spilled).await) {
        match sent {
            Ok(()) => *slot = Ok(Place::Spill),
            // The stream's fault stays: the queue's is the second of two, and told here.
            Err(fault) => tracing::error!(%fault, "the spill queue did not take a frame either"),
        }
    }
    results
}

/// Puts frames into the stream, retrying those that failed and only those.
async fn put(stream: &impl Stream, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
    let started = Instant::now();
    let mut results = put_once(stream, frames.iter(), started + STREAM_WITHIN).await;
    for retry in 0..RETRIES {
        let failed = |result: &Result<(), Fault>| result.as_ref().is_err_and(Fault::is_transient);
        let (again, slots): (Vec<_>, Vec<_>) = frames.iter().zip(&mut results).filter(|(_, slot)| failed(slot)).unzip();
        if again.is_empty() || started.elapsed() >= RETRY_WITHIN {
            break;
        }
        sleep(pause(retry)).await;
        let put = put_once(stream, again.into_iter(), started + STREAM_WITHIN).await;
        for (slot, result) in slots.into_iter().zip(put) {
            *slot = result;
        }
    }
    results
}

/// Each put draws new partition keys: a retry goes to another shard than the one that was too busy.
async fn put_once(
    stream: &impl Stream,
    frames: impl Iterator<Item = &Bytes>,
    until: Instant,
) -> Vec<Result<(), Fault>> {
    let record = |frame: &Bytes| Record { partition_key: process::trace_id(), data: frame.clone() };
    let records: Vec<Record> = frames.map(record).collect();
    if records.is_empty() {
        return Vec::new();
    }
    let results = timeout_at(until, stream.put(&records)).await;
    whole(results.ok(), records.len(), "stream:Put")
}

/// Sends frames to the spill queue, once more those that failed and only those.
async fn send(spill: &impl Spill, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
    let until = Instant::now() + SPILL_WITHIN;
    let mut results = vec![Err(Fault::new(FaultKind::Unavailable, "spill:Send", "not sent")); frames.len()];
    for _ in 0..SENDS {
        let failed = |result: &Result<(), Fault>| result.as_ref().is_err_and(Fault::is_transient);
        let pending = frames.iter().zip(&mut results).filter(|(_, slot)| failed(slot));
        let (again, slots): (Vec<Bytes>, Vec<_>) = pending.map(|(frame, slot)| (frame.clone(), slot)).unzip();
        if again.is_empty() {
            break;
        }
        let sent = timeout_at(until, spill.send(&again)).await;
        for (slot, result) in slots.into_iter().zip(whole(sent.ok(), again.len(), "spill:Send")) {
            *slot = result;
        }
    }
    results
}

/// One result per frame. A frame without a result, or whose call was given up, is not known to be durable.
fn whole(results: Option<Vec<Result<(), Fault>>>, count: usize, call: &'static str) -> Vec<Result<(), Fault>> {
    let fault = match results {
        Some(_) => Fault::new(FaultKind::Unavailable, call, "no result for the frame"),
        None => Fault::new(FaultKind::TimedOut, call, "no answer in the time that a request has"),
    };
    let mut results = results.unwrap_or_default();
    results.resize(count, Err(fault));
    results
}

/// Half to the whole of the retry's longest pause.
fn pause(retry: u32) -> Duration {
    let longest = FIRST_PAUSE * 2u32.saturating_pow(retry);
    let jitter = u32::from(u8::from_le_bytes(process::random()));
    longest / 2 + longest / 2 * jitter / 255
}
