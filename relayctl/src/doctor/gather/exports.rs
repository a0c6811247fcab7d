//! Exports that wait and run, and what is due.

use relay::agenda;
use relay::control::Query;
use relay::export::queue::{QUEUE, SLOTS, Slot, Waiting};
use relay::export::store;
use relay::port::{ControlTable, Executions};
use relay_aws::sfn::AwsExecutions;

use super::super::facts::{Due, Held, Line, Looked};
use super::Looker;

/// The most entries of the agenda that are looked at.
pub(super) const MOST_DUE: usize = 100;

/// The most of the queue that is looked at.
const MOST_WAITING: usize = 1_000;

impl Looker<'_> {
    /// The line and the slots.
    pub(super) async fn line(&self) -> Looked<Line> {
        let waiting = self.control.query(&all(QUEUE, MOST_WAITING)).await?;
        let oldest = waiting.items.first().map(relay::control::Item::read::<Waiting>).transpose()?;
        let mut held = Vec::new();
        for item in self.control.query(&all(SLOTS, MOST_WAITING)).await?.items {
            held.extend(self.held(item.read()?).await?);
        }
        Ok(Line {
            waiting: waiting.items.len(),
            oldest: oldest.map(|waiting| waiting.requested_at),
            is_at_least: waiting.next.is_some(),
            held,
        })
    }

    async fn held(&self, slot: Slot) -> Looked<Option<Held>> {
        let Some(holder) = slot.held else { return Ok(None) };
        let found = store::load(&self.control, &holder.owner, &holder.export_id).await?;
        let export = found.map(|(export, _)| export);
        let name = export.as_ref().map_or_else(|| holder.export_id.clone(), relay::export::Export::execution_name);
        let machine = self.stack.outputs.get("StateMachineArn").map_or("", String::as_str);
        Ok(Some(Held {
            execution: AwsExecutions::new(self.aws, machine).state(&name).await?,
            is_open: export.is_some_and(|export| !export.status.is_terminal()),
            owner: holder.owner,
            export_id: holder.export_id,
            since: holder.claimed_at,
        }))
    }

    /// What of a partition in the order of time is due.
    pub(super) async fn due(&self, query: Query) -> Looked<Due> {
        let listing = self.control.query(&query).await?;
        let due = listing.items.iter().filter(|item| agenda::is_due(item, self.now));
        let entries = due.clone().count();
        // An entry without a time is due since ever.
        let oldest = due.map(|item| agenda::due_since(item).unwrap_or(0)).min();
        Ok(Due { entries, oldest, is_at_least: entries == listing.items.len() && listing.next.is_some() })
    }
}

fn all(pk: &str, limit: usize) -> Query {
    Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit }
}
