//! The mails over the in-memory doubles: one an export, whatever comes twice, too early or not at all.

use lambda_runtime::{Context, LambdaEvent};
use notify::App;
use notify::deliver::{CLAIM_MS, Cause, Happened, NotifyError};
use notify::handler::handle;
use relay::control::{Expect, Write};
use relay::export::{Asked, Export, ExportRequest, Status, export_id, store};
use relay::fault::FaultKind;
use relay::owner::Owner;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryMailer, MemorySigner, Trouble};
use serde_json::json;

const NOW: i64 = 1_794_648_600_000;

type Doubles = App<MemoryControl, MemorySigner, MemoryMailer>;

fn app() -> Doubles {
    App::new(
        MemoryControl::default(),
        MemorySigner::default(),
        MemoryMailer::default(),
        Some("https://relay.example".to_owned()),
    )
}

fn export() -> Export {
    let owner = Owner {
        owner: "demo".into(),
        mail_domains: ["example.com".into()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        created_at: 0,
    };
    let body = json!({"app_token": "demo-app", "kind": "event", "start_date": "2026-11-01", "end_date": "2026-11-02", "email": "kim@example.com"});
    let request = ExportRequest::parse(body.to_string().as_bytes(), &owner, 14).unwrap();
    let asked = Asked {
        owner: "demo".into(),
        retention_days: 90,
        now: NOW,
        export_id: export_id(NOW, [1; 10]),
        trace_id: "7".repeat(32),
    };
    Export::new(request, asked)
}

async fn put(app: &Doubles, change: impl FnOnce(&mut Export)) -> Export {
    let mut export = export();
    export.status = Status::Running;
    change(&mut export);
    let key = Export::key(&export.owner, &export.export_id);
    app.control.commit(&[Write::put(key, &export, Expect::Any).unwrap()]).await.unwrap();
    export
}

async fn stored(app: &Doubles, export: &Export) -> Export {
    store::load(&app.control, &export.owner, &export.export_id).await.unwrap().unwrap().0
}

fn created(export: &Export) -> Cause {
    Cause { owner: export.owner.clone(), export_id: export.export_id.clone(), what: Happened::ObjectCreated }
}

fn ended(export: &Export) -> Cause {
    let what = Happened::ExecutionEnded(export.execution_name());
    Cause { what, ..created(export) }
}

#[tokio::test]
async fn a_file_is_mailed_once_with_a_link_that_says_when_it_ends() {
    let app = app();
    let export = put(&app, |export| export.finish(Status::Done, NOW)).await;
    app.deliver(&created(&export), NOW).await.unwrap();
    app.deliver(&created(&export), NOW + CLAIM_MS * 2).await.unwrap();
    app.deliver(&ended(&export), NOW + 1).await.unwrap();
    let sent = app.mailer.sent();
    assert_eq!(sent.len(), 1);
    let (to, mail) = &sent[0];
    assert_eq!(to, "kim@example.com");
    assert!(mail.text.contains(&format!("https://files.example/{}", export.object_key())));
    assert!(mail.text.contains(&export.trace_id));
    let stored = stored(&app, &export).await;
    assert_eq!(stored.link_expires_at, Some(NOW + 3_600_000));
    assert_eq!(stored.notice.unwrap().sent_at, Some(NOW));
}

#[tokio::test]
async fn a_file_is_mailed_before_the_worker_has_recorded_its_end() {
    let app = app();
    let export = put(&app, |export| export.checkpoint.finishing = true).await;
    app.deliver(&created(&export), NOW).await.unwrap();
    assert_eq!(app.mailer.sent().len(), 1);
}

#[tokio::test]
async fn an_event_before_its_time_comes_again() {
    let app = app();
    let export = put(&app, |_| {}).await;
    assert_eq!(app.deliver(&created(&export), NOW).await, Err(NotifyError::NotSettled("running")));
    assert_eq!(app.deliver(&ended(&export), NOW).await, Err(NotifyError::NotSettled("running")));
    let taken_over = put(&app, |export| export.lost_executions = 1).await;
    let old = Cause { what: Happened::ExecutionEnded(taken_over.export_id.clone()), ..created(&taken_over) };
    assert_eq!(app.deliver(&old, NOW).await, Ok(()));
    assert!(app.mailer.sent().is_empty());
}

#[tokio::test]
async fn an_empty_export_and_a_failed_one_are_told() {
    let app = app();
    let export = put(&app, |export| export.finish(Status::Empty, NOW)).await;
    app.deliver(&ended(&export), NOW).await.unwrap();
    let export = put(&app, |export| export.fail("Export.Denied", "the table refused", NOW)).await;
    app.deliver(&ended(&export), NOW).await.unwrap();
    let bodies: Vec<_> = app.mailer.sent().into_iter().map(|(_, mail)| mail.text).collect();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].contains("no file"), "{}", bodies[0]);
    assert!(bodies[1].contains("the table refused"), "{}", bodies[1]);
}

#[tokio::test]
async fn a_cancelled_export_and_an_unknown_one_are_silent() {
    let app = app();
    let export = put(&app, |export| export.finish(Status::Cancelled, NOW)).await;
    app.deliver(&created(&export), NOW).await.unwrap();
    app.deliver(&ended(&export), NOW).await.unwrap();
    let unknown = Cause { owner: "other".into(), ..created(&export) };
    app.deliver(&unknown, NOW).await.unwrap();
    assert!(app.mailer.sent().is_empty());
}

#[tokio::test]
async fn a_fault_before_the_mail_is_made_good_when_the_event_comes_again() {
    for (signer, mailer) in [(1, 0), (0, 1)] {
        let app = app();
        app.signer.script.refuse("sign", signer, FaultKind::Throttled);
        app.mailer.script.refuse("send", mailer, FaultKind::Unavailable);
        let export = put(&app, |export| export.finish(Status::Done, NOW)).await;
        assert!(matches!(app.deliver(&created(&export), NOW).await, Err(NotifyError::Fault(_))));
        assert_eq!(app.deliver(&created(&export), NOW + 1).await, Err(NotifyError::Claimed));
        app.deliver(&created(&export), NOW + CLAIM_MS).await.unwrap();
        assert_eq!(app.mailer.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_crash_after_the_mail_may_repeat_it_and_never_omits_it() {
    let app = app();
    let export = put(&app, |export| export.finish(Status::Done, NOW)).await;
    app.control.script.add("commit", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
    assert!(app.deliver(&created(&export), NOW).await.is_err());
    app.deliver(&created(&export), NOW + CLAIM_MS).await.unwrap();
    assert_eq!(app.mailer.sent().len(), 2);
}

#[tokio::test]
async fn an_address_the_service_refuses_is_recorded_and_not_tried_again() {
    let app = app();
    app.mailer.refuse("kim@example.com");
    let export = put(&app, |export| export.finish(Status::Done, NOW)).await;
    app.deliver(&created(&export), NOW).await.unwrap();
    app.deliver(&created(&export), NOW + CLAIM_MS).await.unwrap();
    assert_eq!(stored(&app, &export).await.notice.unwrap().refused.as_deref(), Some("kim@example.com is refused"));
}

#[tokio::test]
async fn events_as_they_are_sent_lead_to_their_export() {
    let app = app();
    let export = put(&app, |export| export.finish(Status::Done, 0)).await;
    let object = json!({
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "files"}, "object": {"key": export.object_key(), "size": 12}},
    });
    handle(&app, LambdaEvent::new(object, Context::default())).await.unwrap();
    let failed = put(&app, |export| export.fail("Export.Denied", "the table refused", 0)).await;
    let execution = json!({
        "source": "aws.states", "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": failed.execution_name(), "status": "FAILED", "input": failed.execution_input()},
    });
    handle(&app, LambdaEvent::new(execution, Context::default())).await.unwrap();
    assert_eq!(app.mailer.sent().len(), 2);
    for stranger in [
        json!({}),
        json!({"source": "aws.s3", "detail": {"object": {"key": "exports/../x"}}}),
        json!({"source": "aws.states", "detail": {"input": "{}"}}),
    ] {
        handle(&app, LambdaEvent::new(stranger, Context::default())).await.unwrap();
    }
}
