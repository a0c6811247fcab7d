//! Answers, as JSON (the shapes in README.md) and as text for people.

mod access;
mod address;
mod audit;
mod buckets;
mod erase;
mod report;
mod webhook;

use std::collections::BTreeSet;
use std::fmt::Write;

use relay::owner::{App, KeyRecord, Owner, Role};
use relay::time::date_of_day;
use serde::Serialize;

pub(crate) use access::{AccessView, NewSecretView};
pub(crate) use address::AddressesView;
pub(crate) use audit::{RecordView, Records};
pub(crate) use buckets::{BatchRow, Batches, Count, DayRow, Days, Entries, EntryView, ObjectRow, ObjectRows};
pub(crate) use erase::{EraseStatusView, ErasedView, TombstoneView, TombstonesView};
pub(crate) use report::{ObjectReport, Totals};
pub(crate) use webhook::{NewWebhookView, RemovedWebhookView, WebhookView};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// An owner with all that is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OwnerView {
    pub(crate) owner: String,
    pub(crate) retention_days: u16,
    pub(crate) created_at: i64,
    pub(crate) mail_domains: BTreeSet<String>,
    /// Empty: every event is kept.
    pub(crate) event_tokens: BTreeSet<String>,
    #[serde(flatten)]
    pub(crate) access: AccessView,
    pub(crate) apps: Vec<String>,
    pub(crate) keys: Vec<KeyView>,
}

/// A key without its secret, which nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeyView {
    pub(crate) key_id: String,
    pub(crate) role: Role,
    pub(crate) created_at: i64,
}

/// A key as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NewKeyView {
    pub(crate) owner: String,
    #[serde(flatten)]
    pub(crate) record: KeyView,
    /// The secret.
    pub(crate) key: String,
}

/// A key that is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RevokedKeyView {
    pub(crate) owner: String,
    pub(crate) key_id: String,
    pub(crate) role: Role,
    pub(crate) revoked: bool,
}

/// What a verb answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Owner(OwnerView),
    Owners { owners: Vec<OwnerView> },
    NewKey(NewKeyView),
    RevokedKey(RevokedKeyView),
    NewSecret(NewSecretView),
    Addresses(AddressesView),
    NewWebhook(NewWebhookView),
    RemovedWebhook(RemovedWebhookView),
    Webhook(WebhookView),
    Erased(ErasedView),
    EraseStatus(EraseStatusView),
    Tombstones(TombstonesView),
    Days(Days),
    Objects(ObjectRows),
    Entries(Entries),
    Batches(Batches),
    Records(Records),
}

impl OwnerView {
    pub(crate) fn new(owner: Owner, apps: Vec<App>, keys: Vec<KeyRecord>) -> Self {
        Self {
            owner: owner.owner,
            retention_days: owner.retention_days,
            created_at: owner.created_at,
            mail_domains: owner.mail_domains,
            event_tokens: owner.event_tokens,
            access: AccessView::new(owner.access),
            apps: apps.into_iter().map(|app| app.app_token).collect(),
            keys: keys.into_iter().map(KeyView::new).collect(),
        }
    }

    fn text(&self) -> String {
        let events = if self.event_tokens.is_empty() { "all".to_owned() } else { joined(&self.event_tokens) };
        let keys = self.keys.iter().map(KeyView::text).collect::<Vec<_>>().join("\n         ");
        format!(
            "owner    {}\nkept     {} days\nsince    {}\ndomains  {}\nevents   {events}\napps     {}\nkeys     {}\n{}",
            self.owner,
            self.retention_days,
            date(self.created_at),
            joined(&self.mail_domains),
            joined(&self.apps),
            if keys.is_empty() { "none" } else { &keys },
            self.access.text(),
        )
    }
}

impl KeyView {
    fn new(record: KeyRecord) -> Self {
        Self { key_id: record.key_id, role: record.role, created_at: record.created_at }
    }

    fn text(&self) -> String {
        format!("{}  {:<6}  {}", self.key_id, self.role.name(), date(self.created_at))
    }
}

impl NewKeyView {
    pub(crate) fn new(record: KeyRecord, secret: String) -> Self {
        Self { owner: record.owner.clone(), record: KeyView::new(record), key: secret }
    }
}

impl RevokedKeyView {
    pub(crate) fn new(record: KeyRecord) -> Self {
        Self { owner: record.owner, key_id: record.key_id, role: record.role, revoked: true }
    }
}

impl Answer {
    /// For people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Owner(owner) => owner.text(),
            Self::Owners { owners } => table(owners),
            Self::NewKey(key) => format!(
                "{}\n\n{} key {} of owner {}. it is shown this once and stored only as a hash.\n",
                key.key,
                key.record.role.name(),
                key.record.key_id,
                key.owner
            ),
            Self::RevokedKey(key) => format!("revoked {} key {} of owner {}\n", key.role.name(), key.key_id, key.owner),
            Self::NewSecret(secret) => secret.text(),
            Self::Addresses(addresses) => addresses.text(),
            Self::NewWebhook(webhook) => webhook.text(),
            Self::RemovedWebhook(webhook) => webhook.text(),
            Self::Webhook(webhook) => webhook.text(),
            Self::Erased(erased) => erased.text(),
            Self::EraseStatus(status) => status.text(),
            Self::Tombstones(tombstones) => tombstones.text(),
            Self::Days(days) => days.text(),
            Self::Objects(objects) => objects.text(),
            Self::Entries(entries) => entries.text(),
            Self::Batches(batches) => batches.text(),
            Self::Records(records) => records.text(),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn table(owners: &[OwnerView]) -> String {
    if owners.is_empty() {
        return "no owners yet; add one with `relayctl owner add NAME`\n".to_owned();
    }
    let width = owners.iter().map(|owner| owner.owner.len()).max().unwrap_or(0).max("owner".len());
    let mut text = format!("{:<width$}  {:>9}  {:>4}  {:>4}  domains\n", "owner", "kept", "apps", "keys");
    for owner in owners {
        let domains = joined(&owner.mail_domains);
        let kept = format!("{} days", owner.retention_days);
        let line =
            format!("{:<width$}  {kept:>9}  {:>4}  {:>4}  {domains}", owner.owner, owner.apps.len(), owner.keys.len());
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{line}");
    }
    text
}

fn joined<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<&str> = items.into_iter().map(String::as_str).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn date(millis: i64) -> String {
    date_of_day(millis.div_euclid(DAY_MS))
}

/// What others sent, in one line and without control characters: they would speak to the terminal.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(shown).collect()
}
