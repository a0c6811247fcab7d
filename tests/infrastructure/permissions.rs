//! What each function may do = what its code calls, less an argued list; and no wildcard that is not argued, too.

use std::collections::BTreeSet;

use serde_json::Value;

use super::functions::{FUNCTIONS, Function};
use super::grants::{LAMBDA, actions, statements};
use super::template::{Template, list, name};
use super::tree;

/// Statement, resource and why it cannot be narrower.
const WILDCARDS: [(&str, &str, &str); 13] = [
    (
        "Mail",
        "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*",
        "in the sandbox SES asks for the recipient's identity too; the sender is held by ses:FromAddress",
    ),
    ("Quarantine", "${QuarantineBucket.Arn}/quarantine/*", "keys are made from what arrives"),
    ("GiveUp", "${FailedBucket.Arn}/*", "keys are made by Lambda, in a bucket for nothing else"),
    ("ExportFiles", "${ExportBucket.Arn}/exports/*", "keys are made from owner and export"),
    ("DeleteFiles", "${ExportBucket.Arn}/exports/*", "keys are made from owner and export"),
    ("Tails", "${ExportBucket.Arn}/tails/*", "keys are made from owner and export"),
    ("AbortUploads", "${ExportBucket.Arn}/exports/*", "keys are made from owner and export"),
    ("RemoveTails", "${ExportBucket.Arn}/tails/*", "keys are made from owner and export"),
    ("RemoveFiles", "${ExportBucket.Arn}/exports/*", "keys are made from owner and export"),
    ("ReadExports", "${ExportBucket.Arn}/exports/*", "keys are made from owner and export"),
    (
        "FollowExport",
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${AWS::StackName}-export:*",
        "executions are named by export",
    ),
    ("Trace", "*", "X-Ray names no resource (X-Ray developer guide, \"How AWS X-Ray works with IAM\")"),
    (
        "DeliverLogs",
        "*",
        "log delivery names no resource (Step Functions developer guide, \"Logging using CloudWatch Logs\")",
    ),
];

/// Calls of a function's adapters that this function never makes: it does not get them.
const NOT_CALLED: [(&str, &[&str]); 6] = [
    ("Ingest", &["dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"]),
    ("BatchWriter", &["dynamodb:DeleteItem", "dynamodb:UpdateItem"]),
    // Links are signed by a session of the link role, which alone may read files.
    ("ExportApi", &["dynamodb:BatchWriteItem", "dynamodb:UpdateItem", "s3:GetObject"]),
    // One binary, two functions: the worker writes files, the dispatcher runs the machine.
    (
        "ExportWorker",
        &[
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:UpdateItem",
            // It aborts what it has begun itself; what others left the dispatcher takes away.
            "s3:DeleteObject",
            "s3:ListBucketMultipartUploads",
            "states:StartExecution",
            "states:DescribeExecution",
            "states:StopExecution",
        ],
    ),
    (
        "ExportDispatcher",
        &[
            "dynamodb:BatchWriteItem",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
            "sqs:GetQueueAttributes",
        ],
    ),
    ("Notify", &["dynamodb:Query", "dynamodb:DeleteItem", "s3:GetObject"]),
];

/// What whoever is traced sends, where tracing is asked for. Functions that answer requests never are.
fn tracing(function: &Function) -> &'static [&'static str] {
    const TRACING: [&str; 4] =
        ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"];
    if matches!(function.id, "Ingest" | "ExportApi") { &[] } else { &TRACING }
}

/// What a role may do; the use of a key of one's own is `keys.rs`'s matter.
fn allowed<'a>(template: &'a Template, role: &str) -> BTreeSet<&'a str> {
    let actions = statements(template, role).into_iter().flat_map(|statement| list(&statement["Action"])).map(name);
    actions.filter(|action| !action.starts_with("kms:")).collect()
}

fn entry(table: &[(&str, &'static [&'static str]); 6], function: &Function) -> BTreeSet<&'static str> {
    let found = table.iter().find(|(id, _)| *id == function.id);
    found.unwrap_or_else(|| panic!("{} in the table", function.id)).1.iter().copied().collect()
}

/// The calls that the adapters of a function's binary make: `relay-aws` names each in a constant, `"dynamodb:GetItem"`.
fn calls(function: &Function) -> BTreeSet<String> {
    let main = tree::read(format!("functions/{}/{}", function.package, function.main));
    let words = main.split(|c: char| !c.is_alphanumeric());
    let adapters: BTreeSet<&str> = words.filter(|word| word.starts_with("Aws") && word.len() > 3).collect();
    assert!(!adapters.is_empty(), "{}: no adapter in {}", function.id, function.main);
    adapters.iter().flat_map(|adapter| calls_of(adapter)).collect()
}

fn calls_of(adapter: &str) -> Vec<String> {
    let sources = tree::files_ending("crates/relay-aws/src", ".rs").into_iter().map(tree::read);
    let declaration = format!("pub struct {adapter} {{");
    let source = sources.into_iter().find(|text| text.contains(&declaration));
    let source = source.unwrap_or_else(|| panic!("{adapter} in relay-aws"));
    let own = source.split("#[cfg(test)]").next().unwrap_or_default();
    let quoted = own.split('"').skip(1).step_by(2).filter(|text| is_call(text));
    let calls: Vec<String> = quoted.map(str::to_owned).collect();
    assert!(!calls.is_empty(), "{adapter} names its calls");
    calls
}

fn is_call(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, call)| {
        service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && call.starts_with(|c: char| c.is_ascii_uppercase())
    })
}

#[test]
fn each_function_has_a_role_and_a_policy_of_its_own() {
    let template = Template::load();
    for function in &FUNCTIONS {
        let role = format!("{}Role", function.id);
        assert_eq!(name(function.property(&template, "/Role")), format!("{role}.Arn"));
        assert!(function.property(&template, "/Policies").is_null(), "{role}: all in the role");
        assert!(
            template.property(&role, "/ManagedPolicyArns").is_null(),
            "{role}: AWS's policies are wider than needed"
        );
        assert_eq!(list(template.property(&role, "/Policies")).len(), 1, "{role}");
        let trust = template.property(&role, "/AssumeRolePolicyDocument/Statement/0/Principal/Service");
        assert_eq!(trust, "lambda.amazonaws.com", "{role}");
        let log = statements(&template, &role).into_iter().find(|statement| statement["Sid"] == "Log");
        assert_eq!(name(&log.expect("a log statement")["Resource"]), format!("{}LogGroup.Arn", function.id));
    }
}

#[test]
fn a_function_may_do_what_its_code_calls_and_nothing_else() {
    let template = Template::load();
    for function in &FUNCTIONS {
        let calls = calls(function);
        let needed: BTreeSet<&str> = calls.iter().flat_map(|call| actions(call)).collect();
        let spared = entry(&NOT_CALLED, function);
        assert!(spared.is_subset(&needed), "{}: {spared:?} spares nothing of {needed:?}", function.id);
        let logs = ["logs:CreateLogStream", "logs:PutLogEvents"];
        let lambda = entry(&LAMBDA, function);
        let tracing = tracing(function).iter().copied();
        let expected: BTreeSet<&str> =
            needed.difference(&spared).copied().chain(lambda).chain(logs).chain(tracing).collect();
        assert_eq!(allowed(&template, &format!("{}Role", function.id)), expected, "{}", function.id);
    }
}

#[test]
fn no_wildcard_is_unargued() {
    let template = Template::load();
    let mut argued: BTreeSet<(&str, &str)> = WILDCARDS.iter().map(|(sid, resource, _)| (*sid, *resource)).collect();
    let roles = template.of_type("AWS::IAM::Role");
    for (role, _) in &roles {
        for statement in statements(&template, role) {
            assert_eq!(statement["Effect"], "Allow", "{role}");
            for action in list(&statement["Action"]).into_iter().map(name) {
                assert!(!action.contains('*'), "{role}: {action}");
            }
            for resource in list(&statement["Resource"]).into_iter().map(name).filter(|text| text.contains('*')) {
                let sid = statement["Sid"].as_str().expect("a statement has a name");
                let known = WILDCARDS.iter().any(|(known, wildcard, _)| (*known, *wildcard) == (sid, resource));
                assert!(known, "{role}, {sid}: {resource}");
                argued.remove(&(sid, resource));
            }
        }
    }
    assert!(argued.is_empty(), "argued but not there: {argued:?}");
}

#[test]
fn only_denials_are_for_everybody() {
    let template = Template::load();
    let policies = ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"];
    for (resource, properties) in policies.iter().flat_map(|kind| template.of_type(kind)) {
        for statement in list(&properties["PolicyDocument"]["Statement"]) {
            let everybody = statement["Principal"] == "*";
            assert_eq!(everybody, statement["Effect"] == "Deny", "{resource}: {statement}");
            assert!(!statement["Condition"].is_null(), "{resource}: {statement}");
        }
    }
}

#[test]
fn links_are_signed_by_a_role_that_can_do_nothing_else() {
    let template = Template::load();
    let trust = template.property("LinkRole", "/AssumeRolePolicyDocument/Statement");
    assert_eq!(list(trust).len(), 1);
    let principals: Vec<&str> = list(&trust[0]["Principal"]["AWS"]).into_iter().map(name).collect();
    assert_eq!(principals, ["ExportApiRole.Arn", "NotifyRole.Arn"]);
    assert_eq!(template.property("LinkRole", "/MaxSessionDuration"), 3600);
    assert_eq!(allowed(&template, "LinkRole"), BTreeSet::from(["s3:GetObject"]));
    let assume = template.property("AssumeLinkRolePolicy", "/PolicyDocument/Statement/0/Resource");
    assert_eq!(name(assume), "LinkRole.Arn");
}

#[test]
fn mails_have_one_sender() {
    let template = Template::load();
    for role in ["ExportApiRole", "NotifyRole"] {
        let mail = statements(&template, role).into_iter().find(|statement| statement["Action"] == "ses:SendEmail");
        let sender = &mail.expect("a mail statement")["Condition"]["StringEquals"]["ses:FromAddress"];
        assert_eq!(name(sender), "MailFrom", "{role}");
    }
}

/// The way back of a bounce: the set that every mail names, its events, the bus, the rule that asks for this set's events alone.
#[test]
fn bounces_and_complaints_come_back() {
    let template = Template::load();
    for function in ["ExportApiFunction", "NotifyFunction"] {
        let set = template.property(function, "/Environment/Variables/MAIL_CONFIGURATION_SET");
        assert_eq!(name(set), "MailConfigurationSet", "{function}");
    }
    let events = |pointer: &str| template.property("MailEvents", pointer);
    assert_eq!(name(events("/ConfigurationSetName")), "MailConfigurationSet");
    assert_eq!(*events("/EventDestination/Enabled"), true);
    assert_eq!(*events("/EventDestination/MatchingEventTypes"), serde_json::json!(["bounce", "complaint"]));
    let bus = name(events("/EventDestination/EventBridgeDestination/EventBusArn"));
    assert!(bus.ends_with(":event-bus/default"), "{bus}");
    let rule = |pointer: &str| {
        template.property("NotifyFunction", &format!("/Events/MailUndelivered/Properties/Pattern/{pointer}"))
    };
    assert_eq!(*rule("source"), serde_json::json!(["aws.ses"]));
    assert_eq!(*rule("detail-type"), serde_json::json!(["Email Bounced", "Email Complaint Received"]));
    assert_eq!(name(rule("detail/mail/tags/ses:configuration-set/0")), "MailConfigurationSet");
}

#[test]
fn only_the_dispatcher_changes_pages_and_only_the_writer_makes_them() {
    let template = Template::load();
    for function in &FUNCTIONS {
        let role = format!("{}Role", function.id);
        let of_pages =
            |statement: &&Value| list(&statement["Resource"]).into_iter().map(name).any(|it| it == "PagesTable.Arn");
        let statements = statements(&template, &role).into_iter().filter(of_pages);
        let actions: BTreeSet<&str> = statements.flat_map(|statement| list(&statement["Action"])).map(name).collect();
        let expected: &[&str] = match function.id {
            "BatchWriter" => &["dynamodb:BatchWriteItem"],
            "ExportApi" | "ExportWorker" => &["dynamodb:Query"],
            "ExportDispatcher" => &["dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            _ => &[],
        };
        assert_eq!(actions, expected.iter().copied().collect(), "{role}");
    }
}
