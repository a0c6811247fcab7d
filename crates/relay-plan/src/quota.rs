//! AWS's default quotas, and limits that no quota raises: one dated table.

use serde::Serialize;

/// When they were read.
pub const AS_OF: &str = "2026-11";

/// A quota of an account in a region.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quota {
    /// Its name in Service Quotas, behind the service's.
    pub name: &'static str,
    /// What an account has that never asked.
    pub default: u64,
    /// Where that was read.
    pub source: &'static str,
}

/// Requests a second to all APIs of a region.
pub const API_RATE: Quota = Quota {
    name: "API Gateway: Throttle rate",
    default: 10_000,
    source: "API Gateway developer guide, \"Quotas\"; 2,500 in some regions",
};
/// Functions running at the same time; ten times as many calls a second are let in.
pub const CONCURRENCY: Quota = Quota {
    name: "Lambda: Concurrent executions",
    default: 1_000,
    source: "Lambda developer guide, \"Lambda quotas\"",
};
/// Shards of all provisioned streams.
pub const SHARDS: Quota = Quota {
    name: "Kinesis Data Streams: Shards per Region",
    default: 500,
    source: "Kinesis developer guide, \"Quotas and limits\"; 200 in most other regions; many accounts have more",
};
/// What a stream on demand takes: MB a second.
pub const STREAM_IN: Quota = Quota {
    name: "Kinesis Data Streams: On-demand stream write throughput (MB/s)",
    default: 200,
    source: "Kinesis developer guide, \"Quotas and limits\"; 10 GB/s in three regions",
};
/// Write units a second of a table on demand.
pub const TABLE_WRITES: Quota = Quota {
    name: "DynamoDB: Table-level write throughput limit",
    default: 40_000,
    source: "DynamoDB developer guide, \"Quotas\"",
};
/// Read units a second of a table on demand.
pub const TABLE_READS: Quota = Quota {
    name: "DynamoDB: Table-level read throughput limit",
    default: 40_000,
    source: "DynamoDB developer guide, \"Quotas\"",
};

/// Write units a second of one partition; no quota raises it (DynamoDB developer guide, "Designing partition keys").
pub const PARTITION_WRITES: u64 = 1_000;

/// Read units a second of one partition (the same).
pub const PARTITION_READS: u64 = 3_000;

/// Records a second of a shard (Kinesis developer guide, "Quotas and limits").
pub const SHARD_RECORDS: u64 = 1_000;

/// Bytes a second of a shard, partition keys included (the same: 1 MB).
pub const SHARD_BYTES: u64 = 1_000_000;

/// Bytes of an event (Lambda developer guide, "Lambda quotas": 6 MB a synchronous call).
pub const EVENT_BYTES: u64 = 6_000_000;

/// Records of an event from a stream (Lambda developer guide, "Batching behavior").
pub const EVENT_RECORDS: u64 = 10_000;

/// Calls a second that the region lets in for each unit of the concurrency quota (Lambda developer guide, "Understanding concurrency").
pub const CALLS_PER_CONCURRENCY: f64 = 10.0;

/// A quota that the load goes beyond.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Raise {
    /// Which one, and what it is by default.
    #[serde(flatten)]
    pub quota: Quota,
    /// What the load needs, with some room.
    pub needed: u64,
    /// For what.
    pub why: String,
}

impl Quota {
    /// What must be asked for; nothing where the default does.
    #[must_use]
    pub fn raised(self, needed: u64, why: impl Into<String>) -> Option<Raise> {
        (needed > self.default).then(|| Raise { quota: self, needed, why: why.into() })
    }
}
