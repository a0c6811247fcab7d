//! How far the worker has come, and how it knows its own parts again.

use serde::{Deserialize, Serialize};

use super::Totals;
use crate::port::{StoredPart, Upload};

/// How far the worker has come: every row up to here is in the upload's parts, or in the tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The upload, once one was begun.
    pub upload: Option<Upload>,
    /// How many parts it has.
    pub parts: u32,
    /// A digest over the sizes and tags of these parts, in order: 32 hexadecimal digits, however many parts there are; empty for none.
    #[serde(default)]
    pub digest: String,
    /// The rows behind the last part, too few for a part of their own.
    #[serde(default)]
    pub tail: Option<Tail>,
    /// The last row's `created_at` and `activity_id`.
    pub after: Option<(i64, String)>,
    /// Rows so far.
    pub rows: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// Sums over the rows so far.
    pub totals: Totals,
    /// Every row is in the parts; the file is about to be made of them.
    pub finishing: bool,
}

/// Rows that an object holds until there are enough of them for a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The object's key: no two steps write the same.
    pub key: String,
    /// Its bytes.
    pub bytes: u64,
}

impl Checkpoint {
    /// The same upload, read as far as `read`.
    #[must_use]
    pub fn behind(self, read: Self) -> Self {
        Self { upload: self.upload, parts: self.parts, digest: self.digest, tail: None, ..read }
    }

    /// Counts one more part.
    pub fn add(&mut self, part: &StoredPart) {
        self.parts += 1;
        self.digest = chained(&self.digest, part);
    }

    /// The upload's parts that are recorded here, if they still are what they were; a worker that was overtaken may have written over one. There
    /// may be more parts: uploaded, but not recorded.
    #[must_use]
    pub fn recorded<'a>(&self, parts: &'a [StoredPart]) -> Option<&'a [StoredPart]> {
        let recorded = parts.get(..usize::try_from(self.parts).ok()?)?;
        let digest = recorded.iter().fold(String::new(), |digest, part| chained(&digest, part));
        (digest == self.digest).then_some(recorded)
    }
}

fn chained(digest: &str, part: &StoredPart) -> String {
    let mut hasher = blake3::Hasher::new();
    // The digest so far is empty or of one length, the size always is: no two chains read the same.
    hasher.update(digest.as_bytes()).update(&part.bytes.to_le_bytes()).update(part.tag.as_bytes());
    let hash = hasher.finalize();
    let (first_128_bits, _) = hash.as_bytes().split_at(16);
    hex::encode(first_128_bits)
}
