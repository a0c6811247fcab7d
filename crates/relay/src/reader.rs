//! The reader: the activities of a period, from all pages of all shards, ordered by `(created_at, activity_id)`, each once.
//!
//! Every page of a minute is merged before a row of it is given out: there, and only there, duplicates are found. Of equal ids the least
//! `(received_at, bytes)` stays, so that the outcome is the same whichever pages brought it.
//!
//! Memory is bounded whatever the table holds: of a minute the least rows that have room are kept and given out, then its pages are read again for
//! the rows behind them. Pages of the minutes to come are fetched while the rows of one are given out.

use std::ops::Range;
use std::sync::Arc;

use crate::activity::{ActivityId, Kind};
use crate::avro::{DecodeError, Head};
use crate::erase::Erased;
use crate::fault::Fault;
use crate::page::{PageDay, PageError, Unpacker, minute_label};
use crate::port::PageStore;

mod lanes;
mod minute;
mod sample;

use lanes::Lanes;
pub use minute::Minute;
pub use sample::{Sample, Sampled};

/// The most bytes of rows held, their index included. export-worker's 128 MiB (product.md) are: 25 for the program and the SDK, 48 for the
/// part that fills and the two on their way, these 24, the 8 of [`PAGE_ROOM`], about 12 for the calls on their way (each 1 MiB, and its JSON beside it),
/// and the rest to spare; 91 to 97 were seen. A million activities of one minute, about 440 MiB, then take some twenty passes.
const ROW_ROOM: usize = 24 * 1024 * 1024;

/// The most bytes of compressed pages held, of all shards: two full answers of the table (DynamoDB `Query`: 1 MiB) each for four shards; more
/// shards ask for less at a time.
const PAGE_ROOM: usize = 8 * 1024 * 1024;

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
    /// The owner's tombstones: what they cover is left out.
    pub erased: Arc<Erased>,
}

impl Selection {
    /// Whether a row is given out: the one place that decides it.
    fn takes(&self, head: &Head<'_>, datum: &[u8]) -> Result<bool, DecodeError> {
        let is_within = (self.from..self.to).contains(&head.created_at)
            && (self.received_since..=self.as_of).contains(&head.received_at)
            && head.created_at.max(head.received_at) >= self.kept_since
            && self.after.is_none_or(|after| (head.created_at, head.activity_id) > after);
        Ok(is_within && !self.erased.covers(head.created_at, datum)?)
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

/// Whether the period holds no page at all: one small question a day and shard, until one answers.
pub async fn is_empty(store: &impl PageStore, selection: &Selection) -> Result<bool, Fault> {
    for day in selection.days() {
        // Without room for a page each question is for one.
        if Lanes::open(store, selection, day, 0).is_any_page().await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a selection minute by minute; a minute that is too large for memory comes in several passes, each the rows behind the last.
pub struct Reader<'s, S> {
    store: &'s S,
    /// Its `after` is the last row given out: whatever is opened again goes on behind it.
    selection: Selection,
    /// The days to come.
    days: Range<i64>,
    /// The day being read.
    day: Option<i64>,
    lanes: Lanes<'s, S>,
    minute: Minute,
    unpacker: Unpacker,
    page_room: usize,
}

impl<'s, S: PageStore> Reader<'s, S> {
    /// A reader at the selection's first minute.
    #[must_use]
    pub fn new(store: &'s S, selection: Selection) -> Self {
        Self::with_room(store, selection, ROW_ROOM, PAGE_ROOM)
    }

    /// A reader that holds at most so many bytes of rows and of compressed pages: less room for more and smaller questions.
    #[must_use]
    pub fn with_room(store: &'s S, selection: Selection, row_room: usize, page_room: usize) -> Self {
        Self {
            store,
            days: selection.days(),
            day: None,
            lanes: Lanes::none(store),
            minute: Minute::new(selection.day(0, 0), row_room),
            unpacker: Unpacker::default(),
            selection,
            page_room,
        }
    }

    /// The rows of the next minute that holds any, or the next pass over a large one; `None` at the end. They take the place of the rows given
    /// before. After an error it goes on behind the rows that were given.
    pub async fn next(&mut self) -> Result<Option<&Minute>, ReadError> {
        let advanced = self.advance().await;
        if advanced.is_err() {
            // What was merged of the minute is incomplete.
            self.minute.clear();
            self.reopen();
        }
        Ok(advanced?.then_some(&self.minute))
    }

    /// The rows that [`Reader::next`] has given last; none before the first and after the end.
    #[must_use]
    pub const fn minute(&self) -> &Minute {
        &self.minute
    }

    async fn advance(&mut self) -> Result<bool, ReadError> {
        self.minute.clear();
        loop {
            let Some(label) = self.lanes.first_minute().await? else {
                let Some(day) = self.days.next() else { return Ok(false) };
                self.day = Some(day);
                self.reopen();
                continue;
            };
            self.merge(&label).await?;
            let Some(last) = self.minute.last() else { continue };
            self.selection.after = Some(last);
            if self.minute.is_cut() {
                self.reopen();
            }
            self.lanes.look_ahead(None).await;
            return Ok(true);
        }
    }

    /// Opens the day being read at the minute of the last row given out.
    fn reopen(&mut self) {
        if let Some(day) = self.day {
            self.minute.set_day(day);
            self.lanes = Lanes::open(self.store, &self.selection, day, self.page_room);
        }
    }

    /// Takes every page of the minute, from whichever shard it comes first.
    async fn merge(&mut self, label: &str) -> Result<(), ReadError> {
        loop {
            for lane in self.lanes.iter_mut() {
                while let Some(page) = lane.pop(label) {
                    let unpacked = self.unpacker.unpack(&page.body);
                    let taken = unpacked
                        .and_then(|bytes| Ok(self.minute.take(&self.selection, lane.shard(), &page.sk, bytes)?));
                    taken.map_err(|error| self.minute.corrupt(lane.shard(), &page.sk, error))?;
                }
            }
            if self.lanes.are_past(label) {
                self.minute.finish();
                return Ok(());
            }
            self.lanes.arrival(Some(label)).await?;
        }
    }
}

#[cfg(test)]
mod tests;
