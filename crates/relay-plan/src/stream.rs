//! The stream: how many shards the load needs, and whether they are cheaper than a stream on demand.

use serde::Serialize;

use crate::bill::stream as bill;
use crate::figures::Figures;
use crate::generator::Generator;
use crate::load::Load;
use crate::number::{float, small, whole};
use crate::quota::{SHARD_BYTES, SHARD_RECORDS};

/// Kinesis counts the partition key as data: a trace id of 32 characters (`ingest`, one a put).
pub const PARTITION_KEY_BYTES: u64 = 32;

/// How full a shard is planned to be before its chance neighbours are looked at.
const FULL: f64 = 0.8;

/// A minute of the peak: seconds.
const SECONDS: u32 = 60;

/// A stream for the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// `StreamMode`.
    pub mode: &'static str,
    /// `StreamShards`; of a stream on demand, about as many as Kinesis will make.
    pub shards: u32,
    /// Records a second of the whole stream.
    pub records: u64,
    /// Bytes of a record, its partition key included.
    pub record_bytes: u64,
    /// Records of the busiest shard in its busiest second.
    pub worst_records: u64,
    /// Bytes of it.
    pub worst_bytes: u64,
    /// What a month costs on demand: US dollars.
    pub on_demand_usd: f64,
    /// What it costs with these shards.
    pub provisioned_usd: f64,
}

impl Stream {
    /// The least shards with which a minute of the peak goes over no shard's limit, at random partition keys as `ingest` draws them.
    #[must_use]
    pub fn choose(load: &Load, figures: &Figures) -> Self {
        let records = load.requests_per_second();
        let record_bytes = figures.frame_bytes + PARTITION_KEY_BYTES;
        let wanted = |each: f64, limit: u64| records * each / float(limit) / FULL;
        let mut shards = small(wanted(1.0, SHARD_RECORDS).max(wanted(float(record_bytes), SHARD_BYTES))).max(1);
        let most = SHARD_RECORDS.min(SHARD_BYTES / record_bytes.max(1)).max(1);
        let mut worst = busiest(records, shards, load.seed);
        while worst > most && shards > 1 {
            shards += shards.div_ceil(20);
            worst = busiest(records, shards, load.seed);
        }
        let frame_bytes = float(figures.frame_bytes);
        let on_demand_usd = bill::usd(&bill::on_demand(load, frame_bytes));
        let provisioned_usd = bill::usd(&bill::provisioned(load, frame_bytes, shards));
        let mode = if on_demand_usd <= provisioned_usd { "ON_DEMAND" } else { "PROVISIONED" };
        let (worst_records, worst_bytes) = (worst, worst * record_bytes);
        Self {
            mode,
            shards,
            records: whole(records),
            record_bytes,
            worst_records,
            worst_bytes,
            on_demand_usd,
            provisioned_usd,
        }
    }
}

/// The records of the busiest shard in the busiest second of a minute.
fn busiest(records: f64, shards: u32, seed: u64) -> u64 {
    let mut random = Generator::new(seed);
    let mut worst = 0;
    let mut counts = vec![0_u32; usize::try_from(shards).unwrap_or(1)];
    let mut due = 0.0;
    for _ in 0..SECONDS {
        counts.fill(0);
        due += records;
        while due >= 1.0 {
            due -= 1.0;
            if let Some(count) = counts.get_mut(pick(&mut random, shards)) {
                *count += 1;
            }
        }
        worst = counts.iter().copied().max().unwrap_or(0).max(worst);
    }
    u64::from(worst)
}

/// A shard as a random partition key's hash chooses it.
pub(crate) fn pick(random: &mut Generator, shards: u32) -> usize {
    usize::try_from(((random.next() >> 32) * u64::from(shards)) >> 32).unwrap_or(0)
}
