//! The quotas that a plan goes beyond.

use super::Plan;
use crate::number::{float, whole};
use crate::quota::{self, Raise};

/// What is asked for beyond what is needed: a quota is raised once, and traffic grows.
const ROOM: f64 = 1.25;

/// export-api, the dispatcher, notify and the spill queue's writers at their busiest.
const OTHERS: u64 = 50;

pub(super) fn to_raise(plan: &Plan) -> Vec<Raise> {
    let (door, writer, stream) = (&plan.door, &plan.writer, &plan.stream);
    let with_room = |needed: f64| whole(needed * ROOM);
    let concurrency = door.concurrency + u64::from(writer.concurrency) + plan.concurrent_exports + OTHERS;
    let control_reads: f64 = door.look_ups + writer.batches * 2.0;
    let bytes = float(stream.records) * float(stream.record_bytes) / 1e6;
    let of_stream = if stream.mode == "PROVISIONED" {
        quota::SHARDS.raised(with_room(f64::from(stream.shards)), "StreamShards")
    } else {
        quota::STREAM_IN.raised(with_room(bytes), "the stream on demand")
    };
    let raises = [
        quota::API_RATE
            .raised(with_room(float(door.requests)), "requests at the peak; ask for the burst quota with it"),
        quota::CONCURRENCY.raised(
            with_room(float(concurrency)),
            "ingest: a tenth of its requests a second; a writer for each shard; exports",
        ),
        of_stream,
        quota::TABLE_WRITES.raised(with_room(float(plan.pages.write_units)), "table pages"),
        quota::TABLE_READS.raised(with_room(control_reads), "table control: keys, owners and apps, read by the door"),
    ];
    raises.into_iter().flatten().collect()
}
