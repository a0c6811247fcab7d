//! What goes wrong is seen: on a stack of its own a table is throttled, a function stopped until batches are given up, the stream poisoned, a mail
//! bounced. The panel shows each, its alarm rings, `relayctl doctor` says so, and all goes back. Needs `RELAY_STACK`, beside which the emulator is installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::fault_proxy::{Calls, Effect, Rule};
use relay_tests::kill::{kill, processes};
use relay_tests::stage::{Programs, Stage};
use relay_tests::wait::until;
use serde_json::{Value, json};

/// An alarm's period of five minutes lasts half a one.
const PACE: &str = "10";
/// How long an alarm may take to change: its quarter of an hour by the pace, and a slow machine.
const LIMIT: Duration = Duration::from_mins(4);
const APP: &str = "watchedapp";

/// The stack with what the test changes of it.
struct World {
    stage: Stage,
    /// The functions' binaries as the stack sees them: links that can be turned.
    binaries: PathBuf,
    real: PathBuf,
    ingest_key: String,
    api_key: String,
}

impl World {
    fn start(stack: &Path) -> Self {
        let relay = stack.parent().expect("stack.json stands in .relay");
        let root = relay.parent().expect("which stands in the checkout");
        let folder = relay.join("watch-files");
        drop(std::fs::remove_dir_all(&folder));
        let (binaries, infra) = (folder.join("binaries"), folder.join("infra"));
        for made in [&binaries, &infra] {
            std::fs::create_dir_all(made).expect("a folder for the test");
        }
        // This test lies in target/debug/deps.
        let real = std::env::current_exe().expect("a program").ancestors().nth(2).expect("its folder").to_owned();
        for name in ["ingest", "batch-writer", "export-api", "export-worker", "notify"] {
            symlink(real.join(name), binaries.join(name)).expect("a link to a function");
        }
        std::fs::write(folder.join("template.yaml"), template(root)).expect("a template of the test's own");
        std::fs::copy(root.join("infra/export.asl.json"), infra.join("export.asl.json")).expect("the state machine");
        let programs = Programs::new(real.clone(), relay.join("venv/bin/python"));
        let (binaries_text, template_text) = (path(&binaries), path(&folder.join("template.yaml")));
        let arguments = ["--bin-dir", &binaries_text, "--template", &template_text, "--alarm-pace", PACE];
        let stage = Stage::start_with(&programs, "watch", &["IteratorAgeAlarmMilliseconds=1000"], &arguments);
        let (ingest_key, api_key) = register(&stage);
        Self { stage, binaries, real, ingest_key, api_key }
    }

    /// Turns the writer's link and ends the processes that still run what it led to.
    fn turn_writer(&self, to: &Path) {
        let link = self.binaries.join("batch-writer");
        std::fs::remove_file(&link).expect("the link can be removed");
        symlink(to, &link).expect("a link to a function");
        for pid in processes(self.stage.host(), &["batch-writer"]) {
            // One that has ended by itself meanwhile is as good.
            let _has_ended = kill(&pid);
        }
    }

    fn send_install(&self) {
        let id = relay_lambda::process::trace_id();
        let now = relay_lambda::process::now_ms();
        let body = json!([{ "kind": "install", "app_token": APP, "created_at": now, "event_id": id }]);
        let (status, answer) = self.stage.post("/v1/activities", &self.ingest_key, &body).expect("the door answers");
        assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    }

    /// Asks for a file whose mail comes back.
    fn bounce(&self) {
        self.send_install();
        let day = relay_lambda::process::now_ms().div_euclid(86_400_000);
        let (start, end) = (relay::time::date_of_day(day - 1), relay::time::date_of_day(day));
        let email = "bounce@simulator.amazonses.com";
        let body = json!({ "app_token": APP, "kind": "install", "start_date": start, "end_date": end, "email": email });
        let (status, answer) = self.stage.post("/v1/exports", &self.api_key, &body).expect("the API answers");
        assert_eq!(status, 202, "{answer}");
    }

    fn state(&self, alarm: &str) -> String {
        let answer =
            self.stage.aws("monitoring", "GraniteServiceVersion20100801.DescribeAlarms", &json!({ "MaxRecords": 100 }));
        let alarms = answer["MetricAlarms"].as_array().expect("a list of alarms");
        let named =
            |it: &&Value| it["AlarmName"].as_str().is_some_and(|name| name.split('-').any(|part| part == alarm));
        let found = alarms.iter().find(named).unwrap_or_else(|| panic!("no alarm {alarm}"));
        found["StateValue"].as_str().expect("a state").to_owned()
    }

    fn wait(&self, alarm: &str, state: &str) {
        let reached = until(LIMIT, || (self.state(alarm) == state).then_some(()));
        assert!(reached.is_some(), "{alarm} is {}, not {state}, within {LIMIT:?}", self.state(alarm));
    }

    /// Waits until an alarm rings, and `relayctl doctor` says so with its entry in the runbook.
    fn rings(&self, alarm: &str) {
        self.wait(alarm, "ALARM");
        let entry = format!("docs/runbook.md, {alarm}");
        let is_it = |finding: &Value| finding["level"] == "wrong" && finding["runbook"] == entry.as_str();
        let says = |found: &Value| found["findings"].as_array().is_some_and(|findings| findings.iter().any(is_it));
        let said = until(LIMIT, || Some(self.stage.doctor()).filter(says));
        assert!(said.is_some(), "{alarm}: {}", self.stage.doctor());
    }

    /// The value that a panel shows beside a label, now or soon.
    fn panel(&self, title: &str, label: &str) -> String {
        let shown = || {
            let page = self.stage.download(&format!("{}/_local/dashboard", self.stage.fact("site_url")));
            let page = String::from_utf8(page).expect("a page is text");
            let panel = page.split("<section").find(|section| section.contains(&format!("<h2>{title}</h2>")))?;
            let (_, rest) = panel.split_once(&format!("<span>{label}</span> <b>"))?;
            rest.split('<').next().map(str::to_owned).filter(|value| value != "0")
        };
        until(LIMIT, shown).unwrap_or_else(|| panic!("panel `{title}` shows no `{label}`"))
    }
}

/// The template with a writer that gives a batch back, and a mapping that gives it up, within seconds.
fn template(root: &Path) -> String {
    let text = std::fs::read_to_string(root.join("template.yaml")).expect("a template");
    let (before, writer) = text.split_once("  BatchWriterFunction:").expect("a writer");
    let (time, age) = ("Timeout: 60", "MaximumRecordAgeInSeconds: 518400");
    assert!(writer.contains(time) && writer.contains(age));
    let writer = writer.replacen(time, "Timeout: 10", 1).replacen(age, "MaximumRecordAgeInSeconds: 40", 1);
    format!("{before}  BatchWriterFunction:{writer}")
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn register(stage: &Stage) -> (String, String) {
    let verbs = [
        &["owner", "add", "watched"][..],
        &["app", "add", "watched", APP],
        &["domain", "add", "watched", "simulator.amazonses.com"],
    ];
    for verb in verbs {
        drop(stage.relayctl(verb));
    }
    let key = |role: &str| {
        let made = stage.relayctl(&["key", "new", "watched", "--role", role]);
        made["key"].as_str().expect("a key was made").to_owned()
    };
    (key("ingest"), key("api"))
}

#[test]
fn what_goes_wrong_shows_in_its_panel_and_rings_until_it_is_mended() {
    let Some(stack) = relay_lambda::process::env("RELAY_STACK") else {
        eprintln!(
            "stack_watch is SKIPPED for want of a stack: set RELAY_STACK to the path of a running stack's .relay/stack.json"
        );
        return;
    };
    let world = World::start(Path::new(&stack));
    let troubles = [
        "WriterFaultsAlarm",
        "WriterBehindAlarm",
        "WriterErrorsAlarm",
        "BatchGivenUpAlarm",
        "UndecodableAlarm",
        "BounceRateAlarm",
    ];
    for alarm in troubles {
        world.wait(alarm, "OK");
    }

    a_mail_comes_back_and_a_frame_is_not_understood(&world);
    the_table_takes_nothing(&world);
    the_writer_does_not_run(&world);
    assert!(world.stage.relayctl(&["failed", "replay"])["total"]["accepted"].as_u64() >= Some(1));
    for alarm in troubles {
        world.wait(alarm, "OK");
    }
}

fn a_mail_comes_back_and_a_frame_is_not_understood(world: &World) {
    world.bounce();
    let frame = STANDARD.encode([0xff, 1, 2, 3]);
    let frame = json!({ "StreamName": world.stage.fact("stream"), "PartitionKey": "p", "Data": frame });
    drop(world.stage.aws("kinesis", "Kinesis_20131202.PutRecord", &frame));
    world.rings("UndecodableAlarm");
    world.panel("Quarantine, by reason", "undecodable");
    world.rings("BounceRateAlarm");
    world.panel("Mails", "bounced");
}

fn the_table_takes_nothing(world: &World) {
    let calls = Calls::of("BatchWriterFunction", &["dynamodb:BatchWriteItem"]);
    let rule = Rule { calls, effect: Effect::Throttle, chance: 1000, most: usize::MAX };
    world.stage.proxy.set_rules(1, vec![rule]);
    world.send_install();
    world.rings("WriterFaultsAlarm");
    world.panel("What the writer read and stored", "faulted");
    world.stage.proxy.set_rules(1, Vec::new());
}

/// Until the mapping gives up what it could not bring.
fn the_writer_does_not_run(world: &World) {
    // What the throttled table held up was given up, too.
    world.wait("BatchGivenUpAlarm", "OK");
    world.turn_writer(Path::new("/bin/false"));
    world.send_install();
    for alarm in ["WriterErrorsAlarm", "WriterBehindAlarm", "BatchGivenUpAlarm"] {
        world.rings(alarm);
    }
    world.panel("How far the writer is behind, ms", "iterator age");
    world.panel("Failed calls of functions", "batch-writer");
    world.panel("Given up and waiting for somebody", "batches' records in FailedBucket");
    world.turn_writer(&world.real.join("batch-writer"));
}
