use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::backlog::record;
use crate::port::memory::{MemoryControl, MemoryStream};
use crate::port::{Record, Stream, Watermark};

const HOUR: i64 = 3_600_000;
const NOW: i64 = 1_794_648_600_000;

fn look(now: i64) -> Look {
    Look { now, enough: Drained::enough(now), within: Duration::from_secs(1) }
}

/// One shard with a record from each of these moments.
async fn stream(moments: &[i64]) -> MemoryStream {
    let stream = MemoryStream::new(1);
    for moment in moments {
        stream.set_now(*moment);
        let record = Record { partition_key: "k".into(), data: Bytes::from_static(b"frame") };
        assert_eq!(stream.put(&[record]).await, [Ok(())]);
    }
    stream
}

/// The writer has drained the first `count` records, at this moment.
async fn mark(control: &MemoryControl, stream: &MemoryStream, count: usize, now: i64) -> String {
    let sequence_number = stream.records(0)[count - 1].sequence_number.clone();
    let mark = Watermark { shard_id: MemoryStream::shard_id(0), sequence_number: sequence_number.clone() };
    control.commit(&[record(&mark, now).unwrap()]).await.unwrap();
    sequence_number
}

fn began_at(stream: &MemoryStream) -> Option<Position> {
    stream.looks().last().unwrap().first().map(|start| start.at.clone())
}

#[tokio::test]
async fn the_oldest_record_behind_the_mark_counts() {
    let control = MemoryControl::default();
    let stream = stream(&[NOW - HOUR, NOW - 9_000, NOW - 8_000]).await;
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Before(NOW - HOUR)));
    mark(&control, &stream, 1, NOW - HOUR).await;
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Before(NOW - 9_000)));
    mark(&control, &stream, 3, NOW - 7_000).await;
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Wholly));
}

#[tokio::test]
async fn an_idle_stretch_is_walked_once() {
    let control = MemoryControl::default();
    let stream = stream(&[NOW - 48 * HOUR]).await;
    let sequence_number = mark(&control, &stream, 1, NOW - 48 * HOUR).await;
    stream.idle([30 * HOUR, 20 * HOUR]);
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Before(NOW - 30 * HOUR)));
    assert_eq!(began_at(&stream), Some(Position::Behind(sequence_number.clone())));
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Before(NOW - 20 * HOUR)));
    assert_eq!(began_at(&stream), Some(Position::From(NOW - 30 * HOUR - STEP_BACK_MS)));
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Wholly));
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Wholly));
    assert_eq!(began_at(&stream), Some(Position::From(NOW - STEP_BACK_MS)));

    // What comes now stands behind the walk's end; once it is drained, its mark leads further than the walk.
    stream.set_now(NOW + 1);
    let record = Record { partition_key: "k".into(), data: Bytes::from_static(b"frame") };
    assert_eq!(stream.put(&[record]).await, [Ok(())]);
    assert_eq!(drained(&control, &stream, look(NOW + 2)).await, Ok(Drained::Before(NOW + 1)));
    let sequence_number = mark(&control, &stream, 2, NOW + 2).await;
    assert_eq!(drained(&control, &stream, look(NOW + 3)).await, Ok(Drained::Wholly));
    assert_eq!(began_at(&stream), Some(Position::Behind(sequence_number)));
}

#[tokio::test]
async fn a_shard_that_never_held_a_record_is_walked_from_its_beginning() {
    let (control, stream) = (MemoryControl::default(), stream(&[]).await);
    stream.idle([100 * HOUR]);
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Before(NOW - 100 * HOUR)));
    assert_eq!(began_at(&stream), None);
    assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Wholly));
    assert_eq!(began_at(&stream), Some(Position::From(NOW - 100 * HOUR - STEP_BACK_MS)));
}

#[tokio::test]
async fn a_walk_that_ends_beside_its_mark_is_not_gone_on_with() {
    let control = MemoryControl::default();
    let stream = stream(&[NOW - 50_000]).await;
    let sequence_number = mark(&control, &stream, 1, NOW - 50_000).await;
    // A step back would lead in front of the mark, to a record that is drained.
    for _ in 0..2 {
        assert_eq!(drained(&control, &stream, look(NOW)).await, Ok(Drained::Wholly));
        assert_eq!(began_at(&stream), Some(Position::Behind(sequence_number.clone())));
    }
}

#[tokio::test]
async fn a_look_that_fails_is_no_drained_stream() {
    let (control, stream) = (MemoryControl::default(), stream(&[]).await);
    stream.script.refuse("look", 1, FaultKind::Throttled);
    assert_eq!(drained(&control, &stream, look(NOW)).await.unwrap_err().kind, FaultKind::Throttled);
}

#[test]
fn acknowledged_means_arrived_a_little_before() {
    assert_eq!(Drained::Wholly.acknowledged_until(NOW), NOW);
    assert_eq!(Drained::Before(NOW - 10_000).acknowledged_until(NOW), NOW - 12_000);
    assert_eq!(Drained::Before(NOW + 1_000).acknowledged_until(NOW), NOW - 1_000);
    assert_eq!(Drained::Before(Drained::enough(NOW)).acknowledged_until(NOW), NOW);
}
