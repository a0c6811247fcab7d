//! The dispatcher: no execution starts before it has a slot.
//!
//! It first reconciles the slots with what has become of their exports, then fills the free ones from the queue. Any number of dispatchers
//! may run at once: every change is a commit under conditions, and starting an execution twice is starting it once.
//!
//! A slot or an export that it cannot judge stops no other: it is told, and left as it is.

use relay::control::{CommitError, Expect, Item, Key, Write};
use relay::export::queue::{Holder, QUEUE, SLOTS, Slot, TURN_KEPT_SECONDS, Turn, Waiting};
use relay::export::{Export, Status, store};
use relay::fault::{Fault, FaultKind};
use relay::owner::kept_since;
use relay::port::{ControlTable, ExecutionState, Executions};
use relay::tenancy;

mod line;

pub(crate) use line::{Line, list};

/// How often an export whose execution was lost is given another one; it carries on from its checkpoint.
const MAX_LOST_EXECUTIONS: u32 = 2;

/// How often a dispatcher that is overtaken by others looks again before it leaves the rest to them.
const MAX_ROUNDS: usize = 16;

/// What one run of the dispatcher did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Slots that were taken back.
    pub freed: usize,
    /// Exports that were given a slot.
    pub started: usize,
    /// How long each of those had waited, in milliseconds.
    pub waited: Vec<u64>,
    /// Exports that failed because their execution was lost too often.
    pub failed: usize,
    /// What it could not judge or carry out, in the order met; everything else went on.
    pub faults: Vec<Fault>,
}

impl Dispatched {
    /// Adds what a further run did.
    pub fn add(&mut self, other: Self) {
        let Self { freed, started, waited, failed, faults } = other;
        self.freed += freed;
        self.started += started;
        self.waited.extend(waited);
        self.failed += failed;
        self.faults.extend(faults);
    }

    fn note(&mut self, fault: Fault, what: &str) {
        tracing::error!(%fault, what, "the dispatcher goes on without");
        self.faults.push(fault);
    }
}

/// Gives out the run slots.
#[derive(Debug)]
pub struct Dispatcher<'a, C, E> {
    /// Table `control`.
    pub control: &'a C,
    /// The state machine.
    pub executions: &'a E,
    /// How many exports may run at a time.
    pub slots: u32,
}

impl<C: ControlTable, E: Executions> Dispatcher<'_, C, E> {
    /// Reconciles the slots, then fills the free ones.
    pub async fn run(&self, now: i64) -> Dispatched {
        let mut dispatched = Dispatched::default();
        match list(self.control, SLOTS).await {
            Ok(items) => self.reconcile_all(&items, now, &mut dispatched).await,
            Err(fault) => dispatched.note(fault, "the slots"),
        }
        for _ in 0..MAX_ROUNDS {
            match self.fill(now, &mut dispatched).await {
                Ok(Fill::Overtaken) => {}
                Ok(Fill::Settled) => break,
                Err(fault) => {
                    dispatched.note(fault, "the line");
                    break;
                }
            }
        }
        dispatched
    }

    /// How many exports wait, and how many slots are held.
    pub async fn standing(&self) -> Result<(usize, usize), Fault> {
        let waiting = list(self.control, QUEUE).await?.len();
        let slots = list(self.control, SLOTS).await?;
        let held = slots.iter().filter(|item| item.read::<Slot>().is_ok_and(|slot| slot.held.is_some()));
        Ok((waiting, held.count()))
    }

    async fn reconcile_all(&self, items: &[Item], now: i64, dispatched: &mut Dispatched) {
        for item in items {
            if let Err(fault) = self.reconcile(item, now, dispatched).await {
                dispatched.note(fault, &format!("slot {}", item.key.sk));
            }
        }
    }

    async fn reconcile(&self, item: &Item, now: i64, dispatched: &mut Dispatched) -> Result<(), Fault> {
        let Some(holder) = item.read::<Slot>()?.held else { return Ok(()) };
        let Some(export) = self.running(&holder).await? else { return self.free(item, &holder, dispatched).await };
        match self.executions.state(&export.execution_name()).await? {
            ExecutionState::Running => Ok(()),
            ExecutionState::Unknown => self.start(&export).await,
            ExecutionState::Succeeded | ExecutionState::Failed => self.take_over(item, &export, now, dispatched).await,
        }
    }

    /// The slot's export, where it still runs.
    async fn running(&self, holder: &Holder) -> Result<Option<Export>, Fault> {
        let found = store::load(self.control, &holder.owner, &holder.export_id).await?;
        let Some((export, _)) = found else { return Ok(None) };
        if export.status == Status::Cancelled {
            self.executions.stop(&export.execution_name()).await?;
        }
        Ok(Some(export).filter(|export| !export.status.is_terminal()))
    }

    async fn free(&self, item: &Item, holder: &Holder, dispatched: &mut Dispatched) -> Result<(), Fault> {
        if committed(self.control.commit(&[emptied(item)?]).await)? {
            tracing::info!(owner = holder.owner, export_id = holder.export_id, "freed a slot");
            dispatched.freed += 1;
        }
        Ok(())
    }

    /// The execution ended and, when `seen`, its export had not. Read again: the worker may have said so in between, or another
    /// dispatcher has taken over; then there is nothing to do here.
    async fn take_over(&self, item: &Item, seen: &Export, now: i64, dispatched: &mut Dispatched) -> Result<(), Fault> {
        let found = store::load(self.control, &seen.owner, &seen.export_id).await?;
        let is_lost = |export: &Export| !export.status.is_terminal() && export.lost_executions == seen.lost_executions;
        let Some((mut export, version)) = found.filter(|(export, _)| is_lost(export)) else { return Ok(()) };
        tracing::error!(owner = seen.owner, export_id = seen.export_id, "the execution ended before its export did");
        if export.lost_executions < MAX_LOST_EXECUTIONS {
            export.lost_executions += 1;
            if committed(self.control.commit(&[store::replace(&export, version)?]).await)? {
                self.start(&export).await?;
            }
            return Ok(());
        }
        export.fail("interrupted", "The export was interrupted again and again. Ask for it once more.", now);
        let mut writes = store::ending(&export, version)?;
        writes.push(emptied(item)?);
        if committed(self.control.commit(&writes).await)? {
            dispatched.freed += 1;
            dispatched.failed += 1;
        }
        Ok(())
    }

    async fn start(&self, export: &Export) -> Result<(), Fault> {
        self.executions.start(&export.execution_name(), &export.execution_input()).await
    }

    async fn fill(&self, now: i64, dispatched: &mut Dispatched) -> Result<Fill, Fault> {
        let mut free = free_slots(&list(self.control, SLOTS).await?, self.slots).into_iter();
        let Some(mut slot) = free.next() else { return Ok(Fill::Settled) };
        let mut line = Line::read(self.control).await?;
        dispatched.faults.append(&mut line.faults);
        for waiting in line.ordered() {
            let turn = Turn::next(&line.turns, now);
            let export = match self.claim(&slot, &waiting, &turn, now).await {
                Ok(Claim::Won(export)) => export,
                Ok(Claim::Overtaken) => return Ok(Fill::Overtaken),
                Ok(Claim::NotWaiting) => continue,
                // This export's own fault: it cannot be read, or not be written. Any other is the table's, and met by all that follow.
                Err(fault) if fault.kind == FaultKind::Denied => {
                    dispatched.note(fault, &format!("export {}", waiting.export_id));
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            // One that cannot be started just now is started by the next dispatcher: its slot is taken and its execution unknown.
            if let Err(fault) = self.start(&export).await {
                dispatched.note(fault, &format!("the execution of export {}", waiting.export_id));
            }
            dispatched.started += 1;
            dispatched.waited.push(u64::try_from(now - export.as_of).unwrap_or_default());
            line.turns.insert(waiting.owner, turn.served_at);
            let Some(next) = free.next() else { break };
            slot = next;
        }
        Ok(Fill::Settled)
    }

    /// Gives the slot to a waiting export, all or nothing.
    async fn claim(&self, slot: &(Key, Expect), waiting: &Waiting, turn: &Turn, now: i64) -> Result<Claim, Fault> {
        let found = store::load(self.control, &waiting.owner, &waiting.export_id).await?;
        let [unqueue, stand_up] = waiting.leave();
        let Some((mut export, version)) = found.filter(|(export, _)| export.status == Status::Queued) else {
            // Whoever took it out of the line freed its seat, which may be another's by now.
            if tenancy::find::<Waiting>(self.control, waiting.key()).await?.is_some() {
                committed(self.control.commit(&[unqueue, stand_up]).await)?;
            }
            return Ok(Claim::NotWaiting);
        };
        if let Some(owner) = tenancy::owner(self.control, &waiting.owner).await? {
            // It may have been changed since the request; from here on the value stays, so that no step leaves out what another put in.
            export.kept_since = kept_since(owner.retention_days, export.as_of);
        }
        export.status = Status::Running;
        export.started_at = Some(now);
        let (owner, export_id) = (waiting.owner.clone(), waiting.export_id.clone());
        let held = Slot { held: Some(Holder { owner, export_id, claimed_at: now }) };
        let forgotten = now / 1000 + TURN_KEPT_SECONDS;
        let writes = [
            Write::put(slot.0.clone(), &held, slot.1)?,
            store::replace(&export, version)?,
            unqueue,
            stand_up,
            Write::put_until(Turn::key(&waiting.owner), turn, Expect::Any, Some(forgotten))?,
        ];
        if !committed(self.control.commit(&writes).await)? {
            return Ok(Claim::Overtaken);
        }
        tracing::info!(owner = waiting.owner, export_id = waiting.export_id, trace_id = export.trace_id, "started");
        Ok(Claim::Won(Box::new(export)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// No slot is free, or nothing waits.
    Settled,
    /// Another dispatcher was quicker: the picture is old.
    Overtaken,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Claim {
    Won(Box<Export>),
    Overtaken,
    NotWaiting,
}

/// The slots that nobody has, each with the state in which it must still be to be claimed. One that cannot be read counts as taken: whose it is,
/// nobody knows.
fn free_slots(items: &[Item], slots: u32) -> Vec<(Key, Expect)> {
    let state = |key: Key| match items.iter().find(|item| item.key == key) {
        None => Some((key, Expect::Absent)),
        Some(item) => {
            let is_free = item.read::<Slot>().is_ok_and(|slot| slot.held.is_none());
            is_free.then_some((key, Expect::Version(item.version)))
        }
    };
    (0..slots).map(Slot::key).filter_map(state).collect()
}

/// The write that frees a slot from the holder it had when it was read.
fn emptied(item: &Item) -> Result<Write, Fault> {
    Write::put(item.key.clone(), &Slot::default(), Expect::Version(item.version))
}

/// Whether a commit was carried out; `false` when somebody else wrote first.
pub(crate) fn committed(result: Result<(), CommitError>) -> Result<bool, Fault> {
    match result {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict(_)) => Ok(false),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}
