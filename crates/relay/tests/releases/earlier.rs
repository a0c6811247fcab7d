//! A reader as a release was: written after the formats' description, over apache-avro and the schemas as they were then. It knows nothing of `relay`.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use serde::{Deserialize, Serialize};

/// What a release's readers know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// Type bytes of frames with activities: plain, compressed.
    pub(crate) activities: [u8; 2],
    /// Type bytes of frames with a raw reject: plain, compressed.
    pub(crate) raw: [u8; 2],
    /// Fingerprints of the schemas of activities that it reads, hexadecimal.
    pub(crate) activity_schemas: Vec<String>,
    /// The same of rejects.
    pub(crate) reject_schemas: Vec<String>,
    /// The most bytes that it unpacks.
    pub(crate) unpack_limit: usize,
}

/// Why a release does not read something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its type or schema is of another release: set aside, to be replayed.
    Unknown,
    /// It says that it is known, and is not what it says.
    Broken(String),
}

/// A release's reader.
pub(crate) struct Reader {
    pub(crate) rules: Rules,
    pub(crate) activity: Schema,
    pub(crate) reject: Schema,
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn broken(why: impl ToString) -> Refused {
    Refused::Broken(why.to_string())
}

impl Reader {
    /// The values of a frame: its retention, then its activities; or its reject.
    pub(crate) fn frame(&self, frame: &[u8]) -> Result<Vec<Value>, Refused> {
        let (head, payload) = frame.split_at_checked(9).ok_or_else(|| broken("no head"))?;
        let fingerprint = fingerprint(&head[1..]);
        let Rules { activities, raw, activity_schemas, reject_schemas, .. } = &self.rules;
        let is_compressed = [activities[1], raw[1]].contains(&head[0]);
        let payload = || if is_compressed { self.unpacked(payload) } else { Ok(payload.to_vec()) };
        if activities.contains(&head[0]) && activity_schemas.contains(&fingerprint) {
            let payload = payload()?;
            let mut rest = payload.as_slice();
            let retention = long(&mut rest)?;
            let mut values = vec![Value::Long(retention)];
            values.extend(self.datums(rest)?);
            return Ok(values);
        }
        if raw.contains(&head[0]) && reject_schemas.contains(&fingerprint) {
            return Ok(vec![datum(&self.reject, &payload()?)?]);
        }
        Err(Refused::Unknown)
    }

    /// The values of a page's activities.
    pub(crate) fn page(&self, body: &[u8]) -> Result<Vec<Value>, Refused> {
        let (head, packed) = body.split_at_checked(8).ok_or_else(|| broken("no head"))?;
        if !self.rules.activity_schemas.contains(&fingerprint(head)) {
            return Err(Refused::Unknown);
        }
        self.datums(&self.unpacked(packed)?)
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Vec<u8>, Refused> {
        zstd::bulk::decompress(packed, self.rules.unpack_limit).map_err(broken)
    }

    fn datums(&self, mut bytes: &[u8]) -> Result<Vec<Value>, Refused> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let length = usize::try_from(long(&mut bytes)?).map_err(broken)?;
            let (one, rest) = bytes.split_at_checked(length).ok_or_else(|| broken("a datum beyond the end"))?;
            values.push(datum(&self.activity, one)?);
            bytes = rest;
        }
        Ok(values)
    }
}

/// As the rules write it: of eight bytes, little endian.
fn fingerprint(bytes: &[u8]) -> String {
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    hex::encode(reversed)
}

fn datum(schema: &Schema, mut bytes: &[u8]) -> Result<Value, Refused> {
    let reader = GenericDatumReader::builder(schema).build().map_err(broken)?;
    let value = reader.read_value(&mut bytes).map_err(broken)?;
    if bytes.is_empty() { Ok(value) } else { Err(broken("bytes behind the datum")) }
}

/// Avro's long (Avro specification, "Binary encoding").
fn long(bytes: &mut &[u8]) -> Result<i64, Refused> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(|| broken("a number beyond the end"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    Err(broken("a number too long"))
}
