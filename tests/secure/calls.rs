//! The calls that the proxy saw beside the policies of the template.

use std::collections::BTreeSet;

use local::fault_proxy::Seen;
use relay_tests::stage::Stage;
use serde_json::Value;

use crate::grants::{LAMBDA, actions, statements};
use crate::template::{Template, list, name};
use crate::tree;

/// What a key of one's own and tracing ask for. Both are options, and off here; `keys.rs` and `permissions.rs` of tests/infrastructure hold them.
const OPTIONAL: [&str; 2] = ["kms:", "xray:"];

/// What a function may call and was not seen to call here: function, statement, action or partition, and where it is driven.
const UNSEEN: [(&str, &str, &str, &str); 15] = [
    (
        "BatchWriter",
        "GiveUp",
        "s3:PutObject",
        "Lambda itself writes what it gave up, with the function's role: tests/stack_watch.rs",
    ),
    ("ExportWorker", "Tails", "s3:PutObject", "a step that runs out of time leaves a tail: tests/exports/kills.rs"),
    ("ExportWorker", "Tails", "s3:GetObject", "the next step reads it: tests/exports/kills.rs"),
    ("ExportWorker", "ExportFiles", "s3:GetObject", "a file is looked for where its upload is gone: tests/kills.rs"),
    ("ExportWorker", "ExportFiles", "s3:AbortMultipartUpload", "a step starts over: tests/kills.rs"),
    (
        "ExportWorker",
        "ExportFileMissing",
        "s3:ListBucket",
        "a file is looked for where its upload is gone: tests/kills.rs",
    ),
    (
        "ExportDispatcher",
        "FollowExport",
        "states:StopExecution",
        "export-api stops what it has cancelled before a tick sees it: functions/export/tests/dispatch.rs",
    ),
    ("ExportApi", "WriteControl", "walk", "where the stream is behind: crates/relay/src/backlog/drained/tests.rs"),
    ("ExportWorker", "WriteControl", "walk", "where the stream is behind: functions/export/tests/worker.rs"),
    (
        "ExportDispatcher",
        "ReadControl",
        "schedule#*",
        "a run is due within the hour: functions/export/tests/schedules.rs",
    ),
    ("ExportDispatcher", "ReadControl", "seat#*", "a run takes a seat: functions/export/tests/schedules.rs"),
    ("ExportDispatcher", "WriteControl", "schedule#*", "a run is counted: functions/export/tests/schedules.rs"),
    ("ExportDispatcher", "WriteControl", "queue", "a run is queued: functions/export/tests/schedules.rs"),
    ("ExportDispatcher", "WriteControl", "seat#*", "a run takes a seat: functions/export/tests/schedules.rs"),
    ("Notify", "ReadControl", "schedule#*", "the mail of a run: functions/notify/tests/notify.rs"),
];

/// A statement of a role.
#[derive(Debug)]
struct Grant {
    sid: String,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Patterns of partitions; empty where it names none.
    partitions: Vec<String>,
}

impl Grant {
    fn covers(&self, action: &str, seen: &Seen, stage: &Stage) -> bool {
        self.actions.iter().any(|allowed| allowed == action)
            && self.resources.iter().any(|resource| is_of(resource, action, seen, stage))
            && (self.partitions.is_empty() || self.partitions.contains(&seen.partition))
    }
}

/// Whether a policy's resource is the one that was called; where the call names none, it is.
fn is_of(resource: &str, action: &str, seen: &Seen, stage: &Stage) -> bool {
    let called = match action {
        "s3:ListBucket" | "s3:ListBucketMultipartUploads" => seen.resource.split('/').next().unwrap_or_default(),
        _ => &seen.resource,
    };
    let physical = |logical: &str| stage.resource(logical).rsplit('/').next().unwrap_or_default().to_owned();
    if called.is_empty() || (resource.contains(":execution:") && called.contains(":execution:")) {
        return true;
    }
    if resource.ends_with(":identity/*") {
        return called.contains(stage.fact("mail_from"));
    }
    match resource.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")) {
        Some((bucket, "/*")) => called.starts_with(&format!("{}/", physical(bucket))),
        Some((bucket, folder)) => called == format!("{}{folder}", physical(bucket)),
        None if resource.contains(':') => false,
        None => called == physical(resource.trim_end_matches(".Arn")),
    }
}

/// What a function's role allows.
fn grants(template: &Template, function: &str) -> Vec<Grant> {
    let names = |value: &Value| -> Vec<String> {
        if value.is_null() { Vec::new() } else { list(value).into_iter().map(|it| name(it).to_owned()).collect() }
    };
    let grant = |statement: &Value| Grant {
        sid: statement["Sid"].as_str().expect("a statement has a name").to_owned(),
        actions: names(&statement["Action"]),
        resources: names(&statement["Resource"]),
        partitions: names(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]),
    };
    let is_on = |grant: &Grant| !grant.actions.iter().any(|action| OPTIONAL.iter().any(|it| action.starts_with(it)));
    statements(template, &format!("{function}Role")).into_iter().map(grant).filter(is_on).collect()
}

/// Calls that were seen and that no policy allows.
pub(crate) fn beyond(stage: &Stage) -> Vec<String> {
    let template = Template::load();
    let mut beyond = Vec::new();
    for (function, _) in LAMBDA {
        let grants = grants(&template, function);
        let seen = stage.proxy.seen(&format!("{function}Function"));
        assert!(!seen.is_empty(), "{function} was seen to call nothing");
        for call in &seen {
            let is_allowed = |action: &&str| grants.iter().any(|grant| grant.covers(action, call, stage));
            let denied = actions(&call.operation).into_iter().find(|action| !is_allowed(action));
            beyond.extend(denied.map(|action| format!("{function}: {action} is allowed by no statement: {call:?}")));
        }
    }
    beyond
}

/// What policies allow that neither was seen, nor is Lambda's own, nor is argued; and arguments for what no policy has.
pub(crate) fn unseen(stage: &Stage) -> Vec<String> {
    let template = Template::load();
    let mut argued = BTreeSet::from(UNSEEN.map(|(function, sid, subject, _)| (function, sid, subject)));
    let mut unseen = Vec::new();
    for (function, of_lambda) in LAMBDA {
        let seen = stage.proxy.seen(&format!("{function}Function"));
        for grant in grants(&template, function) {
            let sid = grant.sid.as_str();
            let covered: Vec<(&str, &Seen)> = seen
                .iter()
                .flat_map(|call| actions(&call.operation).into_iter().map(move |action| (action, call)))
                .filter(|(action, call)| grant.covers(action, call, stage))
                .collect();
            let is_lambdas = |action: &str| action.starts_with("logs:") || of_lambda.contains(&action);
            let called = |action: &String| is_lambdas(action) || covered.iter().any(|(seen, _)| seen == action);
            let reached = |partition: &String| covered.iter().any(|(_, call)| call.partition == *partition);
            let missing = grant.actions.iter().filter(|action| !called(action));
            for subject in missing.chain(grant.partitions.iter().filter(|partition| !reached(partition))) {
                if !UNSEEN.iter().any(|(of, statement, what, _)| (*of, *statement, *what) == (function, sid, subject)) {
                    unseen.push(format!("{function}: {sid} allows {subject}, which was never seen"));
                }
            }
            let has = |subject: &str| grant.actions.iter().chain(&grant.partitions).any(|allowed| allowed == subject);
            argued.retain(|(of, statement, subject)| (*of, *statement) != (function, sid) || !has(subject));
        }
    }
    for (.., reason) in UNSEEN {
        // There is such a test.
        tree::read(reason.rsplit(": ").next().unwrap_or_default());
    }
    unseen.extend(argued.into_iter().map(|known| format!("argued, and no policy has it: {known:?}")));
    unseen
}
