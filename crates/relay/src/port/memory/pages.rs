//! Table `pages` in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::{Script, lock};
use crate::fault::Fault;
use crate::page::{Page, PageDay, StoredPage};
use crate::port::{PageEdit, PageEdits, PageListing, PageStore, PutPageError, SortRange};

/// The most bytes of an item, names included (DynamoDB: 400 KB).
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The most bytes that one query reads (DynamoDB: 1 MB).
const MAX_QUERY_BYTES: usize = 1024 * 1024;

/// Table `pages`.
#[derive(Debug, Default)]
pub struct MemoryPages {
    /// Calls: `put`, `list`, `edit`.
    pub script: Script,
    days: Mutex<BTreeMap<PageDay, BTreeMap<String, Page>>>,
}

impl MemoryPages {
    /// Every page, in key order.
    #[must_use]
    pub fn all(&self) -> Vec<Page> {
        lock(&self.days).values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The write units that these pages cost: one a started KiB of each item (DynamoDB).
    #[must_use]
    pub fn write_units(&self) -> usize {
        self.all().iter().map(Page::write_units).sum()
    }

    fn store(&self, page: &Page) -> Result<(), PutPageError> {
        let bytes = page.item_bytes();
        if bytes > MAX_ITEM_BYTES {
            return Err(PutPageError::Invalid(format!(
                "an item of {bytes} bytes; at most {MAX_ITEM_BYTES} are allowed"
            )));
        }
        lock(&self.days).entry(page.day.clone()).or_default().insert(page.sk.clone(), page.clone());
        Ok(())
    }
}

impl PageEdits for MemoryPages {
    async fn edit(&self, edits: &[PageEdit]) -> Vec<Result<bool, Fault>> {
        self.script
            .batch("edit", edits, |edit| {
                let mut days = lock(&self.days);
                let pages = days.entry(edit.day.clone()).or_default();
                let Some(page) = pages.get_mut(&edit.was.sk).filter(|page| page.body == edit.was.body) else {
                    return Ok(false);
                };
                match &edit.becomes {
                    Some((body, n)) => (page.body, page.n) = (body.clone(), *n),
                    None => drop(pages.remove(&edit.was.sk)),
                }
                Ok(true)
            })
            .await
    }
}

impl PageStore for MemoryPages {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        let mut keys = BTreeSet::new();
        self.script
            .batch("put", pages, |page| {
                if !keys.insert((page.day.clone(), page.sk.clone())) {
                    return Err(PutPageError::Invalid("the same key twice in one call".to_owned()));
                }
                self.store(page)
            })
            .await
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.script
            .single("list", || {
                let days = lock(&self.days);
                let mut listing = PageListing::default();
                let mut bytes = 0;
                for (sk, page) in days.get(day).into_iter().flatten() {
                    if sk.as_str() < range.from
                        || sk.as_str() >= range.to
                        || range.after.is_some_and(|after| sk.as_str() <= after)
                    {
                        continue;
                    }
                    if bytes >= MAX_QUERY_BYTES || limit.is_some_and(|limit| listing.pages.len() >= limit) {
                        listing.next = listing.pages.last().map(|page: &StoredPage| page.sk.clone());
                        break;
                    }
                    bytes += page.item_bytes();
                    listing.pages.push(StoredPage { sk: sk.clone(), body: page.body.clone(), n: page.n });
                }
                Ok(listing)
            })
            .await
    }
}
