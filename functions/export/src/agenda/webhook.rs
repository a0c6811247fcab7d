//! Tells an owner's webhook that an export has ended.

use bytes::Bytes;
use relay::agenda::{Ended, Errand, Taken};
use relay::export::{Export, store};
use relay::fault::Fault;
use relay::port::{ControlTable, Hooks, Leavings};
use relay::tenancy;
use relay::webhook::{Delivery, DeliveryStatus, Event, Webhook};

use super::{Agenda, Outcome};

impl<C: ControlTable, F: Leavings, H: Hooks> Agenda<'_, C, F, H> {
    /// Calls the webhook as it is registered now; an owner without one is told nothing. What came of it stands in the export.
    pub(super) async fn tell(&self, taken: &Taken, ended: Ended, now: i64) -> Result<Outcome, Fault> {
        let webhook = tenancy::find::<Webhook>(self.control, Webhook::key(&ended.owner)).await?;
        let export = store::load(self.control, &ended.owner, &ended.export_id).await?;
        let (Some((webhook, _)), Some((export, _))) = (webhook, export) else {
            self.settle(taken, None).await?;
            return Ok(Outcome::Untold);
        };
        let event = Event::of(&export);
        let headers = webhook.headers(&event.id, &event.body, now);
        let answer = self.hooks.post(&webhook.url, &headers, Bytes::from(event.body)).await;
        let ended_at = export.finished_at.unwrap_or(export.as_of);
        let answer = answer.map_err(|none| none.to_string());
        let (delivery, next) = Delivery::after(export.webhook.as_ref(), answer, ended_at, now);
        let status = delivery.status;
        if status != DeliveryStatus::Delivered {
            let (owner, export_id, last) = (&ended.owner, &ended.export_id, &delivery.last);
            tracing::warn!(owner, export_id, attempts = delivery.attempts, last, "a webhook did not take a delivery");
        }
        self.record(taken, &ended, &delivery, next).await?;
        Ok(Outcome::Told(status))
    }

    /// Writes into the export what came of a delivery, and ends the entry or puts it off, in one commit.
    async fn record(&self, taken: &Taken, ended: &Ended, to: &Delivery, next: Option<i64>) -> Result<(), Fault> {
        let errand = Errand::Webhook(ended.clone());
        let change = |export: &mut Export| {
            export.webhook = Some(to.clone());
            true
        };
        let writes = |export: &Export, version| {
            let mut writes = vec![store::replace(export, version)?];
            match next {
                None => writes.push(taken.done()),
                Some(due_at) => writes.extend(taken.then(&errand, due_at)?),
            }
            Ok(writes)
        };
        store::rewrite(self.control, &ended.owner, &ended.export_id, change, writes).await.map(|_| ())
    }
}
