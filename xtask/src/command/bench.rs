//! `cargo xtask bench`: what the running stack takes for much data, and what the code alone reaches, against limits.

use std::{
    fs,
    process::Command,
    sync::atomic::AtomicUsize,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::up;
use crate::{
    cli::{BenchExport, Up},
    http::{Connection, Request},
    local::{needs, node, owner, place::Root, python, stack::Stack},
    os,
    sample::{
        Zone,
        send::{self, Door},
    },
    say::{self, Outcome},
    web::Client,
};

/// What export-worker may take at its peak, MiB (product.md, "Export").
const PEAK_LIMIT_MIB: u64 = 128;
/// The file name of the function's process.
const WORKER: &str = "export-worker";
/// Items of a batch: the API's limit.
const BATCH: u64 = 500;
/// How often the file's progress and the worker's memory are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The files of `bench export` where none are asked for.
const ROWS: [u64; 2] = [1_000_000, 10_000_000];

/// What is measured, built in one command, so that the AWS SDK is compiled once and with the same features.
const MEASURED: &str = "build --release --features relay-bench/measure --package relay-bench --package ingest --package batch-writer --package export \
    --bin relay-bench --bin ingest --bin batch-writer --bin export-worker --example *";

/// `bench export`: export-worker and its peers before a stand-in for AWS; with `--stack`, its memory on the running stack.
pub(crate) fn export(options: &BenchExport) -> Outcome<()> {
    if options.stack {
        return on_stack(options);
    }
    let sizes = if options.rows.is_empty() { &ROWS[..] } else { &options.rows };
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    let arguments: Vec<&str> = ["export"].into_iter().chain(sizes.iter().map(String::as_str)).collect();
    alone(&arguments)
}

/// `bench all` and `bench write`: what was found, into the documents.
pub(crate) fn documents(verb: &str) -> Outcome<()> {
    let docs = Root::find()?.join("docs").display().to_string();
    alone(&[verb, &docs])
}

/// Stores many activities of yesterday, asks for their file, and tells the peak memory of export-worker.
fn on_stack(options: &BenchExport) -> Outcome<()> {
    let rows = options.rows.first().copied().unwrap_or(1_000_000);
    let root = Root::find()?;
    let stack = up::bring_up(&root, Up { detach: true, no_sample: true })?;
    let now = os::now_ms();
    let app_token = format!("bench-{now}");
    owner::add_app(&root, &app_token)?;
    let midnight = now - now.rem_euclid(DAY_MS) - DAY_MS;
    let load = Load { app_token, midnight, rows, minutes: options.minutes };
    say::step(&format!("store {} activities", say::count(to_usize(rows))), || load.send(&stack))?;
    let (peak, time) = say::step("write the file", || load.export(&stack))?;
    let peak_mib = peak.div_ceil(1024);
    let rate = u128::from(rows) * 1000 / time.as_millis().max(1);
    say::result(format_args!(
        "\nexport          {} rows of {} minutes in {}, the wait for the writer included: {} rows a second",
        say::count(to_usize(rows)),
        options.minutes,
        say::seconds(time),
        say::count(usize::try_from(rate).unwrap_or(usize::MAX)),
    ));
    say::result(format_args!(
        "peak memory     {peak_mib} MiB of {PEAK_LIMIT_MIB} MiB ({WORKER}, resident, as built here)"
    ));
    if peak_mib > PEAK_LIMIT_MIB {
        return Err(format!("{WORKER} took {peak_mib} MiB at its peak, expected at most {PEAK_LIMIT_MIB} MiB"));
    }
    Ok(())
}

/// Builds the scenarios and the functions that they run, as functions are deployed, installs the peers, and runs one.
pub(crate) fn alone(scenario: &[&str]) -> Outcome<()> {
    let root = Root::find()?;
    peers(&root);
    let mut cargo = Command::new(os::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    succeed("cargo build", cargo.args(MEASURED.split_whitespace()).current_dir(root.path()))?;
    let what = format!("bench {}", scenario.first().unwrap_or(&""));
    succeed(&what, Command::new(root.release_program("relay-bench")).args(scenario))
}

/// Installs the peers. One that cannot be installed is left out of the comparison, and that is said aloud.
pub(crate) fn peers(root: &Root) {
    let python = needs::check().and_then(|python| python::prepare(root, python::PEERS, python));
    for (peers, outcome) in [("Python", python), ("Node.js", node::prepare(root))] {
        if let Err(missing) = outcome {
            say::progress(format_args!("SKIPPED the bench's peers in {peers}: {missing}"));
        }
    }
}

fn succeed(what: &str, command: &mut Command) -> Outcome<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} ended with {status}")),
        Err(error) => Err(format!("cannot run {}: {error}", command.get_program().display())),
    }
}

/// Activities spread evenly over the first minutes of a day.
struct Load {
    app_token: String,
    /// The day's first millisecond, UTC.
    midnight: i64,
    rows: u64,
    /// How many minutes they are spread over.
    minutes: u32,
}

impl Load {
    fn send(&self, stack: &Stack) -> Outcome<()> {
        let door = Door { authority: stack.place.authority()?, key: &stack.keys.ingest_key };
        let bearer = format!("Bearer {}", door.key);
        let batches: Vec<u64> = (0..self.rows.div_ceil(BATCH)).collect();
        send::spread(&batches, &door, |connection, batch| self.post(connection, &bearer, *batch))
    }

    fn post(&self, connection: &mut Connection<'_>, bearer: &str, batch: u64) -> Outcome<()> {
        let body = self.body(batch);
        let headers = [("Authorization", bearer), ("Content-Type", "application/x-ndjson")];
        let request = Request { method: "POST", target: "/v1/activities", headers: &headers, body: body.as_bytes() };
        let response = send::patient(connection, &request, &AtomicUsize::new(0))?;
        if response.status == 200 { Ok(()) } else { Err(send::unexpected(&response, "a batch")) }
    }

    fn body(&self, batch: u64) -> String {
        let rows = batch * BATCH..self.rows.min((batch + 1) * BATCH);
        rows.map(|row| self.line(row)).collect()
    }

    fn line(&self, row: u64) -> String {
        let span = u64::from(self.minutes) * 60_000;
        let created_at = self.midnight + i64::try_from(row * span / self.rows).unwrap_or_default();
        let device = u128::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let line = json!({
            "kind": "event", "app_token": self.app_token, "created_at": created_at, "event_id": format!("e{row}"),
            "event_token": "abc123", "event_name": "구매 완료", "revenue": "12.990", "currency": "EUR",
            "network_name": "Google Ads ACI", "campaign_name": "여름 세일 ☀️ (18273645)", "gps_adid": format!("{device:032x}"),
            "country": "kr", "os_name": "android", "device_name": "SM-S918N", "app_version": "4.12.0", "user_id": row,
        });
        format!("{line}\n")
    }

    /// Asks for the file and waits for it; the worker's peak (KiB) and the time it took.
    fn export(&self, stack: &Stack) -> Outcome<(u64, Duration)> {
        let client = Client::new();
        let url = format!("{}/v1/exports", stack.place.api_url);
        let started = Instant::now();
        let id = self.ask(&client, &url, stack)?;
        let mut peak = 0;
        loop {
            peak = peak.max(peak_kib(stack.place.pid));
            let state = client.get(&format!("{url}/{id}"), Some(&stack.keys.api_key))?.json(&[200])?;
            match state.get("status").and_then(Value::as_str) {
                Some("queued" | "running") => os::pause(LOOK_EVERY),
                Some("done") if state.get("rows").and_then(Value::as_u64) == Some(self.rows) => {
                    return Ok((peak.max(peak_kib(stack.place.pid)), started.elapsed()));
                }
                _ => return Err(format!("expected a file of {} rows, the export is {state}", self.rows)),
            }
        }
    }

    fn ask(&self, client: &Client, url: &str, stack: &Stack) -> Outcome<String> {
        let date = Zone::Utc.date(self.midnight);
        let request = json!({"app_token": self.app_token, "kind": "event", "start_date": date, "end_date": date,
            "email": stack.keys.email});
        let bearer = format!("Bearer {}", stack.keys.api_key);
        let answer = client.post(url, &[("Authorization", &bearer)], &request)?.json(&[202])?;
        let id = answer.get("export_id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| format!("{url}: the answer names no export_id: {answer}"))
    }
}

/// The most memory that a worker process of this stack has held so far, KiB: `VmHWM` of proc(5).
fn peak_kib(supervisor: i32) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let statuses = processes.filter_map(|process| fs::read_to_string(process.path().join("status")).ok());
    let of_worker = statuses.filter(|status| {
        field(status, "Name:") == Some(WORKER) && field(status, "PPid:") == Some(&supervisor.to_string())
    });
    let peaks = of_worker.filter_map(|status| field(&status, "VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
    peaks.max().unwrap_or(0)
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
