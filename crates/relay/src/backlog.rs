//! How complete the pages are: the writer's watermark in each shard of the stream.

use serde::{Deserialize, Serialize};

use crate::control::{Expect, Key, Query, Write};
use crate::fault::Fault;
use crate::port::{ControlTable, Watermark};

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

/// The watermarks of all shards.
pub async fn watermarks(control: &impl ControlTable) -> Result<Vec<Watermark>, Fault> {
    let mut watermarks = Vec::new();
    let mut query =
        Query { pk: PARTITION.to_owned(), prefix: String::new(), after: None, descending: false, limit: 1000 };
    loop {
        let listing = control.query(&query).await?;
        for item in listing.items {
            let mark: Mark = item.read()?;
            watermarks.push(Watermark { shard_id: item.key.sk, sequence_number: mark.sequence_number });
        }
        match listing.next {
            None => return Ok(watermarks),
            after => query.after = after,
        }
    }
}
