//! The reader: the activities of a period, from all pages of all shards, ordered by `(created_at, activity_id)`, each once.
//!
//! Every page of a minute is merged before a row of it is given out: there, and only there, duplicates are found. Of equal ids the least
//! `(received_at, bytes)` stays, so that the outcome is the same whichever pages brought it. Memory is bounded by a minute.

use std::collections::VecDeque;
use std::ops::Range;

use crate::activity::{Activity, ActivityId, Kind};
use crate::avro::{self, DecodeError};
use crate::fault::Fault;
use crate::page::{self, Entry, PageDay, PageError, StoredPage, minute_label};
use crate::port::{PageStore, SortRange};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Which activities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The app.
    pub app_token: String,
    /// The kind.
    pub kind: Kind,
    /// The first `created_at` that belongs to it: milliseconds since the epoch, UTC.
    pub from: i64,
    /// The first that does not.
    pub to: i64,
    /// What was received later is left out.
    pub as_of: i64,
    /// What happened and was received earlier is past the owner's retention and left out: the table deletes late.
    pub kept_since: i64,
    /// What was received earlier was another owner's and is left out.
    pub received_since: i64,
    /// Go on behind this row.
    pub after: Option<(i64, ActivityId)>,
    /// How many shards to ask: the largest `PageShards` ever deployed.
    pub shards: u32,
}

impl Selection {
    fn takes(&self, entry: &Entry<'_>) -> bool {
        (self.from..self.to).contains(&entry.created_at)
            && (self.received_since..=self.as_of).contains(&entry.received_at)
            && entry.created_at.max(entry.received_at) >= self.kept_since
            && self.after.is_none_or(|after| (entry.created_at, entry.activity_id) > after)
    }

    /// How many questions [`is_empty`] may have to ask: one a day and shard.
    #[must_use]
    pub fn questions(&self) -> u64 {
        let days = self.days();
        u64::try_from(days.end.saturating_sub(days.start)).unwrap_or(0).saturating_mul(u64::from(self.shards.max(1)))
    }

    fn first(&self) -> i64 {
        self.after.map_or(self.from, |(created_at, _)| created_at.max(self.from))
    }

    fn days(&self) -> Range<i64> {
        let last = self.to.saturating_sub(1);
        self.first().div_euclid(DAY_MS)..last.div_euclid(DAY_MS).saturating_add(1)
    }

    /// The sort keys of a day that can hold it: `HHMM..HHMM`.
    fn minutes_of(&self, day: i64) -> (String, String) {
        let within = |time: i64| (time - day * DAY_MS).clamp(0, DAY_MS);
        let from = within(self.first()).div_euclid(MINUTE_MS);
        let to = (within(self.to) + MINUTE_MS - 1).div_euclid(MINUTE_MS);
        (minute_label(from), minute_label(to))
    }

    fn day(&self, day: i64, shard: u32) -> PageDay {
        PageDay { app_token: self.app_token.clone(), kind: self.kind, day, shard }
    }
}

/// Why reading stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The world's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A stored page that cannot be read: never skipped in silence.
    #[error("page {pk} {sk}: {error}")]
    Corrupt {
        /// The page's partition key.
        pk: String,
        /// The page's sort key.
        sk: String,
        /// What is wrong with it.
        error: PageError,
    },
}

/// Whether the period holds no page at all: one small question a day and shard.
pub async fn is_empty(store: &impl PageStore, selection: &Selection) -> Result<bool, Fault> {
    for day in selection.days() {
        for shard in 0..selection.shards.max(1) {
            let (from, to) = selection.minutes_of(day);
            let range = SortRange { from: &from, to: &to, after: None };
            let listing = store.list(&selection.day(day, shard), range, Some(1)).await?;
            if !listing.pages.is_empty() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Reads a selection minute by minute.
#[derive(Debug)]
pub struct Reader<'s, S> {
    store: &'s S,
    selection: Selection,
    days: Range<i64>,
    /// One lane a shard, of the day being read.
    lanes: Vec<Lane>,
}

/// The pages of one day and shard, as far as they are fetched.
#[derive(Debug)]
struct Lane {
    day: PageDay,
    from: String,
    to: String,
    pages: VecDeque<StoredPage>,
    after: Option<String>,
    is_done: bool,
}

impl Lane {
    async fn fill(&mut self, store: &impl PageStore) -> Result<(), Fault> {
        while self.pages.is_empty() && !self.is_done {
            let range = SortRange { from: &self.from, to: &self.to, after: self.after.as_deref() };
            let listing = store.list(&self.day, range, None).await?;
            self.pages.extend(listing.pages);
            self.is_done = listing.next.is_none();
            self.after = listing.next;
        }
        Ok(())
    }

    fn minute(&self) -> Option<&str> {
        self.pages.front().and_then(|page| page.sk.get(..4))
    }
}

impl<'s, S: PageStore> Reader<'s, S> {
    /// A reader at the selection's first minute.
    #[must_use]
    pub fn new(store: &'s S, selection: Selection) -> Self {
        let days = selection.days();
        Self { store, selection, days, lanes: Vec::new() }
    }

    /// The next minute that holds a row; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Minute>, ReadError> {
        loop {
            let Some(label) = self.next_label().await? else {
                let Some(day) = self.days.next() else { return Ok(None) };
                self.open(day);
                continue;
            };
            let minute = self.merge(&label).await?;
            if !minute.rows.is_empty() {
                return Ok(Some(minute));
            }
        }
    }

    fn open(&mut self, day: i64) {
        let (from, to) = self.selection.minutes_of(day);
        let lane = |shard| Lane {
            day: self.selection.day(day, shard),
            from: from.clone(),
            to: to.clone(),
            pages: VecDeque::new(),
            after: None,
            is_done: false,
        };
        self.lanes = (0..self.selection.shards.max(1)).map(lane).collect();
    }

    async fn next_label(&mut self) -> Result<Option<String>, Fault> {
        for lane in &mut self.lanes {
            lane.fill(self.store).await?;
        }
        Ok(self.lanes.iter().filter_map(Lane::minute).min().map(str::to_owned))
    }

    async fn merge(&mut self, label: &str) -> Result<Minute, ReadError> {
        let mut pages = Vec::new();
        for lane in &mut self.lanes {
            while lane.minute() == Some(label) {
                if let Some(stored) = lane.pages.pop_front() {
                    let corrupt = |error| ReadError::Corrupt { pk: lane.day.pk(), sk: stored.sk.clone(), error };
                    pages.push(page::unpack(&stored.body).map_err(corrupt)?);
                }
                lane.fill(self.store).await?;
            }
        }
        let corrupt = |error: DecodeError| ReadError::Corrupt {
            pk: self.selection.day(0, 0).pk(),
            sk: label.to_owned(),
            error: PageError::Decode(error),
        };
        Minute::merge(pages, &self.selection).map_err(corrupt)
    }
}

/// The rows of one minute.
#[derive(Debug)]
pub struct Minute {
    pages: Vec<Vec<u8>>,
    rows: Vec<(usize, Range<usize>)>,
}

impl Minute {
    fn merge(pages: Vec<Vec<u8>>, selection: &Selection) -> Result<Self, DecodeError> {
        let mut entries = Vec::new();
        for (index, page) in pages.iter().enumerate() {
            for range in page::datums(page) {
                let range = range?;
                let bytes = page.get(range.clone()).unwrap_or_default();
                let head = avro::head(bytes)?;
                let (created_at, activity_id) = (head.created_at, head.activity_id);
                let entry = Entry { created_at, activity_id, received_at: head.received_at, bytes, retention_days: 0 };
                if selection.takes(&entry) {
                    entries.push((entry, index, range));
                }
            }
        }
        entries.sort_unstable_by_key(|(entry, ..)| *entry);
        entries.dedup_by_key(|(entry, ..)| (entry.created_at, entry.activity_id));
        let rows = entries.into_iter().map(|(_, page, range)| (page, range)).collect();
        Ok(Self { pages, rows })
    }

    /// The rows, ordered, each once.
    pub fn iter(&self) -> impl Iterator<Item = Result<Activity<'_>, DecodeError>> {
        let bytes = |(page, range): &(usize, Range<usize>)| self.pages.get(*page)?.get(range.clone());
        self.rows.iter().filter_map(bytes).map(avro::decode)
    }

    /// One row by its place in the minute; `None` behind the last.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Result<Activity<'_>, DecodeError>> {
        let (page, range) = self.rows.get(row)?;
        self.pages.get(*page)?.get(range.clone()).map(avro::decode)
    }

    /// How many rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests;
