//! How an export gets into the queue, whoever asks for it.

use std::collections::BTreeSet;

use relay::audit::{Action, Actor, Record, domain};
use relay::control::{Expect, Write};
use relay::export::Export;
use relay::export::queue::{MAX_WAITING, Seat, Waiting};
use relay::fault::Fault;
use relay::period::rfc3339;
use relay::port::ControlTable;

use crate::dispatch::list;

/// The writes that store an export and put it into the queue, on a seat that nobody sits on, and the record of who did; `None` where as many of the owner's wait as may. Of the
/// free seats it is any, by `random`, so that requests at the same time seldom meet on one: a conflict says that they did, or that the export is there.
pub(crate) async fn seated(
    control: &impl ControlTable,
    export: &Export,
    actor: &Actor,
    random: &[u8],
) -> Result<Option<[Write; 4]>, Fault> {
    let Some(seat) = free_seat(control, &export.owner, random).await? else { return Ok(None) };
    let waiting = Waiting::of(export, seat);
    let taken = Seat { export_id: export.export_id.clone() };
    Ok(Some([
        Write::put(Export::key(&export.owner, &export.export_id), export, Expect::Absent)?,
        Write::put(waiting.key(), &waiting, Expect::Absent)?,
        Write::put(Seat::key(&export.owner, seat), &taken, Expect::Absent)?,
        created(export, actor).write()?,
    ]))
}

/// What was asked for, without what its filters and addresses tell of people.
fn created(export: &Export, actor: &Actor) -> Record {
    let kinds: Vec<_> = export.kinds.iter().map(|kind| kind.name()).collect();
    let domains: BTreeSet<_> = export.emails.iter().map(|email| domain(email)).collect();
    let record = actor.did(Action::ExportCreated, &export.owner, &export.export_id);
    let record = record.with("app_token", &export.app_token).with("kind", kinds.join(","));
    let record = record.with("from", rfc3339(export.from)).with("to", rfc3339(export.to));
    let record = record.with("domain", domains.into_iter().collect::<Vec<_>>().join(","));
    match &export.run {
        None => record,
        Some(run) => record.with("schedule_id", &run.schedule_id),
    }
}

async fn free_seat(control: &impl ControlTable, owner: &str, random: &[u8]) -> Result<Option<u32>, Fault> {
    let taken = list(control, &Seat::partition(owner)).await?;
    let is_free = |number: &u32| taken.iter().all(|item| item.key != Seat::key(owner, *number));
    let free: Vec<u32> = (0..MAX_WAITING).filter(is_free).collect();
    let any = random.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    Ok(any.checked_rem(free.len()).and_then(|index| free.get(index).copied()))
}
