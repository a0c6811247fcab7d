//! How complete the pages are: the writer's watermark in each shard of the stream.

use serde::{Deserialize, Serialize};

use crate::control::{Expect, Key, Write};
use crate::fault::Fault;
use crate::port::{ControlTable, Watermark};

mod drained;

pub use drained::{Drained, drained};

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

/// The write that records how far the writer has come. The last writer wins: a mark that goes back a little only makes an
/// export wait for records that are stored already.
pub fn record(watermark: &Watermark, now: i64) -> Result<Write, Fault> {
    let key = Key::new(PARTITION, &watermark.shard_id);
    let mark = Mark { sequence_number: watermark.sequence_number.clone(), drained_at: now };
    Write::put_until(key, &mark, Expect::Any, Some(now / 1000 + KEPT_SECONDS))
}

/// The writer's mark in each shard, by the shard's name.
pub async fn watermarks(control: &impl ControlTable) -> Result<Vec<Watermark>, Fault> {
    let marks = drained::all::<Mark>(control, PARTITION).await?;
    let watermark = |(shard_id, mark): (String, Mark)| Watermark { shard_id, sequence_number: mark.sequence_number };
    Ok(marks.into_iter().map(watermark).collect())
}
