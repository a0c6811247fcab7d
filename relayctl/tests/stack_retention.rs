//! An owner's retention, lowered with relayctl, hides rows of the running stack at once; raised, it shows them again. Runs where `RELAY_STACK` names
//! a stack's `stack.json`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use relay::activity::Kind;
use relay::port::{Record, Stream as _};
use relay::time::date_of_day;
use relay::{arbitrary, frame};
use relay_aws::config::Aws;
use relay_aws::kinesis::AwsStream;
use relay_lambda::process;
use serde_json::{Value, json};

/// How long an export may take.
const LIMIT: Duration = Duration::from_mins(2);

const DAY_MS: i64 = 86_400_000;

struct Stack {
    folder: PathBuf,
    facts: Value,
    owner: String,
    app: String,
    key: String,
}

impl Stack {
    /// An owner of this test's own, with an app and a key.
    fn of(test: &str) -> Option<Self> {
        let Some(path) = process::env("RELAY_STACK") else {
            // Not `eprintln!`, which the test harness keeps to itself.
            let line = format!("skipped: {test}: RELAY_STACK names no stack.json (cargo xtask up)\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let folder = Path::new(&path).parent().unwrap().parent().unwrap().to_owned();
        let facts = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let id = process::trace_id();
        let (owner, app) = (format!("{test}-{}", &id[..12]), format!("app.{id}"));
        let mut stack = Self { folder, facts, owner, app, key: String::new() };
        stack.relayctl(&["owner", "add", &stack.owner, "--retention-days", "90"]);
        stack.relayctl(&["app", "add", &stack.owner, &stack.app]);
        stack.relayctl(&["domain", "add", &stack.owner, "example.com"]);
        let key = stack.relayctl(&["key", "new", &stack.owner, "--role", "api"]);
        key["key"].as_str().unwrap().clone_into(&mut stack.key);
        Some(stack)
    }

    fn get(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    fn relayctl(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relayctl"));
        let command = command.current_dir(&self.folder).args(["--local", "--json", "--as", "kim@laptop"]);
        let output = command.args(arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""), "{arguments:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let authority = self.get("api_url").trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).unwrap();
        let (key, length) = (&self.key, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(&answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()]).unwrap())
    }

    /// The body of a request for the day, that nobody has sent before.
    fn request(&self, day: i64) -> Value {
        let id = process::trace_id();
        let day = date_of_day(day);
        json!({"app_token": self.app, "kind": "event", "start_date": day, "end_date": day, "email": format!("{id}@example.com")})
    }

    fn previewed(&self, day: i64) -> u64 {
        let mut request = self.request(day);
        request.as_object_mut().unwrap().remove("email");
        let (status, answer) = self.ask("POST", "/v1/exports/preview", &request.to_string());
        assert_eq!(status, 200, "{answer}");
        answer["previews"][0]["about_rows"].as_u64().unwrap()
    }

    /// The rows of a new export of the day.
    async fn exported(&self, day: i64) -> u64 {
        let (status, asked) = self.ask("POST", "/v1/exports", &self.request(day).to_string());
        assert_eq!(status, 202, "{asked}");
        let path = format!("/v1/exports/{}", asked["export_id"].as_str().unwrap());
        let start = Instant::now();
        loop {
            let (_, export) = self.ask("GET", &path, "");
            match export["status"].as_str().unwrap() {
                "queued" | "running" => assert!(start.elapsed() < LIMIT, "{export}"),
                "done" => return export["rows"].as_u64().unwrap(),
                "empty" => return 0,
                other => panic!("{other}: {export}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn lowered_it_hides_rows_at_once_and_raised_it_shows_them_again() {
    let Some(stack) = Stack::of("retention") else { return };
    let now = process::now_ms();
    let day = (now - 10 * DAY_MS).div_euclid(DAY_MS);
    // As ingest put them ten days ago; and one that was as late as that.
    let activities =
        [(1_u8, now - 9 * DAY_MS), (2, now - 9 * DAY_MS), (3, now - 9 * DAY_MS), (4, now)].map(|(n, received_at)| {
            let mut activity = arbitrary::one();
            activity.activity_id.0 = [n; 16];
            activity.kind = Kind::Event;
            activity.app_token = stack.app.clone().into();
            activity.created_at = day * DAY_MS + i64::from(n);
            activity.received_at = received_at;
            activity
        });
    let frames = frame::pack(90, &activities);
    let record = |data: &bytes::Bytes| Record { partition_key: stack.app.clone(), data: data.clone() };
    let records: Vec<Record> = frames.iter().map(|frame| record(&frame.data)).collect();
    let aws = Aws::at(stack.get("emulator_url"), stack.get("region")).await;
    assert!(AwsStream::new(&aws, stack.get("stream")).put(&records).await.iter().all(Result::is_ok));

    assert_eq!((stack.exported(day).await, stack.previewed(day)), (4, 4));
    assert_eq!(stack.relayctl(&["owner", "retention", &stack.owner, "7"])["retention_days"], 7);
    assert_eq!((stack.previewed(day), stack.exported(day).await), (1, 1));
    stack.relayctl(&["owner", "retention", &stack.owner, "90"]);
    assert_eq!((stack.previewed(day), stack.exported(day).await), (4, 4));

    let records = stack.relayctl(&["audit", &stack.owner, "--limit", "1000"]);
    let told: Vec<(&str, &str)> = records["records"].as_array().unwrap().iter().rev().map(told).collect();
    let operators: Vec<&str> =
        told.iter().filter(|(who, _)| *who == "operator kim@laptop").map(|(_, what)| *what).collect();
    let changes = ["owner.added", "app.added", "domain.added", "key.made", "retention.changed", "retention.changed"];
    assert_eq!(operators, changes);
    let asked = told.iter().filter(|(who, what)| who.starts_with("key ") && *what == "export.created");
    assert_eq!(asked.count(), 3);
}

fn told(record: &Value) -> (&str, &str) {
    (record["who"].as_str().unwrap(), record["action"].as_str().unwrap())
}
