//! JSON Lines: an object a row, one row a line.

use std::io;

use serde::Serialize;

use super::{Column, FileColumn, Source};
use crate::activity::{Activity, Value};
use crate::period::{LocalClock, Zone};

/// Writes rows as JSON objects one behind the other into memory; the caller takes what has gathered.
///
/// The members are the columns that have a value, in the order of the columns, under their names in the file. Every value is text, `extra` an object of
/// texts. Times are RFC 3339 with milliseconds and the zone's offset at that moment.
pub struct JsonRows {
    columns: Vec<Member>,
    clock: LocalClock,
    bytes: Vec<u8>,
    capacity: usize,
}

/// A column with its name as it stands in each row: `"name":`.
struct Member {
    name: Vec<u8>,
    source: Source,
}

impl JsonRows {
    /// A writer of these columns with times in this zone. `capacity`: how many bytes the caller expects between two [`JsonRows::take`]s.
    pub fn new(columns: Vec<FileColumn>, zone: Zone, capacity: usize) -> io::Result<Self> {
        let member = |column: FileColumn| {
            let mut name = serde_json::to_vec(&column.header)?;
            name.push(b':');
            Ok(Member { name, source: column.source })
        };
        let columns = columns.into_iter().map(member).collect::<io::Result<_>>()?;
        Ok(Self { columns, clock: LocalClock::new(zone), bytes: Vec::with_capacity(capacity), capacity })
    }

    /// Goes on behind rows that were taken from another writer of the same columns.
    pub fn go_on_behind(&mut self, rows: &[u8]) {
        self.bytes.extend_from_slice(rows);
    }

    /// Writes a row.
    pub fn row(&mut self, activity: &Activity<'_>) -> io::Result<()> {
        let Self { columns, clock, bytes, capacity } = self;
        if bytes.capacity() == 0 {
            bytes.reserve_exact(*capacity);
        }
        let mut separator = b'{';
        for Member { name, source } in columns {
            let before = bytes.len();
            bytes.push(separator);
            bytes.extend_from_slice(name);
            let is_there = match source {
                Source::Column(column) => value(bytes, clock, *column, activity)?,
                Source::Constant(text) => write(bytes, text)?,
            };
            if is_there {
                separator = b',';
            } else {
                bytes.truncate(before);
            }
        }
        if separator == b'{' {
            bytes.push(b'{');
        }
        bytes.extend_from_slice(b"}\n");
        Ok(())
    }

    /// How many bytes have gathered.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what has gathered: whole rows. There is no new memory before the next row, so the caller may give the old back first.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// Writes the value of a column; `false` where it has none.
fn value(bytes: &mut Vec<u8>, clock: &mut LocalClock, column: Column, activity: &Activity<'_>) -> io::Result<bool> {
    match column {
        Column::CreatedAt => write(bytes, &time(clock, activity.created_at)),
        Column::Kind => write(bytes, activity.kind.name()),
        Column::AppToken => write(bytes, &activity.app_token),
        Column::Field(field) => match activity.fields.get(field) {
            Some(Value::Text(text)) => write(bytes, text),
            Some(Value::Time(ms)) => write(bytes, &time(clock, *ms)),
            None => Ok(false),
        },
        Column::ActivityId => write(bytes, &activity.activity_id.to_string()),
        Column::Provider => write(bytes, activity.provider.name()),
        Column::ReceivedAt => write(bytes, &time(clock, activity.received_at)),
        Column::Extra => write(bytes, &activity.extra),
    }
}

fn write(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> io::Result<bool> {
    serde_json::to_writer(bytes, value)?;
    Ok(true)
}

/// A time that no calendar of four digits holds is written as its milliseconds: nothing is lost, nothing is made up.
fn time(clock: &mut LocalClock, ms: i64) -> String {
    clock.rfc3339(ms).unwrap_or_else(|| ms.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::activity::Fields;
    use crate::arbitrary;
    use crate::field::Field;

    fn lines(columns: Vec<FileColumn>, zone: &str, activities: &[Activity<'_>]) -> Vec<Json> {
        let mut rows = JsonRows::new(columns, Zone::named(zone).unwrap(), 0).unwrap();
        for activity in activities {
            rows.row(activity).unwrap();
        }
        let bytes = rows.take();
        assert!(rows.is_empty());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn every_line_holds_what_the_activity_holds(activity in arbitrary::activity()) {
            let mut expected: BTreeMap<String, Json> = BTreeMap::new();
            for (field, value) in activity.fields.iter() {
                let text = match value {
                    Value::Text(text) => text.to_string(),
                    Value::Time(ms) => crate::period::rfc3339_millis(*ms),
                };
                expected.insert(field.name().to_owned(), json!(text));
            }
            expected.insert("extra".to_owned(), json!(activity.extra));
            let columns = Field::ALL.iter().map(|field| Column::Field(*field)).chain([Column::Extra]).map(FileColumn::from);
            let told = lines(columns.collect(), "UTC", std::slice::from_ref(&activity));
            // UTC is written with its offset here.
            let told = told[0].to_string().replace("+00:00\"", "Z\"");
            prop_assert_eq!(serde_json::from_str::<BTreeMap<String, Json>>(&told).unwrap(), expected);
        }
    }

    #[test]
    fn headers_constants_and_the_zone_are_as_asked() {
        let mut activity = arbitrary::one();
        activity.created_at = 1_794_648_600_123;
        activity.fields = Fields::default();
        let columns = vec![
            FileColumn { header: "언제 \"KST\"".into(), source: Source::Column(Column::CreatedAt) },
            FileColumn { header: "gone".into(), source: Source::Column(Column::Field(Field::Idfa)) },
            FileColumn { header: "market".into(), source: Source::Constant("KR\n".into()) },
        ];
        let told = lines(columns, "Asia/Seoul", std::slice::from_ref(&activity));
        assert_eq!(told, [json!({"언제 \"KST\"": "2026-11-14T18:30:00.123+09:00", "market": "KR\n"})]);
        let nothing = vec![FileColumn::from(Column::Field(Field::Idfa))];
        assert_eq!(lines(nothing, "UTC", &[activity]), [json!({})]);
    }
}
