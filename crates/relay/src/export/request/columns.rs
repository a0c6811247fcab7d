//! The columns that a request names: under their own names, renamed, or constants.

use serde_json::{Map, Value};

use super::{kind_of, shown};
use crate::problem::FieldError;
use crate::row::{Column, FileColumn, Source};

/// The most columns of a file: every column there is, and as many constants or second names again.
pub const MAX_COLUMNS: usize = 200;

/// The most characters of a column's name in the file.
const MAX_HEADER: usize = 200;

/// The most characters of a constant.
const MAX_CONSTANT: usize = 1000;

const SHAPES: &str =
    "\"adid\", {\"column\": \"adid\", \"header\": \"Adjust ID\"} or {\"value\": \"KR\", \"header\": \"Market\"}";

/// Reads `columns`; everything that is wrong is told at once.
pub(super) fn parse(value: &Value) -> Result<Vec<FileColumn>, Vec<FieldError>> {
    let wrong = |detail: String| FieldError { field: "columns".to_owned(), detail };
    let Value::Array(items) = value else {
        return Err(vec![wrong(format!("{} is not a list; each item is {SHAPES}", kind_of(value)))]);
    };
    if items.is_empty() {
        return Err(vec![wrong("is an empty list; name at least one, or leave the field out".to_owned())]);
    }
    if items.len() > MAX_COLUMNS {
        return Err(vec![wrong(format!("has {} items; at most {MAX_COLUMNS} can be named", items.len()))]);
    }
    let mut columns: Vec<FileColumn> = Vec::with_capacity(items.len());
    let mut errors = Vec::new();
    for item in items {
        match column(item) {
            Err(detail) => errors.push(wrong(detail)),
            Ok(column) if columns.iter().any(|other| other.header == column.header) => {
                let name = shown(&column.header);
                errors.push(wrong(format!("two columns are named `{name}` in the file; give each its own name")));
            }
            Ok(column) => columns.push(column),
        }
    }
    if errors.is_empty() { Ok(columns) } else { Err(errors) }
}

fn column(item: &Value) -> Result<FileColumn, String> {
    let named = |name: &str| {
        Column::from_name(name)
            .ok_or_else(|| format!("`{}` is not a column; `GET /v1/account` lists them", shown(name)))
    };
    let members = match item {
        Value::String(name) => return named(name).map(FileColumn::from),
        Value::Object(members) => members,
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            return Err(format!("{} is not a column; write {SHAPES}", kind_of(other)));
        }
    };
    let header = text(members, "header", MAX_HEADER)?;
    if header.is_empty() || header.chars().any(char::is_control) {
        return Err("`header` is empty or has control characters; it is the column's name in the file".to_owned());
    }
    let source = match (members.get("column"), members.get("value"), members.len()) {
        (Some(Value::String(name)), None, 2) => Source::Column(named(name)?),
        (None, Some(_), 2) => Source::Constant(text(members, "value", MAX_CONSTANT)?),
        _ => return Err(format!("an item has other members than it should; write {SHAPES}")),
    };
    Ok(FileColumn { header, source })
}

fn text(members: &Map<String, Value>, name: &str, most: usize) -> Result<String, String> {
    match members.get(name) {
        Some(Value::String(text)) if text.chars().count() <= most => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("a `{name}` is longer than {most} characters")),
        _ => Err(format!("an item lacks the text `{name}`; write {SHAPES}")),
    }
}
