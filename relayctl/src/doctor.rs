//! `relayctl doctor`: looks at every part of a stack and says what is wrong, where, and what to do.
//!
//! Gathering (`gather`) asks AWS and decides nothing; judging (`judge`) is pure: facts in, findings out. A part that cannot be asked is a finding of its own
//! and stops nothing else. Nothing is written anywhere.

mod facts;
mod gather;
mod judge;
mod report;

use crate::target::{PlaceError, Target};
pub(crate) use report::Report;

/// Looks at the stack; `now` in milliseconds since the epoch.
pub(crate) async fn examine(target: &Target, now: i64) -> Result<Report, PlaceError> {
    let stack = target.stack()?;
    let facts = gather::gather(target, now).await?;
    Ok(Report::new(&stack.name, now, judge::judge(&facts)))
}
