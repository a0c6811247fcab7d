//! What a plan has to say beside its figures.

use serde::Serialize;

use super::Plan;
use crate::control::Partition;
use crate::load::DAY_SECONDS;
use crate::number::whole;
use crate::quota::{PARTITION_READS, PARTITION_WRITES, SHARD_BYTES, SHARD_RECORDS};
use crate::text::digits;
use crate::writer::BUSY;

/// Write units a second that a new table on demand takes before it has grown (DynamoDB developer guide, "On-demand capacity mode").
const NEW_TABLE_WRITES: u64 = 4_000;

/// The most that the template takes: `StreamShards`, `MaxConcurrentExports`.
const MOST_SHARDS: u32 = 10_000;
const MOST_EXPORTS: u64 = 50;

/// Entries of the agenda that are taken in a minute (ADR 0009).
const AGENDA_A_MINUTE: u64 = 200;

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether a limit is gone beyond: the load cannot be borne so.
    pub is_over: bool,
    /// What, and what would help.
    pub text: String,
}

fn over(text: String) -> Finding {
    Finding { is_over: true, text }
}

fn note(text: String) -> Finding {
    Finding { is_over: false, text }
}

pub(super) fn of(plan: &Plan) -> Vec<Finding> {
    let mut findings: Vec<Finding> = plan.partitions.iter().filter(|partition| !partition.holds()).map(hot).collect();
    findings.extend(stream(plan));
    findings.extend(writers(plan));
    findings.extend(marks(plan));
    findings.extend(tables(plan));
    findings.extend(exports(plan));
    findings
}

fn hot(partition: &Partition) -> Finding {
    let Partition { table, pk, what, writes, reads } = partition;
    let help = match pk.split('#').next().unwrap_or_default() {
        "watermark" => {
            "a longer BatchWindowSeconds makes fewer batches; while marks are late, exports wait and say up to when they are complete"
        }
        "arrival" => {
            "a longer BatchWindowSeconds makes fewer batches; counts of GET /v1/arrivals come late, activities do not"
        }
        "key" | "owner" | "app" => {
            "send batches, or give the owner several keys and apps; a read that is throttled is a 503"
        }
        _ if *table == "pages" => "PageShards ends at 256: plan the busiest app as a stack of its own",
        _ => "fewer exports at the same minute",
    };
    over(format!(
        "partition {pk} of table {table} ({what}) takes {writes:.0} write and {reads:.0} read units a second of {PARTITION_WRITES} and \
         {PARTITION_READS}: {help}"
    ))
}

fn stream(plan: &Plan) -> Option<Finding> {
    let stream = &plan.stream;
    if stream.worst_records > SHARD_RECORDS || stream.worst_bytes > SHARD_BYTES {
        return Some(over(format!(
            "a shard takes {} records and {} bytes in a second, more than its limits: frames are too large to spread",
            stream.worst_records, stream.worst_bytes
        )));
    }
    (stream.mode == "PROVISIONED" && stream.shards > MOST_SHARDS)
        .then(|| over(format!("the template takes {MOST_SHARDS} shards at most; send batches")))
}

fn writers(plan: &Plan) -> Option<Finding> {
    let writer = &plan.writer;
    (writer.busy > BUSY).then(|| {
        over(format!(
            "a writer works {:.0} % of its time, and more than {:.0} % leaves too little to catch up: more StreamShards, each has a writer",
            writer.busy * 100.0,
            BUSY * 100.0
        ))
    })
}

/// Writers that catch up begin the next batch at once: each leaves a mark, and those of all shards are one partition.
fn marks(plan: &Plan) -> Option<Finding> {
    let writer = &plan.writer;
    let marks = whole(f64::from(writer.concurrency) * 1_000.0 / writer.milliseconds.max(1.0));
    (marks > PARTITION_WRITES).then(|| {
        note(format!(
            "when all writers catch up after a pause they leave up to {} marks a second, and their partition takes {}: marks come late then, and \
             exports wait for them; activities do not",
            digits(marks),
            digits(PARTITION_WRITES)
        ))
    })
}

fn tables(plan: &Plan) -> Option<Finding> {
    let units = plan.pages.write_units;
    (units > NEW_TABLE_WRITES).then(|| {
        note(format!(
            "a new table on demand takes {} write units a second and grows to twice its last peak within half an hour: set the warm \
             throughput of table pages to {} before the load comes",
            digits(NEW_TABLE_WRITES),
            digits(units)
        ))
    })
}

fn exports(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if plan.concurrent_exports > MOST_EXPORTS {
        findings.push(over(format!(
            "the rows of a day take {} workers for four hours, and MaxConcurrentExports ends at {MOST_EXPORTS}",
            plan.concurrent_exports
        )));
    }
    let minutes = plan.load.exports_per_day.div_ceil(AGENDA_A_MINUTE);
    if minutes > 1 {
        findings.push(note(format!(
            "if all {} exports of a day are due in the same minute, the dispatcher queues the last one {minutes} minutes later",
            digits(plan.load.exports_per_day)
        )));
    }
    if plan.load.per_second < plan.load.per_day / DAY_SECONDS * 3 / 2 {
        findings.push(note("the peak is less than one and a half times the average: few days are so even".to_owned()));
    }
    findings
}
