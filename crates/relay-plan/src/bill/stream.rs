//! What a stream costs that keeps its records for a week.

use super::{Line, Purpose};
use crate::load::{Load, MONTH_DAYS, MONTH_HOURS};
use crate::price::{self, GB};

/// An on-demand stream's records are counted in whole KiB.
const RECORD_STEP: f64 = 1_024.0;

/// A shard's records are counted in units of so many bytes.
const PUT_UNIT_BYTES: f64 = 25_600.0;

/// A week less the day that is paid with the data.
const KEPT_DAYS: f64 = 6.0;

/// In, out once, and kept for the six days beyond the first.
pub(crate) fn on_demand(load: &Load, frame_bytes: f64) -> Vec<Line> {
    let requests = load.requests_per_month();
    let stored = requests * frame_bytes / GB;
    let billed = requests * (frame_bytes / RECORD_STEP).ceil() * RECORD_STEP / GB;
    let line = |item, quantity, price| Line::new(Purpose::Take, item, quantity, price);
    vec![
        line("stream on demand", MONTH_HOURS, price::STREAM_HOUR).fixed(MONTH_HOURS),
        line("stream, in", billed, price::STREAM_IN_GB),
        line("stream, out to batch-writer", stored, price::STREAM_OUT_GB),
        line("stream, kept a week", stored / MONTH_DAYS * KEPT_DAYS, price::STREAM_KEPT_GB_MONTH),
    ]
}

/// Shards, of which the first is there without any activity.
pub(crate) fn provisioned(load: &Load, frame_bytes: f64, shards: u32) -> Vec<Line> {
    let units = load.requests_per_month() * (frame_bytes / PUT_UNIT_BYTES).ceil();
    let hours = f64::from(shards) * MONTH_HOURS;
    let line = |item, quantity, price| Line::new(Purpose::Take, item, quantity, price);
    vec![
        line("stream, shards", hours, price::SHARD_HOUR).fixed(MONTH_HOURS),
        line("stream, shards that keep a week", hours, price::SHARD_KEPT_HOUR).fixed(MONTH_HOURS),
        line("stream, in", units, price::PUT_UNIT),
    ]
}

/// What lines cost together: US dollars.
pub(crate) fn usd(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}
