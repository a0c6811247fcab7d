//! What the two processes make of Lambda's events.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::sync::Mutex;

use export::handler::{WorkerApp, answer, work};
use export::worker::Worker;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use relay::metric::Counters;
use relay::port::memory::{MemoryControl, MemoryExecutions, MemoryFiles, MemoryPages, MemoryStream};
use serde_json::{Value, json};
use support::{NOW, commit, event, export_of, load, pages_of, queueing, run, running, store_pages};

type Doubles = WorkerApp<MemoryControl, MemoryPages, MemoryFiles, MemoryStream, MemoryExecutions>;

fn app() -> Doubles {
    let worker = Worker {
        control: MemoryControl::default(),
        pages: MemoryPages::default(),
        files: MemoryFiles::default(),
        backlog: MemoryStream::new(1),
    };
    WorkerApp { worker, executions: MemoryExecutions::default(), slots: 1, counters: Mutex::new(Counters::default()) }
}

fn send(app: &Doubles, payload: Value) -> Result<Value, Diagnostic> {
    let mut context = Context::default();
    context.deadline = u64::MAX / 4;
    run(work(app, LambdaEvent::new(payload, context))).map_err(Diagnostic::from)
}

#[test]
fn anything_without_an_action_is_a_tick() {
    for tick in [
        json!({"source": "aws.events", "detail-type": "Scheduled Event"}),
        json!({"source": "aws.states", "detail": {}}),
        json!({}),
    ] {
        let app = app();
        let export = export_of("demo", NOW, 1, &json!({}));
        commit(&app.worker.control, &queueing(&export));
        assert_eq!(send(&app, tick), Ok(json!({"freed": 0, "started": 1, "failed": 0})));
        assert!(app.executions.all().contains_key(&export.export_id));
    }
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

#[test]
fn the_api_answers_a_gateways_event() {
    use export::api::{Api, Settings};
    use relay::port::memory::{MemoryMailer, MemorySigner};
    let control = MemoryControl::default();
    support::register(&control);
    let api = Api {
        control,
        pages: MemoryPages::default(),
        backlog: MemoryStream::new(1),
        executions: MemoryExecutions::default(),
        signer: MemorySigner::default(),
        mailer: MemoryMailer::default(),
        settings: Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None },
        counters: Mutex::new(Counters::default()),
    };
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/v1/account", "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {}", support::API_KEY)}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": "GET", "path": "/v1/account", "sourceIp": "192.0.2.1"}},
    });
    let event = serde_json::from_value(event).unwrap();
    let response = run(answer(&api, LambdaEvent::new(event, Context::default()))).unwrap();
    assert_eq!(response.status_code, 200);
    assert!(response.headers.contains_key("x-relay-trace-id"));
}
