//! Nothing acknowledged is lost: stream, mapping, tables, buckets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::keys;
use super::template::{Template, list, name, number};
use super::tree;

const HOUR: u64 = 3600;

#[test]
fn the_stream_keeps_a_week_encrypted() {
    let template = Template::load();
    let stream = |pointer: &str| template.property("ActivityStream", pointer);
    assert_eq!(stream("/RetentionPeriodHours"), 168);
    assert_eq!(stream("/StreamEncryption/EncryptionType"), "KMS");
    assert_eq!(name(stream("/StreamModeDetails/StreamMode")), "StreamMode");
    assert_eq!(stream("/ShardCount/Fn::If/0"), "ProvisionedStream");
    assert_eq!(name(stream("/ShardCount/Fn::If/1")), "StreamShards");
}

#[test]
fn the_mapping_gives_nothing_up_before_six_days_and_then_to_s3() {
    let template = Template::load();
    let mapping = template.property("BatchWriterFunction", "/Events/Stream");
    assert_eq!(mapping["Type"], "Kinesis");
    let mapping = &mapping["Properties"];
    assert_eq!(name(&mapping["Stream"]), "ActivityStream.Arn");
    assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(mapping["FunctionResponseTypes"], serde_json::json!(["ReportBatchItemFailures"]));
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    assert_eq!(mapping["MaximumRetryAttempts"], -1);
    let age = mapping["MaximumRecordAgeInSeconds"].as_u64().expect("an age");
    let kept = template.property("ActivityStream", "/RetentionPeriodHours").as_u64().expect("hours") * HOUR;
    assert!(age + 24 * HOUR <= kept, "a day is left between giving up and the stream's own end");
    assert_eq!(mapping["DestinationConfig"]["OnFailure"]["Type"], "S3");
    assert_eq!(name(&mapping["DestinationConfig"]["OnFailure"]["Destination"]), "FailedBucket.Arn");
    assert_eq!(name(&mapping["BatchSize"]), "BatchSize");
    assert_eq!(name(&mapping["MaximumBatchingWindowInSeconds"]), "BatchWindowSeconds");
    assert_eq!(name(&mapping["ParallelizationFactor"]), "ParallelizationFactor");
    assert_eq!(template.at("/Parameters/ParallelizationFactor/MaxValue"), 1, "a shard has one watermark (ADR 0005)");
    assert!(mapping["Enabled"].is_null() && mapping["FilterCriteria"].is_null(), "all records, at once");
}

#[test]
fn readers_are_deployed_before_writers() {
    let template = Template::load();
    // Whoever has an alias is deployed when all its calls have moved to the new version.
    let deployed_last = |function: &str| {
        let alias = template.property(function, "/AutoPublishAlias").as_str();
        alias.map_or_else(|| function.to_owned(), |alias| format!("{function}Alias{alias}"))
    };
    let writer_needs = ["ExportWorkerFunction", "ExportDispatcherFunction", "ExportApiFunction"];
    for (writer, readers) in [("IngestFunction", &["BatchWriterFunction"][..]), ("BatchWriterFunction", &writer_needs)]
    {
        let awaited: Vec<&str> =
            list(template.at(&format!("/Resources/{writer}/DependsOn"))).into_iter().map(name).collect();
        let expected: Vec<String> = readers.iter().map(|reader| deployed_last(reader)).collect();
        assert_eq!(awaited, expected, "{writer} waits for who reads what it writes");
        for reader in readers {
            assert!(!needed_by(&template, reader).contains(writer), "a circle: {reader} needs {writer}");
        }
    }
}

/// Every resource that this one names, and those that they name. Events do not count: what they name comes after the function.
fn needed_by(template: &Template, resource: &str) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut open = vec![resource.to_owned()];
    while let Some(resource) = open.pop() {
        let mut definition = template.at(&format!("/Resources/{resource}")).clone();
        if let Some(properties) = definition["Properties"].as_object_mut() {
            properties.remove("Events");
        }
        let text = definition.to_string();
        for (other, _) in template.section("Resources") {
            let names = [format!("\"{other}\""), format!("\"{other}."), format!("${{{other}")];
            if names.iter().any(|name| text.contains(name)) && needed.insert(other.to_owned()) {
                open.push(other.to_owned());
            }
        }
    }
    needed
}

#[test]
fn the_writer_has_time_for_several_calls_that_hang() {
    let seconds = template_seconds("BatchWriterFunction");
    let hanging = batch_writer::config::CALL_TIMEOUT * 4 + batch_writer::drain::MARGIN;
    assert!(hanging < std::time::Duration::from_secs(seconds), "{hanging:?}");
    assert!(batch_writer::config::ATTEMPT_TIMEOUT * 2 <= batch_writer::config::CALL_TIMEOUT);
}

fn template_seconds(function: &str) -> u64 {
    Template::load().property(function, "/Timeout").as_u64().expect("a time-out")
}

#[test]
fn what_the_stream_does_not_take_waits_as_long_as_a_queue_can_and_is_never_given_up() {
    let template = Template::load();
    let queue = |pointer: &str| template.property("SpillQueue", pointer);
    assert_eq!(queue("/MessageRetentionPeriod"), 14 * 24 * HOUR);
    assert!(queue("/RedrivePolicy").is_null(), "a count would give up acknowledged activities during an outage");
    // Lambda developer guide, "Configuring an Amazon SQS event source": at least six times the function's time.
    let timeout = number(template.property("BatchWriterFunction", "/Timeout"));
    assert!(number(queue("/VisibilityTimeout")) >= 6 * timeout);
    let mapping = template.property("BatchWriterFunction", "/Events/Spill");
    assert_eq!(mapping["Type"], "SQS");
    let mapping = &mapping["Properties"];
    assert_eq!(name(&mapping["Queue"]), "SpillQueue.Arn");
    assert_eq!(mapping["FunctionResponseTypes"], serde_json::json!(["ReportBatchItemFailures"]));
    // Lambda quotas: 6 MB a call; more than ten messages need a window.
    assert!(number(&mapping["BatchSize"]) * relay::spill::MAX_MESSAGE_BYTES as u64 <= 6_000_000);
    assert!(number(&mapping["MaximumBatchingWindowInSeconds"]) >= 1);
    assert!(mapping["Enabled"].is_null() && mapping["FilterCriteria"].is_null(), "all messages, at once");
}

#[test]
fn tables_survive_mistakes() {
    let template = Template::load();
    for table in ["PagesTable", "ControlTable"] {
        let property = |pointer: &str| template.property(table, pointer);
        assert_eq!(property("/BillingMode"), "PAY_PER_REQUEST", "{table}");
        assert_eq!(property("/KeySchema/0/AttributeName"), "pk", "{table}");
        assert_eq!(property("/KeySchema/0/KeyType"), "HASH", "{table}");
        assert_eq!(property("/KeySchema/1/AttributeName"), "sk", "{table}");
        assert_eq!(property("/KeySchema/1/KeyType"), "RANGE", "{table}");
        for attribute in list(property("/AttributeDefinitions")) {
            assert_eq!(attribute["AttributeType"], "S", "{table}");
        }
        assert_eq!(property("/TimeToLiveSpecification/AttributeName"), "expires_at", "{table}");
        assert_eq!(property("/TimeToLiveSpecification/Enabled"), true, "{table}");
        assert_eq!(recovery(&template, table)["PointInTimeRecoveryEnabled"], true, "{table}");
        assert_eq!(property("/SSESpecification/SSEEnabled"), true, "{table}");
        assert_eq!(property("/DeletionProtectionEnabled"), true, "{table}");
    }
}

/// A table's recovery to a point in time, as it is unless an operator asks for none.
pub(crate) fn recovery<'a>(template: &'a Template, table: &str) -> &'a Value {
    let asked = template.property(table, "/PointInTimeRecoverySpecification");
    let condition = &asked["Fn::If"];
    if condition.is_null() {
        return asked;
    }
    assert_eq!(condition[0], "BackUpPages");
    let enabled = serde_json::json!([{"Ref": "PagesBackup"}, "enabled"]);
    assert_eq!(*template.at("/Conditions/BackUpPages/Fn::Equals"), enabled);
    assert_eq!(template.at("/Parameters/PagesBackup/Default"), "enabled");
    &condition[1]
}

/// Only there: a file that its owner deletes must be gone, and nothing that runs may delete a rejected callback.
#[test]
fn the_only_copy_of_acknowledged_activities_has_earlier_versions() {
    let template = Template::load();
    for (bucket, properties) in template.of_type("AWS::S3::Bucket") {
        assert_eq!(properties["VersioningConfiguration"]["Status"] == "Enabled", bucket == "FailedBucket", "{bucket}");
    }
}

/// The kinds of resources that hold something, and what of them may go with the stack or for another of its name. Each has a reason.
const HOLDERS: [(&str, &[&str]); 6] = [
    ("AWS::Kinesis::Stream", &[]),
    ("AWS::DynamoDB::Table", &[]),
    // The page is in web/, too.
    ("AWS::S3::Bucket", &["SiteBucket"]),
    // Events about exports that table control knows; the next tick and `relayctl` find them there.
    ("AWS::SQS::Queue", &["NotifyDeadLetters", "DispatcherDeadLetters"]),
    // Whoever subscribed does so again.
    ("AWS::SNS::Topic", &["AlarmTopic"]),
    // A set of settings.
    ("AWS::SES::ConfigurationSet", &["MailConfigurationSet"]),
];

#[test]
fn what_holds_data_outlives_the_stack_and_its_own_replacement() {
    let template = Template::load();
    for (kind, goes) in HOLDERS {
        for (resource, _) in template.of_type(kind) {
            let kept = if goes.contains(&resource) { Value::Null } else { "Retain".into() };
            for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                assert_eq!(*template.at(&format!("/Resources/{resource}/{policy}")), kept, "{resource}: {policy}");
            }
        }
    }
    // A kind that nobody has thought of holds nothing that anybody would miss.
    let known = [
        "AWS::IAM::",
        "AWS::Lambda::",
        "AWS::Serverless::",
        "AWS::CloudWatch::",
        "AWS::CloudFront::",
        "AWS::ApiGatewayV2::",
        "AWS::Budgets::",
    ];
    let bound = [
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::Logs::",
    ];
    for (resource, definition) in template.section("Resources") {
        let kind = definition["Type"].as_str().expect("a type");
        let holds = HOLDERS.iter().any(|(holder, _)| *holder == kind);
        let empty = known.iter().chain(&bound).any(|prefix| kind.starts_with(prefix));
        assert!(holds || empty, "{resource}: does a {kind} hold data?");
    }
}

#[test]
fn buckets_are_private_encrypted_and_tidy() {
    let template = Template::load();
    let policies = template.of_type("AWS::S3::BucketPolicy");
    for (bucket, properties) in template.of_type("AWS::S3::Bucket") {
        let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let plain = if bucket == "SiteBucket" { encryption } else { keys::without(encryption) };
        assert_eq!(plain["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256", "{bucket}");
        assert_eq!(properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced", "{bucket}");
        let block = properties["PublicAccessBlockConfiguration"].as_object().expect("a public access block");
        assert_eq!(block.values().filter(|value| **value == Value::Bool(true)).count(), 4, "{bucket}");
        let rules = list(&properties["LifecycleConfiguration"]["Rules"]);
        let aborts = rules.iter().any(|rule| rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_u64());
        assert!(aborts, "{bucket}: uploads that were never completed cost for ever");
        let policy = policies.iter().find(|(_, policy)| name(&policy["Bucket"]) == bucket);
        let (_, policy) = policy.unwrap_or_else(|| panic!("{bucket}: a policy"));
        assert!(
            list(&policy["PolicyDocument"]["Statement"]).into_iter().any(|it| denies_plain_http(it, bucket)),
            "{bucket}"
        );
    }
}

fn denies_plain_http(statement: &Value, bucket: &str) -> bool {
    let resources: BTreeSet<&str> = list(&statement["Resource"]).into_iter().map(name).collect();
    statement["Effect"] == "Deny"
        && statement["Principal"] == "*"
        && statement["Action"] == "s3:*"
        && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
        && resources == BTreeSet::from([format!("{bucket}.Arn").as_str(), format!("${{{bucket}.Arn}}/*").as_str()])
}

#[test]
fn queues_refuse_plain_http() {
    let template = Template::load();
    let policies = template.of_type("AWS::SQS::QueuePolicy");
    for (queue, _) in template.of_type("AWS::SQS::Queue") {
        let arn = format!("{queue}.Arn");
        let of_queue = policies.iter().filter(|(_, policy)| name(&policy["Queues"][0]) == queue);
        let mut statements = of_queue.flat_map(|(_, policy)| list(&policy["PolicyDocument"]["Statement"]));
        let denies = |it: &Value| {
            let condition = &it["Condition"]["Bool"]["aws:SecureTransport"];
            it["Effect"] == "Deny" && it["Action"] == "sqs:*" && condition == "false" && name(&it["Resource"]) == arn
        };
        assert!(statements.any(denies), "{queue}");
    }
}

#[test]
fn files_expire_when_the_operator_says() {
    let template = Template::load();
    let kept = [
        ("QuarantineBucket", "QuarantineRetentionDays"),
        ("FailedBucket", "FailedRetentionDays"),
        ("ExportBucket", "ExportRetentionDays"),
    ];
    for (bucket, parameter) in kept {
        let rules = list(template.property(bucket, "/LifecycleConfiguration/Rules"));
        let expires: Vec<&str> = rules
            .iter()
            .filter(|rule| !rule["ExpirationInDays"].is_null() && rule["Prefix"] != "tails/")
            .map(|rule| name(&rule["ExpirationInDays"]))
            .collect();
        assert_eq!(expires, [parameter], "{bucket}");
        // A marker under `replayed/` is younger than its object: with one age for the whole bucket it never ends before it.
        let everything = rules.iter().any(|rule| !rule["ExpirationInDays"].is_null() && rule["Prefix"].is_null());
        assert_eq!(everything, bucket != "ExportBucket", "{bucket}");
    }
}

#[test]
fn an_upload_and_its_tail_outlive_every_execution_of_their_export() {
    let template = Template::load();
    let rules = list(template.property("ExportBucket", "/LifecycleConfiguration/Rules"));
    let days = rules.iter().find_map(|rule| rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].as_u64());
    let tails = rules.iter().find(|rule| rule["Prefix"] == "tails/").and_then(|rule| rule["ExpirationInDays"].as_u64());
    let machine: Value = serde_json::from_str(&tree::read("infra/export.asl.json")).expect("JSON");
    let longest = number(&machine["TimeoutSeconds"]) * executions_of_an_export();
    assert!(days.expect("a rule") * 24 * HOUR > longest, "the upload is gone before the last execution is");
    assert!(tails.expect("a rule") * 24 * HOUR > longest, "the tail is gone before the last execution is");
}

/// The first one, and as many more as the dispatcher gives an export that lost them.
fn executions_of_an_export() -> u64 {
    let dispatcher = tree::read("functions/export/src/dispatch.rs");
    let lost = dispatcher.split("const MAX_LOST_EXECUTIONS: u32 = ").nth(1).and_then(|rest| rest.split(';').next());
    1 + lost.and_then(|lost| lost.parse::<u64>().ok()).expect("MAX_LOST_EXECUTIONS in the dispatcher")
}

#[test]
fn a_finished_file_sends_the_mail() {
    let template = Template::load();
    let notification = template.property("ExportBucket", "/NotificationConfiguration/EventBridgeConfiguration");
    assert_eq!(notification["EventBridgeEnabled"], true);
    let rule = template.property("NotifyFunction", "/Events/FileCreated/Properties/Pattern");
    assert_eq!(rule["source"][0], "aws.s3");
    assert_eq!(rule["detail-type"][0], "Object Created");
    assert_eq!(name(&rule["detail"]["bucket"]["name"][0]), "ExportBucket");
    assert_eq!(rule["detail"]["object"]["key"][0]["prefix"], "exports/");
}

#[test]
fn an_ended_execution_reaches_the_dispatcher_and_notify() {
    let template = Template::load();
    for function in ["ExportDispatcherFunction", "NotifyFunction"] {
        let rule = template.property(function, "/Events/ExecutionEnded/Properties/Pattern");
        assert_eq!(rule["source"][0], "aws.states", "{function}");
        assert_eq!(rule["detail-type"][0], "Step Functions Execution Status Change", "{function}");
        assert_eq!(name(&rule["detail"]["stateMachineArn"][0]), "ExportStateMachine", "{function}");
        let ended = serde_json::json!(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]);
        assert_eq!(rule["detail"]["status"], ended, "{function}");
    }
}

#[test]
fn one_clock_wakes_the_dispatcher_each_minute() {
    let template = Template::load();
    let events = template.property("ExportDispatcherFunction", "/Events").as_object().expect("events");
    let clocks: Vec<&Value> = events.values().filter(|event| event["Type"] == "ScheduleV2").collect();
    let [clock] = clocks.as_slice() else { panic!("one clock: {clocks:?}") };
    let clock = &clock["Properties"];
    assert_eq!(clock["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(clock["OmitName"], true, "two stacks in an account have a clock each");
    // A tick that comes late is worth nothing: the next one does its work.
    assert!(number(&clock["RetryPolicy"]["MaximumEventAgeInSeconds"]) <= 300);
    assert_eq!(name(&clock["RoleArn"]), "ClockRole.Arn");
    let allowed = |action: &str| {
        let statements = super::grants::statements(&template, "ClockRole");
        statements.into_iter().find(|it| it["Action"] == action).map(|it| name(&it["Resource"]).to_owned())
    };
    assert_eq!(allowed("lambda:InvokeFunction").as_deref(), Some("ExportDispatcherFunction.Arn"));
    assert_eq!(allowed("sqs:SendMessage").as_deref(), Some(name(&clock["DeadLetterConfig"]["Arn"])));
    let trust = template.property("ClockRole", "/AssumeRolePolicyDocument/Statement/0");
    assert_eq!(trust["Principal"]["Service"], "scheduler.amazonaws.com");
    assert_eq!(name(&trust["Condition"]["StringEquals"]["aws:SourceAccount"]), "AWS::AccountId");
}

/// A table is restored under another name (docs/restore.md): then every function works on that one, and may.
#[test]
fn a_restored_table_takes_the_place_of_the_stacks_own_everywhere() {
    let template = Template::load();
    for table in ["Pages", "Control"] {
        let (condition, parameter, own) =
            (format!("Restored{table}"), format!("Restored{table}Table"), format!("{table}Table"));
        let given = serde_json::json!([{"Fn::Equals": [{"Ref": parameter}, ""]}]);
        assert_eq!(*template.at(&format!("/Conditions/{condition}/Fn::Not")), given);
        assert_eq!(template.at(&format!("/Parameters/{parameter}/Default")), "");
        let arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/";
        // Of its name the end, where room is short: a version's description.
        let end = serde_json::json!({"Fn::Select": [1, {"Fn::Split": [format!("-{own}-"), {"Ref": own}]}]});
        let allowed = [
            serde_json::json!({"Fn::If": [condition, {"Ref": parameter}, {"Ref": own}]}),
            serde_json::json!({"Fn::If": [condition, {"Ref": parameter}, end]}),
            serde_json::json!({"Fn::If": [condition, {"Fn::Sub": format!("{arn}${{{parameter}}}")}, {"Fn::GetAtt": format!("{own}.Arn")}]}),
        ];
        let mut places = Vec::new();
        for section in ["Resources", "Outputs"] {
            naming(template.at(&format!("/{section}")), &own, &allowed, &mut places);
        }
        assert!(places.is_empty(), "only the stack's own {own} is meant by {places:?}");
    }
}

/// What names the table in another way than these.
fn naming(value: &Value, table: &str, allowed: &[Value], found: &mut Vec<String>) {
    if allowed.contains(value) {
        return;
    }
    match value {
        Value::String(text) if *text == table || text.starts_with(&format!("{table}.")) => found.push(text.clone()),
        Value::String(text) if text.contains(&format!("${{{table}")) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| naming(item, table, allowed, found)),
        Value::Object(entries) => entries.values().for_each(|item| naming(item, table, allowed, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
