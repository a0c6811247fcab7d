//! Compares a file with the generator's list: the identifiers, each once, and the columns of every row.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use super::csv::Table;
use crate::{
    sample::{Expected, Kind, ORDER_REFERENCE, Value},
    say::Outcome,
};

/// How many differences of one sort are named.
const NAMED: usize = 5;

/// Where the file differs from the list; each entry is one difference, spelled out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    missing: Vec<String>,
    unexpected: Vec<String>,
    doubled: Vec<String>,
    wrong: Vec<String>,
}

impl Differences {
    /// The same without rows that nobody expected.
    pub(crate) fn without_unexpected(self) -> Self {
        Self { unexpected: Vec::new(), ..self }
    }

    /// The lines that tell them, the first few of each sort; empty when there are none.
    pub(crate) fn lines(&self, kind: Kind) -> Vec<String> {
        let sorts = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("doubled", &self.doubled),
            ("wrong", &self.wrong),
        ];
        let mut lines = Vec::new();
        for (sort, found) in sorts {
            if !found.is_empty() {
                lines.push(format!("{}: {} {sort}:", kind.name(), found.len()));
            }
            lines.extend(found.iter().take(NAMED).map(|one| format!("    {one}")));
        }
        lines
    }
}

/// Compares the text of a file with what it must hold.
pub(crate) fn file<'a>(text: &str, kind: Kind, expected: impl Iterator<Item = &'a Expected>) -> Outcome<Differences> {
    let table = Table::parse(text)?;
    let columns = Columns::find(&table)?;
    let mut differences = Differences::default();
    let mut rows = HashMap::with_capacity(table.records.len());
    let mut last = "";
    for (number, record) in table.records.iter().enumerate() {
        let at = cell(record, columns.created_at);
        if at < last {
            differences.wrong.push(format!("row {}: created_at {at} stands after {last}", number + 1));
        }
        last = at;
        match columns.id(record) {
            None => differences.unexpected.push(format!("row {} has no identifier", number + 1)),
            Some(id) => match rows.entry(id) {
                Entry::Occupied(entry) => differences.doubled.push(entry.key().to_string()),
                Entry::Vacant(entry) => drop(entry.insert(record)),
            },
        }
    }
    for one in expected {
        match rows.remove(one.id.as_str()) {
            None => differences.missing.push(format!("{} ({:?}, created_at {})", one.id, one.way, one.created_at)),
            Some(record) => differences.wrong.extend(wrong(&table, &columns, record, one, kind)),
        }
    }
    // A row that nobody expected is that, however often it stands there.
    differences.doubled.retain(|id| !rows.contains_key(id.as_str()));
    let mut left: Vec<String> = rows.into_keys().map(Cow::into_owned).collect();
    left.sort_unstable();
    differences.unexpected.extend(left);
    Ok(differences)
}

/// The columns that every row is read by.
struct Columns {
    event_id: usize,
    created_at: usize,
    extra: usize,
}

impl Columns {
    fn find(table: &Table<'_>) -> Outcome<Self> {
        let position = |name| table.position(name).ok_or_else(|| format!("the header has no column {name}"));
        Ok(Self { event_id: position("event_id")?, created_at: position("created_at")?, extra: position("extra")? })
    }

    /// The sender's identifier: the column `event_id`, else the order reference in `extra`.
    fn id<'a>(&self, record: &'a [Cow<'_, str>]) -> Option<Cow<'a, str>> {
        let id = cell(record, self.event_id);
        if id.is_empty() { self.extra(record, ORDER_REFERENCE).map(Cow::Owned) } else { Some(Cow::Borrowed(id)) }
    }

    fn extra(&self, record: &[Cow<'_, str>], name: &str) -> Option<String> {
        let extra: serde_json::Value = serde_json::from_str(cell(record, self.extra)).ok()?;
        extra.get(name)?.as_str().map(str::to_owned)
    }
}

fn cell<'a>(record: &'a [Cow<'_, str>], position: usize) -> &'a str {
    record.get(position).map_or("", AsRef::as_ref)
}

/// What is wrong in the row of one activity.
fn wrong(
    table: &Table<'_>,
    columns: &Columns,
    record: &[Cow<'_, str>],
    expected: &Expected,
    kind: Kind,
) -> Vec<String> {
    let created_at = ("created_at", Value::Time(expected.created_at));
    let mut found = Vec::new();
    for (name, value) in expected.columns.iter().chain([&created_at]) {
        let want = match value {
            Value::Text(text) => text.clone(),
            Value::Time(ms) => kind.zone().date_time(*ms),
        };
        let is = match name.strip_prefix("extra.") {
            Some(member) => columns.extra(record, member).unwrap_or_default(),
            None => match table.position(name) {
                Some(position) => cell(record, position).to_owned(),
                None => format!("(no column {name})"),
            },
        };
        if is != want {
            found.push(format!("{}: {name} is {is:?}, expected {want:?}", expected.id));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Way;

    fn expected(id: &str, campaign: &str) -> Expected {
        let columns = vec![("campaign_name", Value::Text(campaign.to_owned()))];
        Expected { kind: Kind::Event, way: Way::Adjust, id: id.to_owned(), created_at: 0, columns }
    }

    fn differences(rows: &str) -> Differences {
        let text = format!("created_at,campaign_name,event_id,extra\n{rows}");
        let list = [expected("a1", "세일"), expected("ORD-7", "x")];
        file(&text, Kind::Event, list.iter()).expect("well-formed")
    }

    const A1: &str = "1970-01-01 09:00:00,세일,a1,\n";
    const ORDER: &str = "1970-01-01 09:00:00,x,,\"{\"\"order_ref\"\":\"\"ORD-7\"\"}\"\n";

    #[test]
    fn equal_files_have_no_differences() {
        assert_eq!(differences(&format!("{A1}{ORDER}")).lines(Kind::Event), [""; 0]);
    }

    #[test]
    fn each_sort_of_difference_is_named() {
        assert_eq!(differences(A1).missing, ["ORD-7 (Adjust, created_at 0)"]);
        assert_eq!(differences(&format!("{A1}{ORDER}{A1}")).doubled, ["a1"]);
        assert_eq!(differences(&format!("{A1}{ORDER}1970-01-01 09:00:00,,zz,\n")).unexpected, ["zz"]);
        assert_eq!(
            differences(&format!("{A1}{ORDER}1970-01-01 09:00:00,,,\n")).unexpected,
            ["row 3 has no identifier"]
        );
        let others = differences(&format!("{A1}{}", "1970-01-01 09:00:00,,zz,\n".repeat(2))).without_unexpected();
        assert_eq!((others.missing.len(), others.unexpected.len(), others.doubled.len()), (1, 0, 0));
        let wrong = differences(&format!("1970-01-01 00:00:00,세,a1,\n{ORDER}")).wrong;
        assert_eq!(wrong[0], "a1: campaign_name is \"세\", expected \"세일\"");
        assert_eq!(wrong[1], "a1: created_at is \"1970-01-01 00:00:00\", expected \"1970-01-01 09:00:00\"");
        let order = differences(&format!("{A1}{}", ORDER.replace("1970", "1969"))).wrong;
        assert_eq!(order[0], "row 2: created_at 1969-01-01 09:00:00 stands after 1970-01-01 09:00:00");
    }

    #[test]
    fn only_the_first_few_are_told() {
        let many = Differences { missing: vec!["x".to_owned(); 20], ..Differences::default() };
        let lines = many.lines(Kind::Install);
        assert_eq!((lines.len(), lines[0].as_str()), (1 + NAMED, "install: 20 missing:"));
    }
}
