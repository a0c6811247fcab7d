//! Makes a batch durable: pages into the table, refusals into the quarantine, the watermark last.

use std::time::Duration;

use futures::future::join;
use relay::backlog;
use relay::control::CommitError;
use relay::discard::Reason;
use relay::fault::{Fault, FaultKind};
use relay::metric::{Labels, Metric};
use relay::page;
use relay::port::{ControlTable, PageStore, Quarantine, Watermark};
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::batch::{Batch, Record, Refused};

/// What is kept of the invocation's time for what comes after the work: the watermark and the answer. Whatever is not durable by then counts
/// as failed, even where a call is still out: the stream brings it again, and a process killed without an answer would lose the batch's progress.
pub const MARGIN: Duration = Duration::from_secs(5);

/// What is kept of it for the answer alone.
const ANSWER: Duration = Duration::from_secs(1);

/// The world as one invocation sees it.
pub trait Clock {
    /// How much of the invocation's time is left; asked once, as it begins.
    fn remaining(&self) -> Duration;
    /// Milliseconds since the epoch.
    fn now(&self) -> i64;
    /// A random number: each pause is a half to one and a half of what it would be.
    fn jitter(&self) -> u32;
}

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Makes the records durable; answers the index of the first that is not. `None` when all are.
    pub async fn drain(&self, records: &[Record], clock: &impl Clock) -> Option<usize> {
        let (begun, remaining) = (Instant::now(), clock.remaining());
        let until = begun + remaining.saturating_sub(MARGIN);
        let mut next = 0;
        let mut failed = None;
        while failed.is_none() && next < records.len() {
            let part = Batch::decode(records, next);
            next = part.end();
            failed = self.drain_part(part, records, clock, until).await;
        }
        let durable = records.get(..failed.unwrap_or(records.len())).unwrap_or_default();
        let until = begun + remaining.saturating_sub(ANSWER);
        join(self.mark(durable.last(), clock.now(), until), self.tell_arrivals(clock, until)).await;
        failed
    }

    /// Makes a part of the batch durable, and counts it.
    async fn drain_part(
        &self,
        mut part: Batch,
        records: &[Record],
        clock: &impl Clock,
        until: Instant,
    ) -> Option<usize> {
        let mut failed = match self.prepare(&mut part, clock, until).await {
            Ok(()) => {
                let (failed, refused) = self.store(&part, clock, until).await;
                part.refuse_pages(refused, records);
                failed
            }
            Err(fault) => {
                tracing::error!(%fault, "table control cannot be asked before pages are written; the stream brings them again");
                Some(part.start())
            }
        };
        // What lies behind the failed record comes again: set aside now, it would be there twice.
        part.refused.retain(|refused| failed.is_none_or(|failed| refused.source < failed));
        failed = least(failed, self.set_aside(&part.refused, until).await);
        self.count(&part, failed);
        self.count_arrivals(&part, failed);
        failed
    }

    /// What must be so before a page is written: readers know the number of page shards, and what is erased is left out.
    async fn prepare(&self, part: &mut Batch, clock: &impl Clock, until: Instant) -> Result<(), Fault> {
        self.tell_shards(until).await?;
        let left_out = timeout_at(until, self.leave_out_erased(part, clock)).await;
        left_out.unwrap_or_else(|_| Err(out_of_time("control:Get")))
    }

    /// Readers ask for the largest number of page shards ever deployed: they must know before a page goes to a new one.
    async fn tell_shards(&self, until: Instant) -> Result<(), Fault> {
        let tell = async || {
            let Some(write) = page::raise_shards(&self.control, self.page_shards).await? else { return Ok(()) };
            match self.control.commit(&[write]).await {
                Ok(()) => Ok(()),
                // Another writer raised it first: look again with the next batch.
                Err(CommitError::Conflict(_)) => {
                    let detail = "another writer changed the number of page shards";
                    Err(Fault::new(FaultKind::Throttled, "control:Commit", detail))
                }
                Err(CommitError::Fault(fault)) => Err(fault),
            }
        };
        match timeout_at(until, self.shards_known.get_or_try_init(tell)).await {
            Ok(told) => told.copied(),
            Err(_) => Err(out_of_time("control:Commit")),
        }
    }

    /// Records how far the shard is drained. Without it nothing is lost: an export waits, then says up to when it is complete.
    async fn mark(&self, last: Option<&Record>, now: i64, until: Instant) {
        let Some(last) = last.filter(|last| !last.shard_id.is_empty()) else { return };
        let watermark = Watermark { shard_id: last.shard_id.clone(), sequence_number: last.sequence_number.clone() };
        let record = async {
            let Some(write) = backlog::advance(&self.control, &watermark, now).await? else { return Ok(()) };
            self.control.commit(&[write]).await
        };
        let recorded = timeout_at(until, record).await.unwrap_or_else(|_| Err(out_of_time("control:Commit").into()));
        if let Err(error) = recorded {
            tracing::warn!(%error, shard = last.shard_id, "the watermark could not be recorded");
        }
    }

    /// Every activity of the part is stored, left out, in the quarantine with its page, or comes again.
    fn count(&self, part: &Batch, failed: Option<usize>) {
        let Ok(mut counters) = self.counters.lock() else { return };
        let faulted = failed.map_or(0, |source| part.activities_from(source));
        let set_aside = || part.refused.iter().filter(|refused| failed.is_none_or(|failed| refused.source < failed));
        let in_pages: usize = set_aside().filter_map(Refused::activities).sum();
        counters.add(Metric::Decoded, Labels::NONE, part.activities());
        counters.add(Metric::Faulted, Labels::NONE, faulted);
        let erased = part.erased_before(failed.unwrap_or(usize::MAX));
        counters.add(Metric::Erased, Labels::NONE, erased);
        counters.add(Metric::Stored, Labels::NONE, part.activities().saturating_sub(faulted + in_pages + erased));
        for refused in set_aside() {
            let Some(reason) = Reason::from_name(&refused.entry.reason) else { continue };
            if reason == Reason::Undecodable {
                counters.add(Metric::Undecodable, Labels::NONE, 1);
            }
            let n = refused.activities().unwrap_or(1);
            counters.add(Metric::QuarantinedRaw, Labels::NONE.discard(reason), n);
        }
    }
}

/// The fault of a call that was still out when the time was over.
pub(crate) fn out_of_time(service: &'static str) -> Fault {
    Fault::new(FaultKind::TimedOut, service, "no answer before the invocation's time was over")
}

pub(crate) fn least(left: Option<usize>, right: Option<usize>) -> Option<usize> {
    left.into_iter().chain(right).min()
}
