//! The reference clients of docs/sdk: node runs the JavaScript one against a server that answers as told, and against the real door.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use ingest::{App, Visit};
use local::http1::{self, Limits, Reply};
use relay::access::Access;
use relay::avro;
use relay::control::{Expect, Write};
use relay::frame::{self, Frame};
use relay::owner::{self, KeyRecord, Owner, Role};
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemorySpill, MemoryStream};
use relay::signature::SigningSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;

const KEY: &str = "relay_ingest_1";
const SECRET: &str = "relay_signing_1";

/// The first release of node with all that the client uses.
const NODE: u32 = 20;

/// The door over the in-memory doubles, behind a socket.
struct Door(App<MemoryStream, MemorySpill, MemoryControl>);

impl Door {
    /// With owner `demo`, who has batches signed, and its app `app`.
    async fn open() -> Self {
        let control = MemoryControl::default();
        let access = Access {
            signing_secrets: vec![SigningSecret::of(SECRET, 0)],
            signature_required: true,
            ..Access::default()
        };
        let profile = Owner {
            owner: "demo".to_owned(),
            mail_domains: BTreeSet::new(),
            event_tokens: BTreeSet::new(),
            retention_days: 30,
            access,
            created_at: 0,
        };
        let app = owner::App { app_token: "app".to_owned(), owner: "demo".to_owned(), created_at: 0 };
        let key = KeyRecord::of(KEY, "demo", Role::Ingest, 0);
        let writes = [
            Write::put(Owner::key("demo"), &profile, Expect::Any).unwrap(),
            Write::put(owner::App::key("app"), &app, Expect::Any).unwrap(),
            Write::put(KeyRecord::key(&key.sha256), &key, Expect::Any).unwrap(),
        ];
        control.commit(&writes).await.unwrap();
        Self(App::new(MemoryStream::new(1), MemorySpill::default(), control))
    }

    /// The ids of all activities in the stream, however often they are there.
    fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for record in self.0.stream.all() {
            let Frame::Activities(activities) = frame::decode(&record.data).unwrap() else { continue };
            ids.extend(activities.datums().map(|datum| avro::decode(datum).unwrap().activity_id.to_string()));
        }
        ids
    }
}

impl http1::Handler for Door {
    async fn handle(&self, sent: http1::Request) -> Option<Reply> {
        let request = relay::http::Request {
            method: sent.method,
            path: sent.path,
            query: sent.query,
            headers: sent.headers,
            body: sent.body.to_vec().into(),
            source_ip: sent.peer.ip().to_string(),
        };
        let trace_id = relay_lambda::process::trace_id();
        let visit = Visit { request: &request, now: relay_lambda::process::now_ms(), trace_id: &trace_id };
        let answer = self.0.answer(visit).await;
        let reply = Reply::new(answer.status, answer.body);
        Some(answer.headers.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value)))
    }
}

/// Whether there is a node that knows what the client uses. Without one the test cannot run, and says so past the harness's capture.
fn has_node() -> bool {
    let said = Command::new("node").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let major = said.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE) {
        return true;
    }
    let why = "the JavaScript client's tests are SKIPPED for want of node";
    writeln!(std::io::stderr(), "{why} {NODE} or later (found: `{}`)", said.trim()).expect("stderr can be written");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_client_keeps_what_the_document_says_and_the_real_door_takes_it() {
    if !has_node() {
        return;
    }
    let (door, listener) = (Arc::new(Door::open().await), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    let limits = Limits { head_bytes: 10_240, body_bytes: 6 * 1024 * 1024 };
    let server = tokio::spawn(http1::serve(listener, limits, stopped, Arc::clone(&door)));
    let mut node = Command::new("node");
    node.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args([
        "--test",
        "--test-reporter=spec",
        "tests/sdk/relay.test.mjs",
    ]);
    node.env("RELAY_DOOR", url).env("RELAY_KEY", KEY).env("RELAY_SIGNING_SECRET", SECRET);
    let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap().expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("skipped 0"), "{said}");
    stop.send(true).unwrap();
    server.await.unwrap();
    let ids = door.ids();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (600, 600));
}

#[test]
fn every_client_keeps_to_the_doors_limits_and_is_in_the_document() {
    let document = include_str!("../docs/sdk.md");
    let clients = [
        ("relay.mjs", include_str!("../docs/sdk/relay.mjs"), "const MAX_ITEMS = 500;"),
        ("Relay.kt", include_str!("../docs/sdk/Relay.kt"), "const val MAX_ITEMS = 500 "),
        ("Relay.swift", include_str!("../docs/sdk/Relay.swift"), "let maxItems = 500 "),
    ];
    for (file, client, items) in clients {
        assert!(document.contains(&format!("(sdk/{file})")), "docs/sdk.md links {file}");
        assert!(client.contains(items) && relay::batch::MAX_ITEMS == 500, "{file}: {items}");
        assert!(client.contains("429") && client.contains("etry-"), "{file} knows when to send again");
    }
}
