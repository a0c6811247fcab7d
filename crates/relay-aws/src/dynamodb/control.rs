//! Table `control`: `pk` S, `sk` S, `version` N, `doc` M, `expires_at` N (time to live).

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Delete, Put, TransactWriteItem};
use futures::stream::{self, StreamExt};
use relay::control::{CommitError, Expect, Item, Key, Listing, Query, Write};
use relay::fault::{Fault, FaultKind};
use relay::port::ControlTable;

use super::CALLS_AT_ONCE;
use super::value::{Attributes, as_number, as_text, from_json, number, text, to_json};
use crate::config::Aws;
use crate::fault::{broken, coded, fault};

const GET_ITEM: &str = "dynamodb:GetItem";
const QUERY: &str = "dynamodb:Query";
const PUT_ITEM: &str = "dynamodb:PutItem";
const DELETE_ITEM: &str = "dynamodb:DeleteItem";
const TRANSACT_WRITE_ITEMS: &str = "dynamodb:TransactWriteItems";

/// Table `control`.
#[derive(Clone, Debug)]
pub struct AwsControl {
    client: Client,
    table: String,
}

impl AwsControl {
    /// The table of this name.
    #[must_use]
    pub fn new(aws: &Aws, table: &str) -> Self {
        Self { client: Client::new(aws.config()), table: table.to_owned() }
    }

    async fn get_one(&self, key: Key) -> Result<Option<Item>, Fault> {
        let request = self.client.get_item().table_name(&self.table);
        let request = request.set_key(Some(address(&key))).consistent_read(true);
        let answer = request.send().await.map_err(|error| fault(GET_ITEM, &error))?;
        answer.item.as_ref().map(|item| read(GET_ITEM, item)).transpose()
    }

    /// Half the price of a transaction of one, and safe to send twice because it expects nothing.
    async fn put_unconditionally(&self, item: Attributes) -> Result<(), Fault> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault(PUT_ITEM, &error))
    }

    async fn delete_unconditionally(&self, key: &Key) -> Result<(), Fault> {
        let request = self.client.delete_item().table_name(&self.table);
        let request = request.set_key(Some(address(key)));
        request.send().await.map(|_| ()).map_err(|error| fault(DELETE_ITEM, &error))
    }

    /// Even for a single conditional write: the client request token lets a second attempt recognise the first, where a conditional
    /// `PutItem` would take its own write for somebody else's.
    async fn transact(&self, writes: &[Write]) -> Result<(), CommitError> {
        let items = writes
            .iter()
            .map(|write| self.transaction_item(write))
            .collect::<Result<_, _>>()
            .map_err(|error| coded(TRANSACT_WRITE_ITEMS, "InvalidWrite", Some(&error.to_string())))?;
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(error
                .as_service_error()
                .and_then(cancelled)
                .unwrap_or_else(|| fault(TRANSACT_WRITE_ITEMS, &error).into())),
        }
    }

    fn transaction_item(&self, write: &Write) -> Result<TransactWriteItem, BuildError> {
        let item = TransactWriteItem::builder();
        Ok(match write {
            Write::Put { key, doc, expires_at, expect } => {
                let (condition, values) = condition(*expect);
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(attributes(key, doc, *expires_at, *expect)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values);
                item.put(put.build()?).build()
            }
            Write::Delete { key, expect } => {
                let (condition, values) = condition(*expect);
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(address(key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values);
                item.delete(delete.build()?).build()
            }
        })
    }
}

impl ControlTable for AwsControl {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        stream::iter(keys.to_vec()).map(|key| self.get_one(key)).buffered(CALLS_AT_ONCE).collect().await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        let mut condition = "pk = :pk".to_owned();
        let mut request = self.client.query().table_name(&self.table).consistent_read(true);
        if !query.prefix.is_empty() {
            condition.push_str(" AND begins_with(sk, :prefix)");
            request = request.expression_attribute_values(":prefix", text(&query.prefix));
        }
        let after = query.after.as_ref().map(|sk| address(&Key::new(&query.pk, sk)));
        let answer = request
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", text(&query.pk))
            .set_exclusive_start_key(after)
            .scan_index_forward(!query.descending)
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| fault(QUERY, &error))?;
        let items = answer.items().iter().map(|item| read(QUERY, item)).collect::<Result<_, _>>()?;
        let next = answer.last_evaluated_key().and_then(|key| as_text(key, "sk")).map(str::to_owned);
        Ok(Listing { items, next })
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        match writes {
            [Write::Put { key, doc, expires_at, expect: Expect::Any }] => {
                let item = attributes(key, doc, *expires_at, Expect::Any);
                Ok(self.put_unconditionally(item).await?)
            }
            [Write::Delete { key, expect: Expect::Any }] => Ok(self.delete_unconditionally(key).await?),
            writes => self.transact(writes).await,
        }
    }
}

fn address(key: &Key) -> Attributes {
    Attributes::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))])
}

fn attributes(key: &Key, doc: &serde_json::Value, expires_at: Option<i64>, expect: Expect) -> Attributes {
    let mut item = address(key);
    item.insert("version".to_owned(), number(&expect.next_version()));
    item.insert("doc".to_owned(), from_json(doc));
    if let Some(seconds) = expires_at {
        item.insert("expires_at".to_owned(), number(&seconds));
    }
    item
}

fn read(service: &'static str, item: &Attributes) -> Result<Item, Fault> {
    let parts = || {
        Some(Item {
            key: Key::new(as_text(item, "pk")?, as_text(item, "sk")?),
            version: as_number(item, "version")?,
            doc: to_json(item.get("doc")?)?,
        })
    };
    let detail = "an item of table control has no pk, sk, version or doc of the right type: was it written by hand?";
    parts().ok_or_else(|| Fault::new(FaultKind::Denied, service, detail))
}

fn condition(expect: Expect) -> (Option<String>, Option<Attributes>) {
    match expect {
        Expect::Any => (None, None),
        Expect::Absent => (Some("attribute_not_exists(pk)".to_owned()), None),
        Expect::Version(version) => {
            let values = Attributes::from([(":version".to_owned(), number(&version))]);
            (Some("version = :version".to_owned()), Some(values))
        }
    }
}

/// Why the transaction was cancelled: one reason per write, in order. An unmet expectation outweighs a busy table. A write that met another
/// one on its way to the same item is a conflict too: somebody else writes, and whoever wants to go on looks again.
fn cancelled(error: &TransactWriteItemsError) -> Option<CommitError> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let place = |wanted: &str| reasons.iter().position(|reason| code(reason) == wanted);
    if let Some(index) = place("ConditionalCheckFailed").or_else(|| place("TransactionConflict")) {
        return Some(CommitError::Conflict(index));
    }
    let reason = reasons.iter().find(|reason| code(reason) != "None");
    let fault = reason.map_or_else(
        || broken(TRANSACT_WRITE_ITEMS, "the transaction was cancelled without a reason"),
        |reason| coded(TRANSACT_WRITE_ITEMS, code(reason), reason.message.as_deref()),
    );
    Some(fault.into())
}

fn code(reason: &CancellationReason) -> &str {
    reason.code.as_deref().unwrap_or("None")
}
