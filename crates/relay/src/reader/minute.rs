//! The rows of one minute, or of one pass over it: the least that there is room for.

use crate::activity::{Activity, ActivityId};
use crate::avro::{self, DecodeError, Head};
use crate::page::{self, PageDay, PageError};

use super::{ReadError, Selection};

/// One row, and where its datum stands.
#[derive(Clone, Copy, Debug)]
struct Row {
    created_at: i64,
    activity_id: ActivityId,
    received_at: i64,
    start: usize,
    end: usize,
    /// The index of its page's name.
    page: usize,
}

impl Row {
    const fn key(&self) -> (i64, ActivityId) {
        (self.created_at, self.activity_id)
    }
}

/// The page that rows came from.
#[derive(Debug, Default)]
struct PageName {
    shard: u32,
    sk: String,
}

/// Bytes of a row beside its datum.
const ROW_BYTES: usize = size_of::<Row>();

/// Bytes of a page's name: `HHMM#` and 32 digits, as the allocator rounds them up.
const PAGE_NAME_BYTES: usize = size_of::<PageName>() + 48;

/// The rows of one minute, or of one pass over a minute that is too large for memory: ordered, each once.
#[derive(Debug)]
pub struct Minute {
    day: PageDay,
    rows: Vec<Row>,
    /// The datums of the rows, in the order they came.
    bytes: Vec<u8>,
    pages: Vec<PageName>,
    /// The most bytes to hold.
    room: usize,
    /// The first row that is left to the next pass, once there is one.
    ceiling: Option<(i64, ActivityId)>,
}

impl Minute {
    pub(super) const fn new(day: PageDay, room: usize) -> Self {
        Self { day, rows: Vec::new(), bytes: Vec::new(), pages: Vec::new(), room, ceiling: None }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.pages.clear();
        self.ceiling = None;
    }

    pub(super) const fn set_day(&mut self, day: i64) {
        self.day.day = day;
    }

    /// Whether rows of the minute are left to another pass.
    pub(super) const fn is_cut(&self) -> bool {
        self.ceiling.is_some()
    }

    /// The last row's place in the order.
    pub(super) fn last(&self) -> Option<(i64, ActivityId)> {
        self.rows.last().map(Row::key)
    }

    /// Takes what the selection takes of an unpacked page.
    pub(super) fn take(&mut self, selection: &Selection, shard: u32, sk: &str, page: &[u8]) -> Result<(), DecodeError> {
        let mut named = None;
        for range in page::datums(page) {
            let datum = page.get(range?).unwrap_or_default();
            let head = avro::head(datum)?;
            let key = (head.created_at, head.activity_id);
            if self.ceiling.is_some_and(|ceiling| key >= ceiling) || !selection.takes(&head, datum)? {
                continue;
            }
            let page = *named.get_or_insert_with(|| {
                self.pages.push(PageName { shard, sk: sk.to_owned() });
                self.pages.len() - 1
            });
            self.push(&head, datum, page);
            if self.held() > self.room {
                self.cut();
                // What stays of the page has its name under another index, or nothing stays.
                named = None;
            }
        }
        Ok(())
    }

    fn push(&mut self, head: &Head<'_>, datum: &[u8], page: usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datum);
        let Head { created_at, activity_id, received_at, .. } = *head;
        self.rows.push(Row { created_at, activity_id, received_at, start, end: self.bytes.len(), page });
    }

    /// The bytes held.
    pub(super) fn held(&self) -> usize {
        self.bytes.len() + self.rows.len() * ROW_BYTES + self.pages.len() * PAGE_NAME_BYTES
    }

    /// Puts the rows in order and takes duplicates out: of equal ids the least `(received_at, bytes)` stays.
    pub(super) fn finish(&mut self) {
        let bytes = &self.bytes;
        let datum = |row: &Row| bytes.get(row.start..row.end);
        self.rows.sort_unstable_by(|one, other| {
            let keys = one.key().cmp(&other.key()).then_with(|| one.received_at.cmp(&other.received_at));
            keys.then_with(|| datum(one).cmp(&datum(other)))
        });
        self.rows.dedup_by_key(|row| row.key());
    }

    /// Makes room: of what came so far the least rows stay, up to seven eighths of the room (were each of a page of its own) and at least one.
    /// What is not less than the first that goes is not looked at again in this pass, so that this is rarely done.
    fn cut(&mut self) {
        self.finish();
        let mut held = 0;
        let stays = |row: &&Row| {
            held += row.end - row.start + ROW_BYTES + PAGE_NAME_BYTES;
            held <= self.room / 8 * 7
        };
        let staying = self.rows.iter().take_while(stays).count().max(1);
        if let Some(first_to_go) = self.rows.get(staying) {
            self.ceiling = Some(first_to_go.key());
            self.rows.truncate(staying);
        }
        self.close_up();
    }

    /// Moves what is left to the front of its memory. Pages came one after the other, so their names move in the same order.
    fn close_up(&mut self) {
        self.rows.sort_unstable_by_key(|row| row.start);
        let (mut end, mut page) = (0, None);
        let mut names = Vec::new();
        for row in &mut self.rows {
            self.bytes.copy_within(row.start..row.end, end);
            (row.start, row.end) = (end, end + row.end - row.start);
            end = row.end;
            if page != Some(row.page) {
                page = Some(row.page);
                names.push(self.pages.get_mut(row.page).map(std::mem::take).unwrap_or_default());
            }
            row.page = names.len() - 1;
        }
        self.bytes.truncate(end);
        self.pages = names;
    }

    fn decode(&self, row: &Row) -> Result<Activity<'_>, ReadError> {
        avro::decode(self.bytes.get(row.start..row.end).unwrap_or_default()).map_err(|error| {
            let name = self.pages.get(row.page);
            let (shard, sk) = name.map_or((0, ""), |name| (name.shard, name.sk.as_str()));
            self.corrupt(shard, sk, error.into())
        })
    }

    /// Says which page cannot be read.
    pub(super) fn corrupt(&self, shard: u32, sk: &str, error: PageError) -> ReadError {
        let day = PageDay { shard, ..self.day.clone() };
        ReadError::Corrupt { pk: day.pk(), sk: sk.to_owned(), error }
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = Result<Activity<'_>, ReadError>> {
        self.rows.iter().map(|row| self.decode(row))
    }

    /// One row by its place; `None` behind the last.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Result<Activity<'_>, ReadError>> {
        self.rows.get(row).map(|row| self.decode(row))
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
