//! A batch of records: decoded, sorted by what becomes of each.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use relay::discard::Reason;
use relay::frame::{self, Activities, Frame, FrameError};
use relay::page::{Datum, Sourced};
use relay::quarantine::{Entry, UNKNOWN_OWNER};

/// How much of a batch is held unpacked at a time: bytes. An event brings 6 MB at most, which normal activities unpack into less than this; but a
/// thousand frames of one repeated character would unpack into a gigabyte, and the function has 512 MB for this and for the pages made of it.
const MAX_UNPACKED_BYTES: usize = 32 * 1024 * 1024;

/// A record of the stream, or a message of the spill queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in its shard; of a message, its id.
    pub sequence_number: String,
    /// Its shard; empty for a message, which has none: no watermark is recorded for it.
    pub shard_id: String,
    /// When it arrived in the stream or the queue: milliseconds since the epoch.
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

impl Refused {
    /// How many activities a refused page holds; `None` for what never became activities.
    #[must_use]
    pub fn activities(&self) -> Option<usize> {
        self.entry.activities.map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }
}

/// A page that the table refuses as invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPage {
    /// The page.
    pub sourced: Sourced,
    /// What the table said.
    pub detail: String,
}

/// A part of a batch, as far as it can be told without the world: consecutive records, as many as unpack into 32 MiB.
#[derive(Debug, Default)]
pub struct Batch {
    range: Range<usize>,
    frames: Vec<(usize, Activities)>,
    /// What goes to the quarantine.
    pub refused: Vec<Refused>,
    /// The activities that are left out because they are erased: the place of each among [`Batch::datums`], with its record.
    erased: BTreeMap<usize, usize>,
}

impl Batch {
    /// Decodes the records from `first` on until enough is held. One that cannot be decoded, or whose decoding panics, is refused alone.
    #[must_use]
    pub fn decode(records: &[Record], first: usize) -> Self {
        Self::decode_by(records, first, frame::decode)
    }

    fn decode_by(records: &[Record], first: usize, decode: impl Fn(&[u8]) -> Result<Frame, FrameError>) -> Self {
        let mut batch = Self { range: first..first, ..Self::default() };
        let mut held = 0;
        for (source, record) in records.iter().enumerate().skip(first) {
            if held >= MAX_UNPACKED_BYTES {
                break;
            }
            batch.range.end = source + 1;
            held += record.data.len();
            match caught(|| decode(&record.data)) {
                Ok(Frame::Activities(activities)) => {
                    held += activities.held_bytes();
                    batch.frames.push((source, activities));
                }
                Ok(Frame::Raw(raw)) => {
                    held += raw.body.len() + raw.query.len();
                    let owner = raw.owner.clone();
                    batch.refused.push(Refused { owner, entry: Entry::of_callback(raw, &record.data), source });
                }
                Err(detail) => {
                    let Record { sequence_number, arrived_at, data, .. } = record;
                    let entry = Entry::of_stream(Reason::Undecodable, detail, *arrived_at, sequence_number, data);
                    batch.refused.push(Refused { owner: UNKNOWN_OWNER.to_owned(), entry, source });
                }
            }
        }
        batch
    }

    /// The index of its first record.
    #[must_use]
    pub const fn start(&self) -> usize {
        self.range.start
    }

    /// The index behind its last record.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.range.end
    }

    /// Adds pages that the table refuses to what goes to the quarantine.
    pub fn refuse_pages(&mut self, pages: Vec<RefusedPage>, records: &[Record]) {
        for RefusedPage { sourced: Sourced { page, source, .. }, detail } in pages {
            let Some(record) = records.get(source) else { continue };
            let entry = Entry::of_page(detail, record.arrived_at, &record.sequence_number, &page);
            self.refused.push(Refused { owner: UNKNOWN_OWNER.to_owned(), entry, source });
        }
    }

    /// Every activity of the part.
    pub fn datums(&self) -> impl Iterator<Item = Datum<'_>> {
        self.frames.iter().flat_map(|(source, activities)| {
            let retention_days = activities.retention_days;
            activities.datums().map(move |bytes| Datum { bytes, retention_days, source: *source })
        })
    }

    /// Leaves out the activities that `is_erased` tells.
    pub fn leave_out(&mut self, is_erased: impl Fn(&[u8]) -> bool) {
        let places = self.datums().enumerate().filter(|(_, datum)| is_erased(datum.bytes));
        let erased = places.map(|(place, datum)| (place, datum.source)).collect();
        self.erased = erased;
    }

    /// Every activity of the part but those that are left out.
    pub fn kept(&self) -> impl Iterator<Item = Datum<'_>> {
        let datums = self.datums().enumerate();
        datums.filter(|(place, _)| !self.erased.contains_key(place)).map(|(_, datum)| datum)
    }

    /// How many activities of the records before `source` are left out.
    #[must_use]
    pub fn erased_before(&self, source: usize) -> usize {
        self.erased.values().filter(|of| **of < source).count()
    }

    /// How many activities the part holds, duplicates among them.
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

    fn record(n: usize, data: &[u8]) -> Record {
        Record { sequence_number: n.to_string(), shard_id: "shard".into(), arrived_at: 0, data: data.to_vec() }
    }

    #[test]
    fn a_panic_in_one_frame_is_that_frames_refusal_and_its_neighbours_go_on() {
        let good = frame::pack(90, &[relay::arbitrary::one()])[0].data.to_vec();
        let records = [record(0, &good), record(1, b"poison"), record(2, &good)];
        let decode = |data: &[u8]| if data == b"poison" { panic!("poison") } else { frame::decode(data) };
        let batch = Batch::decode_by(&records, 0, decode);
        assert_eq!((batch.activities(), batch.activities_from(1), batch.end()), (2, 1, 3));
        let [refused] = batch.refused.as_slice() else { panic!("one refusal: {:?}", batch.refused) };
        assert_eq!((refused.source, refused.entry.body_base64.as_deref()), (1, Some("cG9pc29u")));
        assert!(refused.entry.detail.contains("panicked"), "{}", refused.entry.detail);
    }
}
