//! What is due: each entry of the agenda is taken, carried out, and ended or put off.
//!
//! Any number of dispatchers may be at it at once: an entry has one taker. One that dies leaves its entries to whoever comes when the lease is over,
//! so each may be carried out again. An entry that cannot be read or carried out stops no other: it is told, and comes again.

use futures::StreamExt;
use futures::stream;
use relay::agenda::{self, Errand, Taken};
use relay::control::Item;
use relay::fault::{Fault, FaultKind};
use relay::port::{ControlTable, Hooks, Leavings};

use relay::webhook::DeliveryStatus;

use crate::dispatch::committed;

mod recur;
mod sweep;
mod webhook;

/// The most entries that one tick looks at. The next one is a minute away at most, and there is one whenever an export ends.
const MAX_ENTRIES: usize = 200;

/// How many are carried out at a time: one that waits for a slow service holds up few others.
const AT_A_TIME: usize = 16;

/// After how long a tick takes no more entries: milliseconds. The dispatcher needs the rest of its 60 s (`template.yaml`), and one call of a service
/// that does not answer takes 20 of them.
const MAX_RUN_MS: i64 = 20_000;

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// Entries that were carried out, for good or until they are due again.
    pub carried_out: usize,
    /// Runs of schedules that are in the queue now.
    pub runs_queued: usize,
    /// Uploads that ended exports had left open.
    pub uploads_aborted: usize,
    /// Ends of exports that a webhook took.
    pub webhooks_delivered: usize,
    /// Ends of exports that a webhook did not take, for good.
    pub webhooks_failed: usize,
    /// What could not be read or carried out; everything else went on.
    pub faults: Vec<Fault>,
}

/// What carrying out one entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Somebody else took it first.
    Overtaken,
    /// What an export left is gone: so many open uploads.
    Swept(usize),
    /// So many runs of a schedule are in the queue.
    Ran(usize),
    /// There was nobody to tell.
    Untold,
    /// A webhook was called, and this came of it.
    Told(DeliveryStatus),
}

/// Carries out what is due.
#[derive(Debug)]
pub struct Agenda<'a, C, F, H> {
    /// Table `control`.
    pub control: &'a C,
    /// The export bucket.
    pub files: &'a F,
    /// Owners' webhooks.
    pub hooks: &'a H,
}

impl<C: ControlTable, F: Leavings, H: Hooks> Agenda<'_, C, F, H> {
    /// Carries out what is due; `now` answers milliseconds since the epoch.
    pub async fn run(&self, now: impl Fn() -> i64) -> CarriedOut {
        let mut done = CarriedOut::default();
        let began = now();
        let listing = match self.control.query(&agenda::first(MAX_ENTRIES)).await {
            Ok(listing) => listing,
            Err(fault) => {
                done.note(fault, "agenda");
                return done;
            }
        };
        let due = listing.items.iter().filter(|item| agenda::is_due(item, began));
        let mut at_work = stream::iter(due)
            .map(|item| async {
                let now = now();
                let is_over = now.saturating_sub(began) >= MAX_RUN_MS;
                let outcome = if is_over { Ok(Outcome::Overtaken) } else { self.carry_out(item, now).await };
                (&item.key.sk, outcome)
            })
            .buffer_unordered(AT_A_TIME);
        while let Some((entry, outcome)) = at_work.next().await {
            match outcome {
                Ok(outcome) => done.count(outcome),
                Err(fault) => done.note(fault, entry),
            }
        }
        done
    }

    async fn carry_out(&self, item: &Item, now: i64) -> Result<Outcome, Fault> {
        let strange = || Fault::new(FaultKind::Denied, "agenda:Take", "the key of an entry tells no time");
        let (take, taken) = agenda::take(item, now).ok_or_else(strange)?;
        if !committed(self.control.commit(&take).await)? {
            return Ok(Outcome::Overtaken);
        }
        match item.read::<Errand>()? {
            Errand::Sweep(sweep) => self.sweep(&taken, sweep, now).await,
            Errand::Run(recurring) => self.recur(&taken, recurring, now).await,
            Errand::Webhook(ended) => self.tell(&taken, ended, now).await,
            Errand::Erase(_) => {
                Err(Fault::new(FaultKind::Denied, "agenda:Take", "what erases stands in a partition of its own"))
            }
        }
    }

    /// Ends an entry, or puts it off until it is due again. That its lease was over and somebody else has it by now is fine.
    async fn settle(&self, taken: &Taken, again: Option<(&Errand, i64)>) -> Result<(), Fault> {
        let writes = match again {
            None => vec![taken.done()],
            Some((errand, due_at)) => taken.then(errand, due_at)?,
        };
        committed(self.control.commit(&writes).await).map(|_| ())
    }
}

impl CarriedOut {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Overtaken => return,
            Outcome::Swept(uploads) => self.uploads_aborted += uploads,
            Outcome::Ran(runs) => self.runs_queued += runs,
            Outcome::Told(DeliveryStatus::Delivered) => self.webhooks_delivered += 1,
            Outcome::Told(DeliveryStatus::Failed) => self.webhooks_failed += 1,
            Outcome::Told(DeliveryStatus::Pending) | Outcome::Untold => {}
        }
        self.carried_out += 1;
    }

    fn note(&mut self, fault: Fault, entry: &str) {
        tracing::error!(%fault, entry, "an entry of the agenda is left for later");
        self.faults.push(fault);
    }
}
