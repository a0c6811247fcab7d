//! The contract that every port keeps, against AWS's wire on the local stack. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use relay::fault::Fault;
use relay::port::{Backlog, ExportFiles, LinkSigner, Look, Position, Sight, Spill, SpillBacklog, Start, contract};
use relay_aws::config::Aws;
use relay_aws::dynamodb::{AwsControl, AwsPages};
use relay_aws::kinesis::{AwsBacklog, AwsStream};
use relay_aws::link::AwsSigner;
use relay_aws::s3::{AwsFiles, AwsObjects, AwsQuarantine, AwsRemoval};
use relay_aws::sfn::AwsExecutions;
use relay_aws::sqs::{AwsSpill, AwsSpillBacklog};
use serde_json::{Value, json};

struct Stack {
    aws: Aws,
    facts: Value,
    /// Keeps runs on one stack apart.
    run: String,
}

impl Stack {
    /// The stack, or `None` (said aloud) where there is none.
    async fn of(subject: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one place where these tests ask for their stack")]
        let Ok(path) = std::env::var("RELAY_STACK") else {
            // Not `eprintln!`, which the test harness keeps to itself.
            let line = format!("skipped: {subject}: RELAY_STACK names no stack.json (cargo xtask up)\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let facts: Value = serde_json::from_str(&text).unwrap();
        let aws = Aws::at(fact(&facts, "emulator_url"), fact(&facts, "region")).await;
        Some(Self { aws, facts, run: now().to_string() })
    }

    fn name(&self, fact_name: &str) -> &str {
        fact(&self.facts, fact_name)
    }
}

fn fact<'a>(facts: &'a Value, name: &str) -> &'a str {
    facts.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("stack.json has no {name}"))
}

#[expect(clippy::disallowed_methods, reason = "names a run, signs a link, and bounds what can have happened")]
fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_epoch.as_millis().try_into().unwrap()
}

#[tokio::test]
async fn control_keeps_the_contract() {
    let Some(stack) = Stack::of("control").await else { return };
    contract::control(&AwsControl::new(&stack.aws, stack.name("control_table")), &stack.run).await;
}

#[tokio::test]
async fn pages_keep_the_contract() {
    let Some(stack) = Stack::of("pages").await else { return };
    let pages = AwsPages::new(&stack.aws, stack.name("pages_table"));
    contract::pages(&pages, &stack.run).await;
    contract::edits(&pages, &stack.run).await;
}

#[tokio::test]
async fn the_stream_keeps_the_contract() {
    let Some(stack) = Stack::of("stream").await else { return };
    let stream = stack.name("stream");
    contract::stream(&AwsStream::new(&stack.aws, stream)).await;
    // Without starts everything the stream still holds is seen; from this moment on nothing is.
    let backlog = AwsBacklog::new(&stack.aws, stream);
    let look = Look { now: now(), enough: now(), within: Duration::from_secs(5) };
    let sights = backlog.look(&[], look).await.unwrap();
    let record = |sight: &Sight| matches!(sight, Sight::Record(arrived_at) if *arrived_at <= look.now);
    assert!(sights.iter().any(|(_, sight)| sight.as_ref().is_ok_and(record)), "{sights:?}");
    let from = |(shard_id, _): &(String, _)| Start { shard_id: shard_id.clone(), at: Position::From(look.now - 1) };
    let starts: Vec<Start> = sights.iter().map(from).collect();
    let sights = backlog.look(&starts, look).await.unwrap();
    let later = |sight: &Sight| !matches!(sight, Sight::Record(arrived_at) if *arrived_at < look.now - 1);
    assert!(sights.iter().all(|(_, sight)| sight.as_ref().is_ok_and(later)), "{sights:?}");
}

/// The queue from both sides: in the deployed system the door has one and the exports the other.
struct Queue(AwsSpill, AwsSpillBacklog);

impl Spill for Queue {
    async fn send(&self, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
        self.0.send(frames).await
    }
}

impl SpillBacklog for Queue {
    async fn is_empty(&self) -> Result<bool, Fault> {
        self.1.is_empty().await
    }
}

#[tokio::test]
async fn the_spill_queue_keeps_the_contract() {
    let Some(stack) = Stack::of("spill queue").await else { return };
    let url = stack.name("spill_queue");
    contract::spill(&Queue(AwsSpill::new(&stack.aws, url), AwsSpillBacklog::new(&stack.aws, url))).await;
}

#[tokio::test]
async fn the_quarantine_keeps_the_contract() {
    let Some(stack) = Stack::of("quarantine").await else { return };
    contract::quarantine(&AwsQuarantine::new(&stack.aws, stack.name("quarantine_bucket")), &stack.run).await;
}

#[tokio::test]
async fn objects_keep_the_contract() {
    let Some(stack) = Stack::of("objects").await else { return };
    contract::objects(&AwsObjects::new(&stack.aws, stack.name("failed_bucket")), &stack.run).await;
}

#[tokio::test]
async fn files_keep_the_contract() {
    let Some(stack) = Stack::of("files").await else { return };
    let files = AwsFiles::new(&stack.aws, stack.name("export_bucket"));
    contract::files(&files, &stack.run).await;
    contract::tails(&files, &stack.run).await;
    contract::leavings(&files, &stack.run).await;
    let removal = AwsRemoval::new(&stack.aws, stack.name("export_bucket"));
    contract::removal(&files, &removal, &stack.run).await;
}

#[tokio::test]
async fn executions_keep_the_contract() {
    let Some(stack) = Stack::of("executions").await else { return };
    let executions = AwsExecutions::new(&stack.aws, stack.name("state_machine_arn"));
    let input = json!({"owner": "contract", "export_id": stack.run, "trace_id": stack.run});
    contract::executions(&executions, &stack.run, &input.to_string()).await;
}

#[tokio::test]
async fn a_link_opens_its_file_and_no_other() {
    let Some(stack) = Stack::of("links").await else { return };
    let (bucket, key) = (stack.name("export_bucket"), format!("contract/{}/a b.csv", stack.run));
    let files = AwsFiles::new(&stack.aws, bucket);
    let upload = files.begin(&key, &[]).await.unwrap();
    let part = files.put_part(&upload, 1, Bytes::from_static(b"a,b\n1,2\n")).await.unwrap();
    files.complete(&upload, &[part], Duration::from_mins(1)).await.unwrap();

    let signer = AwsSigner::new(&stack.aws, bucket, "arn:aws:iam::000000000000:role/contract");
    let link = signer.sign(&key, "mine.csv", now()).await.unwrap();
    assert!((now() + 3_500_000..=now() + 3_600_000).contains(&link.expires_at));
    let answer = get(&link.url);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("a,b\n1,2\n"), "{answer}");
    let headers = answer.to_ascii_lowercase();
    assert!(headers.contains("content-disposition: attachment; filename=\"mine.csv\""), "{headers}");
    assert!(headers.contains("content-type: text/csv; charset=utf-8"), "{headers}");

    assert!(get(&link.url.replace("a%20b.csv", "other.csv")).starts_with("HTTP/1.1 403"));
    let expired = signer.sign(&key, "mine.csv", now() - 3_601_000).await.unwrap();
    assert!(get(&expired.url).starts_with("HTTP/1.1 403"));
}

/// A plain GET: the links of the local stack are plain HTTP.
fn get(url: &str) -> String {
    let (host, target) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
