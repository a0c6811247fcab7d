//! The mails over the in-memory doubles: one an export, whatever comes twice, early or late.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

use std::sync::Mutex;

use notify::occasion::{Event, Occasion, read};
use notify::{App, NotifyError, Outcome};
use relay::address::{self, Why};
use relay::audit::{Record, newest};
use relay::control::{Expect, Write};
use relay::export::{
    Asked, Checkpoint, Export, ExportRequest, FinishedFile, MANIFEST, NoticeState, Status, View, export_id, store,
};
use relay::fault::FaultKind;
use relay::metric::{Counters, Metric};
use relay::owner::Owner;
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryMailer, MemorySigner, Trouble};
use relay::schedule::{Counting, Run, Schedule, ScheduleRequest};
use relay::tenancy;
use serde_json::json;

const NOW: i64 = 1_794_648_600_000;

type Doubles = App<MemoryControl, MemorySigner, MemoryMailer>;

fn app() -> Doubles {
    App {
        control: MemoryControl::default(),
        signer: MemorySigner::default(),
        mailer: MemoryMailer::default(),
        site_url: Some("https://relay.example".into()),
        retention_days: 14,
        counters: Mutex::new(Counters::default()),
    }
}

async fn export(app: &Doubles, change: impl Fn(&mut Export)) -> Export {
    let owner = Owner {
        owner: "demo".into(),
        mail_domains: ["example.com".into()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: relay::access::Access::default(),
        created_at: 0,
    };
    app.control.commit(&[Write::put(Owner::key("demo"), &owner, Expect::Any).unwrap()]).await.unwrap();
    let body = json!({"app_token": "demo-app", "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-13", "email": "kim@example.com"});
    let asked = Asked {
        owner: "demo".into(),
        retention_days: 90,
        now: NOW,
        export_id: export_id(NOW, [7; 10]),
        trace_id: "5".repeat(32),
    };
    let mut export = Export::new(ExportRequest::parse(body.to_string().as_bytes(), &owner, 14).unwrap(), asked);
    export.status = Status::Running;
    export.checkpoint.rows = 12;
    export.checkpoint.bytes = 3456;
    change(&mut export);
    let write = Write::put(Export::key("demo", &export.export_id), &export, Expect::Any).unwrap();
    app.control.commit(&[write]).await.unwrap();
    export
}

async fn reload(app: &Doubles, export: &Export) -> Export {
    store::load(&app.control, "demo", &export.export_id).await.unwrap().unwrap().0
}

async fn notice(app: &Doubles, export: &Export, email: &str) -> NoticeState {
    reload(app, export).await.notice_to(email).unwrap().clone()
}

/// An export that is done, with a mail to each of these.
async fn done_for(app: &Doubles, emails: &[&str]) -> Export {
    export(app, |export| {
        export.emails = emails.iter().map(|email| (*email).to_owned()).collect();
        export.finish(Status::Done, NOW);
    })
    .await
}

fn addresses(app: &Doubles) -> Vec<String> {
    app.mailer.sent().into_iter().map(|(to, _)| to).collect()
}

fn created(export: &Export, size: u64) -> Event {
    let key = export.object_key();
    let event = json!({
        "version": "0", "id": "event-file", "source": "aws.s3", "detail-type": "Object Created", "account": "1", "resources": [],
        "detail": {"version": "0", "bucket": {"name": "exports"}, "object": {"key": key, "size": size, "etag": "e", "sequencer": "1"}, "reason": "CompleteMultipartUpload"},
    });
    read(event).unwrap()
}

fn ended(export: &Export, status: &str) -> Event {
    let event = json!({
        "version": "0", "id": "event-execution", "source": "aws.states", "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": export.execution_name(), "status": status, "input": export.execution_input(), "output": null, "stopDate": 1},
    });
    read(event).unwrap()
}

#[tokio::test]
async fn a_file_that_is_there_is_mailed_with_its_link() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Sent));
    let sent = app.mailer.sent();
    assert_eq!((sent.len(), sent[0].0.as_str()), (1, "kim@example.com"));
    assert_eq!(sent[0].1.subject, "[Relay] Ready: install activities of demo-app, 2026-11-01 to 2026-11-13");
    assert!(sent[0].1.text.contains(&export.object_key()) && sent[0].1.text.contains(&export.trace_id));
    let export = reload(&app, &export).await;
    assert_eq!(export.link_expires_at, Some(NOW + 3_600_000));
    assert_eq!(export.notice_to("kim@example.com").unwrap().sent_at, Some(NOW));
    assert_eq!(app.counters.lock().unwrap().total(Metric::MailsSent), 1);
}

#[tokio::test]
async fn one_mail_an_export_whatever_comes_again() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    for later in [0, 10, 60_000, 3_600_000] {
        app.notify(&created(&export, 3456), NOW + later).await.unwrap();
        app.notify(&ended(&export, "SUCCEEDED"), NOW + later).await.unwrap();
    }
    assert_eq!(app.mailer.sent().len(), 1);
}

#[tokio::test]
async fn the_file_may_be_there_before_the_worker_says_so() {
    let app = app();
    let export = export(&app, |export| export.checkpoint.finishing = true).await;
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Sent));
    assert_eq!(reload(&app, &export).await.status, Status::Running);
}

#[tokio::test]
async fn what_has_not_settled_comes_again() {
    let app = app();
    let export = export(&app, |_| {}).await;
    let not_settled = Err(NotifyError::NotSettled(export.export_id.clone()));
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, not_settled);
    assert_eq!(app.notify(&ended(&export, "FAILED"), NOW).await, not_settled);
    let other = self::export(&app, |export| export.checkpoint.finishing = true).await;
    assert_eq!(app.notify(&created(&other, 9), NOW).await, not_settled);
    assert!(app.mailer.sent().is_empty());
}

#[tokio::test]
async fn the_end_of_an_execution_that_was_taken_over_is_no_news() {
    let app = app();
    let mut export = export(&app, |export| export.lost_executions = 1).await;
    export.lost_executions = 0;
    assert_eq!(app.notify(&ended(&export, "ABORTED"), NOW).await, Ok(Outcome::Nothing));
}

#[tokio::test]
async fn an_empty_period_and_a_failure_are_told() {
    for (status, words) in [(Status::Empty, "nothing in this period"), (Status::Failed, "could not be written")] {
        let app = app();
        let export = export(&app, |export| export.finish(status, NOW)).await;
        assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW).await, Ok(Outcome::Sent));
        let (_, mail) = app.mailer.sent().remove(0);
        assert!(mail.text.contains(words) && mail.html.contains(words), "{}", mail.text);
        assert!(mail.text.contains("https://relay.example"));
    }
}

#[tokio::test]
async fn a_cancelled_export_gets_no_mail() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Cancelled, NOW)).await;
    assert_eq!(app.notify(&ended(&export, "ABORTED"), NOW).await, Ok(Outcome::Nothing));
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Nothing));
    assert!(app.mailer.sent().is_empty());
}

/// Whoever fails gives its claim back: the next event, its own retry or another one, sends the mail at once.
#[tokio::test]
async fn a_mail_that_failed_is_sent_by_the_next_event() {
    for (service, call) in [("mailer", "send"), ("signer", "sign")] {
        for is_own_retry in [true, false] {
            let app = app();
            let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
            match service {
                "mailer" => app.mailer.script.refuse(call, 1, FaultKind::Unavailable),
                _ => app.signer.script.refuse(call, 1, FaultKind::Throttled),
            }
            let first = created(&export, 3456);
            assert!(matches!(app.notify(&first, NOW).await, Err(NotifyError::Fault(_))), "{service}");
            let next = if is_own_retry { first } else { ended(&export, "SUCCEEDED") };
            assert_eq!(app.notify(&next, NOW + 1000).await, Ok(Outcome::Sent), "{service}");
            assert_eq!(app.mailer.sent().len(), 1);
        }
    }
}

/// EventBridge and Lambda deliver at least once: two deliveries of one event may run side by side.
#[tokio::test]
async fn a_second_delivery_of_an_event_under_way_sends_nothing_and_comes_again() {
    let app = app();
    let claimed_by = created(&export(&app, |_| {}).await, 3456).id;
    let export = export(&app, |export| {
        export.finish(Status::Done, NOW);
        let claimed_by = claimed_by.clone();
        export.set_notice("kim@example.com", NoticeState { claimed_at: NOW, claimed_by, sent_at: None, refused: None });
    })
    .await;
    let in_progress = Err(NotifyError::InProgress(export.export_id.clone()));
    assert_eq!(app.notify(&created(&export, 3456), NOW + 1).await, in_progress);
    assert_eq!(app.notify(&created(&export, 3456), NOW + 44_999).await, in_progress);
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 44_999).await, Ok(Outcome::Nothing));
    assert!(app.mailer.sent().is_empty());
    // The first delivery died: the second's retry takes over.
    assert_eq!(app.notify(&created(&export, 3456), NOW + 60_000).await, Ok(Outcome::Sent));
    assert_eq!(app.notify(&created(&export, 3456), NOW + 60_001).await, Ok(Outcome::Nothing));
    assert_eq!(app.mailer.sent().len(), 1);
}

#[tokio::test]
async fn a_claim_that_could_not_be_given_back_ends_by_itself() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    app.mailer.script.refuse("send", 1, FaultKind::Unavailable);
    app.control.script.add("commit", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
    assert!(app.notify(&created(&export, 3456), NOW).await.is_err());
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 44_999).await, Ok(Outcome::Nothing));
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 45_000).await, Ok(Outcome::Sent));
}

/// A claim whose answer is lost may stand: nobody knows, so it is waited for.
#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_waited_for() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    app.control.script.add("commit", [Trouble::AnswerLost]);
    let event = created(&export, 3456);
    assert!(matches!(app.notify(&event, NOW).await, Err(NotifyError::Fault(_))));
    assert!(matches!(app.notify(&event, NOW + 1000).await, Err(NotifyError::InProgress(_))));
    assert_eq!(app.notify(&event, NOW + 60_000).await, Ok(Outcome::Sent));
    assert_eq!(app.mailer.sent().len(), 1);
}

#[tokio::test]
async fn a_mail_that_is_out_is_not_repeated_because_it_could_not_be_noted() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    app.control
        .script
        .add("commit", [Trouble::None, Trouble::Refused(FaultKind::Throttled), Trouble::Refused(FaultKind::Throttled)]);
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Sent));
    assert_eq!(notice(&app, &export, "kim@example.com").await.sent_at, Some(NOW));
}

#[tokio::test]
async fn a_refused_mail_is_noted_and_not_tried_again() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    app.mailer.refuse("kim@example.com");
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Refused));
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 90_000).await, Ok(Outcome::Nothing));
    assert!(notice(&app, &export, "kim@example.com").await.refused.is_some());
}

#[tokio::test]
async fn no_mail_goes_to_a_domain_that_is_no_longer_registered() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    let mut owner = tenancy::owner(&app.control, "demo").await.unwrap().unwrap();
    owner.mail_domains = ["example.org".into()].into();
    let write = Write::put(Owner::key("demo"), &owner, Expect::Any).unwrap();
    app.control.commit(&[write]).await.unwrap();
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Refused));
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 90_000).await, Ok(Outcome::Nothing));
    assert!(app.mailer.sent().is_empty());
    assert!(notice(&app, &export, "kim@example.com").await.refused.unwrap().contains("domain"));
    assert_eq!(app.counters.lock().unwrap().total(Metric::MailsRejected), 1);
}

/// Whether a domain is registered is asked of the table: when that is down, nothing is decided.
#[tokio::test]
async fn a_failed_look_up_of_the_owner_refuses_no_mail() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    app.control.script.add("get", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
    assert!(matches!(app.notify(&created(&export, 3456), NOW).await, Err(NotifyError::Fault(_))));
    assert_eq!(app.notify(&created(&export, 3456), NOW + 60_000).await, Ok(Outcome::Sent));
}

const THREE: [&str; 3] = ["kim@example.com", "lee@example.com", "park@example.com"];

#[tokio::test]
async fn each_address_gets_one_mail_whatever_comes_again() {
    let app = app();
    let export = done_for(&app, &THREE).await;
    for later in [0, 10, 60_000] {
        app.notify(&created(&export, 3456), NOW + later).await.unwrap();
        app.notify(&ended(&export, "SUCCEEDED"), NOW + later).await.unwrap();
    }
    assert_eq!(addresses(&app), THREE);
    for email in THREE {
        assert_eq!(notice(&app, &export, email).await.sent_at, Some(NOW), "{email}");
    }
}

#[tokio::test]
async fn who_has_left_a_schedule_gets_no_mail_of_what_was_in_line() {
    let app = app();
    let body = json!({"app_token": "demo-app", "kind": "install", "frequency": "daily", "email": ["kim@example.com", "lee@example.com"]});
    let export = done_for(&app, &["kim@example.com", "lee@example.com"]).await;
    let (owner, _) = tenancy::find::<Owner>(&app.control, Owner::key("demo")).await.unwrap().unwrap();
    let request = ScheduleRequest::parse(body.to_string().as_bytes(), &owner).unwrap();
    let mut schedule = Schedule::new(request, "demo", "5".repeat(32), NOW, &[7; 32]).unwrap();
    let run = Run {
        schedule_id: schedule.schedule_id.clone(),
        frequency: schedule.frequency,
        previous: None,
        late: None,
        counting: Counting::default(),
        subscribers: schedule.subscribers.clone(),
    };
    let token = run.token("kim@example.com").unwrap().to_owned();
    let add = |export: &mut Export| {
        export.run = Some(run.clone());
        true
    };
    store::amend(&app.control, "demo", &export.export_id, add).await.unwrap();
    assert!(schedule.unsubscribe(&token, NOW));
    let key = Schedule::key("demo", &schedule.schedule_id);
    app.control.commit(&[Write::put(key, &schedule, Expect::Any).unwrap()]).await.unwrap();
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Sent));
    assert_eq!(addresses(&app), ["lee@example.com"]);
    assert!(reload(&app, &export).await.notice_to("kim@example.com").is_none(), "that is no refusal");
}

#[tokio::test]
async fn a_refused_address_stops_no_other() {
    let app = app();
    let export = done_for(&app, &THREE).await;
    app.mailer.refuse("kim@example.com");
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Sent));
    assert_eq!(addresses(&app), ["lee@example.com", "park@example.com"]);
    assert!(notice(&app, &export, "kim@example.com").await.refused.is_some());
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW + 90_000).await, Ok(Outcome::Nothing));
}

/// The event comes again for the one that failed; those that have theirs get no second.
#[tokio::test]
async fn a_mail_that_failed_among_others_is_sent_alone() {
    let app = app();
    let export = done_for(&app, &THREE).await;
    app.mailer.script.add("send", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
    let event = created(&export, 3456);
    assert!(matches!(app.notify(&event, NOW).await, Err(NotifyError::Fault(_))));
    assert_eq!(addresses(&app), ["kim@example.com", "park@example.com"]);
    assert_eq!(app.notify(&event, NOW + 60_000).await, Ok(Outcome::Sent));
    assert_eq!(addresses(&app), ["kim@example.com", "park@example.com", "lee@example.com"]);
}

/// A delivery died with a mail claimed: the others are sent by the next one, and that one when its claim ends.
#[tokio::test]
async fn a_claim_of_one_mail_holds_up_no_other() {
    let app = app();
    let export = done_for(&app, &THREE).await;
    let event = created(&export, 3456);
    let claim = NoticeState { claimed_at: NOW, claimed_by: event.id.clone(), sent_at: None, refused: None };
    let change = |export: &mut Export| {
        export.set_notice("lee@example.com", claim.clone());
        true
    };
    store::amend(&app.control, "demo", &export.export_id, change).await.unwrap();
    assert!(matches!(app.notify(&event, NOW + 1).await, Err(NotifyError::InProgress(_))));
    assert_eq!(addresses(&app), ["kim@example.com", "park@example.com"]);
    assert_eq!(app.notify(&event, NOW + 60_000).await, Ok(Outcome::Sent));
    assert_eq!(addresses(&app), ["kim@example.com", "park@example.com", "lee@example.com"]);
}

#[tokio::test]
async fn an_export_of_the_last_release_that_has_its_mail_gets_no_other() {
    let app = app();
    let export = export(&app, |export| {
        export.finish(Status::Done, NOW);
        export.notice = Some(NoticeState { claimed_at: 1, claimed_by: "e".into(), sent_at: Some(2), refused: None });
    })
    .await;
    assert_eq!(app.notify(&created(&export, 3456), NOW).await, Ok(Outcome::Nothing));
    assert!(app.mailer.sent().is_empty());
}

#[tokio::test]
async fn several_files_have_a_link_each_and_the_manifest() {
    let app = app();
    let export = export(&app, |export| {
        let file = export.files().remove(0);
        let second = FinishedFile { name: "second.csv".into(), ..file.clone() };
        export.checkpoint = Checkpoint { files: vec![file, second], kind: 1, ..Checkpoint::default() };
        export.finish(Status::Done, NOW);
    })
    .await;
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW).await, Ok(Outcome::Sent));
    let (_, mail) = app.mailer.sent().remove(0);
    for name in export.files().iter().map(|file| file.name.as_str()).chain([MANIFEST]) {
        assert!(mail.text.contains(&format!("https://files.example/{}", export.key_of(name))), "{name}: {}", mail.text);
    }
}

/// An event as SES publishes it to EventBridge.
fn undelivered(export: &Export, detail_type: &str, more: &serde_json::Value) -> Event {
    let mut detail = json!({
        "mail": {
            "timestamp": "2026-11-14T09:30:00.000Z", "source": "relay@example.org", "messageId": "0102-m", "destination": ["kim@example.com"],
            "headersTruncated": false, "commonHeaders": {"subject": "…"},
            "tags": {"ses:configuration-set": ["relay-mails"], "owner": ["demo"], "export_id": [export.export_id]},
        },
    });
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let event = json!({
        "version": "0", "id": "event-mail", "detail-type": detail_type, "source": "aws.ses", "account": "123456789012",
        "time": "2026-11-14T09:31:00Z", "region": "eu-west-1", "resources": ["arn:aws:ses:eu-west-1:123456789012:configuration-set/relay-mails"],
        "detail": detail,
    });
    read(event).unwrap()
}

fn bounce(export: &Export, kind: &str, to: &str) -> Event {
    let recipient = json!({"emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user\n unknown"});
    let bounce = json!({
        "bounceType": kind, "bounceSubType": "General", "bouncedRecipients": [recipient], "timestamp": "2026-11-14T09:31:00.000Z",
        "feedbackId": "f", "reportingMTA": "dsn; mta.example.com",
    });
    undelivered(export, "Email Bounced", &json!({"eventType": "Bounce", "bounce": bounce}))
}

fn complaint(export: &Export, feedback: &str) -> serde_json::Value {
    json!({"eventType": "Complaint", "complaint": {
        "complainedRecipients": [{"emailAddress": export.emails[0]}], "timestamp": "2026-11-14T09:31:00.000Z", "feedbackId": "f",
        "complaintSubType": null, "userAgent": "Feedback", "complaintFeedbackType": feedback, "arrivalDate": "2026-11-14T09:31:00.000Z",
    }})
}

#[tokio::test]
async fn an_address_that_bounced_for_good_gets_no_further_mail() {
    let app = app();
    let export = done_for(&app, &["Kim@Example.com", "lee@example.com"]).await;
    app.notify(&created(&export, 3456), NOW).await.unwrap();
    for later in [5, 60_000] {
        let event = bounce(&export, "Permanent", "kim@example.com");
        assert_eq!(app.notify(&event, NOW + later).await, Ok(Outcome::Noted));
    }
    let mark = address::unreachable(&app.control, "demo", "kim@example.com").await.unwrap().unwrap();
    assert_eq!(
        (mark.reason, mark.since, mark.detail.as_str()),
        (Why::Bounced, NOW + 5, "smtp; 550 5.1.1 user unknown")
    );
    let told = notice(&app, &export, "Kim@Example.com").await;
    assert_eq!((told.sent_at, told.refused.as_deref()), (Some(NOW), Some(mark.words().as_str())));
    assert_eq!(notice(&app, &export, "lee@example.com").await.refused, None);

    let next = done_for(&app, &["kim@example.com", "lee@example.com"]).await;
    assert_eq!(app.notify(&created(&next, 3456), NOW + 90_000).await, Ok(Outcome::Sent));
    assert_eq!(addresses(&app), ["Kim@Example.com", "lee@example.com", "lee@example.com"]);
    let view = reload(&app, &next).await.view(View { now: NOW, retention_days: 14, position: None });
    assert_eq!(view["error"]["code"], "mail_refused");
    let detail = view["error"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("relayctl address clear demo kim@example.com"), "{detail}");
}

#[tokio::test]
async fn a_bounce_that_may_pass_is_told_and_marks_nothing() {
    for kind in ["Transient", "Undetermined"] {
        let app = app();
        let export = done_for(&app, &["kim@example.com"]).await;
        app.notify(&created(&export, 3456), NOW).await.unwrap();
        assert_eq!(app.notify(&bounce(&export, kind, "kim@example.com"), NOW).await, Ok(Outcome::Noted));
        assert!(notice(&app, &export, "kim@example.com").await.refused.unwrap().contains("for now"));
        assert_eq!(address::unreachable(&app.control, "demo", "kim@example.com").await, Ok(None));
    }
}

#[tokio::test]
async fn who_complains_gets_no_further_mail_unless_the_report_is_taken_back() {
    let app = app();
    let export = done_for(&app, &["kim@example.com"]).await;
    app.notify(&created(&export, 3456), NOW).await.unwrap();
    let event = undelivered(&export, "Email Complaint Received", &complaint(&export, "abuse"));
    assert_eq!(app.notify(&event, NOW).await, Ok(Outcome::Noted));
    let mark = address::unreachable(&app.control, "demo", "kim@example.com").await.unwrap().unwrap();
    assert_eq!((mark.reason, mark.detail.as_str()), (Why::Complained, "abuse"));
    let mut taken_back = json!({"id": "1", "source": "aws.ses", "detail": complaint(&export, "not-spam")});
    taken_back["detail"]["mail"] = json!({"tags": {"owner": ["demo"], "export_id": [export.export_id]}});
    assert!(read(taken_back).unwrap_err().contains("no spam"));
}

/// What the mail system says of an address that the export never had is none of the owner's business.
#[tokio::test]
async fn a_bounce_of_another_address_marks_nothing() {
    let app = app();
    let export = done_for(&app, &["kim@example.com"]).await;
    assert_eq!(app.notify(&bounce(&export, "Permanent", "lee@example.com"), NOW).await, Ok(Outcome::Nothing));
    assert_eq!(address::all_unreachable(&app.control, "demo").await, Ok(vec![]));
}

#[tokio::test]
async fn a_bounce_that_could_not_be_noted_comes_again() {
    let app = app();
    let export = done_for(&app, &["kim@example.com"]).await;
    app.notify(&created(&export, 3456), NOW).await.unwrap();
    app.control.script.add("commit", [Trouble::None, Trouble::Refused(FaultKind::Throttled)]);
    let event = bounce(&export, "Permanent", "kim@example.com");
    assert!(matches!(app.notify(&event, NOW).await, Err(NotifyError::Fault(_))));
    assert_eq!(app.notify(&event, NOW + 60_000).await, Ok(Outcome::Noted));
    assert!(notice(&app, &export, "kim@example.com").await.refused.is_some());
}

#[tokio::test]
async fn what_is_none_of_ours_is_left_alone() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Done, NOW)).await;
    let mut unknown = created(&export, 3456);
    if let Occasion::FileCreated { owner, .. } = &mut unknown.occasion {
        *owner = "nobody".into();
    }
    assert_eq!(app.notify(&unknown, NOW).await, Ok(Outcome::Nothing));
    for event in [
        json!({}),
        json!({"id": "1", "source": "aws.s3", "detail": {"object": {"key": "site/index.html", "size": 1}}}),
        json!({"id": "1", "source": "aws.states", "detail": {"name": "x", "input": "{}"}}),
        json!({"id": "1", "source": "aws.ec2", "detail": {}}),
        json!({"id": "1", "source": "aws.ses", "detail": {"mail": {"tags": {}}, "bounce": {"bounceType": "Permanent", "bouncedRecipients": []}}}),
        json!({"id": "1", "source": "aws.ses", "detail": {"mail": {"tags": {"owner": ["DEMO"], "export_id": ["x"]}}}}),
        json!({"id": "1", "source": "aws.ses", "detail": {"mail": {"tags": {"owner": ["demo"], "export_id": [export.export_id]}}}}),
    ] {
        assert!(read(event.clone()).is_err(), "{event}");
    }
}

async fn records(app: &Doubles) -> Vec<Record> {
    let listing = app.control.query(&newest("demo", None, 100)).await.unwrap();
    listing.items.iter().map(|item| item.read().unwrap()).collect()
}

#[tokio::test]
async fn each_mail_with_links_is_recorded_by_its_domain_before_it_goes() {
    let app = app();
    let export = done_for(&app, &["kim@example.com", "lee@Example.com"]).await;
    app.mailer.script.refuse("send", 1, FaultKind::Unavailable);
    for later in [0, 60_000, 120_000] {
        let _again = app.notify(&created(&export, 3456), NOW + later).await;
    }
    assert_eq!(addresses(&app).len(), 2);
    let records = records(&app).await;
    let told: Vec<_> = records.iter().map(|record| (record.at - NOW, record.details["address"].as_str())).collect();
    // The one that failed was tried again.
    assert_eq!(told[0], (60_000, "1"));
    assert!(told.len() == 3 && told.contains(&(0, "1")) && told.contains(&(0, "2")), "{told:?}");
    for record in &records {
        let named = (record.who.as_str(), record.action.as_str(), &record.subject, record.details["domain"].as_str());
        assert_eq!(named, ("relay", "link.mailed", &export.export_id, "example.com"));
        assert!(!serde_json::to_string(record).unwrap().contains('@'), "{record:?}");
    }
}

#[tokio::test]
async fn a_mail_without_links_is_no_way_to_rows() {
    let app = app();
    let export = export(&app, |export| export.finish(Status::Empty, NOW)).await;
    assert_eq!(app.notify(&ended(&export, "SUCCEEDED"), NOW).await, Ok(Outcome::Sent));
    assert_eq!(records(&app).await, []);
}

#[tokio::test]
async fn an_address_that_is_marked_is_recorded_once() {
    let app = app();
    let export = done_for(&app, &["kim@example.com"]).await;
    for later in [0, 1] {
        assert_eq!(app.notify(&bounce(&export, "Permanent", "kim@example.com"), NOW + later).await, Ok(Outcome::Noted));
    }
    let [record] = records(&app).await.try_into().unwrap();
    assert_eq!((record.action.as_str(), record.subject.as_str(), record.at), ("address.marked", "example.com", NOW));
    assert_eq!((record.details["reason"].as_str(), &record.details["export_id"]), ("bounced", &export.export_id));
}
