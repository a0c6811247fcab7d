//! Items of table `control`: owners, keys, apps, exports, run slots, watermarks; small JSON documents under optimistic locking.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::{Fault, FaultKind};

/// The address of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// The key of these two parts.
    #[must_use]
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// An item as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub key: Key,
    /// Grows by one with every conditional write; 0 for items written unconditionally.
    pub version: u64,
    /// The document: a JSON object without fractional numbers.
    pub doc: Value,
}

impl Item {
    /// The document as a domain type. A document that does not fit is an operator's matter (a newer release wrote it, or a hand did). Faults are
    /// logged, so this one names neither the item's key nor what stands in it: both may hold hashes of secrets and mail addresses.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_value(self.doc.clone()).map_err(|_| {
            let kind = self.key.pk.split('#').next().unwrap_or_default();
            let wanted = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            let detail = format!("an item of kind `{kind}` is not what this release reads as {wanted}");
            Fault::new(FaultKind::Denied, "control:Read", detail)
        })
    }
}

/// What must hold for a write to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the last writer wins. The item's version becomes 0.
    Any,
    /// No item stands there. The version becomes 1.
    Absent,
    /// The item stands there with this version. The version becomes one more.
    Version(u64),
}

impl Expect {
    /// The version a put under this expectation leaves.
    #[must_use]
    pub const fn next_version(self) -> u64 {
        match self {
            Self::Any => 0,
            Self::Absent => 1,
            Self::Version(version) => version.saturating_add(1),
        }
    }
}

/// One write of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes the whole document.
    Put {
        /// Where.
        key: Key,
        /// What.
        doc: Value,
        /// When the table may forget it: seconds since the epoch.
        expires_at: Option<i64>,
        /// Under which condition.
        expect: Expect,
    },
    /// Removes the item; removing what is not there is fine under [`Expect::Any`].
    Delete {
        /// Where.
        key: Key,
        /// Under which condition.
        expect: Expect,
    },
}

impl Write {
    /// A put of a domain type that is kept until deleted.
    pub fn put<T: Serialize>(key: Key, value: &T, expect: Expect) -> Result<Self, Fault> {
        Self::put_until(key, value, expect, None)
    }

    /// A put of a domain type that the table may forget after `expires_at` (seconds since the epoch).
    pub fn put_until<T: Serialize>(
        key: Key,
        value: &T,
        expect: Expect,
        expires_at: Option<i64>,
    ) -> Result<Self, Fault> {
        let doc = serde_json::to_value(value)
            .map_err(|error| Fault::new(FaultKind::Denied, "control:Write", error.to_string()))?;
        Ok(Self::Put { key, doc, expires_at, expect })
    }

    /// Where it writes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }
}

/// Why a commit did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold: somebody else wrote first. Nothing was written.
    #[error("write {0} of the commit found another state than it expected")]
    Conflict(usize),
    /// The world's fault; whether it was written is unknown after a time-out.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Which items of one partition, in sort-key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The partition.
    pub pk: String,
    /// Only sort keys that begin so; empty for all.
    pub prefix: String,
    /// Start behind this sort key (in the direction of travel).
    pub after: Option<String>,
    /// From the greatest sort key down.
    pub descending: bool,
    /// The most items to answer.
    pub limit: usize,
}

/// An answer to a [`Query`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The items found, in order.
    pub items: Vec<Item>,
    /// The sort key to go on behind; `None` at the end.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::KeyRecord;

    #[test]
    fn a_document_that_cannot_be_read_gives_nothing_away() {
        let doc = serde_json::json!({"key_id": "0123456789ab", "owner": 7, "role": "kim@example.com"});
        let item = Item { key: Key::new("key#5ec4e7ha5h", "key"), version: 1, doc };
        let fault = item.read::<KeyRecord>().unwrap_err();
        assert_eq!(fault.detail, "an item of kind `key` is not what this release reads as KeyRecord");
        let item = Item { key: Key::new("owner#demo", "key#0123456789ab"), ..item };
        assert!(!item.read::<KeyRecord>().unwrap_err().to_string().contains("demo"));
    }
}
