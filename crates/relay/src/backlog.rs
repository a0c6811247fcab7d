//! How complete the pages are: the writer's watermark in each shard of the stream.

use serde::{Deserialize, Serialize};

use crate::control::{Expect, Key, Write};
use crate::fault::Fault;
use crate::port::{ControlTable, Watermark};

mod drained;
mod whole;

pub use drained::{Drained, drained, undrained};
pub use whole::Whole;

const PARTITION: &str = "watermark";

/// How long the table keeps a watermark that nobody renews: seconds. Longer than the stream keeps records (168 h), so a shard
/// without a watermark has nothing undrained but what came since.
const KEPT_SECONDS: i64 = 8 * 24 * 3600;

/// A watermark as stored: item `watermark` / `{shard_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    sequence_number: String,
    /// Milliseconds since the epoch, UTC.
    drained_at: i64,
}

/// The write that records how far the writer has come in a shard; `None` where the mark is there or further already: a batch that comes again, or
/// from before, moves nothing back. Between the look and the write nobody else writes: a shard's batches come one after the other (ADR 0005).
pub async fn advance(control: &impl ControlTable, watermark: &Watermark, now: i64) -> Result<Option<Write>, Fault> {
    if let Some(found) = control.get(&[key(&watermark.shard_id)]).await.pop()
        && let Some(item) = found?
        && order(&item.read::<Mark>()?.sequence_number) >= order(&watermark.sequence_number)
    {
        return Ok(None);
    }
    record(watermark, now).map(Some)
}

/// Sequence numbers are decimal numbers of up to 129 digits: compared as numbers.
fn order(sequence_number: &str) -> (usize, &str) {
    let digits = sequence_number.trim_start_matches('0');
    (digits.len(), digits)
}

/// Where the mark of a shard stands: the marks of all shards are one partition, which is read whole.
#[must_use]
pub fn key(shard_id: &str) -> Key {
    Key::new(PARTITION, shard_id)
}

/// The write that sets a shard's mark, whatever stands there.
fn record(watermark: &Watermark, now: i64) -> Result<Write, Fault> {
    let key = key(&watermark.shard_id);
    let mark = Mark { sequence_number: watermark.sequence_number.clone(), drained_at: now };
    Write::put_until(key, &mark, Expect::Any, Some(now / 1000 + KEPT_SECONDS))
}

/// The writer's mark in each shard, by the shard's name; for tests, nobody else needs to know.
#[cfg(any(test, feature = "testing"))]
pub async fn watermarks(control: &impl ControlTable) -> Result<Vec<Watermark>, Fault> {
    let marks = drained::all::<Mark>(control, PARTITION).await?;
    let watermark = |(shard_id, mark): (String, Mark)| Watermark { shard_id, sequence_number: mark.sequence_number };
    Ok(marks.into_iter().map(watermark).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::memory::MemoryControl;

    async fn advanced(control: &MemoryControl, sequence_number: &str) -> bool {
        let watermark = Watermark { shard_id: "shard".into(), sequence_number: sequence_number.into() };
        match advance(control, &watermark, 0).await.unwrap() {
            Some(write) => control.commit(&[write]).await.is_ok(),
            None => false,
        }
    }

    #[tokio::test]
    async fn a_mark_only_goes_forward_by_number() {
        let control = MemoryControl::default();
        let moves =
            [("9", true), ("10", true), ("9", false), ("010", false), ("0011", true), ("100", true), ("99", false)];
        for (sequence_number, moved) in moves {
            assert_eq!(advanced(&control, sequence_number).await, moved, "{sequence_number}");
        }
        assert_eq!(watermarks(&control).await.unwrap()[0].sequence_number, "100");
    }
}
