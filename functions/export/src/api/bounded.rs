//! Pages within bounds: so many questions, so many bytes, so long, and then no more.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use relay::fault::{Fault, FaultKind};
use relay::page::{Page, PageDay};
use relay::port::{PageListing, PageStore, PutPageError, SortRange};
use tokio::time::{Instant, timeout_at};

/// How large a page is taken to be before one was seen: one of a busy minute (storage.md), so that the first answers are not too large.
const EXPECTED_PAGE_BYTES: u64 = 16 * 1024;

/// What an item has besides its page: keys, numbers and names (storage.md). The table counts them, too.
const ITEM_OVERHEAD_BYTES: u64 = 128;

/// What may be asked of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many questions; DynamoDB charges each at least one read unit.
    pub(super) questions: u64,
    /// How many bytes of items their answers may have, about: those on their way when it is reached still come (DynamoDB `Query`: 1 MiB each).
    pub(super) bytes: u64,
    /// The fewest pages to ask for at a time, though there seem to be bytes for less.
    pub(super) fewest_pages: u64,
    /// Until when.
    pub(super) end: Instant,
    /// Whether what was begun within them may be brought to its end beyond them, as far as those shared with others reach.
    pub(super) is_soft: bool,
}

impl Bounds {
    pub(super) fn within(questions: u64, bytes: u64, milliseconds: u64) -> Self {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        Self { questions, bytes, fewest_pages: 1, end, is_soft: false }
    }
}

/// What was asked and answered within bounds.
#[derive(Debug)]
pub(super) struct Till {
    bounds: Bounds,
    questions: AtomicU64,
    bytes: AtomicU64,
    pages: AtomicU64,
    /// What the answers on their way may have, about.
    reserved: AtomicU64,
    /// How large a page is taken to be before one was seen.
    expected: u64,
}

impl Till {
    pub(super) const fn new(bounds: Bounds) -> Self {
        let [questions, bytes, pages, reserved] = [const { AtomicU64::new(0) }; 4];
        Self { bounds, questions, bytes, pages, reserved, expected: EXPECTED_PAGE_BYTES }
    }

    /// Another one, that knows how large this one's pages were.
    pub(super) fn next(&self, bounds: Bounds) -> Self {
        Self { expected: self.page_bytes(), ..Self::new(bounds) }
    }

    pub(super) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn is_spent(&self) -> bool {
        let Bounds { questions, bytes, end, .. } = self.bounds;
        self.questions.load(Relaxed) >= questions || self.bytes.load(Relaxed) >= bytes || Instant::now() >= end
    }

    /// How many questions were asked, and how many bytes answered.
    pub(super) fn spent(&self) -> (u64, u64) {
        (self.questions.load(Relaxed), self.bytes.load(Relaxed))
    }

    /// The mean size of the pages seen.
    fn page_bytes(&self) -> u64 {
        self.bytes.load(Relaxed).checked_div(self.pages.load(Relaxed)).unwrap_or(self.expected).max(1)
    }

    fn note(&self, bytes: u64, pages: usize) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.pages.fetch_add(pages as u64, Relaxed);
    }
}

/// A table that answers until bounds are reached: its own, and those that it shares with others.
pub(super) struct Bounded<'s, P> {
    pages: &'s P,
    own: Till,
    shared: &'s Till,
}

impl<'s, P> Bounded<'s, P> {
    pub(super) const fn new(pages: &'s P, bounds: Bounds, shared: &'s Till) -> Self {
        Self { pages, own: Till::new(bounds), shared }
    }

    /// Whether nothing is answered any more.
    pub(super) fn is_spent(&self) -> bool {
        self.own.is_spent() || self.shared.is_spent()
    }

    /// Whether not even what was begun is brought to its end.
    fn is_over(&self) -> bool {
        self.shared.is_spent() || (!self.own.bounds.is_soft && self.own.is_spent())
    }

    /// The mean size of the pages seen, here or else by those with whom bounds are shared.
    pub(super) fn page_bytes(&self) -> u64 {
        let is_any_seen = self.own.pages.load(Relaxed) > 0;
        if is_any_seen { self.own.page_bytes() } else { self.shared.page_bytes() }
    }

    /// How many questions may be asked in all.
    pub(super) const fn questions(&self) -> u64 {
        self.own.bounds.questions
    }

    /// How many questions were asked, and how many bytes answered.
    pub(super) fn spent(&self) -> (u64, u64) {
        self.own.spent()
    }

    /// How many pages to ask for, and how many bytes they may have: half of what seems left, for other questions are on their way.
    fn most_pages(&self, limit: Option<usize>) -> (usize, u64) {
        let page_bytes = self.page_bytes();
        let taken = self.own.bytes.load(Relaxed).saturating_add(self.own.reserved.load(Relaxed));
        let left = self.own.bounds.bytes.saturating_sub(taken);
        let most = (left / 2 / page_bytes).max(self.own.bounds.fewest_pages);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let most = limit.map_or(most, |limit| limit.min(most));
        (most, page_bytes.saturating_mul(most as u64))
    }
}

impl<P: PageStore> PageStore for Bounded<'_, P> {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.pages.put(pages).await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        let spent = || Fault::new(FaultKind::TimedOut, "pages:List", "as much was asked as a look may");
        if self.is_over() {
            return Err(spent());
        }
        for till in [&self.own, self.shared] {
            till.questions.fetch_add(1, Relaxed);
        }
        let (limit, reserved) = self.most_pages(limit);
        self.own.reserved.fetch_add(reserved, Relaxed);
        let end = if self.own.bounds.is_soft {
            self.shared.bounds.end
        } else {
            self.own.bounds.end.min(self.shared.bounds.end)
        };
        let answer = timeout_at(end, self.pages.list(day, range, Some(limit))).await;
        self.own.reserved.fetch_sub(reserved, Relaxed);
        let listing = answer.unwrap_or_else(|_| Err(spent()))?;
        let bytes = listing.pages.iter().map(|page| page.body.len() as u64 + ITEM_OVERHEAD_BYTES).sum();
        for till in [&self.own, self.shared] {
            till.note(bytes, listing.pages.len());
        }
        Ok(listing)
    }
}
