//! Takes a callback, acknowledges it when it is durable in the stream or the spill queue.
//!
//! What an answer promises: **200** every activity that was not refused by index is durable, or was dropped because its owner asked for it, or is
//! kept raw and can be replayed; **503** some of it may not be durable, send it again (ids make that harmless); **4xx** nothing was kept.

mod access;
pub mod activities;
pub mod callbacks;
pub mod config;
mod dry_run;
pub mod durable;
pub mod handler;
mod recent;
pub mod respond;
pub mod route;
pub mod tenants;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use relay::activity::{Activity, Provider};
use relay::callback::{KEY_PARAMETER, query};
use relay::discard::{Discard, Reason};
use relay::fault::Fault;
use relay::field::Field;
use relay::http::{Request, Response};
use relay::metric::{Counters, Labels, Metric};
use relay::owner::{self, Owner, Role};
use relay::port::{ControlTable, Spill, Stream};
use relay::tenancy;
use serde_json::json;

use durable::Place;
use respond::Refusal;
use route::Route;
use tenants::Tenants;

/// A warning of one sort is logged at most this often in a process: milliseconds. The counts tell how many there were.
const WARN_EVERY_MS: i64 = 60_000;

/// The door: what it needs to take callbacks and batches.
#[derive(Debug)]
pub struct App<S, Q, C> {
    /// Where activities become durable.
    pub stream: S,
    /// Where they become durable while the stream does not take them.
    pub spill: Q,
    /// Who may come in, and with what.
    pub tenants: Tenants<C>,
    /// What was counted since the last minute.
    counters: Mutex<Counters>,
    /// When a warning of each sort was logged.
    warned: Mutex<HashMap<&'static str, i64>>,
}

/// One request with what came to it at the door.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The request.
    pub request: &'a Request,
    /// When it reached the door: milliseconds since the epoch, UTC.
    pub now: i64,
    /// 32 hexadecimal digits that name the request in answers, logs and Raw frames.
    pub trace_id: &'a str,
}

impl<S: Stream, Q: Spill, C: ControlTable> App<S, Q, C> {
    /// A door over these ports.
    pub fn new(stream: S, spill: Q, control: C) -> Self {
        Self { stream, spill, tenants: Tenants::new(control), counters: Mutex::default(), warned: Mutex::default() }
    }

    /// The answer to a request: total, whatever was sent.
    pub async fn answer(&self, visit: Visit<'_>) -> Response {
        let result = match Route::of(visit.request) {
            Ok(Route::Callback(provider)) => self.callback(visit, provider).await,
            Ok(Route::Activities) => self.activities(visit).await,
            Ok(Route::Health) => Ok(health()),
            Err(refusal) => Err(refusal),
        };
        let response = result.unwrap_or_else(|refusal| self.refuse(visit, &refusal));
        response.with_header("x-relay-trace-id", visit.trace_id)
    }

    /// What was counted since the last minute.
    pub fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner whose ingest key the request carries, which comes as the owner asks. Where that cannot be found out, one activity has failed.
    async fn authenticate(&self, visit: Visit<'_>, provider: Provider) -> Result<Arc<Owner>, Refusal> {
        let (request, labels) = (visit.request, Labels::provider(provider));
        let in_query = query::value(&request.query, KEY_PARAMETER);
        let keyed = || request.header("x-relay-key").or_else(|| request.bare_token());
        let in_header = || request.bearer().or_else(keyed).map(str::to_owned);
        let secret = in_query.or_else(in_header).filter(|key| !key.is_empty()).ok_or(Refusal::MissingKey)?;
        let failed = |fault| {
            self.counters().add(Metric::Received, labels, 1);
            self.fail(fault, labels, 1, "the key cannot be looked up at the moment".to_owned())
        };
        let record = self.tenants.key(&secret, visit.now).await.map_err(failed)?.ok_or(Refusal::UnknownKey)?;
        if record.role != Role::Ingest {
            return Err(Refusal::WrongRole);
        }
        let owner = self.tenants.owner(&record.owner, visit.now).await.map_err(failed)?;
        access::check(&owner.access, request, provider, visit.now).inspect_err(|refusal| {
            if self.may_warn("access", visit.now) {
                let (trace_id, owner, code) = (visit.trace_id, &owner.owner, refusal.problem().kind.code());
                tracing::warn!(trace_id, owner, code, "a request with a good key was refused");
            }
        })?;
        Ok(owner)
    }

    /// Whether this owner may bring this activity, and wants it. What it does not want is counted by event token.
    fn let_in(
        &self,
        labels: Labels,
        owner: &Owner,
        app: Option<&owner::App>,
        activity: &Activity<'_>,
    ) -> Result<(), Discard> {
        let verdict = tenancy::admit(owner, app, activity);
        if verdict.as_ref().is_err_and(|discard| discard.reason == Reason::NotAllowed) {
            let event_token = activity.fields.text(Field::EventToken).unwrap_or_default();
            self.counters().add_dropped(labels.discard(Reason::NotAllowed), &owner.owner, event_token);
        }
        verdict
    }

    /// Makes frames durable, one result each.
    async fn keep(&self, visit: Visit<'_>, frames: &[Bytes]) -> Vec<Result<Place, Fault>> {
        let results = durable::keep(&self.stream, &self.spill, frames).await;
        let spilled = results.iter().filter(|result| **result == Ok(Place::Spill)).count();
        if spilled > 0 && self.may_warn("spilled", visit.now) {
            let trace_id = visit.trace_id;
            tracing::warn!(
                trace_id,
                spilled,
                frames = frames.len(),
                "the stream did not take frames; the spill queue did"
            );
        }
        results
    }

    /// Whether a warning of this sort is due.
    fn may_warn(&self, sort: &'static str, now: i64) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let due = warned.get(sort).is_none_or(|last| !(0..WARN_EVERY_MS).contains(&now.saturating_sub(*last)));
        if due {
            warned.insert(sort, now);
        }
        due
    }

    /// Counts activities that a fault kept from being durable, and makes the refusal.
    fn fail(&self, fault: Fault, labels: Labels, activities: usize, detail: String) -> Refusal {
        self.counters().add(Metric::Failed, labels.reason(fault.kind.name()), activities);
        Refusal::Unavailable { fault, detail }
    }

    fn refuse(&self, visit: Visit<'_>, refusal: &Refusal) -> Response {
        let problem = refusal.problem();
        let (trace_id, code) = (visit.trace_id, problem.kind.code());
        if let Refusal::Unavailable { fault, .. } = refusal {
            tracing::error!(
                trace_id,
                code,
                service = fault.service,
                kind = fault.kind.name(),
                fault = fault.detail,
                "not durable"
            );
        } else {
            tracing::debug!(trace_id, code, "refused");
            self.counters().add(Metric::Refused, Labels::NONE.reason(code), 1);
        }
        refusal
            .headers()
            .into_iter()
            .fold(problem.response(trace_id), |response, (name, value)| response.with_header(name, value))
    }
}

fn health() -> Response {
    Response::json(200, &json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}
