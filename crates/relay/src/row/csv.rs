//! CSV after RFC 4180: UTF-8, comma, LF, a header; local times of the period's zone.
//!
//! The lines are written by hand because they are most of an export's work: the csv crate takes each cell through a state machine, byte by byte. That
//! crate reads them back in the tests.

use std::io;

use super::{Column, FileColumn, Source, excel};
use crate::activity::{Activity, Value};
use crate::period::{LocalClock, Zone};

/// Writes CSV rows one behind the other into memory; the caller takes what has gathered.
pub struct CsvRows {
    columns: Vec<FileColumn>,
    clock: LocalClock,
    lines: Lines,
    /// The JSON of the row's `extra`.
    extra: Vec<u8>,
    capacity: usize,
}

impl CsvRows {
    /// A writer of these columns with times in this zone. `excel` adds a byte-order mark, takes the force from formulas and keeps long
    /// digits as text. `capacity`: how many bytes the caller expects between two [`CsvRows::take`]s.
    #[must_use]
    pub fn new(columns: Vec<FileColumn>, zone: Zone, excel: bool, capacity: usize) -> Self {
        let lines = Lines { bytes: Vec::with_capacity(capacity), excel };
        Self { columns, clock: LocalClock::new(zone), lines, extra: Vec::new(), capacity }
    }

    /// Writes the header line.
    pub fn header(&mut self) {
        if self.lines.excel {
            self.lines.bytes.extend_from_slice("\u{feff}".as_bytes());
        }
        let start = self.lines.bytes.len();
        for column in &self.columns {
            self.lines.cell(column.header.as_bytes());
        }
        self.lines.end(start);
    }

    /// Goes on behind rows that were taken from another writer of the same columns.
    pub fn go_on_behind(&mut self, rows: &[u8]) {
        self.lines.bytes.extend_from_slice(rows);
    }

    /// Writes a row.
    pub fn row(&mut self, activity: &Activity<'_>) -> io::Result<()> {
        let Self { columns, clock, lines, extra, capacity } = self;
        if lines.bytes.capacity() == 0 {
            lines.bytes.reserve_exact(*capacity);
        }
        let start = lines.bytes.len();
        for column in columns {
            match &column.source {
                Source::Constant(text) => lines.cell(text.as_bytes()),
                Source::Column(Column::CreatedAt) => lines.time(clock, activity.created_at),
                Source::Column(Column::Kind) => lines.cell(activity.kind.name().as_bytes()),
                Source::Column(Column::AppToken) => lines.cell(activity.app_token.as_bytes()),
                Source::Column(Column::Field(field)) => match activity.fields.get(*field) {
                    Some(Value::Text(text)) => lines.cell(text.as_bytes()),
                    Some(Value::Time(ms)) => lines.time(clock, *ms),
                    None => lines.bytes.push(b','),
                },
                Source::Column(Column::ActivityId) => lines.cell(&activity.activity_id.digits()),
                Source::Column(Column::Provider) => lines.cell(activity.provider.name().as_bytes()),
                Source::Column(Column::ReceivedAt) => lines.time(clock, activity.received_at),
                Source::Column(Column::Extra) => {
                    extra.clear();
                    serde_json::to_writer(&mut *extra, &activity.extra)?;
                    lines.cell(extra);
                }
            }
        }
        lines.end(start);
        Ok(())
    }

    /// How many bytes have gathered.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lines.bytes.len()
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.bytes.is_empty()
    }

    /// Takes what has gathered: whole rows. There is no new memory before the next row, so the caller may give the old back first.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lines.bytes)
    }
}

/// Lines of cells.
struct Lines {
    bytes: Vec<u8>,
    excel: bool,
}

impl Lines {
    /// A cell and the comma behind it.
    fn cell(&mut self, cell: &[u8]) {
        if self.excel {
            quote_where_needed(&mut self.bytes, &excel::harmless(cell));
        } else {
            quote_where_needed(&mut self.bytes, cell);
        }
        self.bytes.push(b',');
    }

    /// A time that no calendar of four digits holds is written as its milliseconds: nothing is lost, nothing is made up. Of one that it holds nothing needs
    /// quotes, and nothing is a formula.
    fn time(&mut self, clock: &mut LocalClock, ms: i64) {
        match clock.text(ms) {
            Some(text) => {
                self.bytes.extend_from_slice(&text);
                self.bytes.push(b',');
            }
            None => self.cell(ms.to_string().as_bytes()),
        }
    }

    /// The end of the line that began at `start`: a line break instead of the last comma. A line of one empty cell is not left empty: readers skip such.
    fn end(&mut self, start: usize) {
        self.bytes.pop();
        if self.bytes.len() == start {
            self.bytes.extend_from_slice(b"\"\"");
        }
        self.bytes.push(b'\n');
    }
}

/// In quotes if it holds a comma, a quote or a line break, its own quotes doubled (RFC 4180, 2.6 and 2.7).
fn quote_where_needed(bytes: &mut Vec<u8>, cell: &[u8]) {
    if !needs_quotes(cell) {
        bytes.extend_from_slice(cell);
        return;
    }
    bytes.push(b'"');
    for part in cell.split_inclusive(|byte| *byte == b'"') {
        bytes.extend_from_slice(part);
        if part.ends_with(b"\"") {
            bytes.push(b'"');
        }
    }
    bytes.push(b'"');
}

/// Eight bytes at a time, the last eight once more instead of what is left over: nearly every cell goes this way, and most are short.
fn needs_quotes(cell: &[u8]) -> bool {
    let (eights, rest) = cell.as_chunks::<8>();
    let is_special_at_the_end = match cell.last_chunk::<8>() {
        Some(last) => has_special(*last),
        None => rest.iter().copied().any(is_special),
    };
    is_special_at_the_end || eights.iter().copied().any(has_special)
}

/// Without a branch a byte: the compiler compares all eight at once.
fn has_special(bytes: [u8; 8]) -> bool {
    bytes.into_iter().fold(false, |found, byte| found | is_special(byte))
}

#[expect(clippy::needless_bitwise_bool, reason = "without a branch, the compiler compares all eight bytes at once")]
const fn is_special(byte: u8) -> bool {
    (byte == b',') | (byte == b'"') | (byte == b'\r') | (byte == b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    #[test]
    fn what_was_taken_is_replaced_at_the_next_row_and_at_once() {
        let mut rows = CsvRows::new(FileColumn::defaults(crate::activity::Kind::Event), Zone::utc(), false, 4_096);
        for _ in 0..2 {
            rows.row(&arbitrary::one()).unwrap();
            assert_eq!(rows.lines.bytes.capacity(), 4_096);
            assert!(!rows.take().is_empty());
            assert_eq!(rows.lines.bytes.capacity(), 0);
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_csv_crate(
            rows in prop::collection::vec(prop::collection::vec("[a,\"\r\n 가#;=]{0,40}", 1..5), 1..5),
        ) {
            let terminator = ::csv::Terminator::Any(b'\n');
            let mut written = ::csv::WriterBuilder::new().terminator(terminator).flexible(true).from_writer(Vec::new());
            let mut ours = Vec::new();
            for row in rows {
                written.write_record(&row).unwrap();
                let column = |value: &String| FileColumn { header: "h".into(), source: Source::Constant(value.clone()) };
                let mut rows = CsvRows::new(row.iter().map(column).collect(), Zone::utc(), false, 0);
                rows.row(&arbitrary::one()).unwrap();
                ours.extend(rows.take());
            }
            prop_assert_eq!(ours, written.into_inner().unwrap());
        }
    }
}
