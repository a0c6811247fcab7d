//! From pages to files.

use super::{Line, Month, Purpose};
use crate::figures::{EXPORTED_A_SECOND, ROW_BYTES};
use crate::load::MONTH_DAYS;
use crate::number::{float, ratio};
use crate::price::{self, GB, Price};

/// The worker's memory (`template.yaml`): a whole core.
const WORKER_GB: f64 = 1_769.0 / 1_024.0;

/// Memory of export-api, dispatcher and notify (`template.yaml`).
const OTHERS_GB: f64 = 256.0 / 1_024.0;

/// Steps of a state machine's run: start, steps, end, for an export that ends in one execution.
const TRANSITIONS: f64 = 8.0;

/// Bytes of a part of a file (product.md: parts of 16 MiB at least).
const PART_BYTES: f64 = 16.0 * 1_048_576.0;

/// How long files live: `ExportRetentionDays` as the template has it.
const FILE_DAYS: f64 = 14.0;

/// An export asked for on the page: files of the page, the request, looks at its progress. As many calls of export-api, less the files.
const PAGE_REQUESTS: f64 = 40.0;
const API_REQUESTS: f64 = 25.0;

/// Calls of dispatcher and notify that an export brings, and what a call of any of the three takes: milliseconds.
const OTHER_CALLS: f64 = 6.0;
const CALL_MS: f64 = 40.0;

/// The page and its answers: bytes.
const PAGE_BYTES: f64 = 150_000.0;

/// Units of table `control` that an export takes: its document, place in the queue, slot, progress, agenda, record, mail.
const CONTROL_WRITES: f64 = 80.0;
const CONTROL_READS: f64 = 250.0;

/// Objects that S3 tells EventBridge of: file and tail.
const OBJECT_EVENTS: f64 = 2.0;

pub(super) fn lines(month: &Month<'_>) -> Vec<Line> {
    let exports = float(month.load.exports_per_day) * MONTH_DAYS;
    let mut lines = rows(month, exports).to_vec();
    lines.extend(asked(exports));
    lines
}

fn line(item: &'static str, quantity: f64, price: Price) -> Line {
    Line::new(Purpose::Export, item, quantity, price)
}

/// What grows with rows. A file is downloaded once, from S3.
fn rows(month: &Month<'_>, exports: f64) -> [Line; 5] {
    let rows = month.spending.rows(month.load);
    let read = rows * ratio(month.heat.bytes, month.heat.activities) / 4_096.0;
    let file_bytes = rows * ROW_BYTES;
    [
        line("exports, pages read", read, price::READ_UNIT),
        line("exports, worker's time", rows / EXPORTED_A_SECOND * WORKER_GB, price::LAMBDA_GB_SECOND),
        line("exports, parts of files", file_bytes / PART_BYTES + exports, price::PUT_REQUEST),
        line("exports, files kept", file_bytes / MONTH_DAYS * FILE_DAYS / GB, price::BUCKET_GB_MONTH),
        line("exports, files downloaded once", file_bytes / GB, price::TRANSFER_GB),
    ]
}

/// What grows with exports.
fn asked(exports: f64) -> [Line; 10] {
    let calls = exports * (API_REQUESTS + OTHER_CALLS);
    let of_page = exports * PAGE_REQUESTS;
    [
        line("exports, steps", exports * TRANSITIONS, price::TRANSITION),
        line("exports, events", exports * OBJECT_EVENTS, price::EVENT),
        line("exports, calls at the API", exports * API_REQUESTS, price::API_REQUEST),
        line("exports, calls of functions", calls, price::LAMBDA_REQUEST),
        line("exports, their time", calls * CALL_MS / 1_000.0 * OTHERS_GB, price::LAMBDA_GB_SECOND),
        line("exports, control written", exports * CONTROL_WRITES, price::WRITE_UNIT),
        line("exports, control read", exports * CONTROL_READS, price::READ_UNIT),
        line("page, requests", of_page, price::PAGE_REQUEST),
        line("page, to the Internet", exports * PAGE_BYTES / GB, price::PAGE_GB),
        line("mails", exports, price::MAIL),
    ]
}
