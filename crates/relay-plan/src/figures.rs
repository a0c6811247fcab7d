//! What the code itself takes: bytes of frames and pages as `relay` makes them of generated activities, and times as the benches measured them.

use relay::activity::{Activity, Kind};
use relay::avro;
use relay::frame;
use relay::page::{self, Datum, WRITE_UNIT_BYTES};

use crate::generator::Generator;
use crate::number::{float, length, small, whole};

/// When the times below were measured (`cargo xtask bench ingest|writer|export`, a core of a 2-core AMD EPYC machine).
pub const MEASURED: &str = "2026-11";

/// A core's time for a request of one activity, in the deployed binary under the Lambda host: milliseconds.
pub const REQUEST_MS: f64 = 0.37;

/// The same for each further activity of a batch (100 take 2.9 ms).
pub const ITEM_MS: f64 = (2.9 - REQUEST_MS) / 99.0;

/// What a request waits for the stream: milliseconds (a `PutRecords` within a region).
pub const PUT_MS: f64 = 6.0;

/// Activities that a core writes in a second from frames of one; from frames of a hundred nearly twice as many.
pub const WRITTEN_A_SECOND: f64 = 125_000.0;

/// Rows that a core exports in a second: half of what it reads, which is 563,000.
pub const EXPORTED_A_SECOND: f64 = 280_000.0;

/// Bytes of a row in a file: CSV with the columns of a callback.
pub const ROW_BYTES: f64 = 450.0;

/// The memory at which a function has one whole core: MB (Lambda developer guide, "Configure function memory").
pub const CORE_MB: f64 = 1_769.0;

/// Whose days the activities lie in: 2026-11-14 08:10:00 UTC, in milliseconds.
pub(crate) const START_MS: i64 = 1_794_643_800_000;

/// How many activities the measured pages hold.
const SIZES: [usize; 22] =
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];

/// Small pages differ: so many activities are measured of each size at least.
const SAMPLE: usize = 48;

/// What frames and pages of a load take.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Bytes of a record of the stream: one request's frame.
    pub frame_bytes: u64,
    pages: [Curve; 3],
}

/// The items of pages by how many activities they hold: bytes and write units, at the index of that number.
#[derive(Clone, Debug)]
struct Curve(Vec<(u32, u32)>);

/// Why the figures could not be measured: a fault of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the unit figures cannot be measured: {0}")]
pub struct Unmeasured(pub String);

impl Figures {
    /// Measures them, for requests of so many activities.
    pub fn measure(batch: u32) -> Result<Self, Unmeasured> {
        let mut generator = Generator::new(20_140_701);
        let count = usize::try_from(batch.max(1)).unwrap_or(1);
        let frames = frame::pack(90, &activities(&mut generator, Kind::Event, count)?);
        let frame_bytes = frames.iter().map(|frame| frame.data.len() as u64).sum::<u64>() / frames.len().max(1) as u64;
        let [first, second, third] = Kind::ALL.map(|kind| Curve::measure(&mut generator, kind));
        Ok(Self { frame_bytes, pages: [first?, second?, third?] })
    }

    /// The pages that so many activities of one kind and minute become: calls back with bytes and write units of each.
    pub(crate) fn pages(&self, kind: usize, count: usize, page: &mut impl FnMut(u32, u32)) {
        let Some(Curve(known)) = self.pages.get(kind) else { return };
        if let Some((bytes, units)) = known.get(count) {
            return page(*bytes, *units);
        }
        // What is too much for one page is halved, as `relay::page` does.
        self.pages(kind, count / 2, page);
        self.pages(kind, count - count / 2, page);
    }

    /// Bytes and write units of one page; of more than fits, of its parts together.
    #[must_use]
    pub fn page(&self, kind: Kind, count: usize) -> (u32, u32) {
        let place = Kind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
        let (mut bytes, mut units) = (0, 0);
        self.pages(place, count, &mut |more, and| (bytes, units) = (bytes + more, units + and));
        (bytes, units)
    }
}

impl Curve {
    fn measure(generator: &mut Generator, kind: Kind) -> Result<Self, Unmeasured> {
        let mut known = vec![(0, 0)];
        let mut last = (0, 0.0);
        for size in SIZES {
            let Some(bytes) = item_bytes(generator, kind, size)? else { break };
            let (from, before) = last;
            for count in from + 1..=size {
                let at = before + (bytes - before) * length(count - from) / length(size - from);
                known.push((small(at), small(at / length(WRITE_UNIT_BYTES))));
            }
            last = (size, bytes);
        }
        Ok(Self(known))
    }
}

/// The mean size of an item that holds so many activities; `None` where they are too many for one page.
fn item_bytes(generator: &mut Generator, kind: Kind, size: usize) -> Result<Option<f64>, Unmeasured> {
    let samples = (SAMPLE / size).max(1);
    let mut bytes = 0;
    for _ in 0..samples {
        let mut datums = Vec::with_capacity(size);
        for activity in activities(generator, kind, size)? {
            let mut datum = Vec::new();
            avro::encode(&activity, &mut datum);
            datums.push(datum);
        }
        let datums = datums.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
        let pages = page::paginate(datums, 1).map_err(|error| Unmeasured(error.to_string()))?;
        let [sourced] = pages.as_slice() else { return Ok(None) };
        bytes += sourced.page.item_bytes();
    }
    Ok(Some(length(bytes) / length(samples)))
}

/// Bytes of a callback's parameters as JSON: `name=value&` becomes `"name":"value",`.
#[must_use]
pub fn callback_json_bytes() -> f64 {
    mean(|generator| generator.query(Kind::Event, START_MS / 1_000).split('&').map(|pair| pair.len() + 5).sum())
}

/// Bytes of an activity alone, in our encoding.
#[must_use]
pub fn datum_bytes() -> f64 {
    mean(|generator| {
        let mut datum = Vec::new();
        if let Ok(activity) = generator.activity(Kind::Event, START_MS, START_MS) {
            avro::encode(&activity, &mut datum);
        }
        datum.len()
    })
}

/// Of a thousand.
fn mean(mut bytes: impl FnMut(&mut Generator) -> usize) -> f64 {
    let mut generator = Generator::new(20_140_701);
    length((0..1_000).map(|_| bytes(&mut generator)).sum()) / 1_000.0
}

/// Activities of one minute.
fn activities(generator: &mut Generator, kind: Kind, count: usize) -> Result<Vec<Activity<'static>>, Unmeasured> {
    let one = |_| {
        let created_at = START_MS + generator.below(58_000);
        generator.activity(kind, created_at, created_at + 2_000).map_err(Unmeasured)
    };
    (0..count).map(one).collect()
}

/// The time that a function of this memory is billed for work of one core and for what it waits: milliseconds.
#[must_use]
pub fn billed_ms(core_ms: f64, waits_ms: f64, memory_mb: u64) -> f64 {
    core_ms / (float(memory_mb) / CORE_MB).min(1.0) + waits_ms
}

/// What so many activities of a request take of a core: milliseconds.
#[must_use]
pub fn request_ms(batch: u32) -> f64 {
    REQUEST_MS + ITEM_MS * f64::from(batch.saturating_sub(1))
}

/// Read units of so many bytes, read consistently: each started 4 KB (DynamoDB developer guide).
#[must_use]
pub fn read_units(bytes: f64) -> u64 {
    whole(bytes / 4096.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cost_what_the_store_measured() {
        let figures = Figures::measure(1).unwrap();
        assert!((380..700).contains(&figures.frame_bytes), "{} bytes a frame", figures.frame_bytes);
        // storage.md: write units for 1,000 by activities a page: 250 → 128, 33 → 152, 4 → 400, 1 → 1,000.
        for (count, goal) in [(250, 160), (33, 240), (4, 500), (1, 1_000)] {
            let (_, units) = figures.page(Kind::Event, count);
            let per_thousand = units as usize * 1_000 / count;
            assert!(per_thousand <= goal, "{count} a page: {per_thousand} units for 1,000");
        }
    }

    #[test]
    fn the_curve_is_what_paginate_makes() {
        let figures = Figures::measure(1).unwrap();
        let mut generator = Generator::new(7);
        for count in [5, 40, 300, 1_000, 5_000] {
            let activities = activities(&mut generator, Kind::Event, count).unwrap();
            let datums: Vec<Vec<u8>> = activities
                .iter()
                .map(|activity| {
                    let mut datum = Vec::new();
                    avro::encode(activity, &mut datum);
                    datum
                })
                .collect();
            let datums = datums.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
            let pages = page::paginate(datums, 1).unwrap();
            let real: usize = pages.iter().map(|sourced| sourced.page.write_units()).sum();
            let (_, units) = figures.page(Kind::Event, count);
            let off = (f64::from(units) - length(real)).abs() / length(real);
            assert!(off < 0.12, "{count}: {units} units, really {real}");
        }
    }

    #[test]
    fn a_batch_shares_its_frame() {
        let frame = Figures::measure(100).unwrap().frame_bytes;
        assert!(frame < 100 * 200, "{frame} bytes for a hundred");
    }
}
