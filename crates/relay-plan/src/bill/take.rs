//! From the door to pages.

use super::stream::{on_demand, provisioned};
use super::{Line, MONTH_SECONDS, Month, Purpose};
use crate::control::arrivals;
use crate::door::{self, Door};
use crate::figures::{WRITTEN_A_SECOND, billed_ms};
use crate::heat::Heat;
use crate::load::Load;
use crate::number::{float, ratio};
use crate::price::{self, GB, Price};
use crate::stream::PARTITION_KEY_BYTES;
use crate::writer;

/// A line of the access log, as the template words it, and the 26 bytes that CloudWatch adds to each event (API reference, `PutLogEvents`).
pub(crate) const LOG_LINE_BYTES: f64 = 150.0 + 26.0;

/// An answer on the wire: status line, date, type and length, the gateway's request id, and some 30 bytes of JSON.
const ANSWER_BYTES: f64 = 250.0;

/// What a process says of its counts each minute (`relay::metric`): a line for each of two sets of labels.
const COUNTS_BYTES: f64 = 2.0 * 400.0;

/// The requests of a month that cost more than the others.
const FIRST_REQUESTS: f64 = 300e6;

fn line(item: &'static str, quantity: f64, price: Price) -> Line {
    Line::new(Purpose::Take, item, quantity, price)
}

pub(super) fn lines(month: &Month<'_>) -> Vec<Line> {
    let Month { load, stream, heat, .. } = month;
    let frame_bytes = float(stream.record_bytes - PARTITION_KEY_BYTES);
    let mut lines = gateway(load);
    lines.extend(ingest(load));
    lines.extend(if stream.mode == "PROVISIONED" {
        provisioned(load, frame_bytes, stream.shards)
    } else {
        on_demand(load, frame_bytes)
    });
    lines.extend(writers(load, heat));
    lines.extend(control(load, heat));
    lines.extend(logs(month));
    lines
}

/// The HTTP API.
pub(crate) fn gateway(load: &Load) -> Vec<Line> {
    let requests = load.requests_per_month();
    let first = requests.min(FIRST_REQUESTS);
    vec![
        line("API Gateway, first 300 million", first, price::API_REQUEST),
        line("API Gateway, beyond", requests - first, price::API_REQUEST_MORE),
        answers(load),
    ]
}

/// What goes back to senders.
pub(crate) fn answers(load: &Load) -> Line {
    line("answers, to the Internet", load.requests_per_month() * ANSWER_BYTES / GB, price::TRANSFER_GB)
}

/// The door's calls and time.
pub(crate) fn ingest(load: &Load) -> [Line; 2] {
    let requests = load.requests_per_month();
    let gb_seconds = requests * Door::of(load).milliseconds / 1_000.0 * float(door::MEMORY_MB) / 1_024.0;
    [line("ingest, calls", requests, price::LAMBDA_REQUEST), line("ingest, time", gb_seconds, price::LAMBDA_GB_SECOND)]
}

pub(crate) fn writers(load: &Load, heat: &Heat) -> [Line; 3] {
    let batches = float(heat.batches) / f64::from(heat.seconds.max(1)) * MONTH_SECONDS;
    let core_ms = load.per_month() / WRITTEN_A_SECOND * 1_000.0;
    let waits_ms = batches * writer::waits_ms(heat);
    let milliseconds = billed_ms(core_ms, waits_ms, writer::MEMORY_MB);
    [
        line("batch-writer, calls", batches, price::LAMBDA_REQUEST),
        line(
            "batch-writer, time",
            milliseconds / 1_000.0 * float(writer::MEMORY_MB) / 1_024.0,
            price::LAMBDA_GB_SECOND,
        ),
        line("table pages, written", load.per_month() * ratio(heat.units, heat.activities), price::WRITE_UNIT),
    ]
}

fn control(load: &Load, heat: &Heat) -> [Line; 3] {
    let batches = float(heat.batches) / f64::from(heat.seconds.max(1));
    let apps = f64::from(load.apps.max(1));
    let (told, looked) = arrivals(heat.all_tells_per_second / apps);
    let marked = (batches + told * apps) * MONTH_SECONDS;
    [
        line("marks and arrivals, written", marked, price::WRITE_UNIT),
        line("marks and arrivals, read", (batches + looked * apps) * MONTH_SECONDS, price::READ_UNIT),
        look_ups(load),
    ]
}

/// What the door reads to know keys.
pub(crate) fn look_ups(load: &Load) -> Line {
    let look_ups = Door::of(&load.average()).look_ups * MONTH_SECONDS;
    line("keys, owners and apps, read", look_ups, price::READ_UNIT)
}

/// The access log, and what processes say of their counts.
fn logs(month: &Month<'_>) -> Vec<Line> {
    let Month { load, stream, has_access_log, .. } = month;
    let processes = float(Door::of(&load.average()).environments) + f64::from(stream.shards);
    let counts = processes * MONTH_SECONDS / 60.0 * COUNTS_BYTES / GB;
    let mut lines = vec![line("log, counts", counts, price::LOG_GB)];
    if *has_access_log {
        let access = load.requests_per_month() * LOG_LINE_BYTES / GB;
        lines.insert(0, line("log, a line a request", access, price::LOG_GB));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_as_long_as_the_template_makes_it() {
        let template = include_str!("../../../../template.yaml");
        let (_, format) = template.split_once("Format: >-\n").unwrap();
        let mut line: String = format.lines().take_while(|line| !line.contains("!Ref")).map(str::trim).collect();
        for (name, value) in [
            ("$context.requestId", "JKJaXmPLvHcESHA="),
            ("$context.requestTimeEpoch", "1794643800"),
            ("$context.routeKey", "ANY /v1/callbacks/{provider}"),
            ("$context.status", "200"),
            ("$context.responseLatency", "12"),
            ("$context.responseLength", "21"),
            ("$context.integrationErrorMessage", "-"),
        ] {
            assert!(line.contains(name), "{line}");
            line = line.replace(name, value);
        }
        assert!(!line.contains('$'), "{line}");
        let bytes = f64::from(u16::try_from(line.len()).unwrap()) + 26.0;
        assert!((LOG_LINE_BYTES * 0.85..=LOG_LINE_BYTES).contains(&bytes), "{bytes}");
    }
}
