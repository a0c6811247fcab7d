//! Erasing: the activities of one device or user are left out of every file at once, out of what is written, and taken out of what is stored.
//!
//! A **tombstone** says that an owner's activities with one id, that happened up to a moment, are erased. It holds a keyed hash of the id and never the id.
//! All of an owner's stand in one partition of table `control`:
//!
//! ```text
//! erase#{owner}  ledger                   the hash's key, how many tombstones there are, when their job is due
//!                tombstone#{number:010}   one id; numbered in the order in which they were made, so that who knows the first n reads the rest alone
//!                job                      how far the pages have been gone through
//! setting        erasures                 the latest moment of any tombstone of anybody: what happened later needs no look
//! erasures       {due_at:013}#erase#{owner}   the agenda of the jobs
//! ```

mod forget;
mod id;
mod job;
mod ledger;
mod record;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::avro::{self, DecodeError};
use crate::control::Query;
use crate::fault::Fault;
use crate::field::Field;
use crate::port::ControlTable;
use crate::tenancy;

pub use forget::{FORGET_DEVICE, forgotten};
pub use id::{Id, IdError, IdType};
pub use job::{Job, Pass, Place, SWEEP_AFTER_MS};
pub use ledger::{By, Gate, Ledger, TOMBSTONE_DAYS, Tombstone, partition};
pub use record::{Mark, Origin, Recorded, again, record, take_callbacks};

/// How many tombstones a listing asks for at a time: 1 MiB of them, about (DynamoDB `Query`).
const LISTING_LIMIT: usize = 4_000;

/// The keyed hash of an id: HMAC-SHA-256 under the owner's key.
type Hash = [u8; 32];

/// An owner's tombstones: what is erased.
#[derive(Clone, Default)]
pub struct Erased {
    /// The hash under the owner's key; none where nothing was ever erased.
    keyed: Option<Hmac<Sha256>>,
    /// Until when activities with an id are erased: milliseconds since the epoch.
    until: HashMap<Hash, i64>,
    /// The fields that any of the ids stands in, in schema order.
    fields: Vec<Field>,
    /// The latest of these moments.
    latest: Option<i64>,
    /// The number of the last tombstone.
    through: u64,
}

/// What is shown of them shows no hash and no key.
impl fmt::Debug for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erased").field("through", &self.through).finish_non_exhaustive()
    }
}

/// The same tombstones: keys differ by owner, and with them every hash.
impl PartialEq for Erased {
    fn eq(&self, other: &Self) -> bool {
        self.through == other.through && self.until == other.until
    }
}

impl Eq for Erased {}

impl Erased {
    /// No tombstone.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// An owner's tombstones as they stand now.
    pub async fn load(control: &impl ControlTable, owner: &str) -> Result<Arc<Self>, Fault> {
        let mut erased = Self::default();
        erased.catch_up(control, owner).await?;
        Ok(Arc::new(erased))
    }

    /// Reads what was added since; one small read where nothing was. Answers the ledger as it stood before, `None` where there is none.
    pub async fn catch_up(&mut self, control: &impl ControlTable, owner: &str) -> Result<Option<(Ledger, u64)>, Fault> {
        let Some((ledger, version)) = tenancy::find::<Ledger>(control, Ledger::key(owner)).await? else {
            return Ok(None);
        };
        if self.keyed.is_none() {
            self.keyed = Some(ledger.keyed()?);
        }
        let mut after = (self.through > 0).then(|| Tombstone::key(owner, self.through).sk);
        while self.through < ledger.last {
            let prefix = Tombstone::PREFIX.to_owned();
            let query = Query { pk: partition(owner), prefix, after, descending: false, limit: LISTING_LIMIT };
            let listing = control.query(&query).await?;
            for item in &listing.items {
                self.add(&item.read()?)?;
            }
            let Some(next) = listing.next else { break };
            after = Some(next);
        }
        // What the table has forgotten by now is not looked for again.
        self.through = self.through.max(ledger.last);
        Ok(Some((ledger, version)))
    }

    fn add(&mut self, tombstone: &Tombstone) -> Result<(), Fault> {
        let until = self.until.entry(tombstone.hash_bytes()?).or_insert(i64::MIN);
        *until = tombstone.erased_at.max(*until);
        self.latest = self.latest.max(Some(tombstone.erased_at));
        self.through = self.through.max(tombstone.number);
        let field = tombstone.id_type.field();
        if let Err(place) = self.fields.binary_search(&field) {
            self.fields.insert(place, field);
        }
        Ok(())
    }

    /// The number of the last tombstone.
    #[must_use]
    pub const fn through(&self) -> u64 {
        self.through
    }

    /// The latest moment up to which anything is erased: milliseconds since the epoch; `None` where nothing is.
    #[must_use]
    pub const fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Until when activities with this id are erased: milliseconds since the epoch.
    #[must_use]
    pub fn until(&self, id: &Id) -> Option<i64> {
        self.until.get(&self.hash(id.id_type(), id.value())?).copied()
    }

    /// Whether an activity that happened then, of this datum, is erased.
    pub fn covers(&self, created_at: i64, datum: &[u8]) -> Result<bool, DecodeError> {
        if self.latest.is_none_or(|latest| created_at > latest) {
            return Ok(false);
        }
        let mut is_covered = false;
        avro::texts(datum, &self.fields, |field, text| {
            is_covered = is_covered || self.covers_id(created_at, field, text);
        })?;
        Ok(is_covered)
    }

    fn covers_id(&self, created_at: i64, field: Field, text: &str) -> bool {
        let Some(id_type) = IdType::of(field) else { return false };
        let hash = self.hash(id_type, &id_type.normal(text));
        hash.and_then(|hash| self.until.get(&hash)).is_some_and(|until| created_at <= *until)
    }

    /// The hash of a normal text; `None` where nothing was ever erased and there is no key.
    fn hash(&self, id_type: IdType, normal: &str) -> Option<Hash> {
        let keyed = self.keyed.clone()?;
        // The type within: the same text in two fields is two ids. No name holds a zero byte.
        let mac = keyed.chain_update(id_type.name()).chain_update([0]).chain_update(normal);
        Some(mac.finalize().into_bytes().into())
    }

    /// Takes the key of a ledger that is about to be written.
    fn with_key_of(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.keyed = Some(ledger.keyed()?);
        Ok(())
    }
}

fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok()
}

#[cfg(test)]
mod tests;
