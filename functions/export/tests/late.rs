//! What came late for the previous run's file is counted, however short the steps.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use export::worker::StepStatus;
use relay::activity::Activity;
use relay::export::{Export, Status};
use relay::page::Page;
use relay::period::Frequency;
use relay::schedule::{Counting, PastRun, Run};
use serde_json::json;
use support::steps::{Doubles, endless, looks, step, worker_with};
use support::{DAY, NOW, event, export_of, load, pages_of, put, running};

/// When the previous file was written.
const BEFORE: i64 = NOW - 3_600_000;

/// Rows over two hours, every fifth of which came after the previous file was written; every second one is of `kr`.
fn rows() -> Vec<Activity<'static>> {
    let received = |n: u32| if n.is_multiple_of(5) { BEFORE + 1 } else { BEFORE };
    let spread =
        |n: u32| Activity { created_at: DAY + i64::from(n) * 60_000, received_at: received(n), ..event(n, 64) };
    (0..120).map(spread).collect()
}

fn pages() -> Vec<Page> {
    let rows = rows();
    // A provider's retry came late; the row itself was in the file.
    let retry = Activity { received_at: BEFORE + 1, ..rows[2].clone() };
    let mut pages = pages_of(&rows, 40, 1);
    pages.extend(pages_of(&[retry], 1, 1));
    pages
}

/// A run over the day after the previous run's.
fn run_of(worker: &Doubles, previous: &Export, more: &serde_json::Value) -> Export {
    let mut export = running(&worker.control, more);
    let (from, to) = (previous.from, previous.to);
    (export.from, export.to) = (to, to + (to - from));
    export.run = Some(Run {
        schedule_id: "0".repeat(32),
        frequency: Frequency::Daily,
        previous: Some(PastRun { export_id: previous.export_id.clone(), from, to, as_of: previous.as_of }),
        late: None,
        counting: Counting::default(),
        subscribers: Vec::new(),
    });
    put(&worker.control, Export::key("demo", &export.export_id), &export);
    export
}

/// The previous run with so many rows in its file, complete up to its `as_of`.
fn previous(worker: &Doubles, status: Status, rows: u64) -> Export {
    let mut export = export_of("demo", BEFORE, 7, &json!({}));
    export.finish(status, BEFORE);
    export.checkpoint.rows = rows;
    export.complete_until = Some(BEFORE);
    put(&worker.control, Export::key("demo", &export.export_id), &export);
    export
}

fn to_its_end(worker: &Doubles, export: &Export, count: i64) -> (Export, usize) {
    for steps in 1..1000 {
        let status = step(worker, export, &looks(count)).unwrap();
        if status != StepStatus::Running {
            assert_eq!(status, StepStatus::Empty);
            return (load(&worker.control, export), steps);
        }
    }
    unreachable!("the export came to no end")
}

fn late(export: &Export) -> Option<u64> {
    export.run.as_ref().unwrap().late
}

#[test]
fn rows_that_came_after_the_previous_file_are_counted_with_the_same_filters() {
    for (more, written, expected) in
        [(json!({}), 96, 24), (json!({"filters": {"country": ["kr"]}}), 48, 12), (json!({"kind": "install"}), 0, 0)]
    {
        let worker = worker_with(&pages());
        let previous = previous(&worker, Status::Done, written);
        let export = run_of(&worker, &previous, &more);
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty), "{more}");
        assert_eq!(late(&load(&worker.control, &export)), Some(expected), "{more}");
    }
}

/// The stream was an hour behind when the previous file was written: of what had been acknowledged 60 rows were not pages yet.
#[test]
fn rows_that_had_come_but_were_no_pages_yet_are_counted_too() {
    for as_of in [BEFORE, NOW] {
        let worker = worker_with(&pages());
        let mut previous = previous(&worker, Status::Done, 36);
        (previous.as_of, previous.complete_until) = (as_of, Some(BEFORE - 3_600_000));
        put(&worker.control, Export::key("demo", &previous.export_id), &previous);
        let export = run_of(&worker, &previous, &json!({}));
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
        assert_eq!(late(&load(&worker.control, &export)), Some(84), "as of {as_of}");
    }
}

#[test]
fn of_a_file_that_is_being_written_and_of_rows_past_retention_what_came_later_is_counted() {
    for (status, rows) in [(Status::Done, 1_000), (Status::Running, 5)] {
        let worker = worker_with(&pages());
        let previous = previous(&worker, status, rows);
        let export = run_of(&worker, &previous, &json!({}));
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
        assert_eq!(late(&load(&worker.control, &export)), Some(24), "{status:?}");
    }
}

#[test]
fn the_count_is_the_same_however_short_the_steps() {
    let mut most = 0;
    for count in [4, 6, 9, 17] {
        let worker = worker_with(&pages());
        let previous = previous(&worker, Status::Done, 96);
        let export = run_of(&worker, &previous, &json!({"kind": ["event", "install"]}));
        let (ended, steps) = to_its_end(&worker, &export, count);
        assert_eq!((late(&ended), ended.run.unwrap().counting), (Some(24), Counting::default()), "{count} looks");
        most = most.max(steps);
    }
    assert!(most > 10, "{most} steps");
}

#[test]
fn nothing_is_said_of_a_previous_file_that_never_was() {
    for status in [Status::Failed, Status::Cancelled] {
        let worker = worker_with(&pages());
        let previous = previous(&worker, status, 0);
        let export = run_of(&worker, &previous, &json!({}));
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
        let run = load(&worker.control, &export).run.unwrap();
        assert_eq!((run.previous, run.late), (None, None));
    }
}

#[test]
fn between_two_files_of_one_moment_nothing_came() {
    let worker = worker_with(&pages());
    let mut previous = previous(&worker, Status::Done, 120);
    (previous.as_of, previous.complete_until) = (NOW, Some(NOW));
    put(&worker.control, Export::key("demo", &previous.export_id), &previous);
    let export = run_of(&worker, &previous, &json!({}));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
    assert_eq!(late(&load(&worker.control, &export)), Some(0));
}
