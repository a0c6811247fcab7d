//! Activities as Parquet files, for exports. A crate of its own so that only the function which writes files carries the format.
//!
//! A file streams out in pieces: rows gather column by column, a row group is written when enough have gathered, and what it made of them can be taken.
//! Where a row group ends depends on the rows alone, so the same rows are the same bytes, however the pieces are taken.
//!
//! Every column is optional. Texts are strings, times are timestamps of milliseconds in UTC. `extra` is the text of a JSON object and a plain string too:
//! readers differ over the format's JSON type, and each has functions for JSON in text.

mod column;

use std::sync::Arc;

use column::Gathered;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use relay::activity::Activity;
use relay::row::FileColumn;

/// A row group is written when so many bytes have gathered: some ten thousand rows. It is the memory that a file takes, but for what the footer says of each
/// group and column.
pub const GROUP_BYTES: usize = 12 * 1024 * 1024;

/// How many rows of a column of texts are handed to the format's library at a time: it wants each text as a value of its own.
const ROWS_AT_ONCE: usize = 1024;

/// Why rows did not become a file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format's library refused.
    #[error("the Parquet file could not be written: {0}")]
    Parquet(#[from] ParquetError),
    /// `extra` is no JSON.
    #[error("`extra` could not be written as JSON: {0}")]
    Extra(#[from] serde_json::Error),
}

/// Writes rows into a Parquet file; the caller takes what there is of it.
pub struct ParquetRows {
    columns: Vec<Gathered>,
    file: SerializedFileWriter<Vec<u8>>,
    /// About how many bytes the gathered rows take.
    gathered: usize,
}

impl ParquetRows {
    /// A file of these columns; no two have the same name.
    pub fn new(columns: &[FileColumn]) -> Result<Self, WriteError> {
        let fields = columns.iter().map(|column| Gathered::schema(column).map(Arc::new));
        let fields = fields.collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("activity").with_fields(fields).build()?;
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties()))?;
        Ok(Self { columns: columns.iter().cloned().map(Gathered::new).collect(), file, gathered: 0 })
    }

    /// Writes a row.
    pub fn row(&mut self, activity: &Activity<'_>) -> Result<(), WriteError> {
        for column in &mut self.columns {
            self.gathered += column.push(activity)?;
        }
        if self.gathered >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// How many bytes of the file there are to take.
    #[must_use]
    pub fn len(&self) -> usize {
        self.file.inner().len()
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what there is of the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }

    /// The rest of the file.
    pub fn finish(mut self) -> Result<Vec<u8>, WriteError> {
        if self.gathered > 0 {
            self.write_group()?;
        }
        Ok(self.file.into_inner()?)
    }

    fn write_group(&mut self) -> Result<(), WriteError> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            write_column(&mut group, column)?;
        }
        group.close()?;
        self.file.flush().map_err(ParquetError::from)?;
        self.gathered = 0;
        Ok(())
    }
}

/// Writes what a column has gathered, and empties it.
fn write_column(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, column: &mut Gathered) -> Result<(), WriteError> {
    let Some(mut chunk) = group.next_column()? else { return Ok(()) };
    if column.is_time() {
        chunk.typed::<Int64Type>().write_batch(column.times(), Some(column.levels()), None)?;
    } else {
        let mut texts = column.take_texts();
        for levels in column.levels().chunks(ROWS_AT_ONCE) {
            let values = levels.iter().filter(|level| **level > 0).count();
            let batch: Vec<_> = texts.by_ref().take(values).collect();
            chunk.typed::<ByteArrayType>().write_batch(&batch, Some(levels), None)?;
        }
    }
    chunk.close()?;
    column.clear();
    Ok(())
}

/// Least and greatest values stand with each column of each row group, for readers that look for days; more would make the footer long.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("relay version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}
