//! A stand-in for AWS: the calls of DynamoDB and Kinesis that the functions make, over HTTP/1.1 on a loopback port, answered from memory by a thread of
//! its own, so that its time is not that of the code under test. It believes what it is told: no limit is enforced, no condition is looked at.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use local::http1::{Handler, Limits, Reply, Request, serve};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::runtime;

/// More than any call of a function: 25 pages as base64, 500 records.
const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: 64 * 1024 * 1024 };

/// The most bytes that one query reads (DynamoDB: 1 MB).
const QUERY_BYTES: usize = 1024 * 1024;

/// A running stand-in. It ends when it is dropped.
pub(crate) struct Endpoint {
    url: String,
    _stop: watch::Sender<bool>,
}

impl Endpoint {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start() -> Result<Self, String> {
        let no_port = |error| format!("no port for the stand-in of AWS: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(no_port)?;
        listener.set_nonblocking(true).map_err(no_port)?;
        let url = format!("http://{}", listener.local_addr().map_err(no_port)?);
        let (stop, stopped) = watch::channel(false);
        let runtime = runtime()?;
        std::thread::spawn(move || {
            runtime.block_on(async move {
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    serve(listener, LIMITS, stopped, Arc::new(Memory::default())).await;
                }
            });
        });
        Ok(Self { url, _stop: stop })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// What it was given: the items of each table and partition, by sort key, as JSON text.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<(String, String), BTreeMap<String, String>>>);

impl Handler for Memory {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let operation = request.header("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or_default();
        let input = serde_json::from_slice(&request.body).unwrap_or_default();
        let reply = self.answer(operation, &input).map(|body| Reply::new(200, body));
        let refused = || Reply::message(400, &format!("the stand-in does not understand this {operation}"));
        Some(reply.unwrap_or_else(refused).with("content-type", "application/x-amz-json-1.0"))
    }
}

impl Memory {
    fn answer(&self, operation: &str, input: &Value) -> Option<String> {
        match operation {
            "BatchWriteItem" => {
                for (table, requests) in input.get("RequestItems")?.as_object()? {
                    requests
                        .as_array()?
                        .iter()
                        .try_for_each(|put| self.put(table, put.pointer("/PutRequest/Item")?))?;
                }
                Some(r#"{"UnprocessedItems":{}}"#.to_owned())
            }
            "PutItem" => self.put(text(input, "/TableName")?, input.get("Item")?).map(|()| "{}".to_owned()),
            "TransactWriteItems" => {
                let puts = input.get("TransactItems")?.as_array()?.iter();
                let mut puts = puts.map(|write| write.get("Put"));
                puts.try_for_each(|put| self.put(text(put?, "/TableName")?, put?.get("Item")?))
                    .map(|()| "{}".to_owned())
            }
            "GetItem" => self.get(input),
            "Query" => self.query(input),
            "PutRecords" => {
                let taken = json!({"SequenceNumber": "1", "ShardId": "shardId-000000000000"});
                let records = vec![taken; input.get("Records")?.as_array()?.len()];
                Some(json!({"FailedRecordCount": 0, "Records": records}).to_string())
            }
            _ => None,
        }
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

    /// Pages of a day and shard, as the port asks for them.
    fn query(&self, input: &Value) -> Option<String> {
        let value = |name: &str| text(input, &format!("/ExpressionAttributeValues/:{name}/S"));
        let (pk, from, to) = (value("pk")?, value("from")?, value("to")?);
        let after = text(input, "/ExclusiveStartKey/sk/S");
        let limit = input.get("Limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let items = tables.get(&(text(input, "/TableName")?.to_owned(), pk.to_owned()));
        let in_range = |sk: &str| sk >= from && sk <= to && after.is_none_or(|after| sk > after);
        let (mut listed, mut bytes, mut next) = (Vec::new(), 0, Value::Null);
        let mut last = "";
        for (sk, item) in items.into_iter().flatten().filter(|(sk, _)| in_range(sk)) {
            if bytes >= QUERY_BYTES || limit.is_some_and(|limit| listed.len() >= limit) {
                next = json!({"pk": {"S": pk}, "sk": {"S": last}});
                break;
            }
            // Nearly all of an item is its page, which is counted as bytes and travels as base64.
            bytes += item.len() / 4 * 3;
            listed.push(item.as_str());
            last = sk;
        }
        let (count, items) = (listed.len(), listed.join(","));
        let next = if next.is_null() { String::new() } else { format!(r#","LastEvaluatedKey":{next}"#) };
        Some(format!(r#"{{"Count":{count},"ScannedCount":{count},"Items":[{items}]{next}}}"#))
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}
