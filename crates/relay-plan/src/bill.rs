//! The monthly bill of a load, item by item.

use serde::Serialize;

use crate::control::arrivals;
use crate::door::{self, Door};
use crate::figures::{EXPORTED_A_SECOND, ROW_BYTES, WRITTEN_A_SECOND, billed_ms};
use crate::heat::Heat;
use crate::load::{Load, MONTH_DAYS, MONTH_HOURS};
use crate::number::{float, ratio};
use crate::price::{self, GB, Price};
use crate::stream::Stream;
use crate::writer;

const MONTH_SECONDS: f64 = MONTH_HOURS * 3_600.0;

/// The worker's memory (`template.yaml`): a whole core.
const WORKER_GB: f64 = 1_769.0 / 1_024.0;

/// Steps of a state machine's run: start, steps, end, for an export that ends in one execution.
const TRANSITIONS: f64 = 8.0;

/// Bytes of a part of a file (product.md: parts of 16 MiB at least).
const PART_BYTES: f64 = 16.0 * 1_048_576.0;

/// How long files live: `ExportRetentionDays` as the template has it.
const FILE_DAYS: f64 = 14.0;

/// A line of the access log: bytes.
const LOG_LINE_BYTES: f64 = 260.0;

/// The requests of a month that cost more than the others.
const FIRST_REQUESTS: f64 = 300e6;

/// An item of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What is paid for.
    pub item: &'static str,
    /// How much of it in a month.
    pub quantity: f64,
    /// Of what.
    pub unit: &'static str,
    /// US dollars.
    pub usd: f64,
}

/// The bill of a month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bill {
    /// Its items.
    pub lines: Vec<Line>,
    /// All of them: US dollars.
    pub usd: f64,
    /// The same for a million activities.
    pub usd_per_million: f64,
}

fn line(item: &'static str, quantity: f64, price: Price) -> Line {
    Line { item, quantity, unit: price.unit, usd: quantity * price.usd }
}

impl Bill {
    /// What the load costs: `heat` is that of an average minute, since a month is made of those; `storage_gb` what the table holds in the end.
    #[must_use]
    pub fn of(load: &Load, stream: &Stream, heat: &Heat, storage_gb: f64, access_logs: bool) -> Self {
        let mut lines = door(load);
        lines.push(stream_line(stream));
        lines.extend(writers(load, heat));
        lines.extend(control(load, heat));
        lines.extend(exports(load, heat));
        lines.push(line("pages kept", storage_gb, price::TABLE_GB_MONTH));
        lines.push(line("point-in-time recovery", storage_gb, price::BACKUP_GB_MONTH));
        if access_logs {
            lines.push(line("access log", load.requests_per_month() * LOG_LINE_BYTES / GB, price::LOG_GB));
        }
        let usd: f64 = lines.iter().map(|line| line.usd).sum();
        Self { lines, usd, usd_per_million: usd / load.per_month() * 1e6 }
    }
}

fn door(load: &Load) -> Vec<Line> {
    let requests = load.requests_per_month();
    let first = requests.min(FIRST_REQUESTS);
    let gb_seconds = requests * Door::of(load).milliseconds / 1_000.0 * float(door::MEMORY_MB) / 1_024.0;
    let mut api = line("requests at the API", first, price::API_REQUEST);
    api.usd += (requests - first) * price::API_REQUEST_MORE.usd;
    api.quantity = requests;
    vec![
        api,
        line("ingest, calls", requests, price::LAMBDA_REQUEST),
        line("ingest, time", gb_seconds, price::LAMBDA_GB_SECOND),
    ]
}

fn stream_line(stream: &Stream) -> Line {
    let hours = f64::from(stream.shards) * MONTH_HOURS;
    if stream.mode == "PROVISIONED" {
        return Line { item: "stream, kept a week", quantity: hours, unit: "shard-hour", usd: stream.provisioned_usd };
    }
    Line { item: "stream, kept a week", quantity: MONTH_HOURS, unit: "stream-hour and GB", usd: stream.on_demand_usd }
}

fn writers(load: &Load, heat: &Heat) -> Vec<Line> {
    let batches = float(heat.batches) / f64::from(heat.seconds.max(1)) * MONTH_SECONDS;
    let core_ms = load.per_month() / WRITTEN_A_SECOND * 1_000.0;
    let waits_ms = batches * writer::waits_ms(heat);
    let milliseconds = billed_ms(core_ms, waits_ms, writer::MEMORY_MB);
    vec![
        line("batch-writer, calls", batches, price::LAMBDA_REQUEST),
        line(
            "batch-writer, time",
            milliseconds / 1_000.0 * float(writer::MEMORY_MB) / 1_024.0,
            price::LAMBDA_GB_SECOND,
        ),
        line("pages written", load.per_month() * ratio(heat.units, heat.activities), price::WRITE_UNIT),
    ]
}

fn control(load: &Load, heat: &Heat) -> Vec<Line> {
    let batches = float(heat.batches) / f64::from(heat.seconds.max(1));
    let (told, looked) = arrivals(heat.all_tells_per_second / f64::from(load.apps.max(1)));
    let apps = f64::from(load.apps.max(1));
    vec![
        line("marks and arrivals, written", (batches + told * apps) * MONTH_SECONDS, price::WRITE_UNIT),
        line("marks and arrivals, read", (batches + looked * apps) * MONTH_SECONDS, price::READ_UNIT),
        line("keys, owners and apps, read", Door::of(&load.average()).look_ups * MONTH_SECONDS, price::READ_UNIT),
    ]
}

/// Every activity is exported once, say by a daily schedule of each app.
fn exports(load: &Load, heat: &Heat) -> Vec<Line> {
    let rows = load.per_month();
    let read = rows * ratio(heat.bytes, heat.activities) / 4_096.0;
    let file_bytes = rows * ROW_BYTES;
    let exports = float(load.exports_per_day) * MONTH_DAYS;
    vec![
        line("exports, pages read", read, price::READ_UNIT),
        line("exports, worker", rows / EXPORTED_A_SECOND * WORKER_GB, price::LAMBDA_GB_SECOND),
        line("exports, steps", exports * TRANSITIONS, price::TRANSITION),
        line("exports, parts", file_bytes / PART_BYTES + exports, price::PUT_REQUEST),
        line("exports, files kept", file_bytes / MONTH_DAYS * FILE_DAYS / GB, price::BUCKET_GB_MONTH),
        line("mails", exports, price::MAIL),
    ]
}
