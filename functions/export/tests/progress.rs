//! What who watches sees of a running export, between its parts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::Cell;

use export::worker::{Clock, StepStatus};
use relay::activity::{Activity, ActivityId};
use relay::export::{Export, View};
use relay::fault::FaultKind;
use relay::page::Page;
use relay::port::memory::Trouble;
use serde_json::{Value, json};
use support::steps::{Doubles, endless, step, worker_with};
use support::{DAY, NOW, event, load, pages_of, running};

/// One event in each of the first five hundred minutes of 2026-11-14.
fn pages() -> Vec<Page> {
    let at = |n: u32| {
        let id = ActivityId(u128::from(n).to_be_bytes());
        Activity { created_at: DAY + i64::from(n) * 60_000, activity_id: id, ..event(n, 0) }
    };
    pages_of(&(0..500).map(at).collect::<Vec<_>>(), 50, 1)
}

/// A clock on which each look takes a second.
fn slow() -> Clock<impl Fn() -> i64> {
    let time = Cell::new(NOW + 1_000);
    let now = move || {
        time.set(time.get() + 1_000);
        time.get()
    };
    Clock::new(now, NOW + 900_000)
}

fn shown(worker: &Doubles, export: &Export) -> Value {
    load(&worker.control, export).view(View { now: NOW, retention_days: 14, position: None })
}

#[test]
fn a_running_export_moves_before_a_part_is_full_whatever_its_filter_and_format() {
    for (more, part) in [
        (json!({}), 1),
        (json!({"filters": {"country": ["kr"]}}), 2),
        (json!({"format": "csv.gz"}), 1),
        (json!({"format": "parquet"}), 1),
    ] {
        let worker = worker_with(&pages());
        let export = running(&worker.control, &more);
        // The step dies with its fifth write, before any part is full: the first says that it began.
        let dies = [Trouble::None, Trouble::None, Trouble::None, Trouble::None, Trouble::Refused(FaultKind::Throttled)];
        worker.control.0.script.add("commit", dies);
        assert!(step(&worker, &export, &slow()).is_err(), "{more}");
        let told = load(&worker.control, &export);
        assert_eq!((told.checkpoint.after, told.checkpoint.rows), (None, 0), "nothing goes on from what was told");
        let seen = shown(&worker, &export);
        let rows = seen["rows"].as_u64().unwrap();
        // Three times three looks, one a minute that holds a row.
        assert!((8 / part..=12 / part).contains(&rows), "{more}: {seen}");
        assert!(seen["progress"].as_f64().unwrap() > 0.01, "{more}: {seen}");

        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done), "{more}");
        let seen = shown(&worker, &export);
        assert_eq!((&seen["rows"], &seen["progress"]), (&json!(500 / part), &json!(1.0)), "{more}");
        assert_eq!(seen["rows"], seen["files"][0]["rows"], "{more}");
    }
}

#[test]
fn a_filter_that_takes_nothing_moves_all_the_same() {
    let worker = worker_with(&pages());
    let export = running(&worker.control, &json!({"filters": {"country": ["nowhere"]}}));
    worker.control.0.script.add("commit", [Trouble::None, Trouble::None, Trouble::Refused(FaultKind::Throttled)]);
    assert!(step(&worker, &export, &slow()).is_err());
    let seen = shown(&worker, &export);
    assert!(seen["rows"] == json!(0) && seen["progress"].as_f64().unwrap() > 0.0, "{seen}");
}
