//! How far the worker has come, and how it knows its own parts again.

use serde::{Deserialize, Serialize};

use super::Totals;
use crate::activity::Kind;
use crate::port::{StoredPart, Upload};

/// How far the worker has come: every row up to here is in the files that are whole, in the upload's parts, or in the tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The files that are whole and have another one behind them, in order.
    #[serde(default)]
    pub files: Vec<FinishedFile>,
    /// Which of the export's kinds the file under way holds, from 0; behind the last of them it is the manifest.
    #[serde(default)]
    pub kind: usize,
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
    /// The row behind which the file under way begins; `None` for the kind's first.
    #[serde(default)]
    pub start: Option<(i64, String)>,
    /// The last row's `created_at` and `activity_id`.
    pub after: Option<(i64, String)>,
    /// Rows of the file under way so far.
    pub rows: u64,
    /// Its bytes so far.
    pub bytes: u64,
    /// Sums over its rows so far.
    pub totals: Totals,
    /// Every row of it is in the parts; the file is about to be made of them.
    pub finishing: bool,
    /// It is full: more rows of its kind follow in another file.
    #[serde(default)]
    pub more: bool,
}

/// How far a step has come beyond the checkpoint, for who watches: nothing goes on from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Which of the export's kinds it reads, from 0.
    pub(super) kind: usize,
    /// The last row's `created_at`.
    pub(super) at: i64,
    /// Rows so far, of all files.
    pub(super) rows: u64,
    /// Bytes so far, of all files.
    pub(super) bytes: u64,
}

impl Reached {
    /// What `sums` say at the row of this `created_at`, with so many bytes behind those that they know of.
    #[must_use]
    pub fn of(sums: &Checkpoint, at: i64, written: u64) -> Self {
        let (rows, bytes) =
            sums.files.iter().fold((0, 0), |(rows, bytes), file| (rows + file.rows, bytes + file.bytes));
        Self { kind: sums.kind, at, rows: rows + sums.rows, bytes: bytes + sums.bytes + written }
    }
}

/// A file that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedFile {
    /// Its name.
    pub name: String,
    /// The kind of its rows.
    pub kind: Kind,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Sums over its rows.
    pub totals: Totals,
}

/// What an object holds until there is enough of it for a part: bytes as they will stand in the file, then rows of a block that is not full yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The object's key: no two steps write the same.
    pub key: String,
    /// Its bytes.
    pub bytes: u64,
    /// How many of these, the last ones, are rows of a block that is not full: not compressed yet.
    #[serde(default)]
    pub open: u64,
}

impl Checkpoint {
    /// Where the next file begins, behind this one; `finished` is what became of this one, `None` where it held no row.
    #[must_use]
    pub fn next_file(self, finished: Option<FinishedFile>) -> Self {
        let mut files = self.files;
        files.extend(finished);
        let (kind, after) = if self.more { (self.kind, self.after) } else { (self.kind + 1, None) };
        Self { files, kind, start: after.clone(), after, ..Self::default() }
    }

    /// Where the file under way begins.
    #[must_use]
    pub fn file_start(self) -> Self {
        Self { files: self.files, kind: self.kind, after: self.start.clone(), start: self.start, ..Self::default() }
    }

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
