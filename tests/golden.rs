//! Every golden sample of every provider reaches the file: through the door, the stream, the writer, the pages and the reader into a row of CSV, whose
//! columns are what the snapshot beside the sample says. Each sample is sent twice, as a provider's retry sends it: a row it is once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use relay::activity::Kind;
use relay::control::{Expect, Write};
use relay::field::{Field, Shape};
use relay::http::Request;
use relay::owner::{App, KeyRecord, Owner, Role};
use relay::page;
use relay::period::Zone;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine, MemorySpill, MemoryStream};
use relay::reader::{Reader, Selection};
use relay::row::{CsvRows, FileColumn};
use relay::time::date_of_day;

/// When the samples' callbacks come: the moment of their snapshots.
const NOW: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The key that the samples carry in their queries.
const KEY: &str = "relay_ingest_secret";

/// The query that a sample in a body is posted with.
const POSTED: &str = "key=relay_ingest_secret&app_token=2fm9gkqubvpc";

type Door = ingest::App<MemoryStream, MemorySpill, MemoryControl>;
type Writer = batch_writer::App<MemoryPages, MemoryControl, MemoryQuarantine>;

/// A row of a file: cells by column.
type Row = BTreeMap<String, String>;

#[tokio::test]
async fn every_sample_of_every_provider_is_a_row_with_the_columns_mapped_right() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/relay/tests/golden"));
    let folders = std::fs::read_dir(root).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let folders: BTreeSet<_> = folders.collect();
    let known: BTreeSet<_> = relay::callback::providers().map(|provider| provider.name().to_owned()).collect();
    assert_eq!(folders, known, "a folder for each provider");
    for provider in known {
        for sample in samples(&root.join(&provider)) {
            follow(&provider, &sample).await;
        }
    }
}

/// Each sample has a world of its own: a `GET` and a `POST` of one activity have one id, and would be one row.
async fn follow(provider: &str, sample: &Sample) {
    let door = door(sample).await;
    send(&door, provider, sample, NOW).await;
    send(&door, provider, sample, NOW + HOUR_MS).await;
    let rows = rows(&write(&door).await, sample).await;
    let expected = usize::from(sample.reason().is_none());
    assert_eq!(rows.len(), expected, "{}: rows, of two deliveries", sample.name);
    for row in rows {
        assert_eq!(row["provider"], provider);
        assert_row(sample, &row);
    }
}

/// What a provider sends, and what its snapshot says of it.
struct Sample {
    name: String,
    /// A query string, or a JSON body.
    text: String,
    is_body: bool,
    /// The snapshot's lines: a name, a space, a value.
    lines: Vec<String>,
}

impl Sample {
    fn read(path: &Path) -> Self {
        let read =
            |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let snapshot = read(&path.with_extension("snap"));
        let lines = snapshot.splitn(3, "---\n").nth(2).expect("a header, then the lines").lines();
        Self {
            name: path.display().to_string(),
            text: read(path),
            is_body: path.extension().is_some_and(|extension| extension == "json"),
            lines: lines.map(str::to_owned).collect(),
        }
    }

    /// Why it is not understood, where it is not.
    fn reason(&self) -> Option<&str> {
        let told = self.lines[0].strip_prefix("discard ")?;
        told.split(':').next()
    }

    /// The value of a line; empty where there is none.
    fn line(&self, name: &str) -> &str {
        let mut values = self.lines.iter().filter_map(|line| line.split_once(' '));
        values.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

fn samples(folder: &Path) -> Vec<Sample> {
    let is_sample = |path: &PathBuf| path.extension().is_some_and(|end| end == "txt" || end == "json");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_sample);
    let samples: Vec<_> = files.map(|path| Sample::read(&path)).collect();
    assert!(!samples.is_empty(), "{} has no sample", folder.display());
    samples
}

/// A door at which one owner has the samples' key and the app that this one names.
async fn door(sample: &Sample) -> Door {
    let control = MemoryControl::default();
    let record = KeyRecord::of(KEY, "demo", Role::Ingest, 0);
    let owner = serde_json::json!({"owner": "demo", "mail_domains": [], "event_tokens": [], "retention_days": 400, "created_at": 0});
    let owner: Owner = serde_json::from_value(owner).unwrap();
    let app_token = sample.line("app_token");
    let app = App { app_token: app_token.into(), owner: "demo".into(), created_at: 0 };
    let writes = [
        Write::put(KeyRecord::key(&record.sha256), &record, Expect::Any).unwrap(),
        Write::put(Owner::key("demo"), &owner, Expect::Any).unwrap(),
        Write::put(App::key(app_token), &app, Expect::Any).unwrap(),
    ];
    control.commit(&writes).await.unwrap();
    Door::new(MemoryStream::new(1), MemorySpill::default(), control)
}

/// Sends a sample; it is always answered 200, and says what became of it.
async fn send(door: &Door, provider: &str, sample: &Sample, now: i64) {
    let path = format!("/v1/callbacks/{provider}");
    let json = vec![("content-type".to_owned(), "application/json".to_owned())];
    let request = if sample.is_body {
        let (method, query, body) = ("POST".into(), POSTED.into(), sample.text.clone().into());
        Request { method, path, query, headers: json, body, ..Request::default() }
    } else {
        Request { method: "GET".into(), path, query: sample.text.trim_end().into(), ..Request::default() }
    };
    let trace_id = "0123456789abcdef0123456789abcdef";
    let response = door.answer(ingest::Visit { request: &request, now, trace_id }).await;
    assert_eq!(response.status, 200, "{}: {}", sample.name, response.body);
    let answer: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    let expected = if sample.reason().is_some() { "quarantined" } else { "accepted" };
    assert_eq!(answer["status"], expected, "{}: {answer}", sample.name);
    assert_eq!(answer["reason"].as_str(), sample.reason(), "{}", sample.name);
}

/// All the time there is.
struct Unhurried;

impl Clock for Unhurried {
    fn remaining(&self) -> Duration {
        Duration::from_secs(10_000)
    }

    fn now(&self) -> i64 {
        NOW
    }

    fn jitter(&self) -> u32 {
        0
    }
}

/// The writer that has written what the door has made durable.
async fn write(door: &Door) -> Writer {
    let record = |record: relay::port::memory::StreamRecord| Record {
        sequence_number: record.sequence_number,
        shard_id: MemoryStream::shard_id(0),
        arrived_at: record.arrived_at,
        data: record.data.to_vec(),
    };
    let records: Vec<_> = door.stream.records(0).into_iter().map(record).collect();
    let writer = Writer::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
    assert_eq!(writer.drain(&records, &Unhurried).await, None);
    writer
}

/// The rows of the files of all kinds of the sample's app.
async fn rows(writer: &Writer, sample: &Sample) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let selection = Selection {
            app_token: sample.line("app_token").into(),
            kind,
            from: NOW - 401 * DAY_MS,
            to: NOW + 2 * DAY_MS,
            as_of: i64::MAX,
            kept_since: 0,
            received_since: 0,
            after: None,
            shards: page::largest_shards(&writer.control).await.unwrap(),
            erased: relay::erase::Erased::none(),
        };
        let mut reader = Reader::new(&writer.pages, selection);
        let mut file = CsvRows::new(FileColumn::defaults(kind), Zone::utc(), false, 64 * 1024);
        file.header();
        while let Some(minute) = reader.next().await.unwrap() {
            minute.iter().for_each(|activity| file.row(&activity.unwrap()).unwrap());
        }
        rows.extend(csv::Reader::from_reader(file.take().as_slice()).deserialize().map(Result::<Row, _>::unwrap));
    }
    rows
}

/// Compares a row with the snapshot, cell by cell: what the one has, the other has.
fn assert_row(sample: &Sample, row: &Row) {
    let name = &sample.name;
    for column in ["activity_id", "kind", "app_token"] {
        assert_eq!(row[column], sample.line(column), "{column} of {name}");
    }
    assert_eq!(row["created_at"], second(sample.line("created_at")), "created_at of {name}");
    assert_eq!(row["received_at"], second(&NOW.to_string()), "the first delivery's, of {name}");
    for field in Field::ALL {
        let told = sample.line(field.name());
        let cell = if field.shape() == Shape::Time { second(told) } else { told.to_owned() };
        assert_eq!(row[field.name()], cell, "{} of {name}", field.name());
    }
    let extra: BTreeMap<String, String> = serde_json::from_str(&row["extra"]).unwrap();
    let extra: Vec<_> = extra.iter().map(|(key, value)| format!("extra {key} {value}")).collect();
    let told: Vec<_> = sample.lines.iter().filter(|line| line.starts_with("extra ")).cloned().collect();
    assert_eq!(extra, told, "extra of {name}");
}

/// Milliseconds since the epoch as a file writes them in UTC: to the second.
fn second(ms: &str) -> String {
    if ms.is_empty() {
        return String::new();
    }
    let seconds = ms.parse::<i64>().unwrap().div_euclid(1000);
    let (day, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    format!("{} {:02}:{:02}:{:02}", date_of_day(day), of_day / 3600, of_day / 60 % 60, of_day % 60)
}
