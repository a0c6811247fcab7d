//! The writers: one a shard of the stream, and how much of their time the load takes.

use serde::Serialize;

use crate::figures::{Figures, WRITTEN_A_SECOND, billed_ms};
use crate::heat::{Heat, Reading};
use crate::load::Load;
use crate::number::{float, ratio, small};
use crate::quota::{EVENT_BYTES, EVENT_RECORDS};
use crate::stream::Stream;

/// batch-writer's memory (`template.yaml`): MB.
pub const MEMORY_MB: u64 = 512;

/// JSON around a record of an event: its ids, times and names in bytes.
const RECORD_JSON_BYTES: f64 = 400.0;

/// `BatchSize` as the template has it, and its step.
pub const BATCH_SIZE: u32 = 1_000;

/// A `BatchWriteItem` of 25 pages, of which eight are under way: milliseconds.
const CALL_MS: f64 = 20.0;
const PAGES_A_CALL: f64 = 25.0;
const CALLS_AT_ONCE: f64 = 8.0;

/// What comes behind the pages: the shard's mark, beside what arrived. Milliseconds.
const MARK_MS: f64 = 30.0;

/// The most of a writer's time that a plan takes: what is left catches up after a pause.
pub const BUSY: f64 = 0.7;

/// The writers at the peak.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Writer {
    /// Writers at the same time: one a shard (`ParallelizationFactor` 1).
    pub concurrency: u32,
    /// `BatchWindowSeconds`.
    pub window: u32,
    /// `BatchSize`.
    pub batch_size: u32,
    /// Batches a second, of all.
    pub batches: f64,
    /// Activities of one.
    pub activities: f64,
    /// What a batch is billed for: milliseconds.
    pub milliseconds: f64,
    /// How much of its time a writer works, from 0 to 1.
    pub busy: f64,
    /// Memory of one: MB.
    pub memory_mb: u64,
}

/// The batch that holds a window of a shard's records, as far as an event may carry them.
#[must_use]
pub fn reading(load: &Load, figures: &Figures, stream: &Stream, window: u32) -> Reading {
    let in_window = load.requests_per_second() / f64::from(stream.shards.max(1)) * f64::from(window.max(1)) * 1.2;
    let carried = float(EVENT_BYTES) / (float(figures.frame_bytes) * 4.0 / 3.0 + RECORD_JSON_BYTES);
    let most = small(carried.min(float(EVENT_RECORDS))) / 100 * 100;
    let wanted = small(in_window).div_ceil(BATCH_SIZE) * BATCH_SIZE;
    Reading { shards: stream.shards, window, records: wanted.max(BATCH_SIZE).min(most.max(100)) }
}

/// What a batch waits for the tables: milliseconds.
#[must_use]
pub fn waits_ms(heat: &Heat) -> f64 {
    (ratio(heat.pages, heat.batches) / PAGES_A_CALL / CALLS_AT_ONCE).ceil() * CALL_MS + MARK_MS
}

impl Writer {
    /// What the simulation says of them.
    #[must_use]
    pub fn of(reading: Reading, heat: &Heat) -> Self {
        let activities = ratio(heat.activities, heat.batches);
        let milliseconds = billed_ms(activities / WRITTEN_A_SECOND * 1_000.0, waits_ms(heat), MEMORY_MB);
        let batches = float(heat.batches) / f64::from(heat.seconds.max(1));
        Self {
            concurrency: reading.shards,
            window: reading.window,
            // Where frames are large, an event is full before: Lambda counts both.
            batch_size: reading.records.max(BATCH_SIZE),
            batches,
            activities,
            milliseconds,
            busy: batches / f64::from(reading.shards.max(1)) * milliseconds / 1_000.0,
            memory_mb: MEMORY_MB,
        }
    }
}
