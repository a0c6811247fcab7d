//! Fills parts with rows.

use bytes::Bytes;
use relay::activity::{Activity, ActivityId};
use relay::export::{Checkpoint, Export, Filters};
use relay::port::PageStore;
use relay::reader::Reader;
use relay::row::RowWriter;

use super::{Clock, StepError};

/// A part is full with this many bytes: S3 takes 10,000 parts, so a file may have 156 GiB.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// Room for the row that makes a part full: an activity has at most 64 KiB, quotes may double it.
const LAST_ROW_BYTES: usize = 256 * 1024;

/// After how many rows to look at the clock.
const ROWS_A_LOOK: u32 = 256;

/// Whole rows for the upload, and the checkpoint once they are in it. What it says of upload, parts and tail is the caller's matter.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) checkpoint: Checkpoint,
}

impl Part {
    /// Whether it is more than nothing, or a header alone.
    pub(super) const fn has_rows(&self) -> bool {
        !self.bytes.is_empty() && self.checkpoint.rows > 0
    }
}

/// Why filling stopped.
pub(super) enum Filled {
    /// The part is full; there may be more.
    Full(Part),
    /// That was the last row.
    End(Part),
    /// Time is up.
    TimeUp(Part),
}

/// Reads, picks, formats and sums.
pub(super) struct Filler<'a, P> {
    reader: Reader<'a, P>,
    /// How many rows of the reader's minute are done.
    done: usize,
    writer: RowWriter,
    filters: Filters,
    /// The last row read.
    last: Option<(i64, ActivityId)>,
    /// What the checkpoint will be after what has been read so far, but for `after`.
    sums: Checkpoint,
}

impl<'a, P: PageStore> Filler<'a, P> {
    /// Begins behind the export's checkpoint, with its tail; a file's first part begins with the header.
    pub(super) fn new(export: &Export, tail: &[u8], reader: Reader<'a, P>) -> Result<Self, StepError> {
        let capacity = PART_BYTES + LAST_ROW_BYTES;
        let mut writer = RowWriter::new(export.file_columns()?, export.zone()?, export.excel, capacity);
        let mut sums = export.checkpoint.clone();
        if !tail.is_empty() {
            writer.go_on_behind(tail);
            // They count again when they are cut.
            sums.bytes = sums.bytes.saturating_sub(tail.len() as u64);
        } else if sums.parts == 0 {
            writer.header()?;
        }
        Ok(Self { reader, done: 0, writer, filters: export.filters.clone(), last: None, sums })
    }

    /// Fills the next part.
    pub(super) async fn fill(&mut self, clock: &Clock<impl Fn() -> i64>) -> Result<Filled, StepError> {
        let mut unlooked = 0;
        loop {
            if unlooked == 0 && clock.is_over() {
                return Ok(Filled::TimeUp(self.cut(false)));
            }
            unlooked = (unlooked + 1) % ROWS_A_LOOK;
            if self.writer.len() >= PART_BYTES {
                return Ok(Filled::Full(self.cut(false)));
            }
            if !self.next_row()? {
                (self.done, unlooked) = (0, 0);
                if self.reader.next().await?.is_none() {
                    return Ok(Filled::End(self.cut(true)));
                }
            }
        }
    }

    /// Writes the minute's next row; `false` at its end.
    fn next_row(&mut self) -> Result<bool, StepError> {
        let Some(activity) = self.reader.minute().get(self.done) else { return Ok(false) };
        let activity = activity?;
        self.done += 1;
        self.last = Some((activity.created_at, activity.activity_id));
        if self.filters.take(&activity) {
            write_row(&mut self.writer, &mut self.sums, &activity)?;
        }
        Ok(true)
    }

    fn cut(&mut self, finishing: bool) -> Part {
        let bytes = Bytes::from(self.writer.take());
        self.sums.bytes += bytes.len() as u64;
        if let Some((created_at, activity_id)) = self.last {
            self.sums.after = Some((created_at, activity_id.to_string()));
        }
        Part { bytes, checkpoint: Checkpoint { finishing, ..self.sums.clone() } }
    }
}

fn write_row(writer: &mut RowWriter, sums: &mut Checkpoint, activity: &Activity<'_>) -> Result<(), StepError> {
    writer.row(activity)?;
    let day = writer.local_day(activity.created_at);
    sums.totals.add(day, activity);
    sums.rows += 1;
    Ok(())
}
