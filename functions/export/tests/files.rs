//! The files of an export: every format, several kinds, rows past a sheet's last line; the same bytes whatever the steps.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use bytes::Bytes;
use export::worker::StepStatus;
use flate2::read::MultiGzDecoder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use relay::activity::{Activity, Kind, Value as FieldValue};
use relay::export::{Export, MANIFEST, Status};
use relay::field::Field;
use relay::page::Page;
use relay::port::memory::{MemoryObject, Trouble};
use serde_json::{Value, json};
use support::steps::{Doubles, endless, looks, step, worker_with};
use support::{event, load, pages_of, put, running};

/// Rows of 28 MiB that compress to half of it.
fn large() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| pages_of(&(0..14_000).map(random).collect::<Vec<_>>(), 500, 1))
}

/// The `n`th event with 2,000 random digits.
fn random(n: u32) -> Activity<'static> {
    let mut activity = event(n, 0);
    let mut bytes = [0; 1000];
    blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes);
    let digits = bytes.map(|byte| format!("{byte:02x}")).concat();
    assert!(activity.fields.set(Field::Referrer, FieldValue::Text(digits.into())));
    activity
}

fn of_kind(kind: Kind, rows: std::ops::Range<u32>) -> Vec<Activity<'static>> {
    rows.map(|n| Activity { kind, ..event(n, 64) }).collect()
}

fn gunzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// Runs an export to its end, each step with so many looks at the clock; every object by its name.
fn carried_out(worker: &Doubles, export: &Export, count: Option<i64>) -> BTreeMap<String, MemoryObject> {
    loop {
        let status = match count {
            None => step(worker, export, &endless()),
            Some(count) => step(worker, export, &looks(count)),
        };
        if status.unwrap() != StepStatus::Running {
            break;
        }
    }
    assert_eq!(load(&worker.control, export).status, Status::Done);
    let folder = export.key_of("");
    worker
        .files
        .objects()
        .into_iter()
        .map(|(key, object)| (key.strip_prefix(&folder).unwrap().to_owned(), object))
        .collect()
}

fn bodies(worker: &Doubles, export: &Export, count: Option<i64>) -> BTreeMap<String, Vec<u8>> {
    carried_out(worker, export, count).into_iter().map(|(name, object)| (name, object.body)).collect()
}

#[test]
fn compressed_files_hold_what_plain_ones_do() {
    let pages = pages_of(&of_kind(Kind::Event, 0..300), 50, 1);
    let file = |format: &str| {
        let worker = worker_with(&pages);
        let export =
            running(&worker.control, &json!({"format": format, "timezone": "Asia/Seoul", "end_date": "2026-11-15"}));
        let mut files = bodies(&worker, &export, None);
        assert_eq!(files.len(), 1);
        files.pop_first().unwrap()
    };
    let (plain_name, plain) = file("csv");
    let (name, compressed) = file("csv.gz");
    assert_eq!((name, gunzipped(&compressed).into_bytes()), (format!("{plain_name}.gz"), plain.clone()));
    let (name, lines) = file("jsonl.gz");
    assert_eq!(name, plain_name.replace(".csv", ".jsonl.gz"));
    let lines: Vec<BTreeMap<String, Value>> =
        gunzipped(&lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut reader = csv::Reader::from_reader(plain.as_slice());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!((rows.len(), lines.len()), (300, 300));
    for (row, line) in rows.iter().zip(&lines) {
        for (name, cell) in row.iter().filter(|(_, cell)| !cell.is_empty()) {
            let expected = match name.as_str() {
                "extra" => line[name].to_string(),
                // 2026-11-14 09:00:00 → 2026-11-14T09:00:00.500+09:00
                _ if name.ends_with("_at") => line[name].as_str().unwrap()[..19].replace('T', " "),
                _ => line[name].as_str().unwrap().to_owned(),
            };
            assert_eq!(*cell, expected, "{name}");
        }
        assert_eq!(line.len(), row.values().filter(|cell| !cell.is_empty()).count());
    }
}

#[test]
fn a_compressed_file_has_the_same_bytes_whatever_the_steps() {
    for format in ["csv.gz", "jsonl.gz"] {
        let asked = json!({"format": format});
        let whole = {
            let worker = worker_with(large());
            bodies(&worker, &running(&worker.control, &asked), None)
        };
        assert!(whole.values().all(|body| body.len() > 6 << 20), "so that there are parts");
        for count in [9, 20, 61] {
            let worker = worker_with(large());
            let export = running(&worker.control, &asked);
            assert!(
                bodies(&worker, &export, Some(count)) == whole,
                "other bytes of {format} with {count} looks a step"
            );
            let ended = load(&worker.control, &export);
            assert!(ended.steps > 1 && ended.rows() == 14_000, "{} steps", ended.steps);
            assert_eq!(ended.bytes(), whole.values().next().unwrap().len() as u64);
            assert_eq!(worker.files.open_uploads(), 0);
        }
    }
}

#[test]
fn several_kinds_are_a_file_each_and_the_manifest_comes_last() {
    let activities = [of_kind(Kind::Event, 0..30), of_kind(Kind::Install, 30..37)].concat();
    let asked = json!({"kind": ["install", "reattribution", "event"], "columns": ["kind", {"column": "revenue", "header": "Umsatz"}]});
    let mut seen = Vec::new();
    for count in [None, Some(6), Some(9), Some(14)] {
        let worker = worker_with(&pages_of(&activities, 10, 1));
        let export = running(&worker.control, &asked);
        let objects = carried_out(&worker, &export, count);
        let names: Vec<_> = objects.keys().cloned().collect();
        let file = |kind: &str| format!("demo-app_{kind}_20261114_20261114_UTC.csv");
        assert_eq!(names, [file("event"), file("install"), MANIFEST.to_owned()]);
        assert!(objects[&file("install")].body.starts_with(b"kind,Umsatz\ninstall,30.5\n"));
        let ended = load(&worker.control, &export);
        assert_eq!(ended.object_key(), export.key_of(MANIFEST));
        assert_eq!((ended.rows(), ended.files().len()), (37, 2));
        let manifest: Value = serde_json::from_slice(&objects[MANIFEST].body).unwrap();
        assert_eq!((&manifest["rows"], &manifest["files"][0]["name"]), (&json!(37), &json!(file("install"))));
        let of_files: Vec<_> = manifest["files"].as_array().unwrap().iter().map(|file| &file["bytes"]).collect();
        let bytes = |kind| json!(objects[&file(kind)].body.len());
        assert_eq!(of_files, [&bytes("install"), &bytes("event")]);
        assert_eq!(manifest["totals"]["rows_by_day"], json!({"2026-11-14": 37}));
        assert_eq!(manifest["totals"]["revenue_by_day"]["2026-11-14"], manifest["totals"]["revenue"]);
        assert_eq!(objects[MANIFEST].metadata["trace-id"], export.trace_id);
        seen.push(objects);
    }
    assert!(seen.iter().all(|objects| *objects == seen[0]), "the same bytes whatever the steps");
}

#[test]
fn kinds_of_which_there_is_nothing_are_empty() {
    let worker = worker_with(&pages_of(&of_kind(Kind::Event, 0..30), 10, 1));
    let export = running(&worker.control, &json!({"kind": ["install", "reattribution"]}));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
    assert!(worker.files.objects().is_empty());
    assert_eq!(worker.files.open_uploads(), 0);
}

#[test]
fn what_fails_between_two_files_is_carried_on() {
    let activities = [of_kind(Kind::Event, 0..30), of_kind(Kind::Install, 30..37)].concat();
    let asked = json!({"kind": ["install", "event"]});
    let whole = {
        let worker = worker_with(&pages_of(&activities, 10, 1));
        bodies(&worker, &running(&worker.control, &asked), None)
    };
    for call in ["begin", "put_part", "complete"] {
        for nth in 0..3 {
            let worker = worker_with(&pages_of(&activities, 10, 1));
            let export = running(&worker.control, &asked);
            let troubles = (0..nth).map(|_| Trouble::None).chain([Trouble::AnswerLost]);
            worker.files.script.add(call, troubles);
            assert!(step(&worker, &export, &endless()).is_err(), "{call} {nth}");
            assert!(bodies(&worker, &export, None) == whole, "{call} {nth}");
        }
    }
}

#[test]
fn parquet_is_read_back_and_has_the_same_bytes_whatever_the_steps() {
    let pages = pages_of(&of_kind(Kind::Event, 0..300), 50, 1);
    let asked = json!({"format": "parquet", "columns": ["activity_id", "created_at", "idfa"]});
    let whole = {
        let worker = worker_with(&pages);
        bodies(&worker, &running(&worker.control, &asked), None)
    };
    let names: Vec<_> = whole.keys().map(String::as_str).collect();
    assert_eq!(names, ["demo-app_event_20261114_20261114_UTC.parquet", MANIFEST]);
    let reader = SerializedFileReader::new(Bytes::from(whole[names[0]].clone())).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 300);
    assert_eq!(*rows[299].get_string(0).unwrap(), event(299, 64).activity_id.to_string());
    assert!(rows[299].get_string(2).is_err(), "there is none");
    // A step killed in the midst leaves nothing that the next one could go on with, and harms nothing.
    let worker = worker_with(&pages);
    let export = running(&worker.control, &asked);
    worker.files.script.add("put_part", [Trouble::AnswerLost]);
    assert!(step(&worker, &export, &endless()).is_err());
    assert!(bodies(&worker, &export, None) == whole);
}

#[test]
fn a_parquet_file_that_a_step_cannot_fill_ends_with_it() {
    let worker = worker_with(&pages_of(&of_kind(Kind::Event, 0..3000), 50, 1));
    let export = running(&worker.control, &json!({"format": "parquet", "columns": ["activity_id"]}));
    let files = bodies(&worker, &export, Some(12));
    assert!(files.len() > 2, "{} objects", files.len());
    let ended = load(&worker.control, &export);
    assert_eq!((ended.rows(), ended.files().len() + 1), (3000, files.len()));
}

/// A running export whose files have so many rows and no more.
fn running_with(worker: &Doubles, asked: &Value, rows_per_file: u64) -> Export {
    let mut export = running(&worker.control, asked);
    assert!(export.rows_per_file.unwrap() >= 1_000_000);
    export.rows_per_file = Some(rows_per_file);
    put(&worker.control, Export::key("demo", &export.export_id), &export);
    export
}

#[test]
fn a_file_that_is_full_goes_on_in_another_one() {
    let pages = pages_of(&of_kind(Kind::Event, 0..60), 7, 1);
    for (format, excel) in [("csv", true), ("csv.gz", true), ("parquet", false)] {
        let asked = json!({"excel": excel, "columns": ["activity_id"], "format": format});
        let whole = {
            let worker = worker_with(&pages);
            let export = running_with(&worker, &asked, 25);
            let files = bodies(&worker, &export, None);
            let stem = "demo-app_event_20261114_20261114_UTC";
            let names: Vec<_> = files.keys().map(String::as_str).collect();
            let number = |number: &str| format!("{stem}{number}.{format}");
            assert_eq!(names, [number(""), number("_2"), number("_3"), MANIFEST.to_owned()]);
            let rows: Vec<_> = load(&worker.control, &export).files().iter().map(|file| file.rows).collect();
            assert_eq!(rows, [25, 25, 10]);
            files
        };
        for call in ["begin", "put_part", "complete", "state"] {
            for nth in 0..4 {
                let worker = worker_with(&pages);
                let export = running_with(&worker, &asked, 25);
                worker.files.script.add(call, (0..nth).map(|_| Trouble::None).chain([Trouble::AnswerLost]));
                assert!(step(&worker, &export, &endless()).is_err(), "{call} {nth}");
                assert!(bodies(&worker, &export, None) == whole, "{format}: {call} {nth}");
            }
        }
    }
}

#[test]
fn a_file_that_holds_just_all_rows_is_the_only_one() {
    let worker = worker_with(&pages_of(&of_kind(Kind::Event, 0..25), 7, 1));
    let export = running_with(&worker, &json!({"excel": true}), 25);
    assert_eq!(bodies(&worker, &export, None).len(), 1);
}
