//! A frame: the payload of one stream record, either activities or one raw reject.
//!
//! ```text
//! type: 1 byte | schema fingerprint: 8 bytes, little endian | payload
//!
//! 1  activities             retention in days: Avro long, then each activity: Avro bytes holding one datum
//! 2  activities, zstd       the same payload, compressed
//! 3  raw reject             one datum of schemas/reject.avsc
//! 4  raw reject, zstd       the same payload, compressed
//! ```
//!
//! Decoders accept every published version for ever; readers are upgraded before writers.

use std::ops::Range;

use bytes::Bytes;

use crate::avro::{self, Cursor, DecodeError, put_bytes, put_long};
use crate::compression::compress;
use crate::discard::Reason;

mod pack;

pub use pack::{PackedFrame, pack};

/// The most bytes of a frame: base64 of it fits a queue message of 256 KiB (product.md).
pub const MAX_FRAME_BYTES: usize = 180 * 1024;

/// The most bytes that are packed into one frame before compression; bounds what a decoder must hold.
const MAX_UNPACKED_BYTES: usize = 1024 * 1024;

/// The most bytes that a decoder unpacks: more than any encoder of ours ever packed.
const UNPACK_LIMIT: usize = 4 * MAX_UNPACKED_BYTES;

/// Type and fingerprint.
const HEAD_BYTES: usize = 9;

/// CRC-64-AVRO of the canonical form of `schemas/reject.avsc`.
pub const REJECT_FINGERPRINT: u64 = 0xe342_2755_4d3f_f12c;

const ACTIVITIES: u8 = 1;
const ACTIVITIES_ZSTD: u8 = 2;
const RAW: u8 = 3;
const RAW_ZSTD: u8 = 4;

/// Why a frame could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a frame's head.
    #[error("a frame of {0} bytes is shorter than its head of 9")]
    TooShort(usize),
    /// A type byte that no release wrote.
    #[error("frame type {0} is unknown; 1 to 4 are known")]
    UnknownType(u8),
    /// A schema that this release does not know: readers are upgraded before writers.
    #[error("schema {0:016x} is unknown to this release")]
    UnknownSchema(u64),
    /// Damaged compression, or more bytes than any encoder packs.
    #[error("the frame does not unpack: {0}")]
    Unpack(String),
    /// Bytes that are not what the schema says.
    #[error("the frame does not decode: {0}")]
    Decode(#[from] DecodeError),
}

/// A decoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Activities of one owner.
    Activities(Activities),
    /// An input that could not be understood.
    Raw(Raw),
}

/// The activities of a frame: whole datums, each checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activities {
    /// How long their owner keeps them: days.
    pub retention_days: u16,
    bytes: Vec<u8>,
    datums: Vec<Range<usize>>,
}

impl Activities {
    /// Each activity as one Avro datum.
    pub fn datums(&self) -> impl Iterator<Item = &[u8]> {
        self.datums.iter().filter_map(|range| self.bytes.get(range.clone()))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.datums.len()
    }

    /// How much memory they take: bytes.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.bytes.len() + self.datums.len() * size_of::<Range<usize>>()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.datums.is_empty()
    }
}

/// An authenticated input that could not be understood, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Whose key it came with.
    pub owner: String,
    /// The source: a provider's name, or `sdk`.
    pub provider: String,
    /// Why it was refused.
    pub reason: Reason,
    /// The same in words.
    pub detail: String,
    /// Milliseconds since the epoch, UTC.
    pub received_at: i64,
    /// The request's trace id.
    pub trace_id: String,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// The request's query string as sent, less the key.
    pub query: String,
    /// The request's content type; empty for none.
    pub content_type: String,
    /// The request's body.
    pub body: Vec<u8>,
}

fn assemble(frame_type: u8, fingerprint: u64, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(HEAD_BYTES + payload.len());
    frame.push(frame_type);
    frame.extend_from_slice(&fingerprint.to_le_bytes());
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

impl Raw {
    /// The reject as one frame. A body of up to 128 KiB fits whatever it holds: what does not compress is kept as it is.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut payload = Vec::with_capacity(self.body.len() + self.query.len() + 256);
        for text in [&self.owner, &self.provider, self.reason.name(), &self.detail] {
            put_bytes(&mut payload, text.as_bytes());
        }
        put_long(&mut payload, self.received_at);
        for text in [&self.trace_id, &self.method, &self.path, &self.query, &self.content_type] {
            put_bytes(&mut payload, text.as_bytes());
        }
        put_bytes(&mut payload, &self.body);
        match compress(&payload) {
            Ok(packed) if packed.len() < payload.len() => assemble(RAW_ZSTD, REJECT_FINGERPRINT, &packed),
            Ok(_) | Err(_) => assemble(RAW, REJECT_FINGERPRINT, &payload),
        }
    }
}

/// Decodes a frame whole: every activity in it is checked, so that a page never holds what a reader cannot read.
pub fn decode(frame: &[u8]) -> Result<Frame, FrameError> {
    let Some(([frame_type, fingerprint @ ..], payload)) = frame.split_first_chunk::<HEAD_BYTES>() else {
        return Err(FrameError::TooShort(frame.len()));
    };
    let fingerprint = u64::from_le_bytes(*fingerprint);
    let known = match *frame_type {
        ACTIVITIES | ACTIVITIES_ZSTD => avro::FINGERPRINT,
        RAW | RAW_ZSTD => REJECT_FINGERPRINT,
        unknown => return Err(FrameError::UnknownType(unknown)),
    };
    if fingerprint != known {
        return Err(FrameError::UnknownSchema(fingerprint));
    }
    match *frame_type {
        ACTIVITIES => decode_activities(payload.to_vec()).map(Frame::Activities),
        ACTIVITIES_ZSTD => decode_activities(unpack(payload)?).map(Frame::Activities),
        RAW => decode_raw(payload).map(Frame::Raw),
        _ => decode_raw(&unpack(payload)?).map(Frame::Raw),
    }
}

fn unpack(payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    zstd::bulk::decompress(payload, UNPACK_LIMIT).map_err(|error| FrameError::Unpack(error.to_string()))
}

fn decode_activities(bytes: Vec<u8>) -> Result<Activities, FrameError> {
    let mut cursor = Cursor::new(&bytes);
    let retention_days = cursor.long()?;
    let retention_days = u16::try_from(retention_days)
        .map_err(|_| DecodeError { at: 0, what: "a retention that is not 0 to 65,535 days" })?;
    let mut datums = Vec::new();
    while !cursor.is_at_end() {
        let datum = cursor.bytes()?;
        avro::decode(datum)?;
        datums.push(cursor.position() - datum.len()..cursor.position());
    }
    Ok(Activities { retention_days, bytes, datums })
}

fn decode_raw(payload: &[u8]) -> Result<Raw, FrameError> {
    let mut cursor = Cursor::new(payload);
    let owner = cursor.text()?.to_owned();
    let provider = cursor.text()?.to_owned();
    let reason = Reason::from_name(cursor.text()?).ok_or(DecodeError { at: 0, what: "an unknown reason" })?;
    let raw = Raw {
        owner,
        provider,
        reason,
        detail: cursor.text()?.to_owned(),
        received_at: cursor.long()?,
        trace_id: cursor.text()?.to_owned(),
        method: cursor.text()?.to_owned(),
        path: cursor.text()?.to_owned(),
        query: cursor.text()?.to_owned(),
        content_type: cursor.text()?.to_owned(),
        body: cursor.bytes()?.to_vec(),
    };
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    fn raw(body: Vec<u8>) -> Raw {
        Raw {
            owner: "demo".into(),
            provider: "adjust".into(),
            reason: Reason::BadTime,
            detail: "created_at is missing".into(),
            received_at: 1_700_000_000_000,
            trace_id: "0123".into(),
            method: "GET".into(),
            path: "/v1/callbacks/adjust".into(),
            query: "created_at={created_at}&campaign=겨울%zz".into(),
            content_type: String::new(),
            body,
        }
    }

    #[test]
    fn the_reject_schema_is_what_is_written() {
        let text = include_str!("../../../schemas/reject.avsc");
        assert_eq!(text, include_str!("../../../schemas/published/reject-1.avsc"));
        let schema = apache_avro::Schema::parse_str(text).unwrap();
        let fingerprint: [u8; 8] = schema.fingerprint::<apache_avro::rabin::Rabin>().bytes.try_into().unwrap();
        assert_eq!(fingerprint, REJECT_FINGERPRINT.to_le_bytes(), "{:#018x}", u64::from_le_bytes(fingerprint));
        let frame = raw(b"x".to_vec()).encode();
        let payload = if frame[0] == RAW { frame[9..].to_vec() } else { unpack(&frame[9..]).unwrap() };
        let reader = apache_avro::reader::datum::GenericDatumReader::builder(&schema).build().unwrap();
        assert!(reader.read_value(&mut payload.as_slice()).is_ok());
    }

    #[test]
    fn a_raw_body_of_the_largest_size_fits_a_frame() {
        let noise: Vec<u8> =
            (0..32 * 1024).flat_map(|n: u32| blake3::hash(&n.to_le_bytes()).as_bytes()[..4].to_vec()).collect();
        assert_eq!(noise.len(), 128 * 1024);
        let raw = raw(noise);
        assert!(raw.encode().len() <= MAX_FRAME_BYTES);
        assert_eq!(decode(&raw.encode()), Ok(Frame::Raw(raw)));
    }

    #[test]
    fn heads_that_are_wrong_say_so() {
        assert_eq!(decode(&[1, 2]), Err(FrameError::TooShort(2)));
        assert_eq!(decode(&[9; 9]), Err(FrameError::UnknownType(9)));
        assert_eq!(decode(&[1; 9]), Err(FrameError::UnknownSchema(0x0101_0101_0101_0101)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_decoded(activities in prop::collection::vec(arbitrary::activity(), 0..40), days in any::<u16>()) {
            let mut seen = 0;
            for frame in pack(days, &activities) {
                prop_assert!(frame.data.len() <= MAX_FRAME_BYTES);
                prop_assert_eq!(frame.members.start, seen);
                seen = frame.members.end;
                let Frame::Activities(decoded) = decode(&frame.data).unwrap() else { panic!("a raw frame") };
                prop_assert_eq!(decoded.retention_days, days);
                let back: Vec<_> = decoded.datums().map(|datum| avro::decode(datum).unwrap()).collect();
                prop_assert_eq!(&back, &activities[frame.members]);
            }
            prop_assert_eq!(seen, activities.len());
        }

        #[test]
        fn no_bytes_panic(frame_type in 0u8..6, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for fingerprint in [avro::FINGERPRINT, REJECT_FINGERPRINT] {
                decode(&assemble(frame_type, fingerprint, &bytes)).ok();
            }
            decode(&bytes).ok();
        }
    }

    #[test]
    fn the_largest_frame_is_within_the_limit_with_its_head() {
        let noise = |n: usize| -> String {
            let blocks = (0..n.div_ceil(64)).map(|block| blake3::hash(&block.to_le_bytes()).to_string());
            blocks.collect::<String>().chars().take(n).collect()
        };
        let of = |n: usize| {
            let mut activity = arbitrary::one();
            activity.extra.insert("noise".into(), noise(n).into());
            pack(90, &[arbitrary::one(), activity])
        };
        // The longest noise that still goes into one frame: bisection, because a longer one takes two.
        let (mut fits, mut too_long) = (300 * 1024, 500 * 1024);
        while too_long - fits > 1 {
            let middle = usize::midpoint(fits, too_long);
            *(if of(middle).len() == 1 { &mut fits } else { &mut too_long }) = middle;
        }
        let largest = of(fits).remove(0).data.len();
        assert!((MAX_FRAME_BYTES - 8..=MAX_FRAME_BYTES).contains(&largest), "{largest} bytes of {MAX_FRAME_BYTES}");
    }

    #[test]
    fn a_batch_too_large_for_one_frame_takes_several() {
        let mut activity = arbitrary::one();
        let activities: Vec<_> = (0..200u32)
            .map(|n| {
                let noise: String = (0..64u32)
                    .map(|m| blake3::hash(&[n.to_le_bytes(), m.to_le_bytes()].concat()).to_string())
                    .collect();
                activity.extra.insert("noise".into(), noise.into());
                activity.clone()
            })
            .collect();
        let frames = pack(90, &activities);
        assert!(frames.len() > 1);
        assert!(frames.iter().all(|frame| frame.data.len() <= MAX_FRAME_BYTES));
        assert_eq!(frames.iter().map(|frame| frame.members.len()).sum::<usize>(), 200);
    }
}
