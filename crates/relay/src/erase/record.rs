//! Making tombstones: each in one commit with the ledger, the gate and, where none is due yet, the entry of the agenda that takes them out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{By, Erased, Gate, Id, Job, Ledger, Tombstone};
use crate::agenda::{Erasing, Errand};
use crate::control::{CommitError, Expect, Key, Write};
use crate::fault::{Fault, FaultKind};
use crate::port::ControlTable;
use crate::tenancy;

/// The most tombstones of one commit: with ledger, gate and errand below the 100 writes of a transaction (DynamoDB `TransactWriteItems`).
const COMMIT_LIMIT: usize = 90;

/// How often a commit is tried again because somebody else wrote first.
const TRIES: usize = 8;

/// How long tombstones of callbacks wait for their job: milliseconds. A job goes through all of an owner's pages, whatever it looks for: one a day takes
/// out all of a day's. What readers give out does not wait.
const CALLBACKS_WAIT_MS: i64 = 24 * 3600 * 1000;

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose activities.
    pub id: Id,
    /// The last `created_at` that is erased: milliseconds since the epoch.
    pub erased_at: i64,
}

/// Who asks, when, and what is written beside.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Who asks.
    pub by: By,
    /// Milliseconds since the epoch.
    pub now: i64,
    /// Random bits: they become the key of an owner's first ledger.
    pub random: [u8; 32],
    /// Writes of the first commit besides, five at most: a record of what is done, say.
    pub beside: &'a [Write],
}

/// What became of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many tombstones were made; what an earlier one covers needs none.
    pub made: u64,
    /// The number of the owner's last tombstone.
    pub through: u64,
}

/// Makes tombstones of marks; afterwards each mark is covered. `known` is what is known of the owner's tombstones, and is brought up to date.
pub async fn record(
    control: &impl ControlTable,
    owner: &str,
    marks: &[Mark],
    known: &mut Erased,
    origin: Origin<'_>,
) -> Result<Recorded, Fault> {
    let Origin { by, now, random, beside } = origin;
    let mut made = 0;
    let mut conflicts = 0;
    loop {
        let found = known.catch_up(control, owner).await?;
        let (mut ledger, expect) =
            found.map_or_else(|| (Ledger::new(random), Expect::Absent), |(it, version)| (it, Expect::Version(version)));
        known.with_key_of(&ledger)?;
        let tombstones = known.missing(marks, &mut ledger, by, now);
        if tombstones.is_empty() {
            return Ok(Recorded { made, through: ledger.last });
        }
        let mut writes = scheduled(&mut ledger, owner, by, now)?;
        let latest = tombstones.iter().map(|tombstone| tombstone.erased_at).max().unwrap_or_default();
        let is_raised = |gate: &Gate| gate.latest < latest;
        writes.extend(opened(control, is_raised, |gate| Gate { latest, ..gate }).await?);
        writes.push(Write::put(Ledger::key(owner), &ledger, expect)?);
        writes.extend(beside.iter().filter(|_| made == 0).cloned());
        for tombstone in &tombstones {
            let key = Tombstone::key(owner, tombstone.number);
            writes.push(Write::put_until(key, tombstone, Expect::Absent, Some(tombstone.expires_at()))?);
        }
        match control.commit(&writes).await {
            Ok(()) => {
                made += tombstones.len() as u64;
                conflicts = 0;
            }
            Err(CommitError::Conflict(_)) => conflicts += 1,
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
        if conflicts >= TRIES {
            return Err(busy());
        }
    }
}

/// Whether providers' callbacks erase for an owner from now on. `beside` is written in the same commit.
pub async fn take_callbacks(
    control: &impl ControlTable,
    owner: &str,
    is_on: bool,
    random: [u8; 32],
    beside: &[Write],
) -> Result<(), Fault> {
    for _ in 0..TRIES {
        let found = tenancy::find::<Ledger>(control, Ledger::key(owner)).await?;
        let (mut ledger, expect) =
            found.map_or_else(|| (Ledger::new(random), Expect::Absent), |(it, version)| (it, Expect::Version(version)));
        let is_opened = |gate: &Gate| is_on && !gate.from_callbacks;
        let mut writes = opened(control, is_opened, |gate| Gate { from_callbacks: true, ..gate }).await?;
        ledger.from_callbacks = is_on;
        writes.push(Write::put(Ledger::key(owner), &ledger, expect)?);
        writes.extend_from_slice(beside);
        match control.commit(&writes).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(busy())
}

/// Has an owner's pages gone through once more from the beginning for every tombstone there is: after a restore from a backup, say. `false` where nothing
/// was ever erased. `beside` is written in the same commit.
pub async fn again(control: &impl ControlTable, owner: &str, now: i64, beside: &[Write]) -> Result<bool, Fault> {
    for _ in 0..TRIES {
        let Some((mut ledger, version)) = tenancy::find::<Ledger>(control, Ledger::key(owner)).await? else {
            return Ok(false);
        };
        let job = tenancy::find::<Job>(control, Job::key(owner)).await?;
        let (job, job_expect) =
            job.map_or_else(|| (Job::default(), Expect::Absent), |(it, version)| (it, Expect::Version(version)));
        let mut writes = scheduled(&mut ledger, owner, By::Operator, now)?;
        writes.push(Write::put(Ledger::key(owner), &ledger, Expect::Version(version))?);
        writes.push(Write::put(Job::key(owner), &job.from_the_beginning(), job_expect)?);
        writes.extend_from_slice(beside);
        match control.commit(&writes).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(busy())
}

impl Erased {
    /// The tombstones that marks still need, as many as a commit takes; of several marks of one id the latest.
    fn missing(&self, marks: &[Mark], ledger: &mut Ledger, by: By, recorded_at: i64) -> Vec<Tombstone> {
        let mut latest: BTreeMap<_, i64> = BTreeMap::new();
        for Mark { id, erased_at } in marks {
            let Some(hash) = self.hash(id.id_type(), id.value()) else { continue };
            let until = latest.entry((id.id_type(), hash)).or_insert(*erased_at);
            *until = (*until).max(*erased_at);
        }
        let uncovered =
            latest.into_iter().filter(|((_, hash), at)| self.until.get(hash).is_none_or(|until| until < at));
        let tombstone = |((id_type, hash), erased_at)| {
            ledger.last += 1;
            Tombstone { number: ledger.last, id_type, hash: hex::encode(hash), erased_at, recorded_at, by }
        };
        uncovered.take(COMMIT_LIMIT).map(tombstone).collect()
    }
}

/// The write that puts the job on the agenda, where it is not due as early already.
fn scheduled(ledger: &mut Ledger, owner: &str, by: By, now: i64) -> Result<Vec<Write>, Fault> {
    let due_at = match by {
        By::Operator => now,
        By::Callback => now.saturating_add(CALLBACKS_WAIT_MS),
    };
    if ledger.due_at.is_some_and(|due| due <= due_at) {
        return Ok(Vec::new());
    }
    ledger.due_at = Some(due_at);
    let errand = Errand::Erase(Erasing { owner: owner.to_owned() });
    // One that stands there already is the same one.
    Ok(vec![put(errand.key(due_at), &errand)?])
}

/// The write that opens the gate further, where it must be.
async fn opened(
    control: &impl ControlTable,
    is_needed: impl Fn(&Gate) -> bool,
    change: impl Fn(Gate) -> Gate,
) -> Result<Vec<Write>, Fault> {
    let found = tenancy::find::<Gate>(control, Gate::key()).await?;
    let (gate, expect) =
        found.map_or((Gate::default(), Expect::Absent), |(gate, version)| (gate, Expect::Version(version)));
    Ok(if is_needed(&gate) { vec![Write::put(Gate::key(), &change(gate), expect)?] } else { Vec::new() })
}

fn put<T: Serialize>(key: Key, value: &T) -> Result<Write, Fault> {
    Write::put(key, value, Expect::Any)
}

fn busy() -> Fault {
    Fault::new(FaultKind::Throttled, "control:Commit", format!("others wrote first, {TRIES} times in a row"))
}
