//! What the two processes make of Lambda's events.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::sync::Mutex;

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use export::api::{Api, Settings};
use export::handler::{WorkerApp, answer, work};
use export::worker::Worker;
use http::HeaderValue;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use relay::agenda::Errand;
use relay::control::{Expect, Key, Write};
use relay::export::{Export, Status};
use relay::metric::{Counters, Metric};
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryHooks, MemoryMailer, MemoryPages, MemorySigner, MemoryStream,
};
use relay::port::{Hooks, NoAnswer};
use relay::webhook::Webhook;
use serde_json::{Value, json};
use support::{NOW, Shared, commit, event, export_of, load, pages_of, put, queueing, run, running, store_pages};

type Doubles = WorkerApp<MemoryControl, MemoryPages, MemoryFiles, MemoryStream, MemoryExecutions, MemoryHooks>;

fn worker_of<C>(control: C) -> Worker<C, MemoryPages, MemoryFiles, MemoryStream> {
    let (pages, files) = (MemoryPages::default(), MemoryFiles::default());
    Worker { control, pages, files, backlog: MemoryStream::new(1) }
}

fn app() -> Doubles {
    WorkerApp {
        worker: worker_of(MemoryControl::default()),
        executions: MemoryExecutions::default(),
        hooks: MemoryHooks::default(),
        slots: 1,
        counters: Mutex::new(Counters::default()),
    }
}

fn send(app: &Doubles, payload: Value) -> Result<Value, Diagnostic> {
    let mut context = Context::default();
    context.deadline = u64::MAX / 4;
    run(work(app, LambdaEvent::new(payload, context))).map_err(Diagnostic::from)
}

#[test]
fn anything_without_an_action_is_a_tick() {
    for tick in [
        json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}),
        json!({"source": "aws.states", "detail": {}}),
        json!({}),
    ] {
        let app = app();
        let export = export_of("demo", NOW, 1, &json!({}));
        commit(&app.worker.control, &queueing(&export));
        assert_eq!(send(&app, tick), Ok(json!({"carried_out": 0, "freed": 0, "started": 1, "failed": 0, "erased": 0})));
        assert!(app.executions.all().contains_key(&export.export_id));
    }
}

/// A webhook that notes how an export stood when it was called.
struct Watching {
    control: Shared,
    export: Export,
    seen: Mutex<Vec<Status>>,
}

impl Hooks for Watching {
    async fn post(&self, _: &str, _: &[(&'static str, String)], _: Bytes) -> Result<u16, NoAnswer> {
        self.seen.lock().unwrap().push(load(&self.control, &self.export).status);
        Ok(500)
    }
}

#[test]
fn who_waits_in_line_does_not_wait_for_somebodys_webhook() {
    let control = Shared::default();
    let mut ended = export_of("demo", NOW - 1, 7, &json!({}));
    ended.finish(Status::Empty, NOW - 1);
    let hook = Webhook { url: "https://example.com".into(), secret: "whsec_".into(), created_at: 0 };
    put(&control, Webhook::key("demo"), &hook);
    put(&control, Export::key("demo", &ended.export_id), &ended);
    commit(&control, &Errand::about(&ended).unwrap());
    let export = export_of("demo", NOW, 1, &json!({}));
    commit(&control, &queueing(&export));
    let hooks = Watching { control: control.clone(), export, seen: Mutex::default() };
    let app = WorkerApp::new(worker_of(control), MemoryExecutions::default(), hooks, 1);
    assert_eq!(run(app.work(json!({}), i64::MAX, || NOW)).unwrap()["started"], 1);
    assert_eq!(*app.hooks.seen.lock().unwrap(), [Status::Running]);
}

#[test]
fn a_tick_that_could_not_judge_everything_fails_after_the_rest_was_done() {
    let app = app();
    let export = export_of("demo", NOW, 1, &json!({}));
    commit(&app.worker.control, &queueing(&export));
    let strange = Write::put(Key::new("slot", "7"), &json!({"held": 1}), Expect::Any).unwrap();
    commit(&app.worker.control, &[strange]);
    assert_eq!(run(app.work(json!({}), i64::MAX, || NOW)).unwrap_err().name(), "Export.Denied");
    assert!(app.executions.all().contains_key(&export.export_id));
    assert_eq!(app.counters.lock().unwrap().total(Metric::DispatchFaults), 1);
}

#[test]
fn a_tick_measures_the_line_and_how_long_who_starts_has_waited() {
    let app = app();
    for (second, asked) in [(1, NOW), (2, NOW - 5_000)] {
        commit(&app.worker.control, &queueing(&export_of("demo", asked, second, &json!({}))));
    }
    run(app.work(json!({}), i64::MAX, || NOW + 1_000)).unwrap();
    let counters = app.counters.lock().unwrap();
    assert_eq!(
        (counters.measured(Metric::ExportsQueued), counters.measured(Metric::ExportsRunning)),
        (&[1][..], &[1][..])
    );
    assert_eq!(counters.measured(Metric::ExportWaitingMs), [6_000], "who came first");
}

#[test]
fn the_step_that_ends_an_export_measures_how_long_it_ran() {
    let app = app();
    store_pages(&app.worker.pages, &pages_of(&[event(1, 64)], 1, 1));
    let export = running(&app.worker.control, &json!({}));
    let step = json!({"action": "step", "owner": "demo", "export_id": export.export_id});
    run(app.work(step, i64::MAX, || NOW + 7_000)).unwrap();
    let ended = load(&app.worker.control, &export);
    let ran = ended.finished_at.unwrap() - ended.started_at.unwrap();
    let counters = app.counters.lock().unwrap();
    assert_eq!(counters.measured(Metric::ExportRunningMs), [u64::try_from(ran).unwrap()]);
    assert_eq!(counters.total(Metric::ExportRows), 1);
}

#[test]
fn a_step_answers_its_status() {
    let app = app();
    store_pages(&app.worker.pages, &pages_of(&[event(1, 64)], 1, 1));
    let export = running(&app.worker.control, &json!({}));
    let step = json!({"action": "step", "owner": "demo", "export_id": export.export_id});
    assert_eq!(send(&app, step), Ok(json!({"status": "done"})));
}

#[test]
fn giving_up_answers_its_status() {
    let app = app();
    let export = running(&app.worker.control, &json!({}));
    let fail = json!({"action": "fail", "owner": "demo", "export_id": export.export_id, "error": "Export.Denied", "cause": "{}"});
    assert_eq!(send(&app, fail), Ok(json!({"status": "failed"})));
    assert_eq!(load(&app.worker.control, &export).error.unwrap().code, "denied");
}

#[test]
fn errors_have_the_names_that_the_state_machine_matches() {
    let app = app();
    let missing = json!({"action": "step", "owner": "demo", "export_id": "0"});
    assert_eq!(send(&app, missing).unwrap_err().error_type, "Export.NotFound");
    let nonsense = json!({"action": "jump"});
    assert_eq!(send(&app, nonsense).unwrap_err().error_type, "Export.Invalid");
}

fn api(control: MemoryControl, executions: MemoryExecutions) -> TestApi {
    let settings = Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None };
    let (backlog, pages) = (MemoryStream::new(1), MemoryPages::default());
    store_pages(&pages, &pages_of(&[event(1, 64)], 1, 1));
    let (files, signer, mailer) = (MemoryFiles::default(), MemorySigner::default(), MemoryMailer::default());
    Api::new((control, pages, backlog, executions, files, signer, mailer), settings)
}

type TestApi =
    Api<(MemoryControl, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

/// An event of the gateway, at its deadline: what can be answered at once is.
fn call(method: &str, path: &str, body: &str) -> LambdaEvent<ApiGatewayV2httpRequest> {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "body": body,
        "headers": {"authorization": format!("Bearer {}", support::API_KEY), "content-type": "application/json"}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
    });
    LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default())
}

#[tokio::test]
async fn the_api_answers_a_gateways_event() {
    let control = MemoryControl::default();
    support::register(&control);
    let api = api(control, MemoryExecutions::default());
    let response = answer(&api, call("GET", "/v1/account", "")).await.unwrap();
    assert_eq!(response.status_code, 200);
    assert!(response.headers.contains_key("x-relay-trace-id"));
}

/// So that nothing but the function's own time limit ends the wait.
const A_WHILE: std::time::Duration = std::time::Duration::from_secs(20);

#[tokio::test]
async fn a_call_that_runs_out_of_time_is_a_problem_and_not_the_gateways_error() {
    let control = MemoryControl::default();
    control.script.silence(&["get", "query", "commit"]);
    let api = api(control, MemoryExecutions::default());
    let answered = tokio::time::timeout(A_WHILE, answer(&api, call("GET", "/v1/account", ""))).await;
    let response = answered.expect("an answer before the function's end").unwrap();
    assert_eq!((response.status_code, &response.headers["retry-after"]), (503, &HeaderValue::from_static("2")));
    assert_eq!(response.headers["content-type"], "application/problem+json");
    assert!(response.headers.contains_key("x-relay-trace-id"));
}

#[tokio::test]
async fn what_was_queued_is_acknowledged_however_long_the_dispatcher_takes() {
    let control = MemoryControl::default();
    support::register(&control);
    let executions = MemoryExecutions::default();
    executions.script.silence(&["start", "state", "stop"]);
    let api = api(control, executions);
    let call = call("POST", "/v1/exports", &support::request(&json!({})).to_string());
    let answered = tokio::time::timeout(A_WHILE, answer(&api, call)).await;
    assert_eq!(answered.expect("an answer before the function's end").unwrap().status_code, 202);
}
