//! A page: one item of table `pages`, the activities of one app, kind and minute that one write brought.
//!
//! ```text
//! pk  {app_token}#{kind}#{yyyy-mm-dd}#{shard}     day of created_at, UTC
//! sk  {HHMM}#{digest}                             minute of created_at, UTC; 128 bits over the uncompressed bytes
//! page  schema fingerprint: 8 bytes, little endian | zstd of the activities, sorted, each once, each as Avro bytes holding one datum
//! ```
//!
//! The same write is the same item, so a write needs no condition and no read. The same activity in two pages is of the same minute, because
//! its id contains its `created_at`: a reader that merges a minute's pages finds every duplicate.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use crate::activity::{ActivityId, Kind};
use crate::avro::{self, Cursor, DecodeError, put_bytes};
use crate::compression::compress;
use crate::control::{Expect, Key, Write};
use crate::fault::Fault;
use crate::port::ControlTable;
use crate::time::date_of_day;

mod rewrite;

pub use rewrite::{Rewrite, without};

/// The most bytes of a page: well below DynamoDB's 400 KB an item, names and keys included (storage.md).
pub const MAX_PAGE_BYTES: usize = 300 * 1024;

/// The most bytes that go into one page before compression; bounds what a reader must hold of it.
const MAX_UNPACKED_BYTES: usize = 1024 * 1024;

/// The most bytes that a reader unpacks: more than any writer of ours ever packed.
const UNPACK_LIMIT: usize = 4 * MAX_UNPACKED_BYTES;

/// What DynamoDB bills a write by: the started KiB of the item (developer guide, "Read and write operations").
pub const WRITE_UNIT_BYTES: usize = 1024;

/// The names of an item's attributes, and its two numbers: bytes.
const ITEM_OVERHEAD_BYTES: usize = 64;

const MINUTE_MS: i64 = 60_000;
const MINUTES_A_DAY: i64 = 24 * 60;
const DAY_SECONDS: i64 = 24 * 3600;

/// The day and shard whose pages share a partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageDay {
    /// The app.
    pub app_token: String,
    /// The kind.
    pub kind: Kind,
    /// Days since the epoch, UTC.
    pub day: i64,
    /// 0 to the largest `PageShards` ever deployed, excluded.
    pub shard: u32,
}

impl PageDay {
    /// The partition key.
    #[must_use]
    pub fn pk(&self) -> String {
        format!("{}#{}#{}#{}", self.app_token, self.kind, date_of_day(self.day), self.shard)
    }
}

/// A page to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which partition.
    pub day: PageDay,
    /// `{HHMM}#{digest}`.
    pub sk: String,
    /// The compressed activities.
    pub body: Bytes,
    /// How many activities.
    pub n: u64,
    /// When the table may forget it: seconds since the epoch.
    pub expires_at: i64,
}

impl Page {
    /// How large the item is, keys and names included: bytes.
    #[must_use]
    pub fn item_bytes(&self) -> usize {
        self.day.pk().len() + self.sk.len() + self.body.len() + ITEM_OVERHEAD_BYTES
    }

    /// What storing it costs: write units.
    #[must_use]
    pub fn write_units(&self) -> usize {
        self.item_bytes().div_ceil(WRITE_UNIT_BYTES)
    }
}

/// Which of so many shards a page goes to, by its digest: the same page always to the same one. 0 shards are taken for one.
#[must_use]
pub fn shard_of(digest: u128, shards: u32) -> u32 {
    u32::try_from(digest % u128::from(shards.max(1))).unwrap_or_default()
}

/// A page as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPage {
    /// `{HHMM}#{digest}`.
    pub sk: String,
    /// The compressed activities.
    pub body: Bytes,
    /// How many activities.
    pub n: u64,
}

/// One encoded activity on its way into a page. Ordered as rows are: by time, then id, and of equal ids the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<'a> {
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
    /// The same for every delivery of one activity.
    pub activity_id: ActivityId,
    /// Milliseconds since the epoch, UTC.
    pub received_at: i64,
    /// The datum.
    pub bytes: &'a [u8],
    /// How long the owner keeps it: days.
    pub retention_days: u16,
}

/// One encoded activity to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datum<'a> {
    /// The Avro datum.
    pub bytes: &'a [u8],
    /// How long the owner keeps it: days.
    pub retention_days: u16,
    /// Which record of the batch brought it.
    pub source: usize,
}

/// A page to store, and the first record of the batch that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// The page.
    pub page: Page,
    /// The least `source` of the minute's activities, those taken out as duplicates among them.
    pub source: usize,
    /// The greatest one.
    pub last: usize,
}

/// Why activities did not become pages: none of them may be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum PaginateError {
    /// An activity without a head.
    #[error("an activity does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// Compression failed: memory, no fault of the input.
    #[error("a page does not pack: {0}")]
    Pack(#[from] std::io::Error),
}

/// The first and the last record that brought something of a minute, and what they brought.
type Gathered<'a> = (Range<usize>, Vec<Entry<'a>>);

/// Compresses a page's bytes.
type Pack = fn(&[u8]) -> std::io::Result<Vec<u8>>;

/// The pages that one write of these activities makes. Duplicates within the write are taken out.
///
/// `shards` is the `PageShards` in force; the digest chooses the shard, so that the same page always goes to the same one.
pub fn paginate<'a>(datums: impl IntoIterator<Item = Datum<'a>>, shards: u32) -> Result<Vec<Sourced>, PaginateError> {
    paginate_by(datums, shards, compress)
}

fn paginate_by<'a>(
    datums: impl IntoIterator<Item = Datum<'a>>,
    shards: u32,
    pack: Pack,
) -> Result<Vec<Sourced>, PaginateError> {
    let mut minutes: BTreeMap<(&str, Kind, i64), Gathered<'_>> = BTreeMap::new();
    for Datum { bytes, retention_days, source } in datums {
        let head = avro::head(bytes)?;
        let (created_at, activity_id) = (head.created_at, head.activity_id);
        let entry = Entry { created_at, activity_id, received_at: head.received_at, bytes, retention_days };
        let minute = (head.app_token, head.kind, created_at.div_euclid(MINUTE_MS));
        let (sources, entries) = minutes.entry(minute).or_insert((source..source, Vec::new()));
        *sources = source.min(sources.start)..source.max(sources.end);
        entries.push(entry);
    }
    let mut pages = Vec::with_capacity(minutes.len());
    for ((app_token, kind, minute), (Range { start: source, end: last }, mut entries)) in minutes {
        entries.sort_unstable();
        entries.dedup_by_key(|entry| (entry.created_at, entry.activity_id));
        let minute = MinuteKey { app_token, kind, minute, shards, source, last, pack };
        minute.split(&entries, &mut pages)?;
    }
    Ok(pages)
}

struct MinuteKey<'a> {
    app_token: &'a str,
    kind: Kind,
    minute: i64,
    shards: u32,
    source: usize,
    last: usize,
    pack: Pack,
}

impl MinuteKey<'_> {
    /// One page, or as many as keep each within its limits.
    fn split(&self, entries: &[Entry<'_>], pages: &mut Vec<Sourced>) -> std::io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let length = entries.iter().map(|entry| entry.bytes.len() + 4).sum();
        // What is too long for a page anyway is not compressed first: that is most of a writer's time.
        if length <= MAX_UNPACKED_BYTES || entries.len() == 1 {
            let mut bytes = Vec::with_capacity(length);
            for entry in entries {
                put_bytes(&mut bytes, entry.bytes);
            }
            let packed = (self.pack)(&bytes)?;
            if packed.len() + 8 <= MAX_PAGE_BYTES || entries.len() == 1 {
                let page = self.page(entries, &bytes, &packed);
                pages.push(Sourced { page, source: self.source, last: self.last });
                return Ok(());
            }
        }
        let (left, right) = entries.split_at(entries.len() / 2);
        self.split(left, pages)?;
        self.split(right, pages)
    }

    fn page(&self, entries: &[Entry<'_>], bytes: &[u8], packed: &[u8]) -> Page {
        let mut digest = [0; 16];
        blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut digest);
        let day = PageDay {
            app_token: self.app_token.to_owned(),
            kind: self.kind,
            day: self.minute.div_euclid(MINUTES_A_DAY),
            shard: shard_of(u128::from_le_bytes(digest), self.shards),
        };
        let mut body = Vec::with_capacity(packed.len() + 8);
        body.extend_from_slice(&avro::FINGERPRINT.to_le_bytes());
        body.extend_from_slice(packed);
        let expires = entries.iter().map(|entry| {
            entry.created_at.max(entry.received_at) / 1000 + i64::from(entry.retention_days) * DAY_SECONDS
        });
        Page {
            day,
            sk: format!("{}#{}", minute_label(self.minute.rem_euclid(MINUTES_A_DAY)), hex::encode(digest)),
            body: Bytes::from(body),
            n: u64::try_from(entries.len()).unwrap_or(u64::MAX),
            expires_at: expires.max().unwrap_or_default(),
        }
    }
}

/// `HHMM` of a minute of a day; 1440, the day's end, is `2400`.
#[must_use]
pub fn minute_label(minute_of_day: i64) -> String {
    format!("{:02}{:02}", minute_of_day / 60, minute_of_day % 60)
}

/// Why a stored page could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A schema that this release does not know: readers are upgraded before writers.
    #[error("schema {0:016x} is unknown to this release")]
    UnknownSchema(u64),
    /// Damaged compression, or more bytes than any writer packs.
    #[error("the page does not unpack: {0}")]
    Unpack(String),
    /// Bytes that are not what the schema says.
    #[error("the page does not decode: {0}")]
    Decode(#[from] DecodeError),
}

/// Unpacks pages one after the other into the same memory.
#[derive(Default)]
pub struct Unpacker {
    context: zstd::bulk::Decompressor<'static>,
    bytes: Vec<u8>,
}

impl Unpacker {
    /// The uncompressed bytes of a page; they take the place of those of the page before.
    pub fn unpack(&mut self, body: &[u8]) -> Result<&[u8], PageError> {
        let too_short = || PageError::Unpack(format!("{} bytes are no page", body.len()));
        let (fingerprint, packed) = body.split_first_chunk::<8>().ok_or_else(too_short)?;
        let fingerprint = u64::from_le_bytes(*fingerprint);
        if fingerprint != avro::FINGERPRINT {
            return Err(PageError::UnknownSchema(fingerprint));
        }
        self.bytes.clear();
        // Reserved, not touched: only what a page really holds becomes memory.
        self.bytes.reserve(UNPACK_LIMIT);
        let unpacked = self.context.decompress_to_buffer(packed, &mut self.bytes);
        unpacked.map_err(|error| PageError::Unpack(error.to_string()))?;
        Ok(&self.bytes)
    }
}

/// The uncompressed bytes of one page.
pub fn unpack(body: &[u8]) -> Result<Vec<u8>, PageError> {
    let mut unpacker = Unpacker::default();
    unpacker.unpack(body)?;
    Ok(unpacker.bytes)
}

/// Where each datum stands in a page's uncompressed bytes.
pub fn datums(bytes: &[u8]) -> impl Iterator<Item = Result<Range<usize>, DecodeError>> {
    let mut cursor = Cursor::new(bytes);
    let mut is_broken = false;
    std::iter::from_fn(move || {
        if is_broken || cursor.is_at_end() {
            return None;
        }
        let datum = cursor.bytes().map(|datum| cursor.position() - datum.len()..cursor.position());
        is_broken = datum.is_err();
        Some(datum)
    })
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ShardsSetting {
    largest: u32,
}

fn shards_key() -> Key {
    Key::new("setting", "page_shards")
}

/// The largest `PageShards` ever deployed: what readers must ask for. 1 where no writer ever wrote.
pub async fn largest_shards(control: &impl ControlTable) -> Result<u32, Fault> {
    Ok(read_shards(control).await?.map_or(1, |(setting, _)| setting.largest.max(1)))
}

async fn read_shards(control: &impl ControlTable) -> Result<Option<(ShardsSetting, u64)>, Fault> {
    match control.get(&[shards_key()]).await.pop() {
        Some(Ok(Some(item))) => Ok(Some((item.read()?, item.version))),
        Some(Ok(None)) | None => Ok(None),
        Some(Err(fault)) => Err(fault),
    }
}

/// Makes the setting at least `shards`; it is never lowered. `None` when it is so already, else the write that makes it so.
pub async fn raise_shards(control: &impl ControlTable, shards: u32) -> Result<Option<Write>, Fault> {
    let (expect, largest) = match read_shards(control).await? {
        None => (Expect::Absent, 0),
        Some((setting, version)) => (Expect::Version(version), setting.largest),
    };
    if largest >= shards {
        return Ok(None);
    }
    Write::put(shards_key(), &ShardsSetting { largest: shards }, expect).map(Some)
}

#[cfg(test)]
mod tests;
