//! Batches of which a part is refused in an answer of 200.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::call::{Call, Service};
use super::refusal;
use crate::http1::Reply;

/// A batch cut in two.
pub(super) struct Split {
    kind: Kind,
    /// The call without its refused entries.
    forwarded: Value,
    /// Whether anything is left to forward.
    is_empty: bool,
    /// Every entry in order: refused or not.
    refused: Vec<bool>,
    /// The refused entries; of `BatchWriteItem` with their tables.
    entries: Vec<(String, Value)>,
}

#[derive(Clone, Copy)]
enum Kind {
    PutRecords,
    BatchWriteItem,
    SendMessageBatch,
}

/// Cuts a batch; the nth entry is refused where `is_refused` says so, the first where it never does. `None` for what is no batch.
pub(super) fn split(call: &Call, body: &[u8], is_refused: impl Fn(u64) -> bool) -> Option<Split> {
    let kind = match (call.service, call.operation.as_str()) {
        (Service::Kinesis, "PutRecords") => Kind::PutRecords,
        (Service::DynamoDb, "BatchWriteItem") => Kind::BatchWriteItem,
        (Service::Sqs, "SendMessageBatch") => Kind::SendMessageBatch,
        _ => return None,
    };
    let mut input: Value = serde_json::from_slice(body).ok()?;
    let entries = entries(kind, &input)?;
    let mut refused: Vec<bool> = (0..).zip(&entries).map(|(nth, _)| is_refused(nth)).collect();
    if !refused.contains(&true) {
        *refused.first_mut()? = true;
    }
    let mut parts = (Vec::new(), Vec::new());
    for (entry, is_refused) in entries.into_iter().zip(&refused) {
        if *is_refused { parts.0.push(entry) } else { parts.1.push(entry) }
    }
    let (entries, left) = parts;
    let is_empty = left.is_empty();
    match kind {
        Kind::PutRecords => *input.get_mut("Records")? = left.into_iter().map(|(_, entry)| entry).collect(),
        Kind::SendMessageBatch => *input.get_mut("Entries")? = left.into_iter().map(|(_, entry)| entry).collect(),
        Kind::BatchWriteItem => *input.get_mut("RequestItems")? = by_table(left),
    }
    Some(Split { kind, forwarded: input, is_empty, refused, entries })
}

/// Every entry with its table, which only `BatchWriteItem` has.
fn entries(kind: Kind, input: &Value) -> Option<Vec<(String, Value)>> {
    let list = |name: &str| {
        let list = input.get(name)?.as_array()?;
        Some(list.iter().map(|entry| (String::new(), entry.clone())).collect())
    };
    match kind {
        Kind::PutRecords => list("Records"),
        Kind::SendMessageBatch => list("Entries"),
        Kind::BatchWriteItem => {
            let tables = input.get("RequestItems")?.as_object()?;
            let of_table = |(table, requests): (&String, &Value)| {
                let requests = requests.as_array().cloned().unwrap_or_default();
                requests.into_iter().map(|request| (table.clone(), request)).collect::<Vec<_>>()
            };
            Some(tables.iter().flat_map(of_table).collect())
        }
    }
}

fn by_table(entries: Vec<(String, Value)>) -> Value {
    let mut tables: Map<String, Value> = Map::new();
    for (table, entry) in entries {
        if let Some(list) = tables.entry(table).or_insert_with(|| json!([])).as_array_mut() {
            list.push(entry);
        }
    }
    Value::Object(tables)
}

impl Split {
    /// What is forwarded; `None` when nothing is left.
    pub(super) fn rest(&self) -> Option<Bytes> {
        (!self.is_empty).then(|| Bytes::from(self.forwarded.to_string()))
    }

    /// The answer when all was refused. DynamoDB then refuses the call (API reference: "If none of the items can be processed …").
    pub(super) fn alone(self, service: Service) -> Reply {
        match self.kind {
            Kind::BatchWriteItem => refusal::throttled(service),
            Kind::PutRecords | Kind::SendMessageBatch => self.merged(Reply::json(200, &json!({}))),
        }
    }

    /// The answer to what was forwarded, with the refused entries in their places.
    pub(super) fn merged(self, answer: Reply) -> Reply {
        let mut output: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({}));
        match self.kind {
            Kind::PutRecords => self.records(&mut output),
            Kind::BatchWriteItem => self.unprocessed(&mut output),
            Kind::SendMessageBatch => self.messages(&mut output),
        }
        // A checksum of the body that was (DynamoDB sends one) would not fit.
        let headers = answer.headers.into_iter().filter(|(name, _)| name != "x-amz-crc32").collect();
        Reply { status: answer.status, headers, body: Bytes::from(output.to_string()) }
    }

    fn records(&self, output: &mut Value) {
        let stored = output.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut stored = stored.into_iter();
        let results = self.refused.iter().map(|refused| {
            let refusal = json!({
                "ErrorCode": "ProvisionedThroughputExceededException",
                "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream under account 000000000000.",
            });
            if *refused { refusal } else { stored.next().unwrap_or(refusal) }
        });
        let results: Vec<Value> = results.collect();
        let failed =
            results.iter().filter(|result| result.get("ErrorCode").is_some_and(|code| !code.is_null())).count();
        *output = json!({ "FailedRecordCount": failed, "Records": results });
    }

    fn unprocessed(self, output: &mut Value) {
        let mut all = match output.get("UnprocessedItems") {
            Some(items) => entries(Kind::BatchWriteItem, &json!({ "RequestItems": items })).unwrap_or_default(),
            None => Vec::new(),
        };
        all.extend(self.entries);
        if let Some(output) = output.as_object_mut() {
            output.insert("UnprocessedItems".to_owned(), by_table(all));
        }
    }

    fn messages(self, output: &mut Value) {
        let list = |name: &str| output.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let (sent, mut failed) = (list("Successful"), list("Failed"));
        failed.extend(self.entries.iter().map(|(_, entry)| {
            json!({ "Id": entry.get("Id"), "SenderFault": false, "Code": "InternalError", "Message": "not now" })
        }));
        *output = json!({ "Successful": sent, "Failed": failed });
    }
}
