//! Pages within bounds: so many questions, so long, and then no more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use relay::fault::{Fault, FaultKind};
use relay::page::{Page, PageDay};
use relay::port::{PageListing, PageStore, PutPageError, SortRange};
use tokio::time::Instant;

/// A table that answers until its bounds are reached.
pub(super) struct Bounded<'s, P> {
    pages: &'s P,
    questions: AtomicU64,
    end: Instant,
}

impl<'s, P> Bounded<'s, P> {
    pub(super) fn new(pages: &'s P, questions: u64, within_ms: u64) -> Self {
        let end = Instant::now() + Duration::from_millis(within_ms);
        Self { pages, questions: AtomicU64::new(questions), end }
    }

    /// Whether nothing is answered any more.
    pub(super) fn is_spent(&self) -> bool {
        self.questions.load(Ordering::Relaxed) == 0 || Instant::now() >= self.end
    }
}

impl<P: PageStore> PageStore for Bounded<'_, P> {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.pages.put(pages).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        if self.is_spent() {
            return Err(Fault::new(FaultKind::TimedOut, "pages:List", "as much was asked as a preview may"));
        }
        self.questions.fetch_sub(1, Ordering::Relaxed);
        self.pages.list(day, range, limit).await
    }
}
