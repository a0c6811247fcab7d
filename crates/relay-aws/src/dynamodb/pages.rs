//! Table `pages`: `pk` S, `sk` S, `page` B, `n` N, `expires_at` N (time to live).

use std::collections::HashSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use relay::fault::{Fault, FaultKind};
use relay::page::{Page, PageDay, StoredPage};
use relay::port::{PageEdit, PageEdits, PageListing, PageStore, PutPageError, SortRange};

use super::CALLS_AT_ONCE;
use super::value::{Attributes, as_number, as_text, number, text};
use crate::calls::{Limits, split};
use crate::config::Aws;
use crate::fault::{fault, words};

const BATCH_WRITE_ITEM: &str = "dynamodb:BatchWriteItem";
const QUERY: &str = "dynamodb:Query";
const UPDATE_ITEM: &str = "dynamodb:UpdateItem";
const DELETE_ITEM: &str = "dynamodb:DeleteItem";

/// That a page is still the one that was read. Its bytes say so: their number or a version would have to be written by everybody.
const UNCHANGED: &str = "#page = :was";

/// DynamoDB API reference, `BatchWriteItem`: 25 puts, 16 MB over the network.
const BATCH_WRITE_LIMITS: Limits = Limits { items: 25, bytes: 16_000_000 };

/// What a `ValidationException` says where the item does not fit the table's key schema: no item of ours ever will.
const ABOUT_THE_KEYS: [&str; 3] = ["key element does not match the schema", "Missing the key", "Type mismatch for key"];

/// An item's bytes on the wire beside its page: keys, numbers and JSON; generously.
const ITEM_OVERHEAD: usize = 1024;

/// Table `pages`.
#[derive(Clone, Debug)]
pub struct AwsPages {
    client: Client,
    table: String,
}

type PageKey = (String, String);

impl AwsPages {
    /// The table of this name.
    #[must_use]
    pub fn new(aws: &Aws, table: &str) -> Self {
        Self { client: Client::new(aws.config()), table: table.to_owned() }
    }

    async fn put_call(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        match self.write(pages).await {
            // The table refuses the whole call for the sake of one page: find out which.
            Err(PutPageError::Invalid(_)) if pages.len() > 1 => self.put_singly(pages).await,
            written => pages.iter().map(|page| outcome(&written, page)).collect(),
        }
    }

    async fn put_singly(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        let mut results = Vec::with_capacity(pages.len());
        for page in pages {
            let written = self.write(std::slice::from_ref(page)).await;
            results.push(outcome(&written, page));
        }
        results
    }

    /// One `BatchWriteItem`; answers the keys that were not written.
    async fn write(&self, pages: &[Page]) -> Result<HashSet<PageKey>, PutPageError> {
        let requests = pages.iter().map(put_request).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.batch_write_item().request_items(&self.table, requests);
        match request.send().await {
            Ok(answer) => {
                let left = unprocessed(answer.unprocessed_items.unwrap_or_default().into_values().flatten());
                // An entry that names no page of ours may mean any of them: then none counts as written.
                Ok(left.unwrap_or_else(|| pages.iter().map(page_key).collect()))
            }
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.code() == Some("ValidationException") => Err(invalid(words(refusal))),
                Some(_) | None => Err(fault(BATCH_WRITE_ITEM, &error).into()),
            },
        }
    }
}

impl AwsPages {
    async fn edit_one(&self, edit: PageEdit) -> Result<bool, Fault> {
        match &edit.becomes {
            Some((body, n)) => self.replace(&edit, body, *n).await,
            None => self.remove(&edit).await,
        }
    }

    /// An update, not a put: when the item expires stays as it is, and is not read.
    async fn replace(&self, edit: &PageEdit, body: &Bytes, n: u64) -> Result<bool, Fault> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(address(&edit.day, &edit.was.sk)))
            .condition_expression(UNCHANGED)
            .update_expression("SET #page = :page, #n = :n")
            .expression_attribute_names("#page", "page")
            .expression_attribute_names("#n", "n")
            .expression_attribute_values(":was", binary(&edit.was.body))
            .expression_attribute_values(":page", binary(body))
            .expression_attribute_values(":n", number(&n));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault(UPDATE_ITEM, &error)),
        }
    }

    async fn remove(&self, edit: &PageEdit) -> Result<bool, Fault> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(address(&edit.day, &edit.was.sk)))
            .condition_expression(UNCHANGED)
            .expression_attribute_names("#page", "page")
            .expression_attribute_values(":was", binary(&edit.was.body));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault(DELETE_ITEM, &error)),
        }
    }
}

impl PageEdits for AwsPages {
    async fn edit(&self, edits: &[PageEdit]) -> Vec<Result<bool, Fault>> {
        stream::iter(edits.to_vec()).map(|edit| self.edit_one(edit)).buffered(CALLS_AT_ONCE).collect().await
    }
}

impl PageStore for AwsPages {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        let calls: Vec<Vec<Page>> =
            split(pages, BATCH_WRITE_LIMITS, wire_size).into_iter().map(<[Page]>::to_vec).collect();
        let results: Vec<Vec<_>> = stream::iter(calls)
            .map(|call| async move { self.put_call(&call).await })
            .buffered(CALLS_AT_ONCE)
            .collect()
            .await;
        results.into_iter().flatten().collect()
    }

    /// Consistent: a page counts as stored as soon as the watermark is past it, so a reader must not look at a replica that lags.
    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        let pk = day.pk();
        let after = range.after.map(|sk| Attributes::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text(sk))]));
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            // A sort key has a digest behind its minute, so none equals the bound that DynamoDB would include.
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":from", text(range.from))
            .expression_attribute_values(":to", text(range.to))
            .set_exclusive_start_key(after)
            .set_limit(limit)
            .send()
            .await
            .map_err(|error| fault(QUERY, &error))?;
        let next = answer.last_evaluated_key().and_then(|key| as_text(key, "sk")).map(str::to_owned);
        let pages = answer.items.unwrap_or_default().into_iter().map(stored).collect::<Result<_, _>>()?;
        Ok(PageListing { pages, next })
    }
}

fn address(day: &PageDay, sk: &str) -> Attributes {
    Attributes::from([("pk".to_owned(), text(day.pk())), ("sk".to_owned(), text(sk))])
}

fn binary(body: &Bytes) -> AttributeValue {
    AttributeValue::B(Blob::new(body.as_ref()))
}

/// Binary attributes travel as base64.
fn wire_size(page: &Page) -> usize {
    page.body.len().div_ceil(3) * 4 + ITEM_OVERHEAD
}

fn put_request(page: &Page) -> Result<WriteRequest, PutPageError> {
    let put = PutRequest::builder()
        .item("pk", text(page.day.pk()))
        .item("sk", text(&page.sk))
        .item("page", binary(&page.body))
        .item("n", number(&page.n))
        .item("expires_at", number(&page.expires_at))
        .build()
        .map_err(|error| PutPageError::Invalid(error.to_string()))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// What the table says of an item it does not take: that item's fault, or the table's, which has other keys than ours.
fn invalid(words: String) -> PutPageError {
    if ABOUT_THE_KEYS.iter().any(|about| words.contains(about)) {
        return Fault::new(FaultKind::Denied, BATCH_WRITE_ITEM, words).into();
    }
    PutPageError::Invalid(words)
}

/// The keys of what came back; `None` where one cannot be told.
fn unprocessed(requests: impl Iterator<Item = WriteRequest>) -> Option<HashSet<PageKey>> {
    let key = |request: WriteRequest| {
        let item = request.put_request?.item;
        Some((as_text(&item, "pk")?.to_owned(), as_text(&item, "sk")?.to_owned()))
    };
    requests.map(key).collect()
}

fn page_key(page: &Page) -> PageKey {
    (page.day.pk(), page.sk.clone())
}

fn outcome(written: &Result<HashSet<PageKey>, PutPageError>, page: &Page) -> Result<(), PutPageError> {
    let left = written.as_ref().map_err(Clone::clone)?;
    if left.contains(&page_key(page)) {
        let detail = "the item came back unprocessed";
        return Err(Fault::new(FaultKind::Throttled, BATCH_WRITE_ITEM, detail).into());
    }
    Ok(())
}

fn stored(mut item: Attributes) -> Result<StoredPage, Fault> {
    let body = item.remove("page");
    let parts =
        || Some(StoredPage { sk: as_text(&item, "sk")?.to_owned(), n: as_number(&item, "n")?, body: bytes_of(body?)? });
    let detail = "an item of table pages has no sk, n or page of the right type: was it written by hand?";
    parts().ok_or_else(|| Fault::new(FaultKind::Denied, QUERY, detail))
}

fn bytes_of(value: AttributeValue) -> Option<Bytes> {
    if let AttributeValue::B(blob) = value { Some(Bytes::from(blob.into_inner())) } else { None }
}
