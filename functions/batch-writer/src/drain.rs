//! Makes a batch durable: pages into the table, refusals into the quarantine, the watermark last.

use std::collections::BTreeMap;
use std::time::Duration;

use relay::control::CommitError;
use relay::discard::Reason;
use relay::fault::Fault;
use relay::metric::{Labels, Metric};
use relay::page::{self, Sourced};
use relay::port::{ControlTable, PageStore, PutPageError, Quarantine, Watermark};
use relay::{backlog, quarantine};

use crate::App;
use crate::batch::{Batch, Record};

/// The first pause before pages are tried again; doubles each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// What must be left of the invocation's time for one more try: a call's time-out and the answer.
pub const MARGIN: Duration = Duration::from_secs(8);

/// The world as one invocation sees it.
pub trait Clock {
    /// How much of the invocation's time is left.
    fn remaining(&self) -> Duration;
    /// Milliseconds since the epoch.
    fn now(&self) -> i64;
    /// A random number: each pause is a half to one and a half of what it would be.
    fn jitter(&self) -> u32;
}

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Makes the records durable; answers the index of the first that is not. `None` when all are.
    pub async fn drain(&self, records: &[Record], clock: &impl Clock) -> Option<usize> {
        let mut batch = Batch::decode(records);
        self.count(Metric::Decoded, batch.activities());
        self.count(Metric::Undecodable, batch.undecodable);
        if let Err(fault) = self.tell_shards().await {
            tracing::error!(%fault, "readers cannot be told the number of page shards; nothing is written");
            self.count(Metric::Faulted, batch.activities());
            return Some(0);
        }
        let (mut failed, refused) = self.store(&batch, clock).await;
        for (sourced, detail) in refused {
            if let Some(record) = records.get(sourced.source) {
                batch.refuse(Reason::RefusedPage, detail, record, &sourced.page.body, sourced.source);
            }
        }
        failed = least(failed, self.set_aside(&batch).await);
        let faulted = failed.map_or(0, |source| batch.activities_from(source));
        self.count(Metric::Faulted, faulted);
        self.count(Metric::Stored, batch.activities() - faulted);
        self.mark(records.get(..failed.unwrap_or(records.len())).and_then(<[_]>::last), clock.now()).await;
        failed
    }

    /// Readers ask for the largest number of page shards ever deployed: they must know before a page goes to a new one.
    async fn tell_shards(&self) -> Result<(), Fault> {
        let tell = async || {
            let Some(write) = page::raise_shards(&self.control, self.page_shards).await? else { return Ok(()) };
            match self.control.commit(&[write]).await {
                Ok(()) => Ok(()),
                // Another writer raised it first: look again with the next batch.
                Err(CommitError::Conflict(_)) => {
                    let detail = "another writer changed the number of page shards";
                    Err(Fault::new(relay::fault::FaultKind::Throttled, "control:Commit", detail))
                }
                Err(CommitError::Fault(fault)) => Err(fault),
            }
        };
        self.shards_known.get_or_try_init(tell).await.copied()
    }

    /// Stores all pages, with pauses and jitter while time is left. Answers the first record that waits for a page, and what the table refuses.
    async fn store(&self, batch: &Batch, clock: &impl Clock) -> (Option<usize>, Vec<(Sourced, String)>) {
        let mut refused = Vec::new();
        let mut pending = match page::paginate(batch.datums(), self.page_shards) {
            Ok(pages) => pages,
            Err(error) => {
                // Every datum was decoded before: this cannot be, and if it is, nothing may be acknowledged.
                tracing::error!(%error, "a decoded activity has no head");
                return (Some(0), refused);
            }
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let fault = self.put(&mut pending, &mut refused).await;
            let Some(fault) = fault else { return (None, refused) };
            if !fault.is_transient() || clock.remaining() < MARGIN + pause {
                tracing::error!(%fault, pages = pending.len(), "pages could not be stored; the stream brings them again");
                return (pending.iter().map(|sourced| sourced.source).min(), refused);
            }
            tokio::time::sleep(pause * (500 + clock.jitter() % 1000) / 1000).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// One try of what is pending; what was stored or refused leaves it. Answers the worst fault.
    async fn put(&self, pending: &mut Vec<Sourced>, refused: &mut Vec<(Sourced, String)>) -> Option<Fault> {
        if pending.is_empty() {
            return None;
        }
        let tried = std::mem::take(pending);
        let pages: Vec<_> = tried.iter().map(|sourced| sourced.page.clone()).collect();
        let mut worst: Option<Fault> = None;
        for (sourced, result) in tried.into_iter().zip(self.pages.put(&pages).await) {
            match result {
                Ok(()) => {}
                Err(PutPageError::Invalid(detail)) => refused.push((sourced, detail)),
                Err(PutPageError::Fault(fault)) => {
                    pending.push(sourced);
                    if worst.as_ref().is_none_or(Fault::is_transient) {
                        worst = Some(fault);
                    }
                }
            }
        }
        worst
    }

    /// One object a batch and owner. Answers the first record whose object could not be written: that is the world's fault.
    async fn set_aside(&self, batch: &Batch) -> Option<usize> {
        let mut owners: BTreeMap<&str, (usize, Vec<quarantine::Entry>)> = BTreeMap::new();
        for refused in &batch.refused {
            let (source, entries) = owners.entry(&refused.owner).or_insert((refused.source, Vec::new()));
            *source = refused.source.min(*source);
            entries.push(refused.entry.clone());
        }
        let mut failed = None;
        for (owner, (source, entries)) in owners {
            let object = quarantine::object(owner, &entries);
            let bytes = object.body.len();
            match self.quarantine.put(&object.key, object.body).await {
                Ok(()) => {
                    tracing::warn!(owner, key = object.key, entries = entries.len(), "quarantined");
                    self.count_quarantined(owner, &entries, bytes);
                }
                Err(fault) => {
                    tracing::error!(%fault, owner, "the quarantine could not be written; the stream brings it again");
                    failed = least(failed, Some(source));
                }
            }
        }
        failed
    }

    /// Records how far the shard is drained. Without it nothing is lost: an export waits, then says up to when it is complete.
    async fn mark(&self, last: Option<&Record>, now: i64) {
        let Some(last) = last else { return };
        let watermark = Watermark { shard_id: last.shard_id.clone(), sequence_number: last.sequence_number.clone() };
        let recorded = match backlog::record(&watermark, now) {
            Ok(write) => self.control.commit(&[write]).await.map_err(|error| error.to_string()),
            Err(fault) => Err(fault.to_string()),
        };
        if let Err(error) = recorded {
            tracing::warn!(error, shard = last.shard_id, "the watermark could not be recorded");
        }
    }

    fn count(&self, metric: Metric, n: usize) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(metric, Labels::NONE, n);
        }
    }

    fn count_quarantined(&self, owner: &str, entries: &[quarantine::Entry], bytes: usize) {
        let Ok(mut counters) = self.counters.lock() else { return };
        counters.add_bytes(Metric::QuarantinedBytes, owner, bytes);
        for reason in entries.iter().filter_map(|entry| Reason::from_name(&entry.reason)) {
            counters.add(Metric::QuarantinedRaw, Labels::NONE.discard(reason), 1);
        }
    }
}

fn least(left: Option<usize>, right: Option<usize>) -> Option<usize> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (one, other) => one.or(other),
    }
}
