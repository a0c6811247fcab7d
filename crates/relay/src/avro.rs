//! The Avro binary codec for `schemas/activity.avsc`: a cursor with borrowed slices; apache-avro is its oracle in tests.
//!
//! Ours because general crates reach 40 to 500 thousand activities a second and the writer and the reader need millions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use crate::field::{Field, Shape};

/// CRC-64-AVRO of the canonical form of `schemas/activity.avsc`: names the schema in frames and pages.
pub const FINGERPRINT: u64 = 0x89c6_c43a_6459_2b03;

/// Bytes that are not what the schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct DecodeError {
    /// Offset in the bytes given.
    pub at: usize,
    /// What was wrong there.
    pub what: &'static str,
}

/// Reads Avro's primitive types from bytes without ever panicking or allocating.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether all bytes are read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// How many bytes are read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    const fn wrong(&self, what: &'static str) -> DecodeError {
        DecodeError { at: self.at, what }
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(length);
        let slice = end.and_then(|end| self.bytes.get(self.at..end));
        let slice = slice.ok_or_else(|| self.wrong("the bytes end within a value"))?;
        self.at += length;
        Ok(slice)
    }

    /// A zigzag varint of at most ten bytes.
    #[inline]
    pub fn long(&mut self) -> Result<i64, DecodeError> {
        match self.bytes.get(self.at) {
            // Most are the symbol of an absent field or the length of a short text.
            Some(byte @ ..0x80) => {
                self.at += 1;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            Some(_) | None => self.long_of_many(),
        }
    }

    fn long_of_many(&mut self) -> Result<i64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.wrong("the bytes end within a number"))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(self.wrong("a number of more than ten bytes"))
    }

    /// A length: a long that is not negative.
    #[inline]
    pub fn length(&mut self) -> Result<usize, DecodeError> {
        let length = self.long()?;
        usize::try_from(length).map_err(|_| self.wrong("a negative length"))
    }

    /// Bytes after their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.length()?;
        self.take(length)
    }

    /// UTF-8 after its length in bytes.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.wrong("a text that is not UTF-8"))
    }

    fn symbol<T: Copy>(&mut self, symbols: &[T]) -> Result<T, DecodeError> {
        let index = self.length()?;
        symbols.get(index).copied().ok_or_else(|| self.wrong("an unknown symbol"))
    }

    fn is_present(&mut self) -> Result<bool, DecodeError> {
        match self.long()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong("an unknown symbol")),
        }
    }

    fn extra(&mut self) -> Result<BTreeMap<Cow<'a, str>, Cow<'a, str>>, DecodeError> {
        let mut extra = BTreeMap::new();
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(extra);
            }
            if count < 0 {
                // A negative count is followed by the block's size in bytes (Avro specification, maps).
                self.long()?;
                count = count.checked_neg().ok_or_else(|| self.wrong("an impossible count"))?;
            }
            for _ in 0..count {
                let name = self.text()?;
                extra.insert(Cow::Borrowed(name), Cow::Borrowed(self.text()?));
            }
        }
    }
}

/// Appends a zigzag varint.
pub fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends bytes after their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(bytes);
}

/// Appends an activity as one Avro datum.
pub fn encode(activity: &Activity<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&activity.activity_id.0);
    put_symbol(out, &Kind::ALL, &activity.kind);
    put_bytes(out, activity.app_token.as_bytes());
    put_long(out, activity.created_at);
    put_long(out, activity.received_at);
    put_symbol(out, &Provider::ALL, &activity.provider);
    for (_, value) in activity.fields.slots() {
        match value {
            None => put_long(out, 0),
            Some(Value::Text(text)) => {
                put_long(out, 1);
                put_bytes(out, text.as_bytes());
            }
            Some(Value::Time(time)) => {
                put_long(out, 1);
                put_long(out, *time);
            }
        }
    }
    if !activity.extra.is_empty() {
        put_long(out, i64::try_from(activity.extra.len()).unwrap_or(i64::MAX));
        for (name, value) in &activity.extra {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }
    put_long(out, 0);
}

fn put_symbol<T: PartialEq>(out: &mut Vec<u8>, symbols: &[T], symbol: &T) {
    let index = symbols.iter().position(|known| known == symbol).unwrap_or_default();
    put_long(out, i64::try_from(index).unwrap_or_default());
}

/// What a merge needs of an activity: the identity fields, which stand first so that nothing else is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The same for every delivery of one activity.
    pub activity_id: ActivityId,
    /// What happened.
    pub kind: Kind,
    /// The app.
    pub app_token: &'a str,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
    /// Milliseconds since the epoch, UTC.
    pub received_at: i64,
    /// Who sent it.
    pub provider: Provider,
}

/// The identity fields of one datum.
pub fn head(bytes: &[u8]) -> Result<Head<'_>, DecodeError> {
    read_head(&mut Cursor::new(bytes))
}

fn read_head<'a>(cursor: &mut Cursor<'a>) -> Result<Head<'a>, DecodeError> {
    let mut id = [0; 16];
    id.copy_from_slice(cursor.take(16)?);
    Ok(Head {
        activity_id: ActivityId(id),
        kind: cursor.symbol(&Kind::ALL)?,
        app_token: cursor.text()?,
        created_at: cursor.long()?,
        received_at: cursor.long()?,
        provider: cursor.symbol(&Provider::ALL)?,
    })
}

/// Gives `each` the texts of the `wanted` fields of one datum, as far as it has them: fields of shape [`Shape::Text`], asked for in schema order, and
/// nothing behind the last of them is read.
pub fn texts<'a>(bytes: &'a [u8], wanted: &[Field], mut each: impl FnMut(Field, &'a str)) -> Result<(), DecodeError> {
    let Some(last) = wanted.last() else { return Ok(()) };
    let mut cursor = Cursor::new(bytes);
    read_head(&mut cursor)?;
    for field in Field::ALL.iter().take_while(|field| *field <= last) {
        if !cursor.is_present()? {
            continue;
        }
        match field.shape() {
            Shape::Time => drop(cursor.long()?),
            Shape::Text if wanted.contains(field) => each(*field, cursor.text()?),
            Shape::Text => drop(cursor.bytes()?),
        }
    }
    Ok(())
}

/// One whole datum. Bytes left over are an error: a datum is always framed by its length.
pub fn decode(bytes: &[u8]) -> Result<Activity<'_>, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let head = read_head(&mut cursor)?;
    // Filled where it stands: its slots are some two KiB, too many to move for each row.
    let mut activity = Activity {
        activity_id: head.activity_id,
        kind: head.kind,
        app_token: Cow::Borrowed(head.app_token),
        created_at: head.created_at,
        received_at: head.received_at,
        provider: head.provider,
        fields: Fields::default(),
        extra: BTreeMap::new(),
    };
    for (field, slot) in activity.fields.slots_mut() {
        if cursor.is_present()? {
            *slot = Some(match field.shape() {
                Shape::Text => Value::Text(Cow::Borrowed(cursor.text()?)),
                Shape::Time => Value::Time(cursor.long()?),
            });
        }
    }
    activity.extra = cursor.extra()?;
    if !cursor.is_at_end() {
        return Err(cursor.wrong("bytes behind the activity"));
    }
    Ok(activity)
}

#[cfg(test)]
mod tests;
