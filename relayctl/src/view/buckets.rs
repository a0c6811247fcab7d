//! What lies in the buckets of what could not become rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use relay::period::rfc3339;
use relay::quarantine::Entry;
use serde::Serialize;

use super::plain;

/// How much of something there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) objects: u64,
    pub(crate) entries: u64,
    /// Entries that were neither replayed nor dropped.
    pub(crate) open: u64,
    /// Query and body of the entries, unpacked.
    pub(crate) bytes: u64,
}

impl Count {
    pub(crate) const fn add(&mut self, more: &Self) {
        self.objects += more.objects;
        self.entries += more.entries;
        self.open += more.open;
        self.bytes += more.bytes;
    }
}

/// A day's entries of one owner and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DayRow {
    pub(crate) day: String,
    pub(crate) owner: String,
    pub(crate) reason: String,
    #[serde(flatten)]
    pub(crate) count: Count,
}

/// Days, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Days {
    pub(crate) days: Vec<DayRow>,
    /// What `--before` goes on with; none at the end.
    pub(crate) next: Option<String>,
}

/// An object of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ObjectRow {
    pub(crate) object: String,
    /// When its first entry came.
    pub(crate) received_at: Option<i64>,
    /// As stored.
    pub(crate) bytes: u64,
    pub(crate) reasons: BTreeMap<String, Count>,
}

/// Objects of a day of an owner, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ObjectRows {
    pub(crate) objects: Vec<ObjectRow>,
    /// What `--before` goes on with; none at the end.
    pub(crate) next: Option<String>,
}

/// An entry as it came, without keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EntryView {
    pub(crate) entry: usize,
    /// `open`, `accepted` or `dropped`.
    pub(crate) state: &'static str,
    #[serde(flatten)]
    pub(crate) content: Entry,
}

/// Entries of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entries {
    pub(crate) object: String,
    pub(crate) entries: Vec<EntryView>,
}

/// A batch that the stream's mapping gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BatchRow {
    pub(crate) batch: String,
    pub(crate) given_up_at: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) shard_id: Option<String>,
    pub(crate) first_sequence_number: Option<String>,
    pub(crate) last_sequence_number: Option<String>,
    pub(crate) records: Option<u64>,
    /// As stored.
    pub(crate) bytes: u64,
    pub(crate) replayed: bool,
}

/// Batches, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Batches {
    pub(crate) batches: Vec<BatchRow>,
    /// What `--before` goes on with; none at the end.
    pub(crate) next: Option<String>,
}

impl Days {
    pub(crate) fn text(&self) -> String {
        let row = |row: &DayRow| {
            let DayRow { day, owner, reason, count } = row;
            let numbers = [count.objects, count.entries, count.open].map(|number| number.to_string());
            let mut cells = vec![day.clone(), owner.clone(), reason.clone()];
            cells.extend(numbers.into_iter().chain([size(count.bytes)]));
            cells
        };
        let rows = self.days.iter().map(row).collect();
        let head = ["day", "owner", "reason", "objects", "entries", "open", "bytes"];
        listed("the quarantine holds nothing there\n", &head, 3, rows, self.next.as_deref())
    }
}

impl ObjectRows {
    pub(crate) fn text(&self) -> String {
        let mut rows = Vec::new();
        for ObjectRow { object, received_at, bytes, reasons } in &self.objects {
            let received = received_at.map_or_else(String::new, rfc3339);
            for (reason, count) in reasons {
                let (entries, open) = (count.entries.to_string(), count.open.to_string());
                rows.push(vec![object.clone(), received.clone(), reason.clone(), entries, open, size(*bytes)]);
            }
        }
        let head = ["object", "received", "reason", "entries", "open", "stored"];
        listed("the quarantine holds nothing there\n", &head, 3, rows, self.next.as_deref())
    }
}

impl Batches {
    pub(crate) fn text(&self) -> String {
        let row = |batch: &BatchRow| {
            let text = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), plain);
            let records = batch.records.map_or_else(|| "?".to_owned(), |records| records.to_string());
            let state = if batch.replayed { "replayed" } else { "open" };
            let place = plain(&batch.batch);
            vec![place, text(&batch.given_up_at), text(&batch.condition), state.to_owned(), records, size(batch.bytes)]
        };
        let rows = self.batches.iter().map(row).collect();
        let head = ["batch", "given up", "condition", "state", "records", "stored"];
        listed("no batch was given up\n", &head, 4, rows, self.next.as_deref())
    }
}

impl Entries {
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.object);
        for EntryView { entry, state, content } in &self.entries {
            let request = format!("{} {}", content.method, content.path);
            let reason = format!("{}: {}", content.reason, content.detail);
            let body = content.body.clone().unwrap_or_default();
            let base64 = content.body_base64.clone().unwrap_or_default();
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "\nentry    {entry}, {state}\nreceived {}", rfc3339(content.received_at));
            for (name, value) in [
                ("reason  ", &reason),
                ("trace id", &content.trace_id),
                ("source  ", &content.source),
                ("request ", &request),
                ("query   ", &content.query),
                ("type    ", &content.content_type),
                ("body    ", &body),
                ("base64  ", &base64),
            ] {
                if !value.trim().is_empty() {
                    let _infallible = writeln!(text, "{name} {}", plain(value));
                }
            }
        }
        text
    }
}

/// A table: texts to the left, and from the column `numbers` on numbers to the right.
pub(super) fn listed(empty: &str, head: &[&str], numbers: usize, rows: Vec<Vec<String>>, next: Option<&str>) -> String {
    if rows.is_empty() && next.is_none() {
        return empty.to_owned();
    }
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len))
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < numbers { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    if let Some(next) = next {
        let _infallible = writeln!(text, "more: --before {next}");
    }
    text
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let sizes = [0, 1023, 1024, 1536, 5 << 20, 3 << 30].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 GiB"]);
    }

    #[test]
    fn a_table_is_aligned_and_says_how_to_go_on() {
        let count = Count { objects: 1, entries: 12, open: 3, bytes: 2048 };
        let row =
            |owner: &str| DayRow { day: "2026-11-21".into(), owner: owner.into(), reason: "bad_time".into(), count };
        let days = Days { days: vec![row("demo"), row("a")], next: Some("2026-11-21".into()) };
        let lines = [
            "day         owner  reason    objects  entries  open    bytes",
            "2026-11-21  demo   bad_time        1       12     3  2.0 KiB",
            "2026-11-21  a      bad_time        1       12     3  2.0 KiB",
            "more: --before 2026-11-21\n",
        ];
        assert_eq!(days.text(), lines.join("\n"));
        assert_eq!(Days { days: vec![], next: None }.text(), "the quarantine holds nothing there\n");
    }

    #[test]
    fn what_was_sent_cannot_speak_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{9b}겨울"), "a\\u{1b}[2Jb\\nc\\u{9b}겨울");
    }
}
