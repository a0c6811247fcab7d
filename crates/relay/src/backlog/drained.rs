//! How far the stream is drained: what exports wait for, and what the word "empty" rests on.
//!
//! Kinesis answers an idle stretch of a shard with one empty list after the other, and a shard bears few calls a second: a look may end
//! long before the tip. How far it came is remembered (item `walk` / `{shard_id}`), and the next look goes on from there.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{KEPT_SECONDS, Mark, PARTITION};
use crate::control::{CommitError, Expect, Key, Query, Write};
use crate::fault::{Fault, FaultKind};
use crate::port::{Backlog, ControlTable, Look, Position, Sight, Sights, Start};

const WALKS: &str = "walk";

/// How far the clocks of door, stream and readers may lie apart: milliseconds. AWS keeps its machines' clocks within far less.
const CLOCK_SLACK_MS: i64 = 2_000;

/// A remembered walk is gone on with from so long before its end: milliseconds. The stream's times of arrival are approximate, and need not
/// grow from record to record (Kinesis API reference, `Record`).
const STEP_BACK_MS: i64 = 60_000;

/// How far the stream is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every record is in the pages (or the quarantine).
    Wholly,
    /// Every record that arrived before this moment is; milliseconds since the epoch.
    Before(i64),
}

impl Drained {
    /// Up to when, but no further than `as_of`, everything acknowledged is in the pages. A row carries the time at which it reached the door,
    /// which may be many seconds before its acknowledgement: only the acknowledgement lies behind the arrival in the stream.
    #[must_use]
    pub fn acknowledged_until(self, as_of: i64) -> i64 {
        match self {
            Self::Wholly => as_of,
            Self::Before(moment) => moment.saturating_sub(CLOCK_SLACK_MS).min(as_of),
        }
    }

    /// What [`Look::enough`] must be, so that everything acknowledged until `as_of` is found to be in the pages.
    #[must_use]
    pub const fn enough(as_of: i64) -> i64 {
        as_of.saturating_add(CLOCK_SLACK_MS)
    }
}

/// An empty walk through a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    /// The watermark that it began behind; `None` for the shard's beginning.
    behind: Option<String>,
    /// Between the two stands no record: milliseconds since the epoch.
    until: i64,
}

/// How far the writer and earlier looks came, by shard.
struct Known {
    marks: BTreeMap<String, Mark>,
    walks: BTreeMap<String, Walk>,
}

impl Known {
    async fn read(control: &impl ControlTable) -> Result<Self, Fault> {
        Ok(Self { marks: all(control, PARTITION).await?, walks: all(control, WALKS).await? })
    }

    fn starts(&self) -> Vec<Start> {
        let Self { marks, walks } = self;
        let shards = marks.keys().chain(walks.keys().filter(|shard_id| !marks.contains_key(*shard_id)));
        let start = |shard_id: &String| {
            let at = position(marks.get(shard_id), walks.get(shard_id))?;
            Some(Start { shard_id: shard_id.clone(), at })
        };
        shards.filter_map(start).collect()
    }
}

/// What stands behind the writer's watermarks, shard by shard. Writes nothing: for an operator who may only read.
pub async fn undrained(control: &impl ControlTable, backlog: &impl Backlog, look: Look) -> Result<Sights, Fault> {
    backlog.look(&Known::read(control).await?.starts(), look).await
}

/// Looks at the stream behind the writer's watermarks.
pub async fn drained(control: &impl ControlTable, backlog: &impl Backlog, look: Look) -> Result<Drained, Fault> {
    let known = Known::read(control).await?;
    let Known { marks, walks } = &known;
    let mut drained = Drained::Wholly;
    let mut failed = None;
    for (shard_id, sight) in backlog.look(&known.starts(), look).await? {
        match sight {
            Ok(sight) => {
                let walk = walked(sight, marks.get(&shard_id), walks.get(&shard_id), look.now);
                if let Some(walk) = walk {
                    remember(control, &shard_id, &walk).await?;
                }
                drained = drained.and(sight);
            }
            Err(fault) => failed = Some(fault),
        }
    }
    failed.map_or(Ok(drained), Err)
}

impl Drained {
    fn and(self, sight: Sight) -> Self {
        let (Sight::Record(moment) | Sight::NothingBefore(moment)) = sight else { return self };
        match self {
            Self::Wholly => Self::Before(moment),
            Self::Before(other) => Self::Before(other.min(moment)),
        }
    }
}

/// Where to begin: at the end of an empty walk behind this very watermark, if that surely lies behind it; else behind the watermark.
fn position(mark: Option<&Mark>, walk: Option<&Walk>) -> Option<Position> {
    let sequence_number = mark.map(|mark| &mark.sequence_number);
    let walk = walk.filter(|walk| walk.behind.as_ref() == sequence_number);
    let from = walk.map(|walk| walk.until.saturating_sub(STEP_BACK_MS));
    let from = from.filter(|from| mark.is_none_or(|mark| *from > mark.drained_at));
    from.map(Position::From).or_else(|| sequence_number.cloned().map(Position::Behind))
}

/// The walk that is worth remembering: one that leads further than mark and walk known so far.
fn walked(sight: Sight, mark: Option<&Mark>, known: Option<&Walk>, now: i64) -> Option<Walk> {
    let until = match sight {
        Sight::Record(_) => return None,
        Sight::Nothing => now,
        Sight::NothingBefore(moment) => moment,
    };
    let walk = Walk { behind: mark.map(|mark| mark.sequence_number.clone()), until };
    let known = known.filter(|known| known.behind == walk.behind);
    let is_further = known.is_none_or(|known| until > known.until.saturating_add(STEP_BACK_MS));
    let leads_on = matches!(position(mark, Some(&walk)), Some(Position::From(_)));
    Some(walk).filter(|_| is_further && leads_on)
}

async fn remember(control: &impl ControlTable, shard_id: &str, walk: &Walk) -> Result<(), Fault> {
    let forgotten = walk.until / 1000 + KEPT_SECONDS;
    let write = Write::put_until(Key::new(WALKS, shard_id), walk, Expect::Any, Some(forgotten))?;
    control.commit(&[write]).await.map_err(|error| match error {
        CommitError::Fault(fault) => fault,
        CommitError::Conflict(_) => Fault::new(FaultKind::Unavailable, "control:Commit", "a write without condition"),
    })
}

/// Every document of a partition by its sort key.
pub(super) async fn all<T: DeserializeOwned>(
    control: &impl ControlTable,
    pk: &str,
) -> Result<BTreeMap<String, T>, Fault> {
    let mut found = BTreeMap::new();
    let mut query = Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit: 1000 };
    loop {
        let listing = control.query(&query).await?;
        for item in listing.items {
            let document = item.read()?;
            found.insert(item.key.sk, document);
        }
        match listing.next {
            None => return Ok(found),
            after => query.after = after,
        }
    }
}

#[cfg(test)]
mod tests;
