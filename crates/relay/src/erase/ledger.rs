//! The documents of table `control`: the ledger of an owner's tombstones, a tombstone, and the gate before all owners' ledgers.

use std::fmt;

use hmac::Hmac;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Hash, IdType, keyed};
use crate::control::Key;
use crate::fault::{Fault, FaultKind};

/// How long a tombstone lives behind the moment it was made: days. As long as anything can bring an activity back that happened before. An activity may
/// reach the door 400 days late (`relay::time::MAX_AGE_MS`), and may then lie in the quarantine or among the batches that were given up for as long as
/// the template's parameters allow at most, 3,650 days, and be replayed on the last of them. The table deletes a few days late, never early.
pub const TOMBSTONE_DAYS: i64 = 400 + 3_650;

/// The partition of all that an owner erased.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("erase#{owner}")
}

/// What an owner's tombstones have in common: item `erase#{owner}` / `ledger`. Every tombstone is written in one commit with it, so its version orders
/// them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The key of the hash, 64 hexadecimal digits of 256 random bits, the owner's own: a hash tells nothing to whoever has not this, and the same id of
    /// two owners has two. It is made with the first tombstone and never changes.
    key: String,
    /// The number of the last tombstone; they are numbered from 1.
    pub last: u64,
    /// Whether a provider's callback that tells of a person's wish erases the device.
    #[serde(default)]
    pub from_callbacks: bool,
    /// When the agenda's entry is due that takes tombstones out which no pass has begun with: milliseconds since the epoch; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
}

/// What is shown of it never shows the key.
impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key: _, last, from_callbacks, due_at } = self;
        let mut shown = f.debug_struct("Ledger");
        shown.field("last", last).field("from_callbacks", from_callbacks).field("due_at", due_at);
        shown.finish_non_exhaustive()
    }
}

impl Ledger {
    /// Where it stands.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(partition(owner), "ledger")
    }

    /// A ledger without tombstones, its key of these random bits.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self { key: hex::encode(random), last: 0, from_callbacks: false, due_at: None }
    }

    /// The hash under its key.
    pub(super) fn keyed(&self) -> Result<Hmac<Sha256>, Fault> {
        let key = hex::decode(&self.key).ok().filter(|key| key.len() == 32);
        key.and_then(|key| keyed(&key)).ok_or_else(|| strange("the key of a ledger is not 64 hexadecimal digits"))
    }
}

/// Who asked for a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// An operator.
    Operator,
    /// A provider's callback, because the owner has its callbacks erase.
    Callback,
}

/// The activities of an owner with one id that happened up to a moment: item `erase#{owner}` / `tombstone#{number:010}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Its place among the owner's, from 1.
    pub number: u64,
    /// Which field the id stands in.
    pub id_type: IdType,
    /// The id's keyed hash, 64 hexadecimal digits.
    pub hash: String,
    /// The last `created_at` that it covers: milliseconds since the epoch.
    pub erased_at: i64,
    /// When it was made: milliseconds since the epoch.
    pub recorded_at: i64,
    /// Who asked for it.
    pub by: By,
}

impl Tombstone {
    /// What the sort keys of all of them begin with.
    pub const PREFIX: &'static str = "tombstone#";

    /// Where the one of this number stands.
    #[must_use]
    pub fn key(owner: &str, number: u64) -> Key {
        Key::new(partition(owner), format!("{}{number:010}", Self::PREFIX))
    }

    /// When the table may forget it: seconds since the epoch.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.recorded_at.max(self.erased_at).div_euclid(1000).saturating_add(TOMBSTONE_DAYS * 24 * 3600)
    }

    pub(super) fn hash_bytes(&self) -> Result<Hash, Fault> {
        let mut hash = [0; 32];
        let decoded = hex::decode_to_slice(&self.hash, &mut hash);
        decoded.map(|()| hash).map_err(|_| strange("the hash of a tombstone is not 64 hexadecimal digits"))
    }
}

/// What concerns everybody: item `setting` / `erasures`. It spares writers all other looks as long as nobody erases anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The latest moment up to which anybody's activities are erased: milliseconds since the epoch; 0 where nobody's are. What happened later no
    /// tombstone covers.
    pub latest: i64,
    /// Whether callbacks erase for any owner. It stays so.
    #[serde(default)]
    pub from_callbacks: bool,
}

impl Gate {
    /// Where it stands.
    #[must_use]
    pub fn key() -> Key {
        Key::new("setting", "erasures")
    }
}

fn strange(detail: &str) -> Fault {
    Fault::new(FaultKind::Denied, "control:Read", detail)
}
