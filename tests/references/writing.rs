//! Writes an export's files as the worker makes them, and beside them what was asked and what is said of it.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use export::worker::{Clock, StepStatus, Worker};
use relay::activity::Activity;
use relay::control::{Expect, Write};
use relay::export::{Asked, Export, ExportRequest, Status, View, export_id, store};
use relay::owner::Owner;
use relay::page::{Datum, paginate};
use relay::port::memory::{MemoryControl, MemoryFiles, MemoryPages, MemoryStream};
use relay::port::{ControlTable, PageStore};
use relay_tests::doubles::run;
use relay_tests::random::Random;
use serde_json::{Value, json};

use crate::activities::Stored;
use crate::requests::Place;

const OWNER: &str = "reference";
/// Deliveries of one write.
const BATCH: usize = 40;
/// More steps than any file here takes.
const STEPS: usize = 10_000;

/// Runs an export to its end, in steps of random length, and leaves its objects in a folder.
pub(crate) fn write(place: &Place, stored: &Stored, request: &Value, folder: &Path, random: &mut Random) {
    let worker = Worker {
        control: MemoryControl::default(),
        pages: MemoryPages::default(),
        files: MemoryFiles::default(),
        backlog: MemoryStream::new(1),
    };
    store_pages(&worker.pages, &stored.deliveries);
    let export = running(&worker.control, request, stored.as_of);
    for n in 0.. {
        assert!(n < STEPS, "the export of {} does not end", place.name());
        let clock = looks(stored.as_of + 1000, 12 + random.between(0, 100));
        match run(worker.step(OWNER, &export.export_id, &clock)).unwrap() {
            StepStatus::Running => {}
            StepStatus::Done | StepStatus::Empty => break,
            StepStatus::Waiting | StepStatus::Cancelled | StepStatus::Failed => panic!("{request} comes to no file"),
        }
    }
    let (export, _) = run(store::load(&worker.control, OWNER, &export.export_id)).unwrap().unwrap();
    let view = export.view(View { now: stored.as_of + 5_000, retention_days: 14, position: None });
    fs::create_dir_all(folder.join("files")).unwrap();
    for (key, object) in worker.files.objects() {
        let name = key.rsplit('/').next().unwrap();
        fs::write(folder.join("files").join(name), &object.body).unwrap();
    }
    let told = json!({
        "request": request, "view": view, "as_of": stored.as_of, "activities": format!("{}.jsonl", place.name()),
        "open_uploads": worker.files.open_uploads(),
    });
    fs::write(folder.join("export.json"), told.to_string()).unwrap();
}

/// Leaves the deliveries in a file, one a line, for others to read.
pub(crate) fn tell(stored: &Stored, path: &Path) {
    let lines: Vec<String> = stored.deliveries.iter().map(|delivery| told(delivery).to_string()).collect();
    fs::write(path, lines.join("\n")).unwrap();
}

fn told(activity: &Activity<'_>) -> Value {
    let value = |value: &relay::activity::Value<'_>| match value {
        relay::activity::Value::Text(text) => json!(text),
        relay::activity::Value::Time(ms) => json!(ms),
    };
    let fields: serde_json::Map<String, Value> =
        activity.fields.iter().map(|(field, of)| (field.name().to_owned(), value(of))).collect();
    json!({
        "activity_id": activity.activity_id.to_string(), "kind": activity.kind.name(), "app_token": activity.app_token,
        "created_at": activity.created_at, "received_at": activity.received_at, "provider": activity.provider.name(),
        "fields": fields, "extra": activity.extra,
    })
}

fn store_pages(pages: &MemoryPages, deliveries: &[Activity<'_>]) {
    for batch in deliveries.chunks(BATCH) {
        let encoded: Vec<_> = batch
            .iter()
            .map(|activity| {
                let mut bytes = Vec::new();
                relay::avro::encode(activity, &mut bytes);
                bytes
            })
            .collect();
        let datums = encoded.iter().map(|bytes| Datum { bytes, retention_days: 3650, source: 0 });
        let made: Vec<_> = paginate(datums, 1).unwrap().into_iter().map(|sourced| sourced.page).collect();
        assert!(run(pages.put(&made)).iter().all(Result::is_ok));
    }
}

/// An export that has its slot.
fn running(control: &MemoryControl, request: &Value, now: i64) -> Export {
    let owner = Owner {
        owner: OWNER.to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 3650,
        access: relay::access::Access::default(),
        created_at: 0,
    };
    let asked = Asked {
        owner: OWNER.to_owned(),
        retention_days: 3650,
        now,
        export_id: export_id(now, [7; 10]),
        trace_id: "0".repeat(32),
    };
    let request = ExportRequest::parse(request.to_string().as_bytes(), &owner, 14);
    let mut export = Export::new(request.unwrap_or_else(|error| panic!("{error:?}")), asked);
    export.status = Status::Running;
    export.started_at = Some(now);
    let write = Write::put(Export::key(OWNER, &export.export_id), &export, Expect::Absent).unwrap();
    run(control.commit(&[write])).unwrap();
    export
}

/// A clock on which every look costs a millisecond, with about so many looks before the step must end.
fn looks(now: i64, count: i64) -> Clock<impl Fn() -> i64> {
    let time = Cell::new(now);
    let tick = move || {
        time.set(time.get() + 1);
        time.get()
    };
    Clock::new(tick, now + count * 4 / 3 + 1)
}
