use relay::export::{Asked, ExportRequest, FinishedFile, Totals};
use relay::owner::Owner;
use relay::webhook::Delivery;

use super::*;

/// 2026-11-29T09:00:00Z.
const NINE: i64 = 1_795_942_800_000;

pub(in super::super) fn export() -> Export {
    let owner = Owner {
        owner: "demo".to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: relay::access::Access::default(),
        created_at: 0,
    };
    let body = r#"{"app_token": "app", "kind": ["install", "event"], "start_date": "2026-11-27", "end_date": "2026-11-28",
        "email": ["kim@example.com", "lee@example.com"]}"#;
    let request = ExportRequest::parse(body.as_bytes(), &owner, 14).unwrap();
    let asked = Asked {
        owner: owner.owner,
        retention_days: 90,
        now: NINE,
        export_id: "01a2260a9a05009f66343b3528a77775".to_owned(),
        trace_id: "55a157173e37de2594836012cdcf242e".to_owned(),
    };
    Export::new(request, asked)
}

fn told(export: &Export) -> String {
    let mut trace = Trace::new(&export.export_id);
    trace.tell_export(export);
    trace.events.sort_by_key(|event| event.at);
    trace.text()
}

#[test]
fn one_that_waits_was_asked_for_and_no_more() {
    let told = told(&export());
    assert_eq!(told.matches("export  ").count(), 1, "{told}");
    assert!(told.contains("install and event of app app"), "{told}");
}

#[test]
fn one_that_ended_tells_all_of_it_without_addresses() {
    let mut export = export();
    let kind = relay::activity::Kind::Event;
    let file = FinishedFile { name: "app_event.csv".into(), kind, rows: 7, bytes: 900, totals: Totals::default() };
    export.checkpoint.files = vec![file];
    export.checkpoint.kind = 2;
    (export.started_at, export.steps, export.lost_executions) = (Some(NINE + 1_500), 3, 1);
    export.complete_until = Some(NINE);
    export.finish(Status::Done, NINE + 60_000);
    let notice = |sent_at, refused: Option<&str>| NoticeState {
        claimed_at: NINE + 61_000,
        claimed_by: "event".into(),
        sent_at,
        refused: refused.map(str::to_owned),
    };
    export.set_notice("kim@example.com", notice(Some(NINE + 61_400), None));
    export.set_notice("lee@example.com", notice(None, Some("550 <lee@example.com> no such user")));
    export.webhook = Some(Delivery { status: DeliveryStatus::Failed, attempts: 9, last: "HTTP 500".into() });
    export.link_expires_at = Some(NINE + 3_660_000);
    let told = told(&export);
    assert!(!told.contains("@example.com"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn one_that_failed_says_why_and_one_that_runs_how_far() {
    let mut failed = export();
    failed.fail("interrupted", "The export was interrupted. Ask kim@example.com.", NINE + 5_000);
    let failed = told(&failed);
    assert!(failed.contains("failed, interrupted: The export was interrupted. Ask <address>"), "{failed}");
    let mut running = export();
    (running.status, running.started_at, running.steps, running.idle_steps) = (Status::Running, Some(NINE), 4, 2);
    running.checkpoint.parts = 5;
    let running = told(&running);
    assert!(running.contains("behind 5 parts; the last 2 steps moved nothing"), "{running}");
}
