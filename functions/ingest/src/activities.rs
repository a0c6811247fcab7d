//! `POST /v1/activities`: a batch from an SDK or server.

use std::collections::BTreeSet;

use relay::activity::{Activity, Provider};
use relay::batch::{self, Body};
use relay::discard::{Discard, Reason};
use relay::frame;
use relay::http::Response;
use relay::metric::{Labels, Metric};
use relay::owner::Owner;
use relay::port::{ControlTable, Spill, Stream};
use serde_json::{Value, json};

use crate::durable::Place;
use crate::respond::Refusal;
use crate::{App, Visit};

const LABELS: Labels = Labels::provider(Provider::Sdk);

type Item<'a> = Result<Activity<'a>, Discard>;

impl<S: Stream, Q: Spill, C: ControlTable> App<S, Q, C> {
    pub(crate) async fn activities(&self, visit: Visit<'_>) -> Result<Response, Refusal> {
        let request = visit.request;
        let owner = self.authenticate(visit, Provider::Sdk).await?;
        let body = Body {
            content_type: request.header("content-type").unwrap_or_default(),
            content_encoding: request.header("content-encoding").unwrap_or_default(),
            content: &request.body,
        };
        let unpacked = batch::unpack(&body).map_err(Refusal::Batch)?;
        let mut items = unpacked.activities(visit.now).map_err(Refusal::Batch)?;
        self.counters().add(Metric::Received, LABELS, items.len());
        self.admit(visit, &owner, &mut items).await?;
        let accepted: Vec<&Activity<'_>> = items.iter().flatten().collect();
        let rejected = items.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_ref().err()?)));
        let rejected: Vec<(usize, &Discard)> = rejected.collect();
        self.count_rejected(&rejected);
        let spilled = self.store(visit, &owner, &accepted).await?;
        self.counters().add(Metric::Accepted, LABELS, accepted.len() - spilled);
        self.counters().add(Metric::Spilled, LABELS, spilled);
        let rejected: Vec<Value> = rejected
            .iter()
            .map(|(index, discard)| json!({"index": index, "code": discard.reason.name(), "detail": discard.detail}))
            .collect();
        Ok(Response::json(200, &json!({"accepted": accepted.len(), "rejected": rejected})))
    }

    /// Refuses the items that this owner may not bring or does not want.
    async fn admit(&self, visit: Visit<'_>, owner: &Owner, items: &mut [Item<'_>]) -> Result<(), Refusal> {
        let tokens: BTreeSet<&str> = items.iter().flatten().map(|activity| activity.app_token.as_ref()).collect();
        let tokens: Vec<&str> = tokens.into_iter().collect();
        let apps = self.tenants.apps(&tokens, visit.now).await.map_err(|fault| {
            let detail = "the app tokens cannot be looked up at the moment; nothing is stored".to_owned();
            self.fail(fault, LABELS, items.len(), detail)
        })?;
        for item in items {
            if let Ok(activity) = item {
                let app = apps.get(activity.app_token.as_ref()).map(AsRef::as_ref);
                if let Err(discard) = self.let_in(LABELS, owner, app, activity) {
                    *item = Err(discard);
                }
            }
        }
        Ok(())
    }

    /// What the owner does not want was counted as dropped.
    fn count_rejected(&self, rejected: &[(usize, &Discard)]) {
        let mut counters = self.counters();
        for (_, discard) in rejected.iter().filter(|(_, discard)| discard.reason != Reason::NotAllowed) {
            counters.add(Metric::Rejected, LABELS.discard(discard.reason), 1);
        }
    }

    /// Makes the activities durable in few frames; answers how many went to the spill queue. Where some fail, the whole batch must come again.
    async fn store(&self, visit: Visit<'_>, owner: &Owner, activities: &[&Activity<'_>]) -> Result<usize, Refusal> {
        let frames = frame::pack(owner.retention_days, activities.iter().copied());
        let data: Vec<_> = frames.iter().map(|frame| frame.data.clone()).collect();
        let results = self.keep(visit, &data).await;
        let members = |place: Place| -> usize {
            let there = frames.iter().zip(&results).filter(|(_, result)| **result == Ok(place));
            there.map(|(frame, _)| frame.members.len()).sum()
        };
        let (streamed, spilled) = (members(Place::Stream), members(Place::Spill));
        let places = results.into_iter().collect::<Result<Vec<_>, _>>();
        places.map(|_| spilled).map_err(|fault| {
            let detail = format!("{} of {} activities are known to be stored", streamed + spilled, activities.len());
            self.fail(fault, LABELS, activities.len(), detail)
        })
    }
}
