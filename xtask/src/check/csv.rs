//! Reads CSV as RFC 4180 defines it, with LF as well as CRLF. Written here so that the check shares no code with the writer.

use std::borrow::Cow;

use crate::say::Outcome;

/// A file's header and its records.
pub(crate) struct Table<'a> {
    /// The names in the first record.
    pub(crate) header: Vec<Cow<'a, str>>,
    /// All further records, each as long as the header.
    pub(crate) records: Vec<Vec<Cow<'a, str>>>,
}

impl<'a> Table<'a> {
    /// Reads a whole file.
    pub(crate) fn parse(text: &'a str) -> Outcome<Self> {
        let mut rest = text;
        let header = record(&mut rest).ok_or("the file has no well-formed header")?;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let number = records.len() + 1;
            let fields = record(&mut rest).ok_or_else(|| format!("record {number} is not well-formed CSV"))?;
            if fields.len() != header.len() {
                return Err(format!("record {number} has {} fields, the header {}", fields.len(), header.len()));
            }
            records.push(fields);
        }
        Ok(Self { header, records })
    }

    /// The position of a column.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }
}

/// Takes one record with its line end off the front; `None` when it is malformed or does not end.
fn record<'a>(rest: &mut &'a str) -> Option<Vec<Cow<'a, str>>> {
    let mut fields = Vec::new();
    loop {
        fields.push(field(rest)?);
        if let Some(after) = rest.strip_prefix(',') {
            *rest = after;
            continue;
        }
        *rest = rest.strip_prefix('\n').or_else(|| rest.strip_prefix("\r\n"))?;
        return Some(fields);
    }
}

fn field<'a>(rest: &mut &'a str) -> Option<Cow<'a, str>> {
    let Some(mut quoted) = rest.strip_prefix('"') else {
        let end = rest.find([',', '\n', '\r', '"'])?;
        let (value, after) = rest.split_at_checked(end)?;
        *rest = after;
        return Some(Cow::Borrowed(value));
    };
    let mut value = Cow::Borrowed("");
    loop {
        let (part, after) = quoted.split_once('"')?;
        value += part;
        let Some(next) = after.strip_prefix('"') else {
            *rest = after;
            return Some(value);
        };
        value += "\"";
        quoted = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Outcome<Vec<Vec<String>>> {
        let table = Table::parse(text)?;
        let owned = |fields: Vec<Cow<'_, str>>| fields.into_iter().map(Cow::into_owned).collect();
        Ok(table.records.into_iter().map(owned).collect())
    }

    #[test]
    fn reads_plain_quoted_and_empty_fields() {
        let text = "a,b,c\n1,,3\n\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n,,\n";
        let rows = parse(text).expect("well-formed");
        assert_eq!(rows, [["1", "", "3"], ["x,y", "say \"hi\"", "two\nlines"], ["", "", ""]]);
    }

    #[test]
    fn refuses_what_is_cut_or_ragged() {
        for text in ["", "a,b\n1,2", "a,b\n1\n", "a,b\n\"1,2\n", "a,b\n1,2,3\n", "a,b\n1\"x,2\n", "a,b\n\"1\"x,2\n"] {
            assert!(parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn finds_columns_by_name() {
        let table = Table::parse("a,b\n").expect("a header alone is a file");
        assert_eq!((table.position("b"), table.position("c"), table.records.len()), (Some(1), None, 0));
    }
}
