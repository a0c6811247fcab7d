//! An owner's webhook.

use relay::webhook::Webhook;
use serde::Serialize;

use super::date;

/// A webhook without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WebhookView {
    pub(crate) owner: String,
    pub(crate) url: String,
    pub(crate) created_at: i64,
}

/// A webhook as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NewWebhookView {
    #[serde(flatten)]
    pub(crate) shown: WebhookView,
    /// The secret.
    pub(crate) secret: String,
}

/// A webhook that is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RemovedWebhookView {
    pub(crate) owner: String,
    pub(crate) url: String,
    pub(crate) removed: bool,
}

impl WebhookView {
    pub(crate) fn new(owner: &str, webhook: &Webhook) -> Self {
        Self { owner: owner.to_owned(), url: webhook.url.clone(), created_at: webhook.created_at }
    }

    pub(super) fn text(&self) -> String {
        format!("owner    {}\nwebhook  {}\nsince    {}\n", self.owner, self.url, date(self.created_at))
    }
}

impl NewWebhookView {
    pub(super) fn text(&self) -> String {
        format!(
            "{}\n\nsecret of the webhook of owner {}, {}. relayctl shows it this once; docs/webhooks.md says how a receiver checks with it.\n",
            self.secret, self.shown.owner, self.shown.url
        )
    }
}

impl RemovedWebhookView {
    pub(super) fn text(&self) -> String {
        format!("removed the webhook of owner {}, {}\n", self.owner, self.url)
    }
}
