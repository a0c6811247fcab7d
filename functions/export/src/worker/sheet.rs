//! A file's rows on their way to bytes: formatted, gathered in blocks, compressed block by block.
//!
//! **Invariant**: where a block ends depends on the rows alone. So the file's bytes are the same wherever a step left off.

use libdeflater::{CompressionLvl, Compressor};
use relay::activity::Activity;
use relay::export::{Export, Format};
use relay::row::{CsvRows, JsonRows};
use relay_parquet::ParquetRows;

use super::StepError;

/// A block is full with this many bytes before compression: enough that compression loses nothing by starting afresh (deflate looks back 32 KiB).
const BLOCK_BYTES: usize = 1024 * 1024;

/// Room for the row that makes something full: an activity has at most 64 KiB, quotes may double it.
pub(super) const LAST_ROW_BYTES: usize = 256 * 1024;

/// Rows as bytes.
pub(super) struct Sheet {
    rows: Rows,
    gzip: Option<Gzip>,
}

enum Rows {
    Csv(CsvRows),
    Json(JsonRows),
    Parquet(Box<ParquetRows>),
}

/// What was taken of a sheet.
pub(super) struct Taken {
    /// As it stands in the file.
    pub(super) sealed: Vec<u8>,
    /// The rows of a block that is not full; they are not in `sealed`.
    pub(super) open: Vec<u8>,
}

impl Sheet {
    /// A sheet for the file under way. `capacity`: about how many bytes will be taken at a time.
    pub(super) fn new(export: &Export, capacity: usize) -> Result<Self, StepError> {
        let columns = export.file_columns(export.checkpoint.kind)?;
        let zone = export.zone()?;
        let rows_capacity = if export.format == Format::Csv { capacity } else { BLOCK_BYTES } + LAST_ROW_BYTES;
        let rows = match export.format {
            Format::Csv | Format::CsvGz => Rows::Csv(CsvRows::new(columns, zone, export.excel, rows_capacity)),
            Format::JsonlGz => Rows::Json(JsonRows::new(columns, zone, rows_capacity)?),
            Format::Parquet => Rows::Parquet(Box::new(ParquetRows::new(&columns)?)),
        };
        let is_gzip = matches!(export.format, Format::CsvGz | Format::JsonlGz);
        Ok(Self { rows, gzip: is_gzip.then(|| Gzip::new(capacity)) })
    }

    /// Begins the file.
    pub(super) fn begin(&mut self) {
        if let Rows::Csv(rows) = &mut self.rows {
            rows.header();
        }
    }

    /// Goes on behind what was taken of another sheet of the same file.
    pub(super) fn go_on_behind(&mut self, sealed: &[u8], open: &[u8]) {
        let rows = match &mut self.gzip {
            None => [sealed, open].concat(),
            Some(gzip) => {
                gzip.room();
                gzip.sealed.extend_from_slice(sealed);
                open.to_vec()
            }
        };
        match &mut self.rows {
            Rows::Csv(csv) => csv.go_on_behind(&rows),
            Rows::Json(json) => json.go_on_behind(&rows),
            // Its checkpoints stand at the ends of files.
            Rows::Parquet(_) => {}
        }
    }

    /// Writes a row.
    pub(super) fn row(&mut self, activity: &Activity<'_>) -> Result<(), StepError> {
        match &mut self.rows {
            Rows::Csv(csv) => csv.row(activity)?,
            Rows::Json(json) => json.row(activity)?,
            Rows::Parquet(parquet) => parquet.row(activity)?,
        }
        if self.gzip.is_some() && self.rows.len() >= BLOCK_BYTES {
            self.seal()?;
        }
        Ok(())
    }

    /// How many bytes stand as they will in the file.
    pub(super) fn len(&self) -> usize {
        self.gzip.as_ref().map_or_else(|| self.rows.len(), |gzip| gzip.sealed.len())
    }

    /// Takes what there is. There is no new memory before the next row, so the caller may give up an older part first: with one buffer more at this
    /// moment a file of many parts would take a part's memory more than one of few.
    pub(super) fn take(&mut self) -> Taken {
        match &mut self.gzip {
            None => Taken { sealed: self.rows.take(), open: Vec::new() },
            Some(gzip) => Taken { sealed: gzip.take(), open: self.rows.take() },
        }
    }

    /// Takes the end of the file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, StepError> {
        if self.gzip.is_some() {
            if self.rows.len() > 0 {
                self.seal()?;
            }
            return Ok(self.take().sealed);
        }
        match self.rows {
            Rows::Parquet(parquet) => Ok(parquet.finish()?),
            Rows::Csv(mut csv) => Ok(csv.take()),
            Rows::Json(mut json) => Ok(json.take()),
        }
    }

    /// Ends the block.
    fn seal(&mut self) -> Result<(), StepError> {
        let block = self.rows.take();
        self.gzip.as_mut().map_or(Ok(()), |gzip| gzip.add(&block))
    }
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Csv(csv) => csv.len(),
            Self::Json(json) => json.len(),
            Self::Parquet(parquet) => parquet.len(),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Csv(csv) => csv.take(),
            Self::Json(json) => json.take(),
            Self::Parquet(parquet) => parquet.take(),
        }
    }
}

/// Gzip members one behind the other, which is a gzip file (RFC 1952, 2.2).
struct Gzip {
    compressor: Compressor,
    sealed: Vec<u8>,
    capacity: usize,
}

impl Gzip {
    fn new(capacity: usize) -> Self {
        Self { compressor: Compressor::new(CompressionLvl::default()), sealed: Vec::new(), capacity }
    }

    /// Adds a member.
    fn add(&mut self, block: &[u8]) -> Result<(), StepError> {
        self.room();
        let before = self.sealed.len();
        self.sealed.resize(before + self.compressor.gzip_compress_bound(block.len()), 0);
        let room = self.sealed.get_mut(before..).unwrap_or_default();
        let written = self.compressor.gzip_compress(block, room);
        let written =
            written.map_err(|error| StepError::Invalid(format!("a block could not be compressed: {error}")))?;
        self.sealed.truncate(before + written);
        Ok(())
    }

    /// Room for a part, at its first bytes.
    fn room(&mut self) {
        if self.sealed.capacity() == 0 {
            self.sealed.reserve_exact(self.capacity + BLOCK_BYTES);
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_replaced_at_the_next_block_and_at_once() {
        let mut gzip = Gzip::new(4_096);
        for _ in 0..2 {
            gzip.add(b"rows").unwrap();
            assert_eq!(gzip.sealed.capacity(), 4_096 + BLOCK_BYTES);
            assert!(!gzip.take().is_empty());
            assert_eq!(gzip.sealed.capacity(), 0);
        }
    }
}
