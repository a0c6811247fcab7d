//! `GET|POST /v1/callbacks/{provider}`: one callback.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use relay::activity::{Activity, Provider};
use relay::callback::{self, Callback, KEY_PARAMETER, MAX_CALLBACK_BYTES, query};
use relay::discard::{Discard, Reason};
use relay::fault::Fault;
use relay::frame::{self, Raw};
use relay::http::{Request, Response};
use relay::metric::{Labels, Metric};
use relay::owner::{self, Owner};
use relay::port::{ControlTable, Spill, Stream};
use serde_json::json;

use crate::durable::Place;
use crate::respond::Refusal;
use crate::{App, Visit, dry_run};

impl<S: Stream, Q: Spill, C: ControlTable> App<S, Q, C> {
    pub(crate) async fn callback(&self, visit: Visit<'_>, provider: Provider) -> Result<Response, Refusal> {
        let labels = Labels::provider(provider);
        let bytes = visit.request.query.len() + visit.request.body.len();
        if bytes > MAX_CALLBACK_BYTES {
            return Err(Refusal::CallbackTooLarge(bytes));
        }
        let owner = self.authenticate(visit, provider).await?;
        if dry_run::is_asked(&visit.request.query)? {
            return self.dry_run(visit, provider, &owner).await;
        }
        self.counters().add(Metric::Received, labels, 1);
        match self.understand(visit, provider, &owner).await? {
            Ok(activity) => {
                let frames = frame::pack(owner.retention_days, slice::from_ref(&activity));
                let frames: Vec<_> = frames.into_iter().map(|frame| frame.data).collect();
                let place = self.keep_callback(visit, &frames, labels).await?;
                let metric = if place == Place::Spill { Metric::Spilled } else { Metric::Accepted };
                self.counters().add(metric, labels, 1);
                accepted(visit.trace_id, &activity);
                Ok(Response::json(200, &json!({"status": "accepted"})))
            }
            Err(discard) if discard.reason == Reason::NotAllowed => {
                Ok(Response::json(200, &json!({"status": "dropped", "reason": discard.reason.name()})))
            }
            Err(discard) => self.quarantine(visit, provider, &owner, discard).await,
        }
    }

    /// The activity, where it is one that this owner may bring and wants.
    async fn understand<'a>(
        &self,
        visit: Visit<'a>,
        provider: Provider,
        owner: &Owner,
    ) -> Result<Result<Activity<'a>, Discard>, Refusal> {
        let activity = match parsed(visit.request, provider, visit.now) {
            Ok(activity) => activity,
            Err(discard) => return Ok(Err(discard)),
        };
        let app = self.app_of(&activity, visit.now).await.map_err(|fault| {
            let detail = "the app token cannot be looked up at the moment".to_owned();
            self.fail(fault, Labels::provider(provider), 1, detail)
        })?;
        Ok(self.let_in(Labels::provider(provider), owner, app.as_deref(), &activity).map(|()| activity))
    }

    /// The claim on an activity's app token; `None` where nobody has it.
    pub(crate) async fn app_of(&self, activity: &Activity<'_>, now: i64) -> Result<Option<Arc<owner::App>>, Fault> {
        Ok(self.tenants.apps(&[&activity.app_token], now).await?.remove(activity.app_token.as_ref()))
    }

    /// Keeps raw what could not be understood, in the same stream: most providers never send again after a 4xx, and a replay mends it later.
    async fn quarantine(
        &self,
        visit: Visit<'_>,
        provider: Provider,
        owner: &Owner,
        discard: Discard,
    ) -> Result<Response, Refusal> {
        let Discard { reason, detail } = discard;
        let request = visit.request;
        let raw = Raw {
            owner: owner.owner.clone(),
            provider: provider.name().to_owned(),
            reason,
            detail,
            received_at: visit.now,
            trace_id: visit.trace_id.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: query::without(&request.query, KEY_PARAMETER),
            content_type: request.header("content-type").unwrap_or_default().to_owned(),
            body: request.body.to_vec(),
        };
        let labels = Labels::provider(provider);
        self.keep_callback(visit, &[raw.encode()], labels).await?;
        if self.may_warn(reason.name(), visit.now) {
            let (trace_id, owner) = (visit.trace_id, &owner.owner);
            tracing::warn!(trace_id, owner, provider = provider.name(), reason = reason.name(), "kept raw");
        }
        self.counters().add(Metric::Quarantined, labels.discard(reason), 1);
        Ok(Response::json(200, &json!({"status": "quarantined", "reason": reason.name()})))
    }

    /// Makes the frames of one callback durable; answers where the last of them is.
    async fn keep_callback(&self, visit: Visit<'_>, frames: &[Bytes], labels: Labels) -> Result<Place, Refusal> {
        let results = self.keep(visit, frames).await;
        let failed = |fault| self.fail(fault, labels, 1, "the callback may not be stored".to_owned());
        let places = results.into_iter().collect::<Result<Vec<_>, _>>().map_err(failed)?;
        Ok(places.into_iter().max().unwrap_or(Place::Stream))
    }
}

/// What leads from a request to its row. Where the log takes it (level DEBUG): a line a callback would cost as much as storing it.
fn accepted(trace_id: &str, activity: &Activity<'_>) {
    let Activity { activity_id, app_token, kind, created_at, .. } = activity;
    tracing::debug!(trace_id, %activity_id, %app_token, %kind, created_at, "accepted");
}

/// The activity that a request tells of, whoever brought it.
pub(crate) fn parsed(request: &Request, provider: Provider, now: i64) -> Result<Activity<'_>, Discard> {
    callback::parse(&Callback {
        provider,
        method: &request.method,
        query: &request.query,
        content_type: request.header("content-type").unwrap_or_default(),
        body: &request.body,
        received_at: now,
    })
}
