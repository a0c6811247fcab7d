//! Many activities, few frames.

use std::ops::Range;

use bytes::Bytes;

use super::{ACTIVITIES, ACTIVITIES_ZSTD, HEAD_BYTES, MAX_FRAME_BYTES, MAX_UNPACKED_BYTES, assemble};
use crate::activity::Activity;
use crate::avro::{self, put_bytes, put_long};
use crate::compression::compress;

/// A frame ready for the stream, and which of the activities given are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedFrame {
    /// The frame.
    pub data: Bytes,
    /// Indices of the activities given.
    pub members: Range<usize>,
}

/// Packs the activities of one owner into as few frames as hold them. A lone activity is not compressed: Kinesis bills by whole KiB.
#[must_use]
pub fn pack<'i, 'a: 'i>(
    retention_days: u16,
    activities: impl IntoIterator<Item = &'i Activity<'a>>,
) -> Vec<PackedFrame> {
    let mut datums = Datums::default();
    let mut datum = Vec::new();
    for activity in activities {
        datum.clear();
        avro::encode(activity, &mut datum);
        datums.push(&datum);
    }
    let mut frames = Vec::new();
    pack_range(retention_days, &datums, 0..datums.ends.len(), &mut frames);
    frames
}

/// Datums as they stand in a payload, each after its length.
#[derive(Default)]
struct Datums {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Datums {
    fn push(&mut self, datum: &[u8]) {
        put_bytes(&mut self.bytes, datum);
        self.ends.push(self.bytes.len());
    }

    fn of(&self, members: &Range<usize>) -> &[u8] {
        let end = |before: usize| before.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        self.bytes.get(end(members.start)..end(members.end)).unwrap_or_default()
    }
}

fn pack_range(retention_days: u16, datums: &Datums, members: Range<usize>, frames: &mut Vec<PackedFrame>) {
    if members.is_empty() {
        return;
    }
    let (bytes, is_lone) = (datums.of(&members), members.len() == 1);
    let size = bytes.len() + 4;
    // Joined only where that may be one frame: a batch is held here once more, not once more at each halving.
    if is_lone || size <= MAX_UNPACKED_BYTES {
        let mut payload = Vec::with_capacity(size);
        put_long(&mut payload, i64::from(retention_days));
        payload.extend_from_slice(bytes);
        if is_lone {
            frames.push(PackedFrame { data: assemble(ACTIVITIES, avro::FINGERPRINT, &payload), members });
            return;
        }
        if let Ok(packed) = compress(&payload)
            && HEAD_BYTES + packed.len() <= MAX_FRAME_BYTES
        {
            frames.push(PackedFrame { data: assemble(ACTIVITIES_ZSTD, avro::FINGERPRINT, &packed), members });
            return;
        }
    }
    let middle = members.start + members.len() / 2;
    pack_range(retention_days, datums, members.start..middle, frames);
    pack_range(retention_days, datums, middle..members.end, frames);
}
