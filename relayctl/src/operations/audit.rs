//! What was done, newest first.

use futures::{StreamExt, TryStreamExt, stream};
use relay::audit::{Record, newest};
use relay::port::ControlTable;
use relay::tenancy;

use super::{Refusal, known_owner};
use crate::view::{RecordView, Records};

/// How many records are read at a time.
const READ_AT_ONCE: usize = 100;

/// How many owners are read at a time.
const OWNERS_AT_ONCE: usize = 16;

/// Which records are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// None older than this: milliseconds since the epoch.
    pub(crate) since: i64,
    /// Only of this action.
    pub(crate) action: Option<String>,
    /// Only behind this sort key.
    pub(crate) before: Option<String>,
    /// The most to answer.
    pub(crate) limit: usize,
}

/// The records of an owner.
pub(crate) async fn audit_owner(control: &impl ControlTable, owner: &str, asked: &Asked) -> Result<Records, Refusal> {
    known_owner(control, owner).await?;
    Ok(page(records(control, owner, asked).await?, asked.limit))
}

/// The records of all owners, as one list: their keys sort by time whosever they are.
pub(crate) async fn audit_all(control: &impl ControlTable, asked: &Asked) -> Result<Records, Refusal> {
    let owners = tenancy::owner_names(control).await?;
    let each = stream::iter(&owners).map(|owner| records(control, owner, asked)).buffered(OWNERS_AT_ONCE);
    let found: Vec<Vec<Record>> = each.try_collect().await?;
    Ok(page(found.into_iter().flatten().collect(), asked.limit))
}

/// An owner's records, one more than asked for where there are more.
async fn records(control: &impl ControlTable, owner: &str, asked: &Asked) -> Result<Vec<Record>, Refusal> {
    let mut query = newest(owner, asked.before.clone(), READ_AT_ONCE);
    let mut found = Vec::new();
    loop {
        let listing = control.query(&query).await?;
        for item in &listing.items {
            let record: Record = item.read()?;
            if record.at < asked.since {
                return Ok(found);
            }
            if asked.action.as_ref().is_none_or(|action| *action == record.action) {
                found.push(record);
            }
            if found.len() > asked.limit {
                return Ok(found);
            }
        }
        match listing.next {
            None => return Ok(found),
            after => query.after = after,
        }
    }
}

fn page(mut records: Vec<Record>, limit: usize) -> Records {
    records.sort_by_cached_key(|record| std::cmp::Reverse(record.key().sk));
    let has_more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| has_more).map(|record| record.key().sk);
    Records { records: records.into_iter().map(RecordView::new).collect(), next }
}

#[cfg(test)]
mod tests;
