//! What a stack costs that nobody uses: the clock, the watch, the keys.

use relay::metric::Metric;

use super::{Line, Month, Purpose};
use crate::load::MONTH_HOURS;
use crate::number::length;
use crate::price::{self, Price};

/// Alarms and dashboards are counted where they are made.
const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The clock ticks each minute.
const TICKS: f64 = MONTH_HOURS * 60.0;

/// A tick that finds nothing to do: GB-seconds (256 MB, 60 ms) and read units (queue, slots, agenda, turn).
const TICK_GB_SECONDS: f64 = 0.25 * 0.06;
const TICK_READS: f64 = 8.0;

/// Lambda asks a queue with five pollers, each of which waits 20 s for an answer (Lambda developer guide, "Using Lambda with Amazon SQS").
const POLLS: f64 = 5.0 * MONTH_HOURS * 180.0;

/// Data keys are asked for again after five minutes (KMS developer guide; DynamoDB, Kinesis): six roles, a stream and two tables.
const KEY_REQUESTS: f64 = 6.0 * 3.0 * MONTH_HOURS * 12.0;

/// Combinations of labels that a metric is billed for: none, and on average one.
const SERIES: f64 = 2.0;

fn declared(of_type: &str) -> f64 {
    let line = format!("Type: {of_type}");
    length(TEMPLATE.lines().filter(|text| text.trim() == line).count())
}

pub(super) fn lines(month: &Month<'_>) -> Vec<Line> {
    let line = |item, quantity, price: Price| Line::new(Purpose::Run, item, quantity, price).fixed(quantity);
    let mut lines = vec![
        line("clock, ticks", TICKS, price::TICK),
        line("dispatcher, calls", TICKS, price::LAMBDA_REQUEST),
        line("dispatcher, time", TICKS * TICK_GB_SECONDS, price::LAMBDA_GB_SECOND),
        line("dispatcher, control read", TICKS * TICK_READS, price::READ_UNIT),
        line("spill queue, asked", POLLS, price::QUEUE_REQUEST),
        line("encryption, requests", KEY_REQUESTS, price::KEY_REQUEST),
        line("metrics", length(Metric::ALL.len()) * SERIES, price::METRIC),
        line("alarms", declared("AWS::CloudWatch::Alarm"), price::ALARM),
        line("dashboards", declared("AWS::CloudWatch::Dashboard"), price::DASHBOARD),
    ];
    if month.spending.own_key {
        lines.push(line("encryption, a key of one's own", 1.0, price::KEY));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_declares_alarms() {
        assert!(declared("AWS::CloudWatch::Alarm") >= 10.0);
        assert!(declared("AWS::CloudWatch::Nothing") < 1.0);
    }
}
