use std::collections::BTreeMap;

use relay::port::{ExecutionState, Sight};
use relay_aws::cloudformation::Deployed;
use relay_aws::kinesis::StreamState;
use relay_aws::lambda::{FunctionState, MappingState};
use relay_aws::sesv2::{Identity, Sending};
use relay_aws::sqs::Depth;

use super::*;
use crate::doctor::facts::{Count, Driver, Due, Flow, Held, Line, Mail, Marked, Queue, Stored};
use crate::doctor::report::Report;

const NOW: i64 = 1_795_942_800_000;
const MINUTE: i64 = 60_000;

fn queue(waiting: u64, oldest: Option<f64>) -> Queue {
    Queue { depth: Ok(Depth { waiting, taken: 0 }), oldest: Ok(oldest) }
}

#[expect(clippy::unnecessary_wraps, reason = "as a look brings it")]
fn function(state: &str, reserved: Option<u32>) -> Looked<FunctionState> {
    Ok(FunctionState { state: state.to_owned(), reason: None, reserved })
}

#[expect(clippy::unnecessary_wraps, reason = "as a look brings it")]
fn mapping(state: &str) -> Looked<MappingState> {
    Ok(MappingState { state: state.to_owned(), last_result: Some("OK".to_owned()) })
}

#[expect(clippy::unnecessary_wraps, reason = "as a look brings it")]
fn identity(verified: bool, dkim: &str) -> Looked<Option<Identity>> {
    Ok(Some(Identity { verified, dkim: dkim.to_owned(), mail_from: None }))
}

fn alarm(id: &str, state: &str) -> Alarm {
    let reason = "Threshold Crossed: 1 datapoint [7.0] was greater than or equal to the threshold (1.0).";
    Alarm { name: format!("relay-prod-{id}-1ABC2"), state: state.to_owned(), reason: reason.to_owned() }
}

fn flow() -> Flow {
    let stream = StreamState { status: "ACTIVE".into(), shards: 4, kept_hours: 168, mode: "ON_DEMAND".into() };
    Flow {
        stream: Ok(stream),
        undrained: Ok(vec![("shard-0".into(), Ok(Sight::Nothing)), ("shard-1".into(), Ok(Sight::Nothing))]),
        mappings: vec![(Driver::Stream, mapping("Enabled")), (Driver::Spill, mapping("Enabled"))],
        functions: vec![("ingest", function("Active", None)), ("notify", function("Active", Some(5)))],
        concurrency: Ok(1_000),
        throttled: vec![("stream", Ok(None)), ("ingest", Ok(Some(0.0)))],
        spill: queue(0, None),
    }
}

/// A stack with which all is well.
fn well() -> Facts {
    let parameters = BTreeMap::from([("MaxConcurrentExports".to_owned(), "2".to_owned())]);
    let stack = Deployed { status: "UPDATE_COMPLETE".into(), parameters, ..Deployed::default() };
    let none = || Ok(Count::default());
    Facts {
        now: NOW,
        name: "relay-prod".into(),
        is_local: false,
        stack: Ok(Some(stack)),
        clock_ahead: Ok(-400),
        alarms: Ok(vec![alarm("WriterBehindAlarm", "OK"), alarm("SpillInUseAlarm", "INSUFFICIENT_DATA")]),
        flow: flow(),
        stored: Stored {
            pages: Ok(()),
            failed: none(),
            quarantine: none(),
            notify_letters: queue(0, None),
            dispatcher_letters: queue(0, None),
            orphans: none(),
        },
        exports: Ok(Line::default()),
        agenda: Ok(Due::default()),
        erasures: Ok(Due::default()),
        mail: Mail {
            from: Some("exports@example.com".into()),
            account: Ok(Sending {
                production: true,
                enabled: true,
                reputation: "HEALTHY".into(),
                quota: 50_000.0,
                sent: 120.0,
            }),
            address: Ok(None),
            domain: identity(true, "SUCCESS"),
            marked: Ok(Marked::default()),
        },
    }
}

fn report(facts: &Facts) -> Report {
    Report::new(&facts.name, facts.now, judge(facts))
}

fn denied(service: &'static str) -> Fault {
    Fault::new(FaultKind::Denied, service, "AccessDeniedException (400): User: … is not authorized to perform this")
}

#[test]
fn a_stack_with_which_all_is_well() {
    let report = report(&well());
    assert!(report.is_well());
    insta::assert_snapshot!(report.text());
}

#[test]
fn everything_at_once_is_wrong_and_each_says_what_to_do() {
    let mut facts = well();
    facts.stack.as_mut().unwrap().as_mut().unwrap().status = "UPDATE_ROLLBACK_FAILED".into();
    facts.clock_ahead = Ok(6 * MINUTE);
    facts.alarms = Ok(vec![alarm("WriterBehindAlarm", "ALARM"), alarm("SpillInUseAlarm", "OK")]);
    facts.flow.undrained = Ok(vec![
        ("shard-0".into(), Ok(Sight::Record(NOW - 11 * MINUTE))),
        ("shard-1".into(), Ok(Sight::NothingBefore(NOW - 9 * MINUTE))),
    ]);
    facts.flow.mappings = vec![(Driver::Stream, mapping("Disabled")), (Driver::Spill, mapping("Disabled"))];
    facts.flow.functions = vec![("ingest", function("Failed", None)), ("batch-writer", function("Active", Some(0)))];
    facts.flow.concurrency = Ok(10);
    facts.flow.throttled = vec![("table pages", Ok(Some(12.0)))];
    facts.flow.spill = queue(3, Some(7_300.0));
    facts.stored.failed = Ok(Count { objects: 2, bytes: 900, is_at_least: false });
    facts.stored.quarantine = Ok(Count { objects: 20_000, bytes: 5_000_000, is_at_least: true });
    facts.stored.notify_letters = queue(1, Some(90.0));
    facts.stored.dispatcher_letters = queue(4, None);
    facts.stored.orphans = Ok(Count { objects: 1, bytes: 0, is_at_least: false });
    facts.exports = Ok(Line { held: vec![held(ExecutionState::Failed, true)], ..Line::default() });
    facts.agenda = Ok(Due { entries: 100, oldest: Some(NOW - 20 * MINUTE), is_at_least: true });
    facts.erasures = Ok(Due { entries: 1, oldest: Some(NOW - 180 * MINUTE), is_at_least: false });
    facts.mail.domain = identity(false, "PENDING");
    facts.mail.account =
        Ok(Sending { production: false, enabled: false, reputation: "SHUTDOWN".into(), quota: 200.0, sent: 200.0 });
    facts.mail.marked = Ok(Marked { by_owner: vec![("demo".into(), 2)], is_at_least: false });
    let report = report(&facts);
    assert!(!report.is_well());
    insta::assert_snapshot!(report.text());
    for finding in judge(&facts) {
        finding.runbook.iter().for_each(|entry| stands_in_the_runbook(entry));
    }
}

/// `docs/runbook.md, WriterBehindAlarm`: an alarm of the template with an entry, or a chapter.
fn stands_in_the_runbook(entry: &str) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let (file, name) = entry.split_once(", ").unwrap();
    if name.ends_with("Alarm") {
        assert!(read("template.yaml").contains(&format!("\n  {name}:\n")), "{name} is no alarm of the template");
        let runbook = read(file);
        assert!(runbook.contains(name), "{name} has no entry in the runbook");
    } else {
        let heading =
            |line: &str| line.trim_start_matches('#').strip_prefix(' ') == Some(name) && line.starts_with("##");
        assert!(read(file).lines().any(heading), "{file} has no chapter {name}");
    }
}

fn held(execution: ExecutionState, is_open: bool) -> Held {
    Held { owner: "demo".into(), export_id: "01a2260a9a05".into(), since: NOW - 6 * MINUTE, is_open, execution }
}

#[test]
fn what_is_denied_says_which_permission_and_stops_nothing_else() {
    let mut facts = well();
    facts.alarms = Err(denied("cloudwatch:DescribeAlarms"));
    facts.stored.failed = Err(denied("s3:ListObjectsV2"));
    facts.mail.domain = Err(denied("ses:GetEmailIdentity"));
    facts.flow.throttled = vec![("stream", Err(denied("cloudwatch:GetMetricStatistics"))), ("ingest", Ok(None))];
    facts.flow.undrained = Err(Fault::new(FaultKind::TimedOut, "kinesis:GetRecords", "not answered within 30 s"));
    let report = report(&facts);
    assert!(!report.is_well(), "what was not seen is not called well");
    let text = report.text();
    for permission in ["cloudwatch:DescribeAlarms", "s3:ListBucket", "ses:GetEmailIdentity"] {
        assert!(text.contains(&format!("these credentials lack {permission}")), "{text}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_part_that_is_not_there_is_no_missing_permission() {
    let mut facts = well();
    let gone = Fault::new(FaultKind::Denied, "dynamodb:Query", "ResourceNotFoundException (400): no such table");
    facts.stored.pages = Err(gone);
    let findings = judge(&facts);
    let pages = findings.iter().find(|finding| finding.part == "table pages").unwrap();
    assert_eq!(pages.level, Level::Wrong);
}

fn exports(line: Line) -> Finding {
    let facts = Facts { exports: Ok(line), ..well() };
    let findings = exports::judge(&facts);
    findings.into_iter().next().unwrap()
}

#[test]
fn exports_wait_rightly_behind_taken_slots_and_wrongly_before_free_ones() {
    let line = |age: i64, held: Vec<Held>| Line { waiting: 3, oldest: Some(NOW - age), is_at_least: false, held };
    let running = || held(ExecutionState::Running, true);
    assert_eq!(exports(line(MINUTE, vec![])).level, Level::Ok, "the dispatcher comes each minute");
    assert_eq!(exports(line(6 * MINUTE, vec![running()])).level, Level::Wrong, "one of two slots is free");
    assert_eq!(exports(line(6 * MINUTE, vec![running(), running()])).level, Level::Ok);
    assert_eq!(exports(line(300 * MINUTE, vec![running(), running()])).level, Level::Warn);
}

#[test]
fn a_slot_is_stuck_where_nobody_works_for_it() {
    let found = |execution, is_open| {
        let facts = Line { held: vec![held(execution, is_open)], ..Line::default() };
        exports(facts).found
    };
    assert!(found(ExecutionState::Unknown, true).contains("no execution"));
    assert!(found(ExecutionState::Succeeded, true).contains("its execution ended"));
    assert!(found(ExecutionState::Running, false).contains("holds its slot"));
    assert!(found(ExecutionState::Running, true).contains("1 of 2 slots"));
    let young = Held { since: NOW - MINUTE, ..held(ExecutionState::Unknown, true) };
    assert_eq!(exports(Line { held: vec![young], ..Line::default() }).level, Level::Ok);
}

#[test]
fn on_one_machine_nothing_of_awss_drives_the_stream_and_any_sender_will_do() {
    let mut facts = Facts { is_local: true, ..well() };
    facts.flow.mappings = vec![(Driver::Spill, mapping("Disabled"))];
    facts.mail.domain = Ok(None);
    let findings = judge(&facts);
    let level = |part: &str| findings.iter().find(|finding| finding.part == part).map(|finding| finding.level);
    assert_eq!(level("mapping of the stream"), Some(Level::Ok));
    assert_eq!(level("mapping of the spill queue"), Some(Level::Wrong));
    assert_eq!(level("mail sender"), Some(Level::Ok));
    facts.is_local = false;
    assert_eq!(judge(&facts).iter().find(|finding| finding.part == "mail sender").unwrap().level, Level::Wrong);
}

#[test]
fn a_clock_is_judged_by_what_aws_takes() {
    assert_eq!([0, 59_000, -59_000].map(|ahead| clock(ahead).level), [Level::Ok; 3]);
    assert_eq!([60_000, -299_999].map(|ahead| clock(ahead).level), [Level::Warn; 2]);
    let wrong = clock(-300_000);
    assert_eq!((wrong.level, wrong.found.contains("300 s ahead of AWS")), (Level::Wrong, true));
}

#[test]
fn an_alarm_leads_to_its_entry_by_its_logical_id() {
    for name in ["relay-prod-ExportFailedAlarm-1ABC2", "relay-prod-ExportFailedAlarm"] {
        let alarm = Alarm { name: name.into(), state: "ALARM".into(), reason: String::new() };
        let finding = ring(logical_id("relay-prod", &alarm).unwrap(), &alarm);
        assert_eq!(finding.part, "alarm ExportFailedAlarm");
        assert_eq!(finding.runbook.as_deref(), Some("docs/runbook.md, ExportFailedAlarm"));
        assert_eq!(logical_id("relay", &alarm), None, "of the stack relay-prod, not of relay");
    }
}

#[test]
fn spans_are_for_people() {
    let spans = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
    assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
}
