//! The calls of DynamoDB.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::text;
use crate::rows::{Items, Rows};

/// The most bytes that one query reads (DynamoDB: 1 MB).
const QUERY_BYTES: usize = 1024 * 1024;

/// A bound above every sort key.
const ABOVE_ALL: &str = "\u{10ffff}";

/// What was put: the items of each table and partition.
#[derive(Default)]
pub(super) struct Tables(Mutex<BTreeMap<(String, String), Items>>);

impl Tables {
    /// What DynamoDB answers; `None` for a call that nobody here makes.
    pub(super) fn answer(&self, rows: &Rows, operation: &str, input: &Value) -> Option<String> {
        match operation {
            "BatchWriteItem" => {
                for (table, requests) in input.get("RequestItems")?.as_object()? {
                    let mut puts = requests.as_array()?.iter().map(|put| put.pointer("/PutRequest/Item"));
                    puts.try_for_each(|item| self.put(table, item?))?;
                }
                Some(r#"{"UnprocessedItems":{}}"#.to_owned())
            }
            "PutItem" => self.put(text(input, "/TableName")?, input.get("Item")?).map(|()| "{}".to_owned()),
            "TransactWriteItems" => {
                let mut writes = input.get("TransactItems")?.as_array()?.iter();
                writes.try_for_each(|write| self.write(write)).map(|()| "{}".to_owned())
            }
            "GetItem" => self.get(input),
            "Query" => Some(self.query(rows, &Asked::of(input)?)),
            _ => None,
        }
    }

    fn write(&self, write: &Value) -> Option<()> {
        if let Some(put) = write.get("Put") {
            return self.put(text(put, "/TableName")?, put.get("Item")?);
        }
        let delete = write.get("Delete")?;
        let partition = (text(delete, "/TableName")?.to_owned(), text(delete, "/Key/pk/S")?.to_owned());
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(partition).or_default().remove(text(delete, "/Key/sk/S")?);
        Some(())
    }

    fn put(&self, table: &str, item: &Value) -> Option<()> {
        let partition = (table.to_owned(), text(item, "/pk/S")?.to_owned());
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(partition).or_default().insert(text(item, "/sk/S")?.to_owned(), item.to_string());
        Some(())
    }

    fn get(&self, input: &Value) -> Option<String> {
        let partition = (text(input, "/TableName")?.to_owned(), text(input, "/Key/pk/S")?.to_owned());
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let item = tables.get(&partition).and_then(|items| items.get(text(input, "/Key/sk/S")?));
        Some(item.map_or_else(|| "{}".to_owned(), |item| format!(r#"{{"Item":{item}}}"#)))
    }

    /// From what was put, and behind it from the rows that are made when asked for, minute by minute.
    fn query(&self, rows: &Rows, asked: &Asked<'_>) -> String {
        let mut listing = Listing::default();
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(items) = tables.get(&(asked.table.to_owned(), asked.pk.to_owned())) {
            listing.take(asked, items);
        }
        drop(tables);
        for minute in asked.minutes() {
            let Some((made, shard)) = rows.items(asked.table, asked.pk, minute) else { break };
            if let Some(items) = made.get(shard)
                && !listing.take(asked, items)
            {
                break;
            }
        }
        listing.answer(asked.pk)
    }
}

/// A query as the ports ask it.
struct Asked<'a> {
    table: &'a str,
    pk: &'a str,
    from: &'a str,
    to: &'a str,
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
}

impl<'a> Asked<'a> {
    fn of(input: &'a Value) -> Option<Self> {
        let value = |name: &str| text(input, &format!("/ExpressionAttributeValues/:{name}/S"));
        let limit = input.get("Limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        Some(Self {
            table: text(input, "/TableName")?,
            pk: value("pk")?,
            from: value("from").unwrap_or_default(),
            to: value("to").unwrap_or(ABOVE_ALL),
            prefix: value("prefix").unwrap_or_default(),
            after: text(input, "/ExclusiveStartKey/sk/S"),
            limit: limit.unwrap_or(usize::MAX),
        })
    }

    fn wants(&self, sk: &str) -> bool {
        (self.from..=self.to).contains(&sk) && sk.starts_with(self.prefix) && self.after.is_none_or(|after| sk > after)
    }

    /// The minutes of the day that can hold what is wanted: sort keys begin with `HHMM`.
    fn minutes(&self) -> impl Iterator<Item = i64> {
        let minute = |sk: &str| {
            let (hours, minutes) = (sk.get(..2)?, sk.get(2..4)?);
            Some(hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
        };
        let first = self.after.and_then(minute).or_else(|| minute(self.from)).unwrap_or(0);
        first..=minute(self.to).unwrap_or(1439).min(1439)
    }
}

/// What a query has found so far.
#[derive(Default)]
struct Listing {
    items: Vec<String>,
    bytes: usize,
    last: String,
    has_more: bool,
}

impl Listing {
    /// Takes what is wanted of these; `false` once there is room for no more.
    fn take(&mut self, asked: &Asked<'_>, items: &Items) -> bool {
        for (sk, item) in items.iter().filter(|(sk, _)| asked.wants(sk)) {
            if self.bytes >= QUERY_BYTES || self.items.len() >= asked.limit {
                self.has_more = true;
                return false;
            }
            // Nearly all of a page's item is counted as bytes and travels as base64.
            self.bytes += item.len() / 4 * 3;
            self.items.push(item.clone());
            self.last.clone_from(sk);
        }
        true
    }

    fn answer(self, pk: &str) -> String {
        let (count, items) = (self.items.len(), self.items.join(","));
        let next = json!({"pk": {"S": pk}, "sk": {"S": self.last}});
        let next = if self.has_more { format!(r#","LastEvaluatedKey":{next}"#) } else { String::new() };
        format!(r#"{{"Count":{count},"ScannedCount":{count},"Items":[{items}]{next}}}"#)
    }
}
