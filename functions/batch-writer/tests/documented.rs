//! The writer under all that AWS documents of a Kinesis mapping and of the services behind: Lambda's event in, its answer out, over the doubles.
//! Every test ends with what was promised: each activity a row once, each reject in the quarantine once by its id, nothing lost. A panic in one
//! frame is `batch::tests::a_panic_in_one_frame_is_that_frames_refusal_and_its_neighbours_go_on`; what DynamoDB's wire says is `relay-aws/tests/wire/pages.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::collections::BTreeSet;

use batch_writer::App;
use batch_writer::handler::handle;
use lambda_runtime::{Context, LambdaEvent};
use relay::backlog;
use relay::fault::FaultKind;
use relay::frame::Raw;
use relay::port::memory::Trouble;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::world::World;
use support::{NOW, activity, entries, framed, raw, rows};

const SHARD: &str = "shardId-000000000000";

/// A record on its way to the function: its place in the shard, and a frame.
type Sent = (usize, Vec<u8>);

fn writer(world: &World) -> App<World, World, World> {
    App::new(world.clone(), world.clone(), world.clone(), 1)
}

fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

fn event<E: DeserializeOwned>(shard: &str, records: &[Sent], seconds: i64) -> LambdaEvent<E> {
    let record = |(place, data): &Sent| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": place.to_string(),
                "data": base64(data), "approximateArrivalTimestamp": NOW / 1000,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0",
            "eventID": format!("{shard}:{place}"), "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/writer", "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
        })
    };
    let records: Vec<Value> = records.iter().map(record).collect();
    let mut context = Context::default();
    context.deadline = u64::try_from(relay_lambda::process::now_ms() + seconds * 1000).unwrap();
    LambdaEvent::new(serde_json::from_value(json!({"Records": records})).unwrap(), context)
}

/// One invocation of a minute: the place that the answer names, if any.
async fn invoked(app: &App<World, World, World>, shard: &str, records: &[Sent]) -> Option<usize> {
    let response = serde_json::to_value(handle(app, event(shard, records, 60)).await.unwrap()).unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    assert!(failures.len() <= 1, "the lowest alone: {failures:?}");
    failures.first().map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap())
}

/// What Lambda does with a batch: what is named and all behind it comes again, until nothing is.
async fn delivered(app: &App<World, World, World>, records: &[Sent]) {
    let mut rest = records;
    for _ in 0..100 {
        let Some(place) = invoked(app, SHARD, rest).await else { return };
        rest = &rest[rest.iter().position(|(at, _)| *at == place).unwrap()..];
    }
    panic!("the batch never ends");
}

fn sent(ids: &[u8]) -> Vec<Sent> {
    ids.iter().map(|id| (usize::from(*id) * 5, framed(&activity(*id, i64::from(*id))))).collect()
}

fn distinct_entries(world: &World) -> usize {
    let entries = entries(&world.quarantine.objects());
    entries.into_iter().map(|(_, entry)| entry.id).collect::<BTreeSet<_>>().len()
}

async fn mark(world: &World) -> String {
    backlog::watermarks(world).await.unwrap()[0].sequence_number.clone()
}

#[tokio::test(start_paused = true)]
async fn unprocessed_items_are_put_again_alone() {
    let world = World::default();
    world.pages.script.add("put", [Trouble::Partial(vec![1, 2], FaultKind::Throttled)]);
    assert_eq!(invoked(&writer(&world), SHARD, &sent(&[1, 2, 3, 4])).await, None);
    assert_eq!(*world.puts.lock().unwrap(), [4, 2]);
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn throttled_to_the_end_the_lowest_record_that_is_not_durable_is_named() {
    let world = World::default();
    world.pages.script.add("put", [Trouble::Partial(vec![1, 3], FaultKind::Throttled)]);
    world.pages.script.refuse("put", 200, FaultKind::Throttled);
    assert_eq!(invoked(&writer(&world), SHARD, &sent(&[1, 2, 3, 4])).await, Some(10));
    assert!((10..100).contains(&world.puts.lock().unwrap().len()), "with pauses, for a minute");
    assert_eq!(mark(&world).await, "5");
    world.pages.script.clear();
    delivered(&writer(&world), &sent(&[2, 3, 4])).await;
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_that_was_carried_out_does_no_harm() {
    let world = World::default();
    world.pages.script.add("put", [Trouble::AnswerLost, Trouble::AnswerLost]);
    world.quarantine.script.add("put", [Trouble::AnswerLost]);
    let mut records = sent(&[1, 2]);
    records.push((20, raw("demo").encode().to_vec()));
    delivered(&writer(&world), &records).await;
    assert_eq!(rows(&world, &world).await, [1, 2]);
    assert_eq!(distinct_entries(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn services_that_never_answer_leave_time_for_the_answer() {
    let world = World::default();
    for script in [&world.pages.script, &world.quarantine.script, &world.control.script] {
        script.silence(&["put", "get", "commit"]);
        let mut records = sent(&[1]);
        records.push((20, raw("demo").encode().to_vec()));
        let begun = tokio::time::Instant::now();
        let app = writer(&world);
        let answer = tokio::time::timeout(std::time::Duration::from_mins(10), invoked(&app, SHARD, &records)).await;
        assert!(answer.expect("an answer").is_some());
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
        script.clear();
    }
    delivered(&writer(&world), &sent(&[1])).await;
    assert_eq!(rows(&world, &world).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_partial_batch_comes_again_from_the_record_named() {
    let world = World::default();
    world.pages.script.add("put", [Trouble::Partial(vec![2], FaultKind::Denied), Trouble::Refused(FaultKind::Denied)]);
    let mut records = sent(&[1, 2, 3, 4]);
    records.insert(0, (1, raw("demo").encode().to_vec()));
    records.push((30, Raw { trace_id: "cd".into(), ..raw("demo") }.encode().to_vec()));
    records.push((31, b"poison".to_vec()));
    delivered(&writer(&world), &records).await;
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4]);
    let entries = entries(&world.quarantine.objects());
    assert_eq!(entries.len(), 3, "each once, no id needed: {entries:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_bisected_and_brought_again_is_the_same_rows() {
    let world = World::default();
    let app = writer(&world);
    let mut records = sent(&[1, 2, 3, 4, 5]);
    records.insert(2, (11, raw("demo").encode().to_vec()));
    records.insert(4, (16, b"poison".to_vec()));
    // The first answer is lost with its process; then halves, halves of halves, and the whole again after all.
    for part in [&records[..], &records[..3], &records[3..], &records[3..5], &records[5..], &records[..]] {
        assert_eq!(invoked(&app, SHARD, part).await, None);
    }
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4, 5]);
    assert_eq!(distinct_entries(&world), 2);
    assert_eq!(mark(&world).await, "25");
}

#[tokio::test(start_paused = true)]
async fn a_reshard_drains_parents_and_children() {
    let world = World::default();
    let app = writer(&world);
    let [parent, left, right] = ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002"];
    for (shard, ids) in [(parent, [1, 2]), (left, [3, 4]), (right, [2, 5])] {
        assert_eq!(invoked(&app, shard, &sent(&ids)).await, None);
    }
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4, 5]);
    let marks = backlog::watermarks(&world).await.unwrap();
    let marks: Vec<_> = marks.iter().map(|mark| (mark.shard_id.as_str(), mark.sequence_number.as_str())).collect();
    assert_eq!(marks, [(parent, "10"), (left, "20"), (right, "25")]);
}

#[tokio::test(start_paused = true)]
async fn poison_frames_are_set_aside_and_their_neighbours_become_rows() {
    let world = World::default();
    let good = framed(&activity(2, 2));
    let mut records = sent(&[1]);
    records.extend([
        (6, Vec::new()),
        (7, vec![0xff; 500]),
        (8, good[..good.len() - 1].to_vec()),
        (9, [&good[..], b"x"].concat()),
    ]);
    records.extend(sent(&[2]));
    assert_eq!(invoked(&writer(&world), SHARD, &records).await, None);
    assert_eq!(rows(&world, &world).await, [1, 2]);
    let entries = entries(&world.quarantine.objects());
    let kept: Vec<_> = entries.iter().map(|(_, entry)| (entry.reason.as_str(), entry.trace_id.as_str())).collect();
    assert_eq!(kept, [("undecodable", "6"), ("undecodable", "7"), ("undecodable", "8"), ("undecodable", "9")]);
    assert_eq!(entries[2].1.body_base64, Some(base64(&good[..good.len() - 1])), "whole, to be replayed");
}

/// A frame of one activity, in base64, as a release with schema `schemas/published/activity-1.avsc` writes it. Each later version adds its own.
const FRAME_OF_SCHEMA_1: &str = "AQMrWWQ6xMaJtAH8AQkJCQkJCQkJCQkJCQkJCQkEBmFwcMDFx7L5YoCgq/75YgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIMYWJjMTIzAAIIMS41MAAAAAAAAAAAAhphY3Rpdml0eV9raW5kCmV2ZW50AA==";

#[tokio::test(start_paused = true)]
async fn frames_of_every_published_schema_become_rows() {
    let world = World::default();
    let frame = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, FRAME_OF_SCHEMA_1).unwrap();
    assert_eq!(invoked(&writer(&world), SHARD, &[(1, frame)]).await, None);
    assert_eq!(rows(&world, &world).await, [9]);
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_a_later_release_is_kept_for_replay_and_blocks_nobody() {
    let world = World::default();
    let mut later = framed(&activity(1, 1));
    later[1..9].copy_from_slice(&[7; 8]);
    let mut other = framed(&activity(1, 1));
    other[0] = 5;
    let records = [(1, later.clone()), (2, other), (15, framed(&activity(3, 3)))];
    assert_eq!(invoked(&writer(&world), SHARD, &records).await, None);
    assert_eq!(rows(&world, &world).await, [3]);
    let entries = entries(&world.quarantine.objects());
    assert_eq!((entries.len(), entries[0].1.body_base64.clone()), (2, Some(base64(&later))));
}

#[tokio::test(start_paused = true)]
async fn an_invocation_with_hardly_any_time_answers() {
    let world = World::default();
    world.pages.script.refuse("put", 1, FaultKind::Throttled);
    let response = handle(&writer(&world), event(SHARD, &sent(&[1, 2]), 2)).await.unwrap();
    let named = json!({"batchItemFailures": [{"itemIdentifier": "5"}]});
    assert_eq!(serde_json::to_value(response).unwrap(), named);
    assert_eq!(world.puts.lock().unwrap().len(), 1, "no second try");
    delivered(&writer(&world), &sent(&[1, 2])).await;
    assert_eq!(rows(&world, &world).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn concurrent_writers_of_one_minute_store_each_activity_once() {
    let world = World::default();
    let batch =
        |ids: &[u8]| -> Vec<Sent> { ids.iter().map(|id| (usize::from(*id), framed(&activity(*id, 7)))).collect() };
    let (left, right) = (batch(&[1, 2, 3, 4]), batch(&[3, 4, 5, 6]));
    world.pages.script.add("put", [Trouble::Refused(FaultKind::Throttled), Trouble::AnswerLost]);
    let (one, other) = (writer(&world), writer(&world));
    let ends =
        tokio::join!(invoked(&one, "shardId-000000000001", &left), invoked(&other, "shardId-000000000002", &right));
    assert_eq!(ends, (None, None));
    assert_eq!(rows(&world, &world).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_minute_too_large_for_one_page_becomes_several_and_each_row_once() {
    let world = World::default();
    let noise = |n: u8| -> String {
        let mut state = u64::from(n);
        let words = (0..3_000).map(|_| {
            // Donald Knuth's MMIX generator: noise that does not compress, always the same.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state ^ (state >> 31))
        });
        words.collect()
    };
    let frames = (1..=60_u8).map(|n| {
        let mut large = activity(n, 7);
        large.extra.insert("noise".into(), noise(n).into());
        (usize::from(n), framed(&large))
    });
    let records: Vec<Sent> = frames.collect();
    delivered(&writer(&world), &records).await;
    assert!(world.pages.all().len() > 1, "several pages of one minute");
    assert_eq!(rows(&world, &world).await, (1..=60).collect::<Vec<u8>>());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_the_table_refuses_is_set_aside_and_the_shard_goes_on() {
    let world = World { refuses: Some(|page| page.sk.starts_with("0002#")), ..World::default() };
    assert_eq!(invoked(&writer(&world), SHARD, &sent(&[1, 2, 3])).await, None);
    assert_eq!(rows(&world, &world).await, [1, 3]);
    let entries = entries(&world.quarantine.objects());
    assert_eq!((entries.len(), entries[0].1.reason.as_str(), entries[0].1.activities), (1, "refused_page", Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_refuses_every_page_keeps_the_stream_waiting() {
    let world = World { refuses: Some(|_| true), ..World::default() };
    assert_eq!(invoked(&writer(&world), SHARD, &sent(&[1, 2, 3])).await, Some(5));
    assert!(world.quarantine.objects().is_empty());
    let mended = World { refuses: None, ..world };
    delivered(&writer(&mended), &sent(&[1, 2, 3])).await;
    assert_eq!(rows(&mended, &mended).await, [1, 2, 3]);
}
