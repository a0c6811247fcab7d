//! Table `pages` in memory that answers late, by small calls, and knows what of its answers is still held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;

use crate::fault::Fault;
use crate::page::{Page, PageDay};
use crate::port::memory::MemoryPages;
use crate::port::{PageListing, PageStore, PutPageError, SortRange};

/// What there is now, and the most there ever was.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    fn add(&self, n: usize) {
        self.peak.fetch_max(self.now.fetch_add(n, Relaxed) + n, Relaxed);
    }

    fn less(&self, n: usize) {
        self.now.fetch_sub(n, Relaxed);
    }
}

/// A page's bytes, counted as long as any part of them is held.
struct Held(Bytes, Arc<Gauge>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.1.less(self.0.len());
    }
}

/// A call on its way; one that is given up is none any more.
struct OnItsWay<'a>(&'a Gauge);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.less(1);
    }
}

/// The double.
pub(super) struct Watched {
    pub(super) pages: MemoryPages,
    /// The most pages of one answer.
    most: Option<usize>,
    bytes: Arc<Gauge>,
    calls: Gauge,
    begun: AtomicUsize,
}

impl Watched {
    pub(super) fn new(pages: MemoryPages, most: Option<usize>) -> Self {
        Self { pages, most, bytes: Arc::default(), calls: Gauge::default(), begun: AtomicUsize::new(0) }
    }

    pub(super) fn peak_bytes(&self) -> usize {
        self.bytes.peak.load(Relaxed)
    }

    pub(super) fn peak_calls(&self) -> usize {
        self.calls.peak.load(Relaxed)
    }

    pub(super) fn calls_begun(&self) -> usize {
        self.begun.load(Relaxed)
    }
}

impl PageStore for Watched {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.pages.put(pages).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.begun.fetch_add(1, Relaxed);
        self.calls.add(1);
        let _on_its_way = OnItsWay(&self.calls);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let limit = limit.into_iter().chain(self.most).min();
        let mut listing = self.pages.list(day, range, limit).await?;
        for page in &mut listing.pages {
            self.bytes.add(page.body.len());
            page.body = Bytes::from_owner(Held(page.body.clone(), Arc::clone(&self.bytes)));
        }
        Ok(listing)
    }
}
