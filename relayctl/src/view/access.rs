//! What an owner asks of requests beside the key.

use std::collections::BTreeSet;

use relay::access::{Access, Network};
use relay::signature::SigningSecret;
use serde::Serialize;

use super::date;

/// What an owner asks beside the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AccessView {
    /// Empty: from anywhere.
    callback_sources: BTreeSet<Network>,
    /// Empty: from anywhere.
    activity_sources: BTreeSet<Network>,
    signature_required: bool,
    pub(crate) signing_secrets: Vec<SecretView>,
}

/// A signing secret without itself: shown once is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SecretView {
    pub(crate) secret_id: String,
    pub(crate) created_at: i64,
}

/// A signing secret as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NewSecretView {
    owner: String,
    #[serde(flatten)]
    pub(crate) record: SecretView,
    /// The secret.
    pub(crate) secret: String,
}

impl AccessView {
    pub(super) fn new(access: Access) -> Self {
        Self {
            callback_sources: access.callback_sources,
            activity_sources: access.activity_sources,
            signature_required: access.signature_required,
            signing_secrets: access.signing_secrets.iter().map(SecretView::new).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let sources = |networks: &BTreeSet<Network>| {
            let networks: Vec<String> = networks.iter().map(Network::to_string).collect();
            if networks.is_empty() { "anywhere".to_owned() } else { networks.join(", ") }
        };
        let secrets: Vec<String> = self.signing_secrets.iter().map(SecretView::text).collect();
        format!(
            "sources  callbacks {}; activities {}\nsigning  {}{}\n",
            sources(&self.callback_sources),
            sources(&self.activity_sources),
            if self.signature_required { "required" } else { "not required" },
            secrets.concat()
        )
    }
}

impl SecretView {
    fn new(secret: &SigningSecret) -> Self {
        Self { secret_id: secret.secret_id.clone(), created_at: secret.created_at }
    }

    fn text(&self) -> String {
        format!("\n         {}  {}", self.secret_id, date(self.created_at))
    }
}

impl NewSecretView {
    pub(crate) fn new(owner: &str, secret: &SigningSecret, text: String) -> Self {
        Self { owner: owner.to_owned(), record: SecretView::new(secret), secret: text }
    }

    pub(super) fn text(&self) -> String {
        format!(
            "{}\n\nsigning secret {} of owner {}. relayctl shows it this once; table `control` keeps it as it is, because a signature cannot be checked with a hash.\n",
            self.secret, self.record.secret_id, self.owner
        )
    }
}
