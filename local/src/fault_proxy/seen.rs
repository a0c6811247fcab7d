//! What each function was seen to call: the actions, resources and partitions that IAM would judge.

use std::collections::BTreeSet;

use serde_json::Value;

use super::call::{Call, Service};
use crate::http1::Request;

/// A call as IAM would judge it. Whose it was stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// `dynamodb:PutItem`; of a transaction what each part of it is, of S3 the operation.
    pub operation: String,
    /// The physical id: a table, queue, stream, machine, role; of an object its bucket and the first folder of its key, `bucket/exports/*`. Empty where
    /// the call names none.
    pub resource: String,
    /// Of an item of a table what its key begins with: `export#*`, or the whole of it where it has no parts.
    pub partition: String,
}

/// Everything that a request asks permission for.
pub(super) fn of(call: &Call, request: &Request) -> BTreeSet<Seen> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let one = |resource: String| BTreeSet::from([Seen { operation: call.name(), resource, partition: String::new() }]);
    match call.service {
        Service::DynamoDb => items(&call.operation, &body),
        Service::Kinesis => one(named(&body, &["StreamName", "StreamARN"])),
        Service::Sqs => one(named(&body, &["QueueUrl"])),
        Service::States => one(named(&body, &["stateMachineArn", "executionArn"])),
        Service::Ses => one(named(&body, &["FromEmailAddress"])),
        Service::Sts => one(String::new()),
        Service::S3 => one(object(&request.path)),
    }
}

/// The first of these members, without what stands before its last `/`.
fn named(body: &Value, members: &[&str]) -> String {
    let text = members.iter().find_map(|name| body.get(name)?.as_str()).unwrap_or_default();
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Of `/bucket/exports/demo/…` `bucket/exports/*`; of `/bucket` the bucket.
fn object(path: &str) -> String {
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let bucket = parts.next().unwrap_or_default();
    match parts.next().filter(|folder| !folder.is_empty()) {
        Some(folder) => format!("{bucket}/{folder}/*"),
        None => bucket.to_owned(),
    }
}

fn items(operation: &str, body: &Value) -> BTreeSet<Seen> {
    let seen = |operation: &str, table: &Value, pk: &Value| Seen {
        operation: format!("dynamodb:{operation}"),
        resource: table.as_str().unwrap_or_default().to_owned(),
        partition: partition(pk),
    };
    let key = |part: &Value| part.pointer("/Key/pk").or_else(|| part.pointer("/Item/pk")).cloned();
    match operation {
        "TransactWriteItems" => parts(&body["TransactItems"])
            .flat_map(|part| part.as_object().into_iter().flatten())
            .map(|(kind, part)| {
                let operation =
                    if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
                seen(&operation, &part["TableName"], &key(part).unwrap_or_default())
            })
            .collect(),
        "BatchWriteItem" | "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            // What is written in bulk are pages, whose partitions no policy tells apart.
            tables.map(|(table, _)| seen(operation, &Value::from(table.as_str()), &Value::Null)).collect()
        }
        "Query" => BTreeSet::from([seen(operation, &body["TableName"], &queried(body))]),
        _ => BTreeSet::from([seen(operation, &body["TableName"], &key(body).unwrap_or_default())]),
    }
}

fn parts(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The value that a query's condition compares the partition key with.
fn queried(body: &Value) -> Value {
    let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let words: Vec<&str> = condition.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).collect();
    let name = words.windows(3).find_map(|words| match words {
        ["pk", "=", name] => Some(*name),
        _ => None,
    });
    name.and_then(|name| body.get("ExpressionAttributeValues")?.get(name).cloned()).unwrap_or_default()
}

fn partition(pk: &Value) -> String {
    let text = pk["S"].as_str().unwrap_or_default();
    text.split_once('#').map_or_else(|| text.to_owned(), |(first, _)| format!("{first}#*"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn seen(target: &str, body: &Value) -> Vec<(String, String, String)> {
        let headers = vec![("x-amz-target".to_owned(), target.to_owned())];
        let body = Bytes::from(body.to_string());
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers,
            head_bytes: 0,
            body,
            peer,
        };
        let all = of(&Call::of(&request), &request).into_iter();
        all.map(|Seen { operation, resource, partition }| (operation, resource, partition)).collect()
    }

    fn expected(operation: &str, resource: &str, partition: &str) -> (String, String, String) {
        (operation.to_owned(), resource.to_owned(), partition.to_owned())
    }

    #[test]
    fn a_transaction_is_what_its_parts_are() {
        let body = json!({ "TransactItems": [
            { "Put": { "TableName": "control", "Item": { "pk": { "S": "export#demo" }, "sk": { "S": "1" } } } },
            { "Delete": { "TableName": "control", "Key": { "pk": { "S": "queue" } } } },
        ]});
        let both =
            [expected("dynamodb:DeleteItem", "control", "queue"), expected("dynamodb:PutItem", "control", "export#*")];
        assert_eq!(seen("DynamoDB_20120810.TransactWriteItems", &body), both);
    }

    #[test]
    fn a_query_is_of_the_partition_that_its_condition_names() {
        let body = json!({ "TableName": "control", "KeyConditionExpression": "pk = :p AND sk > :s",
            "ExpressionAttributeValues": { ":p": { "S": "erase#demo" }, ":s": { "S": "a#b" } } });
        assert_eq!(seen("DynamoDB_20120810.Query", &body), [expected("dynamodb:Query", "control", "erase#*")]);
    }

    #[test]
    fn others_are_of_what_they_name() {
        let queue = json!({ "QueueUrl": "http://h/1/spill" });
        assert_eq!(seen("AmazonSQS.SendMessage", &queue), [expected("sqs:SendMessage", "spill", "")]);
        assert_eq!(object("/files/exports/demo/1.csv"), "files/exports/*");
        assert_eq!((object("/files"), object("/files/")), ("files".to_owned(), "files".to_owned()));
    }
}
