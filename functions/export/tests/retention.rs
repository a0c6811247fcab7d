//! An owner's retention is the one that it has now, over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::Cell;
use std::sync::Mutex;

use export::api::{Api, Call, Settings};
use export::dispatch::Dispatcher;
use export::worker::{StepStatus, Worker};
use relay::activity::Activity;
use relay::export::{Export, Status};
use relay::metric::Counters;
use relay::owner::Owner;
use relay::port::memory::{MemoryExecutions, MemoryFiles, MemoryMailer, MemoryPages, MemorySigner, MemoryStream};
use serde_json::{Value, json};
use support::api::asking;
use support::steps::{endless, step};
use support::{NOW, Shared, event, pages_of, profile, put, register, request, run, store_pages};

const DAY_MS: i64 = 86_400_000;

type Doubles = Api<(Shared, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

struct World {
    api: Doubles,
    calls: Cell<u8>,
    late: u32,
}

/// Ten days ago: twelve events that came at once, and so many that came just now.
fn stored(late: u32) -> MemoryPages {
    let at = |n: u32| {
        let event = event(n, 0);
        let received_at = if n < 12 { event.received_at - 10 * DAY_MS } else { event.received_at };
        Activity { created_at: event.created_at - 10 * DAY_MS, received_at, ..event }
    };
    let pages = MemoryPages::default();
    store_pages(&pages, &pages_of(&(0..12 + late).map(at).collect::<Vec<_>>(), 20, 1));
    pages
}

impl World {
    fn new(late: u32) -> Self {
        let control = Shared::default();
        register(&control);
        let api = Api {
            control,
            pages: stored(late),
            backlog: MemoryStream::new(1),
            executions: MemoryExecutions::default(),
            files: MemoryFiles::default(),
            signer: MemorySigner::default(),
            mailer: MemoryMailer::default(),
            settings: Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None },
            counters: Mutex::new(Counters::default()),
        };
        Self { api, calls: Cell::new(0), late }
    }

    fn retain(&self, retention_days: u16) {
        let owner = Owner { retention_days, ..profile("demo") };
        put(&self.api.control, Owner::key("demo"), &owner);
    }

    fn send(&self, path: &str) -> Value {
        let number = self.calls.get() + 1;
        self.calls.set(number);
        let day = json!({"start_date": "2026-11-04", "end_date": "2026-11-04", "filters": {"country": ["kr", "jp", number.to_string()]}});
        let mut request = asking(&request(&day).to_string());
        path.clone_into(&mut request.path);
        let trace_id = format!("{number:032x}");
        let call = Call { request: &request, now: NOW, random: [number; 10], secret: [0; 32], trace_id };
        let answer = run(self.api.answer(&call));
        assert!(answer.status < 300, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    fn previewed(&self) -> u64 {
        self.send("/v1/exports/preview")["previews"][0]["about_rows"].as_u64().unwrap()
    }

    /// The rows of the file that was asked for and gets its slot now, at once or in as many steps as it takes.
    fn rows_of_the_file(&self) -> u64 {
        let dispatcher = Dispatcher { control: &self.api.control, executions: &self.api.executions, slots: 9 };
        assert_eq!(run(dispatcher.run(NOW + 1)).started, 1);
        let running = self.exports().into_iter().find(|export| export.finished_at.is_none()).unwrap();
        let control = self.api.control.clone();
        let worker =
            Worker { control, pages: stored(self.late), files: MemoryFiles::default(), backlog: MemoryStream::new(1) };
        while !matches!(step(&worker, &running, &endless()).unwrap(), StepStatus::Done | StepStatus::Empty) {}
        self.exports().into_iter().find(|export| export.export_id == running.export_id).unwrap().rows()
    }

    fn exports(&self) -> Vec<Export> {
        let items = self.api.control.0.all().into_iter().filter(|item| item.key.pk == "export#demo");
        items.map(|item| item.read().unwrap()).collect()
    }

    fn exported(&self) -> u64 {
        self.send("/v1/exports");
        self.rows_of_the_file()
    }
}

#[test]
fn lowered_it_hides_rows_at_once_and_raised_it_shows_what_is_still_there() {
    let world = World::new(3);
    assert_eq!((world.previewed(), world.exported()), (15, 15));
    world.retain(7);
    assert_eq!((world.previewed(), world.exported()), (3, 3), "what came late is kept from when it came");
    world.retain(90);
    assert_eq!((world.previewed(), world.exported()), (15, 15));
}

#[test]
fn what_waits_in_line_is_made_by_the_retention_of_when_its_turn_comes() {
    for (asked, started, rows) in [(90, 7, 3), (7, 90, 15)] {
        let world = World::new(3);
        world.retain(asked);
        world.send("/v1/exports");
        world.retain(started);
        assert_eq!(world.rows_of_the_file(), rows, "asked under {asked} days, started under {started}");
    }
}

#[test]
fn a_day_that_is_hidden_whole_makes_no_file() {
    let world = World::new(0);
    world.send("/v1/exports");
    world.retain(7);
    assert_eq!((world.rows_of_the_file(), world.exports()[0].status), (0, Status::Empty));
}
