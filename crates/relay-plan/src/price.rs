//! AWS's prices: one dated table. Whoever needs a price takes it from here, so that a plan and a bill cannot disagree.

use serde::Serialize;

/// The region that the prices are of.
pub const REGION: &str = "us-east-1";

/// When they were collected.
pub const AS_OF: &str = "2026-11";

/// A gigabyte as AWS bills storage and transfer: bytes.
pub const GB: f64 = 1_073_741_824.0;

/// What one unit costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Price {
    /// What is paid for.
    pub item: &'static str,
    /// US dollars for one `unit`.
    pub usd: f64,
    /// What is counted.
    pub unit: &'static str,
    /// Where the price was read.
    pub source: &'static str,
}

const fn price(item: &'static str, usd: f64, unit: &'static str, source: &'static str) -> Price {
    Price { item, usd, unit, source }
}

const MILLION: f64 = 1e-6;

/// HTTP API, the first 300 million requests of a month; each started 512 KB counts.
pub const API_REQUEST: Price =
    price("API Gateway, HTTP API, first 300 million", MILLION, "request", "whitepaper best-practices-api-gateway");
/// HTTP API, requests beyond those.
pub const API_REQUEST_MORE: Price = price(
    "API Gateway, HTTP API, beyond 300 million",
    0.9 * MILLION,
    "request",
    "aws.amazon.com/api-gateway/pricing; second hand",
);
/// A call of a function.
pub const LAMBDA_REQUEST: Price = price("Lambda", 0.2 * MILLION, "invocation", "aws.amazon.com/lambda/pricing");
/// A function's time and memory.
pub const LAMBDA_GB_SECOND: Price =
    price("Lambda, arm64, first 7.5 billion GB-s", 0.000_013_333_4, "GB-second", "aws.amazon.com/lambda/pricing");
/// A stream on demand.
pub const STREAM_HOUR: Price =
    price("Kinesis on demand", 0.04, "stream-hour", "aws.amazon.com/kinesis/data-streams/pricing");
/// What is put into it; each record counts as whole KiB.
pub const STREAM_IN_GB: Price =
    price("Kinesis on demand, in", 0.08, "GB", "aws.amazon.com/kinesis/data-streams/pricing");
/// What is read from it.
pub const STREAM_OUT_GB: Price =
    price("Kinesis on demand, out", 0.04, "GB", "aws.amazon.com/kinesis/data-streams/pricing");
/// What it keeps beyond a day.
pub const STREAM_KEPT_GB_MONTH: Price =
    price("Kinesis on demand, kept over 24 h", 0.1, "GB-month", "general knowledge, not verified");
/// A shard.
pub const SHARD_HOUR: Price = price("Kinesis provisioned", 0.015, "shard-hour", "trek10, 2023");
/// A record, for each started 25 KB.
pub const PUT_UNIT: Price = price("Kinesis provisioned, in", 0.014 * MILLION, "PUT unit of 25 KB", "trek10, 2023");
/// A shard that keeps its records for up to seven days.
pub const SHARD_KEPT_HOUR: Price =
    price("Kinesis provisioned, kept over 24 h", 0.02, "shard-hour", "general knowledge, not verified");
/// A write.
pub const WRITE_UNIT: Price =
    price("DynamoDB on demand", 0.625 * MILLION, "write unit", "airbyte.com; halved on 2024-11-01");
/// A read.
pub const READ_UNIT: Price =
    price("DynamoDB on demand", 0.125 * MILLION, "read unit", "airbyte.com; halved on 2024-11-01");
/// What a table keeps.
pub const TABLE_GB_MONTH: Price = price("DynamoDB, storage", 0.25, "GB-month", "general knowledge, not verified");
/// What its point-in-time recovery keeps.
pub const BACKUP_GB_MONTH: Price =
    price("DynamoDB, point-in-time recovery", 0.2, "GB-month", "general knowledge, not verified");
/// A step of the state machine.
pub const TRANSITION: Price =
    price("Step Functions, standard", 0.025 / 1000.0, "transition", "aws.amazon.com/step-functions/pricing");
/// A part or an object put.
pub const PUT_REQUEST: Price = price("S3", 0.005 / 1000.0, "PUT", "general knowledge, not verified");
/// What a bucket keeps.
pub const BUCKET_GB_MONTH: Price = price("S3 Standard", 0.023, "GB-month", "general knowledge, not verified");
/// A mail.
pub const MAIL: Price = price("SES", 0.1 / 1000.0, "mail", "general knowledge, not verified");
/// Lines of a log.
pub const LOG_GB: Price = price("CloudWatch Logs", 0.5, "GB", "general knowledge, not verified");
/// A metric under one combination of labels, of the first 10,000.
pub const METRIC: Price = price("CloudWatch, metric", 0.3, "metric", "aws.amazon.com/cloudwatch/pricing; second hand");
/// An alarm on a metric.
pub const ALARM: Price = price("CloudWatch, alarm", 0.1, "alarm", "aws.amazon.com/cloudwatch/pricing; second hand");
/// A dashboard.
pub const DASHBOARD: Price =
    price("CloudWatch, dashboard", 3.0, "dashboard", "aws.amazon.com/cloudwatch/pricing; second hand");
/// What leaves a region for the Internet, the first 10 TB of a month.
pub const TRANSFER_GB: Price = price("data transfer out, first 10 TB", 0.09, "GB", "general knowledge, not verified");
/// A request at a distribution, over HTTPS, from North America.
pub const PAGE_REQUEST: Price =
    price("CloudFront, HTTPS", MILLION, "request at CloudFront", "general knowledge, not verified");
/// What a distribution sends.
pub const PAGE_GB: Price = price("CloudFront, out", 0.085, "GB", "general knowledge, not verified");
/// An event that S3 sends to EventBridge.
pub const EVENT: Price = price("EventBridge, opt-in event", MILLION, "event", "general knowledge, not verified");
/// A tick of a schedule.
pub const TICK: Price = price("EventBridge Scheduler", MILLION, "tick", "general knowledge, not verified");
/// A call of a queue.
pub const QUEUE_REQUEST: Price = price("SQS", 0.4 * MILLION, "request", "general knowledge, not verified");
/// A call that makes or opens a data key.
pub const KEY_REQUEST: Price = price("KMS", 3.0 * MILLION, "request", "general knowledge, not verified");
/// A key of one's own.
pub const KEY: Price = price("KMS, customer key", 1.0, "key", "general knowledge, not verified");
/// REST API, the first 333 million requests of a month.
pub const REST_REQUEST: Price =
    price("API Gateway, REST API", 3.5 * MILLION, "request", "whitepaper best-practices-api-gateway");
/// REST API, the next 667 million.
pub const REST_REQUEST_MORE: Price =
    price("API Gateway, REST API, beyond 333 million", 2.8 * MILLION, "request", "general knowledge, not verified");
/// REST API, beyond a thousand million.
pub const REST_REQUEST_MOST: Price =
    price("API Gateway, REST API, beyond 1,000 million", 2.38 * MILLION, "request", "general knowledge, not verified");
/// A load balancer.
pub const BALANCER_HOUR: Price = price("Application Load Balancer", 0.0225, "hour", "tinystacks");
/// What it is used for.
pub const BALANCER_UNIT_HOUR: Price =
    price("Application Load Balancer, capacity", 0.008, "LCU-hour", "general knowledge, not verified");
/// What a query over files reads.
pub const SCANNED_TB: Price = price("Athena", 5.0, "TB", "general knowledge, not verified");

/// Every price.
pub const ALL: [Price; 37] = [
    API_REQUEST,
    API_REQUEST_MORE,
    LAMBDA_REQUEST,
    LAMBDA_GB_SECOND,
    STREAM_HOUR,
    STREAM_IN_GB,
    STREAM_OUT_GB,
    STREAM_KEPT_GB_MONTH,
    SHARD_HOUR,
    PUT_UNIT,
    SHARD_KEPT_HOUR,
    WRITE_UNIT,
    READ_UNIT,
    TABLE_GB_MONTH,
    BACKUP_GB_MONTH,
    TRANSITION,
    PUT_REQUEST,
    BUCKET_GB_MONTH,
    MAIL,
    LOG_GB,
    METRIC,
    ALARM,
    DASHBOARD,
    TRANSFER_GB,
    PAGE_REQUEST,
    PAGE_GB,
    EVENT,
    TICK,
    QUEUE_REQUEST,
    KEY_REQUEST,
    KEY,
    REST_REQUEST,
    REST_REQUEST_MORE,
    REST_REQUEST_MOST,
    BALANCER_HOUR,
    BALANCER_UNIT_HOUR,
    SCANNED_TB,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_one_with_a_source() {
        for price in ALL {
            assert!(price.usd > 0.0 && price.usd <= 5.0, "{}", price.item);
            assert!(!price.source.is_empty() && !price.unit.is_empty());
        }
        let mut names: Vec<_> = ALL.iter().map(|price| (price.item, price.unit)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len(), "each once");
    }
}
