//! The running stack, with an owner of the test's own, as an operator and an advertiser see it.
#![allow(dead_code, reason = "each test target uses its part")]
#![allow(clippy::panic, reason = "a test says what is wrong by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use relay::backlog::{self, Drained};
use relay::port::Look;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_aws::kinesis::AwsBacklog;
use relay_lambda::process;
use serde_json::Value;

/// How long the writer may take with what is in the stream, and an export with its file.
const LIMIT: Duration = Duration::from_mins(2);

/// A stack that runs, and an owner with an app.
pub(crate) struct Stack {
    folder: PathBuf,
    facts: Value,
    pub(crate) aws: Aws,
    pub(crate) owner: String,
    pub(crate) app: String,
}

impl Stack {
    /// The stack that `RELAY_STACK` names; without one the test says that it is skipped.
    pub(crate) async fn of(test: &str) -> Option<Self> {
        let Some(path) = process::env("RELAY_STACK") else {
            // Not `eprintln!`, which the test harness keeps to itself.
            let line = format!("skipped: {test}: RELAY_STACK names no stack.json (cargo xtask up)\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        // `.relay/stack.json` → the checkout that `--local` finds it from.
        let folder = Path::new(&path).parent().unwrap().parent().unwrap().to_owned();
        let facts: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let aws = Aws::at(facts["emulator_url"].as_str().unwrap(), facts["region"].as_str().unwrap()).await;
        let run = &process::trace_id()[..12];
        let (owner, app) = (format!("{test}-{run}"), format!("app.{test}.{run}"));
        let stack = Self { folder, facts, aws, owner, app };
        stack.json(&["owner", "add", &stack.owner]);
        stack.json(&["app", "add", &stack.owner, &stack.app]);
        Some(stack)
    }

    /// A fact of `stack.json`.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    /// The process that holds the stack.
    pub(crate) fn host(&self) -> u64 {
        self.facts["pid"].as_u64().unwrap()
    }

    pub(crate) fn relayctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relayctl"));
        command.current_dir(&self.folder).arg("--local").args(arguments).output().unwrap()
    }

    /// As an operator of a deployed stack calls it, whose AWS is the emulator; `stack` is what `$RELAY_STACK` says.
    pub(crate) fn deployed(&self, stack: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relayctl"));
        command.current_dir("/").env("RELAY_STACK", stack).env("AWS_ENDPOINT_URL", self.get("emulator_url"));
        command
            .env("AWS_REGION", self.get("region"))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command.args(arguments).output().unwrap()
    }

    /// What a verb says that it does not do.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.relayctl(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }

    /// The exit code and the documents of an answer without a complaint.
    pub(crate) fn documents(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.relayctl(&[arguments, &["--json"]].concat());
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(complaint, "", "{arguments:?}");
        let documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        (output.status.code(), documents.map(Result::unwrap).collect())
    }

    /// The documents of an answer that ends well.
    pub(crate) fn all(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, documents) = self.documents(arguments);
        assert_eq!(code, Some(0), "{arguments:?} {documents:?}");
        documents
    }

    /// The one document of an answer that ends well.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut documents = self.all(arguments);
        assert_eq!(documents.len(), 1, "{arguments:?} {documents:?}");
        documents.remove(0)
    }

    /// A new key of the owner's.
    pub(crate) fn key(&self, role: &str) -> String {
        self.json(&["key", "new", &self.owner, "--role", role])["key"].as_str().unwrap().to_owned()
    }

    /// One call of the API.
    pub(crate) fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
        let (status, text) = call(&format!("{}{path}", self.get("api_url")), (method, key), body);
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {error}: {text}")))
    }

    /// The trace id of the answer to a GET.
    pub(crate) fn trace_id_of(&self, path: &str) -> String {
        let answer = answered(&format!("{}{path}", self.get("api_url")), ("GET", ""), "");
        let header = answer.lines().find_map(|line| line.strip_prefix("x-relay-trace-id: "));
        header.unwrap_or_else(|| panic!("no trace id in {answer}")).trim().to_owned()
    }

    /// Asks for an export and waits for its end: `None` where nothing is found.
    pub(crate) async fn exported(&self, key: &str, request: &Value) -> Option<Value> {
        let (status, asked) = self.ask("POST", "/v1/exports", key, &request.to_string());
        if status == 200 && asked["status"] == "empty" {
            return None;
        }
        assert_eq!(status, 202, "{asked}");
        let path = format!("/v1/exports/{}", asked["export_id"].as_str().unwrap());
        let start = Instant::now();
        loop {
            let (_, export) = self.ask("GET", &path, key, "");
            match export["status"].as_str().unwrap() {
                "queued" | "running" => assert!(start.elapsed() < LIMIT, "{export}"),
                "done" => return Some(export),
                "empty" => return None,
                other => panic!("{other}: {export}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) fn control(&self) -> AwsControl {
        AwsControl::new(&self.aws, self.get("control_table"))
    }

    /// Waits until the writer has read all that is in the stream.
    pub(crate) async fn drained(&self) {
        let (control, stream) = (self.control(), AwsBacklog::new(&self.aws, self.get("stream")));
        let start = Instant::now();
        loop {
            let look = Look { now: process::now_ms(), enough: i64::MAX, within: LIMIT };
            if backlog::drained(&control, &stream, look).await.unwrap() == Drained::Wholly {
                return;
            }
            assert!(start.elapsed() < LIMIT, "the stream is not drained after {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// One call over HTTP: the status, and everything behind the head.
pub(crate) fn call(url: &str, asked: (&str, &str), body: &str) -> (u16, String) {
    let answer = answered(url, asked, body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The whole answer, as it came.
fn answered(url: &str, (method, key): (&str, &str), body: &str) -> String {
    let (authority, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let length = body.len();
    let bearer = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{bearer}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
