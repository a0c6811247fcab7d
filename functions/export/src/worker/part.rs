//! Fills parts with rows.

use bytes::Bytes;
use relay::activity::{Activity, ActivityId};
use relay::export::{Checkpoint, Export, Filters, Format, Reached};
use relay::period::LocalClock;
use relay::port::PageStore;
use relay::reader::{ReadError, Reader};

use super::sheet::{LAST_ROW_BYTES, Sheet};
use super::{Clock, StepError};

/// A part is full with this many bytes: S3 takes 10,000 parts, so a file may have 156 GiB.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// After how many rows to look at the clock.
const ROWS_A_LOOK: u32 = 256;

/// How often who watches is told how far it has come, while no part is full: milliseconds. Much may be read for few rows, and a part of a
/// compressed file, or a file that only one step can write, takes long.
const TELL_EVERY_MS: i64 = 3_000;

/// Bytes for the upload, and the checkpoint once they are in it. What it says of upload, parts and tail is the caller's matter.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    /// Rows of a block that is not full: for the tail only.
    pub(super) open: Bytes,
    pub(super) checkpoint: Checkpoint,
    /// Whether the file has a row so far: a header alone is no file.
    pub(super) has_rows: bool,
}

/// Why filling stopped.
pub(super) enum Filled {
    /// The part is full; there may be more.
    Full(Part),
    /// Nothing is full yet; it goes on from here.
    Reached(Reached),
    /// That was the file's last row.
    End(Part),
    /// Time is up.
    TimeUp(Part),
    /// Time is up, and a file that only one step can write is left to the next.
    Dropped,
}

/// Reads, picks, formats and sums.
pub(super) struct Filler<'a, P> {
    reader: Reader<'a, P>,
    /// How many rows of the reader's minute are done.
    done: usize,
    /// `None` once the file has ended.
    sheet: Option<Sheet>,
    clock: LocalClock,
    filters: Filters,
    /// The last row read.
    last: Option<(i64, ActivityId)>,
    /// What the checkpoint will be after what has been read so far, but for `after`.
    sums: Checkpoint,
    /// The most rows of the file.
    most_rows: u64,
    /// A file that only one step can write begins here; what to do with it when time is up.
    unsplit: Option<Unsplit>,
    /// When to tell how far it has come: milliseconds since the epoch.
    tell_at: Option<i64>,
}

/// A file without checkpoints inside it.
struct Unsplit {
    /// Where it begins.
    start: Checkpoint,
    /// Whether the step has come further before it: then it may leave this file to the next one.
    may_drop: bool,
}

impl<'a, P: PageStore> Filler<'a, P> {
    /// Begins behind the export's checkpoint, with its tail. `has_moved`: whether the step has come further already.
    pub(super) fn new(export: &Export, tail: &[u8], reader: Reader<'a, P>, has_moved: bool) -> Result<Self, StepError> {
        let mut sheet = Sheet::new(export, PART_BYTES + LAST_ROW_BYTES)?;
        let mut sums = export.checkpoint.clone();
        if let Some(left) = sums.tail.as_ref().filter(|_| !tail.is_empty()) {
            let sealed = tail.len().saturating_sub(usize::try_from(left.open).unwrap_or(usize::MAX));
            let (sealed, open) = tail.split_at(sealed);
            sheet.go_on_behind(sealed, open);
            // They count again when they are cut.
            sums.bytes = sums.bytes.saturating_sub(sealed.len() as u64);
        } else if sums.parts == 0 {
            sheet.begin();
        }
        let is_unsplit = export.format == Format::Parquet;
        Ok(Self {
            reader,
            done: 0,
            sheet: Some(sheet),
            clock: LocalClock::new(export.zone()?),
            filters: export.filters.clone(),
            last: None,
            unsplit: is_unsplit.then(|| Unsplit { start: sums.clone(), may_drop: has_moved }),
            sums,
            tell_at: None,
            most_rows: export.rows_per_file.unwrap_or(u64::MAX),
        })
    }

    /// Fills the next part.
    pub(super) async fn fill(&mut self, clock: &Clock<impl Fn() -> i64>) -> Result<Filled, StepError> {
        let mut unlooked = 0;
        loop {
            if unlooked == 0 {
                let now = clock.now();
                if clock.is_over_at(now) {
                    return self.time_up();
                }
                if let Some(reached) = self.tell(now) {
                    return Ok(Filled::Reached(reached));
                }
            }
            unlooked = (unlooked + 1) % ROWS_A_LOOK;
            if self.sheet.as_ref().is_some_and(|sheet| sheet.len() >= PART_BYTES) {
                return Ok(Filled::Full(self.cut()));
            }
            match self.next_row()? {
                Next::Row => {}
                Next::FileFull => return self.end(true),
                Next::MinuteOver => {
                    (self.done, unlooked) = (0, 0);
                    if self.reader.next().await?.is_none() {
                        return self.end(false);
                    }
                }
            }
        }
    }

    /// Writes the minute's next row.
    fn next_row(&mut self) -> Result<Next, StepError> {
        let Some(activity) = self.reader.minute().get(self.done) else { return Ok(Next::MinuteOver) };
        let activity = activity.as_ref().map_err(ReadError::clone)?;
        let is_taken = self.filters.take(activity);
        if is_taken && self.sums.rows >= self.most_rows {
            return Ok(Next::FileFull);
        }
        self.done += 1;
        self.last = Some((activity.created_at, activity.activity_id));
        if let Some(sheet) = self.sheet.as_mut().filter(|_| is_taken) {
            sheet.row(activity)?;
            count(&mut self.sums, &mut self.clock, activity);
        }
        Ok(Next::Row)
    }

    /// How far it has come, where it is time to tell.
    fn tell(&mut self, now: i64) -> Option<Reached> {
        let is_due = now >= *self.tell_at.get_or_insert(now.saturating_add(TELL_EVERY_MS));
        let (at, _) = self.last.filter(|_| is_due)?;
        self.tell_at = None;
        let written = self.sheet.as_ref().map_or(0, Sheet::len) as u64;
        Some(Reached::of(&self.sums, at, written))
    }

    /// What there is so far.
    fn cut(&mut self) -> Part {
        self.tell_at = None;
        let taken = self.sheet.as_mut().map(Sheet::take);
        let (sealed, open) = taken.map_or_else(Default::default, |taken| (taken.sealed, taken.open));
        self.part(sealed, open)
    }

    fn part(&mut self, sealed: Vec<u8>, open: Vec<u8>) -> Part {
        self.sums.bytes += sealed.len() as u64;
        if let Some((created_at, activity_id)) = self.last {
            self.sums.after = Some((created_at, activity_id.to_string()));
        }
        let has_rows = self.sums.rows > 0;
        let checkpoint = match &self.unsplit {
            Some(unsplit) if !self.sums.finishing => unsplit.start.clone(),
            _ => self.sums.clone(),
        };
        Part { bytes: sealed.into(), open: open.into(), checkpoint, has_rows }
    }

    /// The file's end; `more`: more rows of its kind follow.
    fn end(&mut self, more: bool) -> Result<Filled, StepError> {
        (self.sums.finishing, self.sums.more) = (true, more);
        let sealed = self.sheet.take().map_or_else(|| Ok(Vec::new()), Sheet::finish)?;
        Ok(Filled::End(self.part(sealed, Vec::new())))
    }

    fn time_up(&mut self) -> Result<Filled, StepError> {
        match &self.unsplit {
            None => Ok(Filled::TimeUp(self.cut())),
            Some(unsplit) if unsplit.may_drop => Ok(Filled::Dropped),
            // All that the step had time for: the file ends here, so that the export comes further.
            Some(_) => self.end(true),
        }
    }
}

enum Next {
    Row,
    /// A row has no room in the file any more.
    FileFull,
    MinuteOver,
}

fn count(sums: &mut Checkpoint, clock: &mut LocalClock, activity: &Activity<'_>) {
    sums.totals.add(clock.day(activity.created_at), activity);
    sums.rows += 1;
}
