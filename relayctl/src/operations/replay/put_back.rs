//! Frames → the stream again: durable, or told why not.

use std::time::Duration;

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Record, Stream};
use relay_lambda::process;
use tokio::time::sleep;

/// How often what failed is put again. An operator has time: the last pauses are long enough for an on-demand stream to grow.
const RETRIES: u32 = 6;

/// The first pause; each further one is twice as long, in sum about six seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Frames on their way back, put together once they are many; each belongs to an entry of the object being replayed.
#[derive(Debug, Default)]
pub(crate) struct PutBack {
    waiting: Vec<(usize, Bytes)>,
    bytes: usize,
    /// The entries that are not durable, with the last fault of each.
    pub(crate) failed: Vec<(usize, Fault)>,
}

impl PutBack {
    /// What is held at most before it is put: as much as one call takes (Kinesis `PutRecords`: 10 MiB), less the last entry.
    const ENOUGH_BYTES: usize = 8 * 1024 * 1024;

    /// The most records of a call (Kinesis `PutRecords`).
    const ENOUGH_FRAMES: usize = 500;

    /// Takes the frames of an entry.
    pub(crate) async fn add(&mut self, stream: &impl Stream, entry: usize, frames: Vec<Bytes>) {
        for frame in frames {
            self.bytes += frame.len();
            self.waiting.push((entry, frame));
        }
        if self.bytes >= Self::ENOUGH_BYTES || self.waiting.len() >= Self::ENOUGH_FRAMES {
            self.flush(stream).await;
        }
    }

    /// Puts what waits: afterwards all that was added is durable or in `failed`.
    pub(crate) async fn flush(&mut self, stream: &impl Stream) {
        self.bytes = 0;
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut pause = FIRST_PAUSE;
        for tried in 0..=RETRIES {
            let failed = put_once(stream, waiting).await;
            let (again, denied): (Vec<_>, Vec<_>) =
                failed.into_iter().partition(|(_, _, fault)| fault.is_transient() && tried < RETRIES);
            self.failed.extend(denied.into_iter().map(|(entry, _, fault)| (entry, fault)));
            if again.is_empty() {
                return;
            }
            waiting = again.into_iter().map(|(entry, frame, _)| (entry, frame)).collect();
            sleep(pause).await;
            pause *= 2;
        }
    }
}

/// One try, each frame under a new partition key; answers what is not durable.
async fn put_once(stream: &impl Stream, frames: Vec<(usize, Bytes)>) -> Vec<(usize, Bytes, Fault)> {
    if frames.is_empty() {
        return Vec::new();
    }
    let record = |(_, frame): &(usize, Bytes)| Record { partition_key: process::trace_id(), data: frame.clone() };
    let records: Vec<Record> = frames.iter().map(record).collect();
    let mut results = stream.put(&records).await;
    // A frame without a result is not known to be durable.
    results.resize(records.len(), Err(Fault::new(FaultKind::Unavailable, "stream:Put", "no result for the record")));
    let outcomes = frames.into_iter().zip(results);
    outcomes.filter_map(|((entry, frame), result)| result.err().map(|fault| (entry, frame, fault))).collect()
}

#[cfg(test)]
mod tests {
    use relay::port::memory::{MemoryStream, Trouble};

    use super::*;

    fn frame(byte: u8) -> Vec<Bytes> {
        vec![Bytes::from(vec![byte; 10])]
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_put_again() {
        let stream = MemoryStream::new(1);
        stream.script.add("put", [Trouble::Partial(vec![1], FaultKind::Throttled)]);
        let mut back = PutBack::default();
        for entry in 0..3 {
            back.add(&stream, entry, frame(0)).await;
        }
        back.flush(&stream).await;
        assert_eq!((back.failed, stream.all().len()), (vec![], 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_denied_is_told_at_once_and_what_lasts_in_the_end() {
        let stream = MemoryStream::new(1);
        stream.script.refuse("put", 1, FaultKind::Denied);
        stream.script.refuse("put", 7, FaultKind::Throttled);
        let mut back = PutBack::default();
        for entry in [4, 5] {
            back.add(&stream, entry, frame(0)).await;
            back.flush(&stream).await;
        }
        let failed: Vec<_> = back.failed.iter().map(|(entry, fault)| (*entry, fault.kind)).collect();
        assert_eq!(failed, [(4, FaultKind::Denied), (5, FaultKind::Throttled)]);
        assert!(stream.all().is_empty());
    }

    #[tokio::test]
    async fn many_frames_are_put_on_the_way() {
        let stream = MemoryStream::new(1);
        let mut back = PutBack::default();
        back.add(&stream, 0, vec![Bytes::from_static(b"x"); 500]).await;
        assert_eq!(stream.all().len(), 500);
    }
}
