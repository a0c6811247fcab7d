//! The writer over the in-memory doubles: what it stores, sets aside, and answers as failed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use batch_writer::App;
use batch_writer::drain::MARGIN;
use relay::activity::ActivityId;
use relay::fault::FaultKind;
use relay::frame::Raw;
use relay::metric::Metric;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, Trouble};
use relay::{backlog, frame, page};
use support::world::World;
use support::{Until, activity, entries, raw, record, records, rows, total};

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

fn app() -> Doubles {
    App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1)
}

fn writer(world: &World) -> App<World, World, World> {
    App::new(world.clone(), world.clone(), world.clone(), 1)
}

async fn stored_ids(app: &Doubles) -> Vec<u8> {
    rows(&app.pages, &app.control).await
}

#[tokio::test]
async fn a_batch_becomes_pages_and_a_watermark() {
    let app = app();
    let records = records(&[activity(1, 0), activity(2, 0), activity(3, 1), activity(1, 0)]);
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(app.pages.all().len(), 2);
    // Pages this small are a write unit each.
    assert_eq!([Metric::PagesWritten, Metric::PageWriteUnits].map(|metric| total(&app, metric)), [2, 2]);
    assert_eq!(stored_ids(&app).await, [1, 2, 3]);
    assert_eq!((total(&app, Metric::Decoded), total(&app, Metric::Stored)), (4, 4));
    let marks = backlog::watermarks(&app.control).await.unwrap();
    assert_eq!(marks[0].sequence_number, records[3].sequence_number);
}

#[tokio::test]
async fn the_same_batch_again_is_the_same_pages() {
    let app = app();
    let records = records(&[activity(1, 0), activity(2, 3)]);
    app.drain(&records, &Until::seconds(60)).await;
    let once = app.pages.all();
    app.drain(&records, &Until::seconds(60)).await;
    assert_eq!(app.pages.all(), once);
}

#[tokio::test]
async fn an_empty_batch_is_fine() {
    let app = app();
    assert_eq!(app.drain(&[], &Until::seconds(60)).await, None);
    assert!(app.pages.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refused_pages_are_tried_again_alone() {
    let app = app();
    app.pages
        .script
        .add("put", [Trouble::Partial(vec![1], FaultKind::Throttled), Trouble::Refused(FaultKind::TimedOut)]);
    assert_eq!(app.drain(&records(&[activity(1, 0), activity(2, 1), activity(3, 2)]), &Until::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn when_time_runs_out_the_lowest_record_that_is_not_durable_is_answered() {
    let app = app();
    app.pages.script.add("put", std::iter::repeat_n(Trouble::Partial(vec![1], FaultKind::Throttled), 1));
    app.pages.script.refuse("put", 100, FaultKind::Throttled);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 2)]);
    assert_eq!(app.drain(&records, &Until::seconds(MARGIN.as_secs() + 3)).await, Some(1));
    assert_eq!(stored_ids(&app).await, [1, 3]);
    assert_eq!((total(&app, Metric::Stored), total(&app, Metric::Faulted)), (1, 2));
    let marks = backlog::watermarks(&app.control).await.unwrap();
    assert_eq!(marks[0].sequence_number, records[0].sequence_number);
}

#[tokio::test(start_paused = true)]
async fn a_denied_table_is_not_tried_again() {
    let app = app();
    app.pages.script.refuse("put", 1, FaultKind::Denied);
    assert_eq!(app.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await, Some(0));
    assert!(app.pages.all().is_empty());
}

#[tokio::test]
async fn what_cannot_become_rows_is_set_aside_by_owner_and_the_rest_goes_on() {
    let app = app();
    let mut records = records(&[activity(1, 0)]);
    records.push(record(1, raw("demo").encode()));
    records.push(record(2, raw("other").encode()));
    records.push(record(3, raw("demo").encode()));
    records.push(record(4, *b"poison"));
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1]);
    let objects = app.quarantine.objects();
    assert_eq!(objects.len(), 3, "one object an owner");
    let entries = entries(&objects);
    let told: Vec<_> = entries.iter().map(|(owner, entry)| (owner.as_str(), entry.reason.as_str())).collect();
    assert_eq!(told, [("demo", "bad_time"), ("demo", "bad_time"), ("other", "bad_time"), ("unknown", "undecodable")]);
    assert_eq!((total(&app, Metric::Undecodable), total(&app, Metric::QuarantinedRaw)), (1, 4));
    let stored: usize = objects.values().map(bytes::Bytes::len).sum();
    assert_eq!(total(&app, Metric::QuarantinedBytes), stored as u64);
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_written_is_a_fault() {
    let app = app();
    app.quarantine.script.refuse("put", 1, FaultKind::Unavailable);
    let mut records = records(&[activity(1, 0), activity(2, 1)]);
    records.insert(1, record(7, raw("demo").encode()));
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, Some(1));
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2]);
}

#[tokio::test]
async fn readers_know_of_more_shards_before_a_page_goes_there() {
    let app = app();
    let wide = App::new(app.pages, app.control, app.quarantine, 4);
    wide.control.script.refuse("commit", 1, FaultKind::Unavailable);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 2), activity(4, 3)]);
    assert_eq!(wide.drain(&records, &Until::seconds(60)).await, Some(0));
    assert!(wide.pages.all().is_empty());
    assert_eq!(wide.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(page::largest_shards(&wide.control).await.unwrap(), 4);
    let narrow = App::new(wide.pages, wide.control, wide.quarantine, 1);
    assert_eq!(narrow.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(page::largest_shards(&narrow.control).await.unwrap(), 4);
    assert_eq!(stored_ids(&narrow).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_watermark_that_cannot_be_recorded_fails_nothing() {
    let app = app();
    app.drain(&records(&[activity(1, 0)]), &Until::seconds(60)).await;
    app.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(app.drain(&records(&[activity(2, 0)]), &Until::seconds(60)).await, None);
    assert_eq!(stored_ids(&app).await, [1, 2]);
}

#[tokio::test]
async fn what_lies_behind_a_failed_record_is_not_set_aside_it_comes_again() {
    let app = app();
    app.pages.script.add("put", [Trouble::Partial(vec![1], FaultKind::Denied)]);
    let mut records = records(&[activity(1, 0), activity(2, 1)]);
    records.insert(0, record(10, raw("demo").encode()));
    records.push(record(11, Raw { trace_id: "cd".into(), ..raw("demo") }.encode()));
    records.push(record(12, *b"poison"));
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, Some(2));
    assert_eq!(entries(&app.quarantine.objects()).len(), 1, "the one before the failed record");
    assert_eq!(total(&app, Metric::QuarantinedRaw), 1);
    // The rest comes again, in another composition.
    assert_eq!(app.drain(&records[2..4], &Until::seconds(60)).await, None);
    assert_eq!(app.drain(&records[4..], &Until::seconds(60)).await, None);
    assert_eq!(entries(&app.quarantine.objects()).len(), 3);
    assert_eq!((total(&app, Metric::QuarantinedRaw), total(&app, Metric::Undecodable)), (3, 1));
}

#[tokio::test]
async fn an_entry_that_was_set_aside_twice_is_known_by_its_id() {
    let app = app();
    let records = [record(1, raw("demo").encode()), record(2, *b"poison")];
    app.drain(&records, &Until::seconds(60)).await;
    // The answer was lost, and Lambda halves what it brings again.
    app.drain(&records[..1], &Until::seconds(60)).await;
    app.drain(&records[1..], &Until::seconds(60)).await;
    let ids: BTreeSet<String> = entries(&app.quarantine.objects()).into_iter().map(|(_, entry)| entry.id).collect();
    assert_eq!(ids.len(), 2);
}

/// Drains one good record and one reject in 60 seconds of paused time; answers what failed and what was left of the time.
async fn drained(world: &World) -> (Option<usize>, Duration) {
    let time = Until::seconds(60);
    let mut records = records(&[activity(1, 0)]);
    records.push(record(1, raw("demo").encode()));
    let failed = tokio::time::timeout(Duration::from_mins(10), writer(world).drain(&records, &time)).await;
    (failed.expect("the writer waits for ever"), time.left())
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_does_not_take_the_time_of_the_answer() {
    let world = World::default();
    world.pages.script.silence(&["put"]);
    let (failed, left) = drained(&world).await;
    assert_eq!(failed, Some(0));
    assert!(left >= Duration::from_secs(1), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_never_answers_does_not_take_the_time_of_the_answer() {
    let world = World::default();
    world.quarantine.script.silence(&["put"]);
    let (failed, left) = drained(&world).await;
    assert_eq!(failed, Some(1), "the page before it is stored");
    assert!(left >= Duration::from_secs(1), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_control_table_that_never_answers_does_not_take_the_time_of_the_answer() {
    let world = World::default();
    world.control.script.silence(&["get", "commit"]);
    let (failed, left) = drained(&world).await;
    assert_eq!(failed, Some(0));
    assert!(left >= Duration::from_secs(1), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn objects_of_several_owners_are_written_side_by_side() {
    let world = World { slow_quarantine: Some(Duration::from_secs(7)), ..World::default() };
    let owners = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let records: Vec<_> = owners.iter().enumerate().map(|(n, owner)| record(n, raw(owner).encode())).collect();
    let time = Until::seconds(60);
    assert_eq!(writer(&world).drain(&records, &time).await, None);
    assert!(time.left() > Duration::from_secs(50), "{:?}", time.left());
}

#[tokio::test]
async fn a_refused_page_is_set_aside_whole_and_counted_by_its_activities() {
    let world = World { refuses: Some(|page| page.sk.starts_with("0001#")), ..World::default() };
    let app = writer(&world);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 1), activity(4, 2)]);
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, None);
    assert_eq!(rows(&world, &world).await, [1, 4]);
    let counted = [Metric::Decoded, Metric::Stored, Metric::QuarantinedRaw].map(|metric| total(&app, metric));
    assert_eq!(counted, [4, 2, 2]);
    let entries = entries(&world.quarantine.objects());
    let [(_, entry)] = entries.as_slice() else { panic!("one entry: {entries:?}") };
    assert_eq!(entry.reason, "refused_page");
    assert!(entry.path.starts_with("app#event#2023-11-14#0/0001#"), "{}", entry.path);
    assert_eq!((entry.activities, entry.expires_at), (Some(2), Some(1_700_000_000 + 90 * 86_400)));
}

#[tokio::test]
async fn a_table_that_refuses_every_page_is_at_fault_itself() {
    let world = World { refuses: Some(|_| true), ..World::default() };
    let app = writer(&world);
    assert_eq!(app.drain(&records(&[activity(1, 0), activity(2, 1)]), &Until::seconds(60)).await, Some(0));
    assert!(world.quarantine.objects().is_empty());
    assert_eq!((total(&app, Metric::Stored), total(&app, Metric::Faulted)), (0, 2));
}

#[tokio::test]
async fn a_refused_page_that_waits_for_a_failed_record_comes_again_whole() {
    let world = World { refuses: Some(|page| page.sk.starts_with("0001#")), ..World::default() };
    let app = writer(&world);
    world.pages.script.add("put", [Trouble::Partial(vec![1], FaultKind::Denied)]);
    let records = records(&[activity(1, 0), activity(2, 1), activity(3, 2), activity(4, 1)]);
    assert_eq!(app.drain(&records, &Until::seconds(60)).await, Some(1));
    assert!(world.quarantine.objects().is_empty());
    assert_eq!(app.drain(&records[1..], &Until::seconds(60)).await, None);
    assert_eq!(rows(&world, &world).await, [1, 3]);
    assert_eq!(total(&app, Metric::QuarantinedRaw), 2);
}

#[tokio::test]
async fn many_well_packed_frames_are_unpacked_a_part_at_a_time() {
    let mut activity = activity(0, 0);
    activity.extra.insert("padding".into(), "a".repeat(60 * 1024).into());
    let frames = (0..90_u8).map(|n| {
        activity.created_at += 60_000;
        let members = (0..15).map(|m| {
            let mut member = activity.clone();
            member.activity_id = ActivityId([n; 16]);
            member.activity_id.0[15] = m;
            member
        });
        let frames = frame::pack(90, &members.collect::<Vec<_>>());
        assert_eq!(frames.len(), 1);
        frames[0].data.to_vec()
    });
    let records: Vec<_> = frames.enumerate().map(|(n, data)| record(n, data)).collect();
    let world = World::default();
    let app = writer(&world);
    world.pages.script.add("put", [Trouble::None, Trouble::Refused(FaultKind::Denied)]);
    let failed = app.drain(&records, &Until::seconds(60)).await;
    let puts = world.puts.lock().unwrap().clone();
    assert_eq!(failed, Some(puts[0]), "a page a frame: what the first part held is durable");
    assert!((25..=38).contains(&puts[0]), "32 MiB, a frame of 0.9 MiB: {puts:?}");
    let counted = [Metric::Decoded, Metric::Stored, Metric::Faulted].map(|metric| total(&app, metric));
    assert_eq!(counted, [2, 1, 1].map(|parts| parts * 15 * puts[0] as u64), "what lies behind is not decoded");
}

#[tokio::test]
async fn a_watermark_never_goes_back() {
    let app = app();
    let records: Vec<_> = [("9", 1), ("10", 2)]
        .into_iter()
        .map(|(number, id)| batch_writer::batch::Record {
            sequence_number: number.into(),
            ..records(&[activity(id, 0)]).remove(0)
        })
        .collect();
    app.drain(&records, &Until::seconds(60)).await;
    app.drain(&records[..1], &Until::seconds(60)).await;
    assert_eq!(backlog::watermarks(&app.control).await.unwrap()[0].sequence_number, "10");
}
