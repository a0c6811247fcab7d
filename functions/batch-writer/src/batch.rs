//! A batch of records: decoded, sorted by what becomes of each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use relay::discard::Reason;
use relay::frame::{self, Activities, Frame, FrameError};
use relay::page::Datum;
use relay::quarantine::{Entry, UNKNOWN_OWNER};

/// A record of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in its shard.
    pub sequence_number: String,
    /// Its shard.
    pub shard_id: String,
    /// When it arrived in the stream: milliseconds since the epoch.
    pub arrived_at: i64,
    /// A frame.
    pub data: Vec<u8>,
}

/// One thing for the quarantine: whose, what, and which record waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The owner's name, or [`UNKNOWN_OWNER`].
    pub owner: String,
    /// The raw bytes and the reason.
    pub entry: Entry,
    /// The index of the record in the batch.
    pub source: usize,
}

/// A batch as far as it can be told without the world.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<(usize, Activities)>,
    /// What goes to the quarantine.
    pub refused: Vec<Refused>,
    /// How many frames could not be decoded.
    pub undecodable: usize,
}

impl Batch {
    /// Decodes every record. One that cannot be decoded, or whose decoding panics, is refused alone.
    #[must_use]
    pub fn decode(records: &[Record]) -> Self {
        let mut batch = Self::default();
        for (source, record) in records.iter().enumerate() {
            match caught(|| frame::decode(&record.data)) {
                Ok(Frame::Activities(activities)) => batch.frames.push((source, activities)),
                Ok(Frame::Raw(raw)) => {
                    let owner = raw.owner.clone();
                    batch.refused.push(Refused { owner, entry: Entry::of_callback(raw), source });
                }
                Err(detail) => {
                    batch.undecodable += 1;
                    batch.refuse(Reason::Undecodable, detail, record, &record.data, source);
                }
            }
        }
        batch
    }

    /// Adds bytes of the stream to what goes to the quarantine.
    pub fn refuse(&mut self, reason: Reason, detail: String, record: &Record, bytes: &[u8], source: usize) {
        let entry = Entry::of_stream(reason, detail, record.arrived_at, &record.sequence_number, bytes);
        self.refused.push(Refused { owner: UNKNOWN_OWNER.to_owned(), entry, source });
    }

    /// Every activity of the batch.
    pub fn datums(&self) -> impl Iterator<Item = Datum<'_>> {
        self.frames.iter().flat_map(|(source, activities)| {
            let retention_days = activities.retention_days;
            activities.datums().map(move |bytes| Datum { bytes, retention_days, source: *source })
        })
    }

    /// How many activities the batch holds, duplicates among them.
    #[must_use]
    pub fn activities(&self) -> usize {
        self.frames.iter().map(|(_, activities)| activities.len()).sum()
    }

    /// How many activities the records from `source` on hold.
    #[must_use]
    pub fn activities_from(&self, source: usize) -> usize {
        self.frames.iter().filter(|(of, _)| *of >= source).map(|(_, activities)| activities.len()).sum()
    }
}

/// A panic in one frame must not take the batch with it (panic = "unwind"): it is this frame's refusal.
fn caught(decode: impl FnOnce() -> Result<Frame, FrameError>) -> Result<Frame, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| error.to_string()),
        Err(_) => Err("decoding the frame panicked: a bug of ours; keep the object and report it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_frames_refusal() {
        assert!(caught(|| panic!("poison")).unwrap_err().contains("panicked"));
    }
}
