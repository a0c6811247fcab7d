//! What a part of a batch becomes: pages in the table, objects in the quarantine. No call outlives `until`.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use relay::fault::{Fault, FaultKind};
use relay::metric::{Labels, Metric};
use relay::page::{self, Page, Sourced};
use relay::port::{ControlTable, PageStore, PutPageError, Quarantine};
use relay::quarantine;
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::batch::{Batch, Refused, RefusedPage};
use crate::drain::{Clock, least, out_of_time};

/// The first pause before pages are tried again; doubles each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How many objects are written side by side: a batch seldom holds rejects of more owners.
const OBJECTS_AT_ONCE: usize = 16;

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Stores all pages, with pauses and jitter while time is left. Answers the first record that waits for a page, and what the table refuses.
    pub(crate) async fn store(
        &self,
        part: &Batch,
        clock: &impl Clock,
        until: Instant,
    ) -> (Option<usize>, Vec<RefusedPage>) {
        let mut refused = Vec::new();
        let mut pending = match page::paginate(part.kept(), self.page_shards) {
            Ok(pages) => pages,
            Err(error) => {
                // Every datum was decoded before and memory is there: this cannot be, and if it is, nothing may be acknowledged.
                tracing::error!(%error, "decoded activities do not become pages");
                return (Some(part.start()), refused);
            }
        };
        let mut pause = FIRST_PAUSE;
        while let Some(fault) = self.put(&mut pending, &mut refused, until).await {
            let jittered = pause * (500 + clock.jitter() % 1000) / 1000;
            if !fault.is_transient() || Instant::now() + jittered >= until {
                tracing::error!(%fault, pages = pending.len(), "pages could not be stored; the stream brings them again");
                break;
            }
            tokio::time::sleep(jittered).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        (waiting(&pending, &refused), refused)
    }

    /// One try of what is pending; what was stored or refused leaves it. Answers the worst fault.
    async fn put(&self, pending: &mut Vec<Sourced>, refused: &mut Vec<RefusedPage>, until: Instant) -> Option<Fault> {
        if pending.is_empty() {
            return None;
        }
        let pages: Vec<Page> = pending.iter().map(|sourced| sourced.page.clone()).collect();
        let Ok(results) = timeout_at(until, self.pages.put(&pages)).await else {
            return Some(out_of_time("pages:Put"));
        };
        if let Some(fault) = refused_throughout(&results) {
            return Some(fault);
        }
        self.count_written(&pages, &results);
        let mut worst: Option<Fault> = None;
        for (sourced, result) in std::mem::take(pending).into_iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(PutPageError::Invalid(detail)) => refused.push(RefusedPage { sourced, detail }),
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

    fn count_written(&self, pages: &[Page], results: &[Result<(), PutPageError>]) {
        let written = pages.iter().zip(results).filter(|(_, result)| result.is_ok());
        let units: Vec<usize> = written.map(|(page, _)| page.write_units()).collect();
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(Metric::PagesWritten, Labels::NONE, units.len());
            counters.add(Metric::PageWriteUnits, Labels::NONE, units.iter().sum());
        }
    }

    /// One object an owner. Answers the first record whose object could not be written: that is the world's fault.
    pub(crate) async fn set_aside(&self, refused: &[Refused], until: Instant) -> Option<usize> {
        let mut owners: BTreeMap<&str, (usize, Vec<quarantine::Entry>)> = BTreeMap::new();
        for refused in refused {
            let (source, entries) = owners.entry(&refused.owner).or_insert((refused.source, Vec::new()));
            *source = refused.source.min(*source);
            entries.push(refused.entry.clone());
        }
        let puts = owners.into_iter().map(async |(owner, (source, entries))| {
            let object = quarantine::object(owner, &entries);
            let bytes = object.body.len();
            let put = timeout_at(until, self.quarantine.put(&object.key, object.body)).await;
            match put.unwrap_or_else(|_| Err(out_of_time("quarantine:Put"))) {
                Ok(()) => {
                    tracing::warn!(owner, key = object.key, entries = entries.len(), "quarantined");
                    if let Ok(mut counters) = self.counters.lock() {
                        counters.add_bytes(Metric::QuarantinedBytes, owner, bytes);
                    }
                    None
                }
                Err(fault) => {
                    tracing::error!(%fault, owner, "the quarantine could not be written; the stream brings it again");
                    Some(source)
                }
            }
        });
        stream::iter(puts)
            .buffer_unordered(OBJECTS_AT_ONCE)
            .fold(None, async |failed, source| least(failed, source))
            .await
    }
}

/// A table that takes none of several pages is at fault itself (another table's keys, say): the stream keeps them until an operator acts, where
/// the quarantine would take the whole stream.
fn refused_throughout(results: &[Result<(), PutPageError>]) -> Option<Fault> {
    let mut details = results.iter().map(|result| match result {
        Err(PutPageError::Invalid(detail)) => Some(detail),
        Ok(()) | Err(PutPageError::Fault(_)) => None,
    });
    let first = details.next().flatten()?;
    let are_several = results.len() > 1 && details.all(|detail| detail.is_some());
    are_several.then(|| Fault::new(FaultKind::Denied, "pages:Put", format!("every page is refused: {first}")))
}

/// The first record that waits for a page. A refused page that also holds something of a record that comes again waits with it: set aside
/// now, that part of it would come a second time, in another page.
fn waiting(pending: &[Sourced], refused: &[RefusedPage]) -> Option<usize> {
    let mut failed = pending.iter().map(|sourced| sourced.source).min()?;
    loop {
        let torn = refused.iter().map(|page| &page.sourced).filter(|page| page.source < failed && page.last >= failed);
        match torn.map(|page| page.source).min() {
            Some(source) => failed = source,
            None => return Some(failed),
        }
    }
}
