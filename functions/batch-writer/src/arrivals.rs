//! What arrived, told to table `control` once it is durable: for `GET /v1/arrivals`, where an advertiser sees it arrive. No activity depends on it: a count that cannot be
//! told is told later, or, when the process ends first, never (ADR 0007).

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use relay::activity::{Kind, Provider};
use relay::arrival::{ATTEMPTS, Arrivals, HOUR_MS, MOST_CREDIT, SECOND_EARNS, WRITE_COST, Whose};
use relay::avro;
use relay::control::CommitError;
use relay::discard::Reason;
use relay::fault::Fault;
use relay::port::{ControlTable, PageStore, Quarantine};
use tokio::time::{Instant, sleep, timeout_at};

use crate::App;
use crate::batch::Batch;
use crate::drain::Clock;

/// How long telling may take, beside the watermark: no batch waits longer for it.
const WITHIN: Duration = Duration::from_secs(2);

/// The longest first pause before that.
const PAUSE: Duration = Duration::from_millis(20);

/// How many documents are written side by side.
const WRITES_AT_ONCE: usize = 8;

/// The most documents that are remembered; bounds the memory of a process that sees very many apps. What is beyond is not counted.
const MAX_REMEMBERED: usize = 10_000;

/// How long it is remembered when a document was told last: milliseconds. Only to know who comes first.
const TOLD_LATELY_MS: i64 = 60_000;

/// What is counted and not told yet, and what telling may cost.
#[derive(Debug)]
pub(crate) struct Untold {
    whose: HashMap<Whose, Remembered>,
    /// What is left of what activities and seconds earned.
    credit: i64,
    /// When seconds earned last: milliseconds since the epoch.
    earned_at: i64,
    /// How many deliveries were not counted, because too many apps were seen at a time.
    uncounted: u64,
}

#[derive(Debug, Default)]
struct Remembered {
    arrivals: Arrivals,
    /// Milliseconds since the epoch; never where it is `None`.
    told_at: Option<i64>,
}

/// One document's arrivals on their way.
#[derive(Debug)]
struct Due {
    whose: Whose,
    arrivals: Arrivals,
    is_told: bool,
}

impl Default for Untold {
    /// A process begins with all the credit: what comes first is told at once.
    fn default() -> Self {
        Self { whose: HashMap::new(), credit: MOST_CREDIT, earned_at: 0, uncounted: 0 }
    }
}

impl Untold {
    /// Counts `n` more of somebody's that reached the door within one hour, the last of them at this moment (milliseconds since the epoch).
    fn add(&mut self, whose: Whose, provider: Provider, what: &'static str, received_at: i64, n: u64) {
        self.credit = self.credit.saturating_add(i64::try_from(n).unwrap_or(MOST_CREDIT)).min(MOST_CREDIT);
        if self.whose.len() < MAX_REMEMBERED || self.whose.contains_key(&whose) {
            self.whose.entry(whose).or_default().arrivals.add(provider, what, received_at, n);
        } else {
            self.uncounted = self.uncounted.saturating_add(n);
        }
    }

    /// Takes out what may be told now, as far as the credit goes: first whose turn was never or longest ago, so that a callback to try things out
    /// does not wait behind busy apps.
    fn take(&mut self, now: i64) -> Vec<Due> {
        self.earn(now);
        self.forget(now);
        let mut waiting: Vec<(Option<i64>, &Whose)> = self
            .whose
            .iter()
            .filter(|(_, it)| !it.arrivals.is_empty())
            .map(|(whose, it)| (it.told_at, whose))
            .collect();
        waiting.sort_unstable();
        let paid = usize::try_from(self.credit / WRITE_COST).unwrap_or_default().min(waiting.len());
        let chosen: Vec<Whose> = waiting.into_iter().take(paid).map(|(_, whose)| whose.clone()).collect();
        self.credit -= i64::try_from(paid).unwrap_or_default() * WRITE_COST;
        let due = |whose: Whose| {
            let remembered = self.whose.get_mut(&whose)?;
            remembered.told_at = Some(now);
            Some(Due { arrivals: std::mem::take(&mut remembered.arrivals), whose, is_told: false })
        };
        chosen.into_iter().filter_map(due).collect()
    }

    fn earn(&mut self, now: i64) {
        let elapsed = now.saturating_sub(self.earned_at).max(0);
        let earned = (elapsed / 1000).min(MOST_CREDIT) * SECOND_EARNS;
        self.credit = (self.credit + earned).min(MOST_CREDIT);
        // What is left of a second goes on earning; a clock that was set back begins anew.
        self.earned_at = now - elapsed % 1000;
    }

    fn forget(&mut self, now: i64) {
        let is_lately = |at: i64| (0..TOLD_LATELY_MS).contains(&now.saturating_sub(at));
        self.whose.retain(|_, it| !it.arrivals.is_empty() || it.told_at.is_some_and(is_lately));
        if self.uncounted > 0 {
            tracing::warn!(
                uncounted = self.uncounted,
                apps = self.whose.len(),
                "too many apps at a time; arrivals are not counted"
            );
            self.uncounted = 0;
        }
    }

    /// Takes back what could not be told.
    fn give_back(&mut self, due: Vec<Due>) {
        for Due { whose, arrivals, .. } in due.into_iter().filter(|due| !due.is_told) {
            self.whose.entry(whose).or_default().arrivals.merge(&arrivals);
        }
    }
}

/// What came of one app, kind and provider in one hour.
type Sort<'a> = (&'a str, Provider, Kind, i64);

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Counts what of a part is durable: all that lies before the first record that failed.
    pub(crate) fn count_arrivals(&self, part: &Batch, failed: Option<usize>) {
        let is_durable = |source: usize| failed.is_none_or(|failed| source < failed);
        let mut sorts: HashMap<Sort<'_>, (i64, u64)> = HashMap::new();
        for datum in part.datums().filter(|datum| is_durable(datum.source)) {
            // Every datum was decoded before.
            let Ok(head) = avro::head(datum.bytes) else { continue };
            let hour = head.received_at.div_euclid(HOUR_MS);
            let (last, n) = sorts.entry((head.app_token, head.provider, head.kind, hour)).or_insert((i64::MIN, 0));
            (*last, *n) = (head.received_at.max(*last), *n + 1);
        }
        let Ok(mut untold) = self.untold.lock() else { return };
        for ((app_token, provider, kind, _), (last, n)) in sorts {
            untold.add(Whose::App(app_token.to_owned()), provider, kind.name(), last, n);
        }
        for refused in part.refused.iter().filter(|refused| is_durable(refused.source)) {
            let entry = &refused.entry;
            // A frame or a page has no owner, and no provider is called `stream`.
            if let (Some(provider), Some(reason)) =
                (Provider::from_name(&entry.source), Reason::from_name(&entry.reason))
            {
                untold.add(Whose::Owner(refused.owner.clone()), provider, reason.name(), entry.received_at, 1);
            }
        }
    }

    /// Tells what was counted, as far as the credit goes; what cannot be told waits for the next batch. A telling whose answer was lost may count twice.
    pub(crate) async fn tell_arrivals(&self, clock: &impl Clock, until: Instant) {
        let mut due = self.untold.lock().map_or_else(|_| Vec::new(), |mut untold| untold.take(clock.now()));
        if due.is_empty() {
            return;
        }
        let until = until.min(Instant::now() + WITHIN);
        let told = timeout_at(until, self.tell(&mut due, clock)).await;
        let waiting = due.iter().filter(|due| !due.is_told).count();
        match told {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!(%fault, waiting, "arrivals could not be told; the next batch tries again"),
            Err(_) => tracing::warn!(waiting, "arrivals could not be told in time; the next batch tries again"),
        }
        if let Ok(mut untold) = self.untold.lock() {
            untold.give_back(due);
        }
    }

    async fn tell(&self, due: &mut [Due], clock: &impl Clock) -> Result<(), Fault> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                let longest = PAUSE * 2u32.saturating_pow(attempt);
                sleep(longest * (clock.jitter() % 1000) / 1000).await;
            }
            if self.tell_once(due, clock.now()).await? {
                break;
            }
        }
        Ok(())
    }

    /// One try of what is not told; whether all is. Another writer's change in between is no fault.
    async fn tell_once(&self, due: &mut [Due], now: i64) -> Result<bool, Fault> {
        let untold: Vec<&mut Due> = due.iter_mut().filter(|due| !due.is_told).collect();
        let keys: Vec<_> = untold.iter().map(|due| due.whose.key()).collect();
        let found = self.control.get(&keys).await;
        let writes = untold.into_iter().zip(found).map(async |(due, found)| {
            let write = due.arrivals.write(&due.whose, found?.as_ref(), now)?;
            match self.control.commit(&[write]).await {
                Ok(()) => due.is_told = true,
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
            Ok(due.is_told)
        });
        let mut writes = stream::iter(writes).buffer_unordered(WRITES_AT_ONCE);
        let mut outcome = Ok(true);
        while let Some(told) = writes.next().await {
            outcome = match (outcome, told) {
                (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
                (Ok(all), Ok(told)) => Ok(all && told),
            };
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
