//! CSV after RFC 4180: UTF-8, comma, LF, a header; local times of the period's zone.

use std::borrow::Cow;

use super::{Column, FileColumn, Source, excel};
use crate::activity::{Activity, Value};
use crate::period::{LocalClock, Zone};

/// Writes CSV rows one behind the other into memory; the caller takes what has gathered.
pub struct CsvRows {
    columns: Vec<FileColumn>,
    clock: LocalClock,
    excel: bool,
    csv: csv::Writer<Vec<u8>>,
    capacity: usize,
}

impl CsvRows {
    /// A writer of these columns with times in this zone. `excel` adds a byte-order mark, takes the force from formulas and keeps long
    /// digits as text. `capacity`: how many bytes the caller expects between two [`CsvRows::take`]s.
    #[must_use]
    pub fn new(columns: Vec<FileColumn>, zone: Zone, excel: bool, capacity: usize) -> Self {
        Self { columns, clock: LocalClock::new(zone), excel, csv: csv_into(Vec::with_capacity(capacity)), capacity }
    }

    /// Writes the header line.
    pub fn header(&mut self) -> Result<(), csv::Error> {
        if self.excel {
            let mut start = self.take();
            start.extend_from_slice("\u{feff}".as_bytes());
            self.csv = csv_into(start);
        }
        for column in &self.columns {
            self.csv.write_field(shown(column.header.as_bytes(), self.excel))?;
        }
        self.csv.write_record(None::<&[u8]>)?;
        Ok(self.csv.flush()?)
    }

    /// Goes on behind rows that were taken from another writer of the same columns.
    pub fn go_on_behind(&mut self, rows: &[u8]) {
        let mut start = self.take();
        start.extend_from_slice(rows);
        self.csv = csv_into(start);
    }

    /// Writes a row.
    pub fn row(&mut self, activity: &Activity<'_>) -> Result<(), csv::Error> {
        for column in &self.columns {
            let cell = match &column.source {
                Source::Column(column) => cell(&mut self.clock, *column, activity)?,
                Source::Constant(text) => Cow::Borrowed(text.as_bytes()),
            };
            self.csv.write_field(shown(&cell, self.excel))?;
        }
        self.csv.write_record(None::<&[u8]>)?;
        // The writer's own buffer holds a few rows; they count as written here.
        Ok(self.csv.flush()?)
    }

    /// How many bytes have gathered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.csv.get_ref().len()
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.csv.get_ref().is_empty()
    }

    /// Takes what has gathered: whole rows.
    pub fn take(&mut self) -> Vec<u8> {
        let empty = csv_into(Vec::with_capacity(self.capacity));
        // Every row was flushed, and a vector takes everything: there is nothing left that could fail.
        std::mem::replace(&mut self.csv, empty).into_inner().unwrap_or_default()
    }
}

fn shown(cell: &[u8], excel: bool) -> Cow<'_, [u8]> {
    if excel { excel::harmless(cell) } else { Cow::Borrowed(cell) }
}

fn csv_into(bytes: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(bytes)
}

fn cell<'a>(clock: &mut LocalClock, column: Column, activity: &'a Activity<'_>) -> Result<Cow<'a, [u8]>, csv::Error> {
    Ok(match column {
        Column::CreatedAt => time(clock, activity.created_at),
        Column::Kind => Cow::Borrowed(activity.kind.name().as_bytes()),
        Column::AppToken => Cow::Borrowed(activity.app_token.as_bytes()),
        Column::Field(field) => match activity.fields.get(field) {
            Some(Value::Text(text)) => Cow::Borrowed(text.as_bytes()),
            Some(Value::Time(ms)) => time(clock, *ms),
            None => Cow::Borrowed(b""),
        },
        Column::ActivityId => Cow::Owned(hex::encode(activity.activity_id.0).into_bytes()),
        Column::Provider => Cow::Borrowed(activity.provider.name().as_bytes()),
        Column::ReceivedAt => time(clock, activity.received_at),
        Column::Extra if activity.extra.is_empty() => Cow::Borrowed(b"{}"),
        Column::Extra => Cow::Owned(serde_json::to_vec(&activity.extra).map_err(std::io::Error::from)?),
    })
}

/// A time that no calendar of four digits holds is written as its milliseconds: nothing is lost, nothing is made up.
fn time(clock: &mut LocalClock, ms: i64) -> Cow<'static, [u8]> {
    let bytes = clock.text(ms).map_or_else(|| ms.to_string().into_bytes(), |text| text.to_vec());
    Cow::Owned(bytes)
}
