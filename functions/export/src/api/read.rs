//! `GET /v1/exports` and `GET /v1/exports/{id}`.

use relay::control::{Item, Query};
use relay::export::queue::position;
use relay::export::{Export, Status, View, is_export_id, partition, store};
use relay::fault::Fault;
use relay::http::Response;
use relay::port::ControlTable;
use relay::problem::FieldError;
use serde_json::{Value, json};

use super::{Api, Call, Ports, Refusal, problem};
use crate::dispatch::Line;

/// How many exports a page of the list has where nothing else is asked.
const DEFAULT_LIMIT: usize = 20;

/// The most exports of one page of the list.
const MAX_LIMIT: usize = 100;

impl<W: Ports> Api<W> {
    /// Newest first; `next` is the `cursor` of the next page.
    pub(super) async fn list(&self, call: &Call<'_>, owner: &str) -> Result<Response, Refusal> {
        let (limit, after) = paging(&call.request.query)?;
        let query = Query { pk: partition(owner), prefix: String::new(), after, descending: true, limit };
        let listing = self.control.query(&query).await?;
        let exports: Vec<Export> = listing.items.iter().filter_map(readable).collect();
        let shown = self.show(&exports, call.now).await?;
        Ok(Response::json(200, &json!({"exports": shown, "next": listing.next})))
    }

    pub(super) async fn one(&self, call: &Call<'_>, owner: &str, id: &str) -> Result<Response, Refusal> {
        let (export, _) = self.load(owner, id).await?;
        let shown = self.show(&[export], call.now).await?;
        Ok(Response::json(200, shown.first().unwrap_or(&Value::Null)))
    }

    /// An owner's export; a malformed id, an unknown one and another owner's are the same.
    pub(super) async fn load(&self, owner: &str, id: &str) -> Result<(Export, u64), Refusal> {
        let found = if is_export_id(id) { store::load(&self.control, owner, id).await? } else { None };
        found.ok_or_else(|| problem::no_such_export().into())
    }

    /// The exports as JSON; the queue is read once, and only where one waits.
    pub(super) async fn show(&self, exports: &[Export], now: i64) -> Result<Vec<Value>, Fault> {
        let line = if exports.iter().any(|export| export.status == Status::Queued) {
            Line::read(&self.control).await?.ordered()
        } else {
            Vec::new()
        };
        let retention_days = self.settings.retention_days;
        let view = |export: &Export| View { now, retention_days, position: position(&line, &export.export_id) };
        Ok(exports.iter().map(|export| export.view(view(export))).collect())
    }
}

/// One export that cannot be read keeps nobody from all the others.
fn readable(item: &Item) -> Option<Export> {
    item.read().inspect_err(|fault| tracing::error!(%fault, "an export is left out of a list")).ok()
}

/// `limit` and `cursor` of a query string.
pub(super) fn paging(query: &str) -> Result<(usize, Option<String>), Refusal> {
    let value = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let mut errors = Vec::new();
    let mut wrong = |field: &str, detail: String| errors.push(FieldError { field: field.to_owned(), detail });
    let limit = value("limit").map(|text| text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)));
    if limit == Some(None) {
        wrong("limit", format!("is not a whole number from 1 to {MAX_LIMIT}"));
    }
    let cursor = value("cursor").filter(|cursor| !cursor.is_empty());
    if cursor.is_some_and(|cursor| !is_export_id(cursor)) {
        wrong("cursor", "is not the `next` of an earlier answer".to_owned());
    }
    if errors.is_empty() {
        return Ok((limit.flatten().unwrap_or(DEFAULT_LIMIT), cursor.map(str::to_owned)));
    }
    Err(problem::invalid(errors).into())
}
