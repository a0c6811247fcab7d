//! The memory doubles with what they cannot do alone: be shared by two writers, refuse a page, be slow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use relay::control::{CommitError, Item, Key, Listing, Query, Write};
use relay::fault::Fault;
use relay::page::{Page, PageDay};
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use relay::port::{ControlTable, PageListing, PageStore, PutPageError, Quarantine, SortRange};

/// The world of one stack: its tables and its bucket. Clones are the same world.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) pages: Arc<MemoryPages>,
    pub(crate) control: Arc<MemoryControl>,
    pub(crate) quarantine: Arc<MemoryQuarantine>,
    /// How many pages each put of table `pages` held.
    pub(crate) puts: Arc<Mutex<Vec<usize>>>,
    /// The pages that the table refuses as invalid.
    pub(crate) refuses: Option<fn(&Page) -> bool>,
    /// How long the bucket takes for an object.
    pub(crate) slow_quarantine: Option<Duration>,
}

impl PageStore for World {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        self.puts.lock().unwrap().push(pages.len());
        let is_refused = |page: &Page| self.refuses.is_some_and(|refuses| refuses(page));
        let good: Vec<Page> = pages.iter().filter(|page| !is_refused(page)).cloned().collect();
        let mut stored = self.pages.put(&good).await.into_iter();
        let refused = || Err(PutPageError::Invalid("Item size has exceeded the maximum allowed size".to_owned()));
        pages.iter().map(|page| if is_refused(page) { refused() } else { stored.next().unwrap() }).collect()
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.pages.list(day, range, limit).await
    }
}

impl ControlTable for World {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        self.control.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        self.control.query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        self.control.commit(writes).await
    }
}

impl Quarantine for World {
    async fn put(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        if let Some(time) = self.slow_quarantine {
            tokio::time::sleep(time).await;
        }
        self.quarantine.put(key, body).await
    }
}
