//! Which export it is, and what table `control` and Step Functions know of it.

use relay::audit::{Action, Record, newest};
use relay::control::Query;
use relay::export::Export;
use relay::export::queue::{QUEUE, SLOTS, Slot, TURNS, Turn, Waiting, order};
use relay::port::ControlTable;
use relay_aws::sfn::{AwsExecutions, Execution};

use super::view::{Event, Look, Trace, counted};
use super::{Asked, Looked};

/// The most pages of records that are read of an owner, of a hundred each.
const RECORD_PAGES: usize = 20;

/// The most records that are read of all owners.
const MOST_RECORDS: usize = 20_000;

/// The most of an execution that is told: its last events.
const MOST_EVENTS: usize = 30;

/// The export of this id, or the one that the call of this trace id made. Tells of every record on the way.
pub(super) async fn export(
    control: &impl ControlTable,
    owners: &[String],
    asked: &Asked,
    told: &mut Trace,
) -> Option<Export> {
    let place = format!("exports of {}", counted(owners.len(), "owner"));
    let mut found = match by_id(control, owners, &asked.id).await {
        Ok(found) => found,
        Err(fault) => {
            told.looks.push(Look::failed(&place, &fault));
            return None;
        }
    };
    told.looks.push(Look::new(&place, if found.is_some() { "it is one" } else { "none has this id" }.to_owned()));
    let whose = found.as_ref().map_or_else(|| owners.to_vec(), |export: &Export| vec![export.owner.clone()]);
    let since = found.as_ref().map_or(asked.since, |export| export.as_of);
    let records = match records(control, &whose, since, &asked.id).await {
        Ok(records) => records,
        Err(fault) => {
            told.looks.push(Look::failed("audit", &fault));
            return found;
        }
    };
    let from = relay::period::rfc3339(since);
    let more = if records.is_cut { "; there are more records than were read" } else { "" };
    told.looks.push(Look::new("audit", format!("{} since {from}{more}", counted(records.found.len(), "record"))));
    told.events.extend(records.found.iter().map(record));
    let made = |record: &&Record| record.action == Action::ExportCreated.name() && record.trace_id == asked.id;
    if let (None, Some(record)) = (&found, records.found.iter().find(made)) {
        let owner = std::slice::from_ref(&record.owner);
        found = by_id(control, owner, &record.subject).await.unwrap_or_default();
    }
    found
}

async fn by_id(control: &impl ControlTable, owners: &[String], id: &str) -> Looked<Option<Export>> {
    let keys: Vec<_> = owners.iter().map(|owner| Export::key(owner, id)).collect();
    for item in control.get(&keys).await {
        if let Some(item) = item? {
            return item.read().map(Some);
        }
    }
    Ok(None)
}

struct Records {
    found: Vec<Record>,
    is_cut: bool,
}

/// The records of these owners that tell of the id.
async fn records(control: &impl ControlTable, owners: &[String], since: i64, id: &str) -> Looked<Records> {
    let mut records = Records { found: Vec::new(), is_cut: false };
    let mut read = 0;
    for owner in owners {
        let mut query = newest(owner, None, 100);
        for page in 0.. {
            if page == RECORD_PAGES || read >= MOST_RECORDS {
                records.is_cut = true;
                break;
            }
            let listing = control.query(&query).await?;
            read += listing.items.len();
            let mut is_old = false;
            for item in &listing.items {
                let record: Record = item.read()?;
                is_old = record.at < since;
                if !is_old && (record.trace_id == id || record.subject == id) {
                    records.found.push(record);
                }
            }
            query.after = listing.next;
            if query.after.is_none() || is_old {
                break;
            }
        }
    }
    Ok(records)
}

fn record(record: &Record) -> Event {
    let details: Vec<String> = record.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let Record { who, action, subject, owner, .. } = record;
    let what = format!("{action} of {subject} by {who} (owner {owner}) {}", details.join(" "));
    Event::new(record.at, "audit", what.trim_end().to_owned())
}

/// Its executions: one, and another for each that was lost.
pub(super) async fn executions(machine: &AwsExecutions, export: &Export, told: &mut Trace) {
    let mut found = 0;
    for lost in 0..=export.lost_executions {
        let mut of_then = export.clone();
        of_then.lost_executions = lost;
        let name = of_then.execution_name();
        match machine.history(&name).await {
            Ok(Some(execution)) => {
                found += 1;
                told.events.extend(execution_events(&name, &execution));
            }
            Ok(None) => {}
            Err(fault) => return told.looks.push(Look::failed("executions", &fault)),
        }
    }
    told.looks.push(Look::new("executions", format!("{found} of {}", export.lost_executions + 1)));
}

fn execution_events(name: &str, execution: &Execution) -> Vec<Event> {
    let source = "execution";
    let mut events = vec![Event::new(execution.started_at, source, format!("{name} started"))];
    let told = execution.events.iter().filter_map(|event| Some((event.at, &event.what, event.name.as_ref()?)));
    let told: Vec<_> = told.map(|(at, what, name)| Event::new(at, source, format!("{what} {name}"))).collect();
    events.extend(told.iter().rev().take(MOST_EVENTS).rev().cloned());
    if let Some(at) = execution.ended_at {
        let error = execution.error.as_ref().map_or_else(String::new, |error| format!(", {error}"));
        events.push(Event::new(at, source, format!("{name} ended: {}{error}", execution.status)));
    }
    events
}

/// Its place in line, or its slot.
pub(super) async fn line(control: &impl ControlTable, export: &Export, now: i64, told: &mut Trace) {
    match place(control, &export.export_id).await {
        Ok(Some(place)) => {
            told.events.push(Event::new(now, "line", place.clone()));
            told.looks.push(Look::new("queue and slots", place));
        }
        Ok(None) => told.looks.push(Look::new("queue and slots", "it is in neither".to_owned())),
        Err(fault) => told.looks.push(Look::failed("queue and slots", &fault)),
    }
}

async fn place(control: &impl ControlTable, export_id: &str) -> Looked<Option<String>> {
    let all =
        |pk: &str| Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit: 1_000 };
    for item in control.query(&all(SLOTS)).await?.items {
        let slot: Slot = item.read()?;
        if let Some(holder) = slot.held.filter(|holder| holder.export_id == export_id) {
            let since = relay::period::rfc3339(holder.claimed_at);
            return Ok(Some(format!("has slot {} since {since}", item.key.sk)));
        }
    }
    let waiting = control.query(&all(QUEUE)).await?;
    let mut turns = std::collections::BTreeMap::new();
    for item in control.query(&all(TURNS)).await?.items {
        let turn: Turn = item.read()?;
        turns.insert(item.key.sk, turn.served_at);
    }
    let line = waiting.items.iter().map(relay::control::Item::read::<Waiting>).collect::<Result<Vec<_>, _>>()?;
    let position = order(&line, &turns).iter().position(|waiting| waiting.export_id == export_id);
    let more = if waiting.next.is_some() { "at least " } else { "" };
    Ok(position.map(|position| format!("waits as number {} of {more}{}", position + 1, line.len())))
}

#[cfg(test)]
mod tests;
