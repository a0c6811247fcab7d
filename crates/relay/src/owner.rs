//! An owner: an advertiser with its app tokens, mail domains, optional event-token allow-list and keys.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::Access;
use crate::control::Key;

/// How long an owner's activities are kept where nothing else was asked: days.
pub const DEFAULT_RETENTION_DAYS: u16 = 90;

const DAY_MS: i64 = 86_400_000;

/// Since when rows are shown that are kept for `retention_days`: milliseconds since the epoch, by the later of a row's `created_at` and `received_at`.
#[must_use]
pub fn kept_since(retention_days: u16, now: i64) -> i64 {
    now.saturating_sub(i64::from(retention_days).saturating_mul(DAY_MS))
}

/// The partition that lists all owners, one item a name.
pub const OWNERS: &str = "owners";

/// The owner's profile: item `owner#{owner}` / `profile`; and, for listing, `owners` / `{owner}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The name: `[a-z0-9-]{1,40}`.
    pub owner: String,
    /// Domains that mails may go to, lower case.
    #[serde(default)]
    pub mail_domains: BTreeSet<String>,
    /// Event tokens that are kept; empty keeps everything.
    #[serde(default)]
    pub event_tokens: BTreeSet<String>,
    /// How long activities are kept: days.
    pub retention_days: u16,
    /// What is asked of requests with its ingest keys beside the key.
    #[serde(default)]
    pub access: Access,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
}

impl Owner {
    /// Where the profile stands.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(partition(owner), "profile")
    }

    /// Where its name stands among all owners.
    #[must_use]
    pub fn listing_key(owner: &str) -> Key {
        Key::new(OWNERS, owner)
    }

    /// Whether an activity with this event token is kept. One without a token always is.
    #[must_use]
    pub fn keeps(&self, event_token: Option<&str>) -> bool {
        event_token.is_none_or(|token| self.event_tokens.is_empty() || self.event_tokens.contains(token))
    }

    /// Whether a mail may go to this address: its domain is registered.
    #[must_use]
    pub fn may_mail(&self, address: &str) -> bool {
        address.rsplit_once('@').is_some_and(|(_, domain)| self.mail_domains.contains(&domain.to_ascii_lowercase()))
    }
}

/// The partition of everything that belongs to an owner: its profile, `app#{app_token}` and `key#{key_id}`.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("owner#{owner}")
}

/// Whether a text can be an owner's name: `[a-z0-9-]{1,40}`.
#[must_use]
pub fn is_owner_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// An app token's owner: item `app#{app_token}` / `app`, claimed conditionally; and, for listing, `owner#{owner}` / `app#{app_token}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// The app token.
    pub app_token: String,
    /// Whose it is.
    pub owner: String,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
}

impl App {
    /// Where the claim stands.
    #[must_use]
    pub fn key(app_token: &str) -> Key {
        Key::new(format!("app#{app_token}"), "app")
    }

    /// Where the owner's listing of it stands.
    #[must_use]
    pub fn listing_key(owner: &str, app_token: &str) -> Key {
        Key::new(partition(owner), format!("app#{app_token}"))
    }
}

/// How long the door believes what it has read of a key, an app or an owner: milliseconds. A revoked key, a moved app or a changed profile takes effect
/// within this. A minute would be allowed; five seconds cost one read of each item per environment in five seconds.
pub const BELIEVED_MS: i64 = 5_000;

// A token that moves waits until no door believes in its earlier owner any more.
const _: () = assert!(BELIEVED_MS < MOVE_PAUSE_MS);

/// How long after an owner gave up an app token another may claim it: milliseconds. ingest believes what it has read for 5 s, and clocks differ:
/// until then callbacks of the earlier owner may still come in as rows.
pub const MOVE_PAUSE_MS: i64 = 10_000;

/// Who had an app token last: item `app#{app_token}` / `former`, written when a claim is given up. Rows name their app, not its owner: by this
/// a token that moves takes no rows with it, and one that comes back finds its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerClaim {
    /// Whose it was.
    pub owner: String,
    /// Since when activities received under the token were this owner's: milliseconds since the epoch; 0 where nobody had it before.
    pub received_since: i64,
    /// When it was given up: milliseconds since the epoch.
    pub released_at: i64,
}

impl FormerClaim {
    /// Where it stands.
    #[must_use]
    pub fn key(app_token: &str) -> Key {
        Key::new(format!("app#{app_token}"), "former")
    }

    /// From when another owner may claim the token: milliseconds since the epoch. What is received from then on is nobody else's.
    #[must_use]
    pub const fn free_from(&self) -> i64 {
        self.released_at.saturating_add(MOVE_PAUSE_MS)
    }

    /// The tenure that ended with it.
    #[must_use]
    pub fn tenure(&self, app_token: &str) -> Tenure {
        let (app_token, owner) = (app_token.to_owned(), self.owner.clone());
        Tenure { app_token, owner, since: self.received_since, until: self.free_from() }
    }

    /// Since when what is received under the token is `owner`'s, who has claimed it after this claim.
    #[must_use]
    pub fn received_since(&self, owner: &str) -> i64 {
        if self.owner == owner { self.received_since } else { self.free_from() }
    }
}

/// That an owner had an app token: item `app#{app_token}` / `tenure#{since:013}`, written when the claim is given up. By these it is known of any row
/// whose it is, however often its token has moved; and, so that an owner's former tokens are found, `owner#{owner}` / `former#{app_token}` is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// The app token.
    pub app_token: String,
    /// Whose it was.
    pub owner: String,
    /// Since when what was received under the token was this owner's: milliseconds since the epoch.
    pub since: i64,
    /// Until when, this moment not included.
    pub until: i64,
}

impl Tenure {
    /// What the sort keys of a token's tenures begin with.
    pub const PREFIX: &'static str = "tenure#";

    /// What the sort keys of an owner's listing of its former tokens begin with.
    pub const LISTING_PREFIX: &'static str = "former#";

    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(format!("app#{}", self.app_token), format!("{}{:013}", Self::PREFIX, self.since))
    }

    /// Where the owner's listing of its former tokens names this one.
    #[must_use]
    pub fn listing_key(&self) -> Key {
        Key::new(partition(&self.owner), format!("{}{}", Self::LISTING_PREFIX, self.app_token))
    }

    /// Whether what was received then was this owner's.
    #[must_use]
    pub fn holds(&self, received_at: i64) -> bool {
        (self.since..self.until).contains(&received_at)
    }
}

/// What a key is for; one never serves for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Callbacks and `/v1/activities`.
    Ingest,
    /// Exports and the account.
    Api,
}

impl Role {
    /// The name, also the prefix of a key's text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Api => "api",
        }
    }
}

/// A key as stored: item `key#{sha256}` / `key`; and, for listing, `owner#{owner}` / `key#{key_id}`. The secret itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The first 12 hexadecimal digits of the hash: names the key without giving it away.
    pub key_id: String,
    /// Whose it is.
    pub owner: String,
    /// What it is for.
    pub role: Role,
    /// SHA-256 of the secret, 64 hexadecimal digits.
    pub sha256: String,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
}

impl KeyRecord {
    /// The record of a secret.
    #[must_use]
    pub fn of(secret: &str, owner: &str, role: Role, created_at: i64) -> Self {
        let sha256 = secret_hash(secret);
        let key_id = sha256.chars().take(12).collect();
        Self { key_id, owner: owner.to_owned(), role, sha256, created_at }
    }

    /// Where the record of the secret with this hash stands.
    #[must_use]
    pub fn key(sha256: &str) -> Key {
        Key::new(format!("key#{sha256}"), "key")
    }

    /// Where the owner's listing of it stands.
    #[must_use]
    pub fn listing_key(owner: &str, key_id: &str) -> Key {
        Key::new(partition(owner), format!("key#{key_id}"))
    }
}

/// The text of a new key: `relay_{role}_` and 64 hexadecimal digits of 256 random bits.
#[must_use]
pub fn new_secret(role: Role, random: [u8; 32]) -> String {
    format!("relay_{}_{}", role.name(), hex::encode(random))
}

/// SHA-256 of a secret, 64 hexadecimal digits: the item's key, so that a look-up compares no secrets.
///
/// The look-up does compare hashes, in the table and in the doors' memories, and may take longer the more leading digits agree. That tells nothing: to
/// come nearer to a stored hash digit by digit, one would have to choose secrets by their hash, which SHA-256 does not allow; and a secret is 256 random
/// bits, so knowing the whole hash leads to it no better than guessing. Hence no constant-time comparison, and no salt.
#[must_use]
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            owner: "demo".into(),
            mail_domains: BTreeSet::from(["example.com".into()]),
            event_tokens: BTreeSet::new(),
            retention_days: DEFAULT_RETENTION_DAYS,
            access: Access::default(),
            created_at: 0,
        }
    }

    #[test]
    fn mails_go_only_to_registered_domains() {
        assert!(owner().may_mail("kim@Example.com"));
        assert!(!owner().may_mail("kim@mail.example.com"));
        assert!(!owner().may_mail("example.com"));
        assert!(!owner().may_mail("kim@example.com@evil.test"));
    }

    #[test]
    fn an_empty_allow_list_keeps_everything_and_a_list_keeps_its_own() {
        let mut owner = owner();
        assert!(owner.keeps(Some("abc123")));
        owner.event_tokens.insert("abc123".into());
        assert!(owner.keeps(Some("abc123")));
        assert!(!owner.keeps(Some("zzz999")));
        assert!(owner.keeps(None));
    }

    #[test]
    fn a_profile_of_an_earlier_release_asks_for_nothing_but_the_key() {
        let earlier = serde_json::json!({"owner": "demo", "mail_domains": ["example.com"], "event_tokens": [], "retention_days": 90, "created_at": 0});
        assert_eq!(serde_json::from_value::<Owner>(earlier).unwrap(), owner());
    }

    #[test]
    fn a_secret_is_known_only_by_its_hash() {
        let secret = new_secret(Role::Ingest, [7; 32]);
        let record = KeyRecord::of(&secret, "demo", Role::Ingest, 0);
        assert!(secret.starts_with("relay_ingest_0707"));
        assert_eq!(record.sha256.len(), 64);
        assert!(record.sha256.starts_with(&record.key_id));
        assert!(!serde_json::to_string(&record).unwrap().contains(&secret));
    }
}
