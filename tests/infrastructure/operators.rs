//! What an operator meets: parameters, outputs, alarms, the deploy's settings.

use std::collections::BTreeSet;

use serde_json::Value;

use super::functions::FUNCTIONS;
use super::template::{Template, list, name};
use super::tree;

const OUTPUTS: [&str; 13] = [
    "ApiUrl",
    "SiteUrl",
    "SiteDistribution",
    "SiteBucket",
    "StreamName",
    "SpillQueue",
    "PagesTable",
    "ControlTable",
    "QuarantineBucket",
    "FailedBucket",
    "ExportBucket",
    "StateMachineArn",
    "LinkRoleArn",
];

fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(entries) => entries.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn parameters_are_described_bounded_and_used() {
    let template = Template::load();
    let mut used = Vec::new();
    for section in ["Conditions", "Globals", "Resources"] {
        texts(template.at(&format!("/{section}")), &mut used);
    }
    for (parameter, definition) in template.section("Parameters") {
        assert!(definition["Description"].as_str().is_some_and(|text| text.len() > 20), "{parameter}: a description");
        let between = !definition["MinValue"].is_null() && !definition["MaxValue"].is_null();
        let bounded = between || !definition["AllowedValues"].is_null() || !definition["AllowedPattern"].is_null();
        assert!(bounded, "{parameter}: bounds");
        // The only thing that nobody can guess.
        assert_eq!(definition["Default"].is_null(), parameter == "MailFrom", "{parameter}: a default");
        assert!(used.contains(&parameter), "{parameter} decides nothing");
    }
}

/// What a function finds in its environment when every number is at this end of its bounds (`MinValue`, `MaxValue`, `Default`).
fn environment(template: &Template, function: &str, end: &str) -> Vec<(String, String)> {
    let variables = template.property(&format!("{function}Function"), "/Environment/Variables");
    let variables = variables.as_object().expect("variables").iter();
    let value = |source: &Value| {
        let bound = template.at(&format!("/Parameters/{}/{end}", name(source).replace('/', "~1")));
        bound.as_u64().map_or_else(|| "something".to_owned(), |number| number.to_string())
    };
    variables.map(|(variable, source)| (variable.clone(), value(source))).collect()
}

#[test]
fn functions_take_whatever_the_parameters_allow() {
    let template = Template::load();
    for function in &FUNCTIONS {
        for end in ["MinValue", "MaxValue", "Default"] {
            let variables = environment(&template, function.id, end);
            let lookup = |wanted: &str| {
                variables.iter().find(|(variable, _)| variable == wanted).map(|(_, value)| value.clone())
            };
            let refused = match function.id {
                "Ingest" => ingest::config::Config::from_env(lookup).err(),
                "BatchWriter" => batch_writer::config::Config::from_env(lookup).err(),
                "ExportApi" => export::config::ApiConfig::from_env(lookup).err(),
                "ExportWorker" | "ExportDispatcher" => export::config::WorkerConfig::from_env(lookup).err(),
                "Notify" => notify::config::Config::from_env(lookup).err(),
                other => panic!("{other} has a configuration"),
            };
            assert_eq!(refused, None, "{} at {end}", function.id);
        }
    }
}

#[test]
fn outputs_name_what_tools_need() {
    let template = Template::load();
    let outputs: BTreeSet<&str> = template.section("Outputs").into_iter().map(|(output, _)| output).collect();
    let functions: Vec<String> = FUNCTIONS.iter().map(|function| format!("{}Function", function.id)).collect();
    for needed in OUTPUTS.into_iter().chain(functions.iter().map(String::as_str)) {
        assert!(outputs.contains(needed), "no output {needed}");
    }
    for (output, definition) in template.section("Outputs") {
        assert!(definition["Description"].is_string(), "{output}: a description");
    }
}

#[test]
fn alarms_ring_and_say_what_it_means() {
    let template = Template::load();
    for (alarm, properties) in template.of_type("AWS::CloudWatch::Alarm") {
        let actions: Vec<&str> = list(&properties["AlarmActions"]).into_iter().map(name).collect();
        assert_eq!(actions, ["AlarmTopic"], "{alarm}");
        assert!(properties["TreatMissingData"].is_string(), "{alarm}: what silence means is decided");
        assert!(properties["AlarmDescription"].as_str().is_some_and(|text| text.len() > 30), "{alarm}: a description");
    }
}

#[test]
fn a_flood_into_the_quarantine_rings_for_any_owner_and_for_the_day() {
    let template = Template::load();
    let bytes = relay::metric::Metric::QuarantinedBytes.name();
    let owner = |pointer: &str| template.property("QuarantineOwnerAlarm", pointer);
    // Several time series want both clauses (CloudWatch user guide, "Create a CloudWatch alarm based on a Metrics Insights query").
    let query = format!(
        "SELECT SUM({bytes}) FROM SCHEMA(\"{}\", owner) GROUP BY owner ORDER BY SUM() DESC",
        relay::metric::NAMESPACE
    );
    assert_eq!(*owner("/Metrics/0/Expression"), query.as_str());
    assert_eq!(list(owner("/Metrics")).len(), 1, "one alarm for all owners");
    let seen = owner("/Metrics/0/Period").as_u64().zip(owner("/EvaluationPeriods").as_u64());
    let (period, periods) = seen.expect("what the alarm looks at");
    // The same guide, "Limits": the latest three hours.
    assert!(period * periods <= 3 * 3600);
    let day = |pointer: &str| template.property("QuarantineDayAlarm", pointer);
    assert_eq!((day("/MetricName"), day("/Statistic")), (&bytes.into(), &"Sum".into()));
    assert_eq!((day("/Period"), day("/EvaluationPeriods")), (&86_400.into(), &1.into()));
    assert!(day("/Dimensions").is_null(), "the sum over all owners");
    for alarm in ["QuarantineOwnerAlarm", "QuarantineDayAlarm"] {
        assert_eq!(name(template.property(alarm, "/Threshold")), "QuarantineAlarmBytes", "{alarm}");
        assert_eq!(template.property(alarm, "/ComparisonOperator"), "GreaterThanThreshold", "{alarm}");
    }
    // Emitted under exactly these dimensions: the query's schema, and none.
    let mut counters = relay::metric::Counters::default();
    counters.add_bytes(relay::metric::Metric::QuarantinedBytes, "demo", 1);
    let line: Value = serde_json::from_str(&counters.flush(0)[0]).expect("a line of JSON");
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([[], ["owner"]]));
}

/// What an alarm watches; nothing where it is the sum over all.
fn source(alarm: &Value) -> &str {
    if alarm["Dimensions"].is_null() { "" } else { name(&alarm["Dimensions"][0]["Value"]) }
}

#[test]
fn what_must_not_happen_has_an_alarm() {
    let template = Template::load();
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    // What counts bytes, and what is computed, has a test of its own.
    let alarms = alarms.iter().filter(|(alarm, it)| !alarm.starts_with("Quarantine") && it["Metrics"].is_null());
    let watched: BTreeSet<(&str, &str)> =
        alarms.map(|(_, alarm)| (name(&alarm["MetricName"]), source(alarm))).collect();
    let expected = BTreeSet::from([
        ("IteratorAge", "BatchWriterFunction"),
        ("OnFailureDestinationDeliveredEventCount", "BatchWriterFunctionStream"),
        ("NumberOfMessagesSent", "SpillQueue.QueueName"),
        ("ApproximateAgeOfOldestMessage", "SpillQueue.QueueName"),
        ("Errors", "IngestFunction"),
        ("Errors", "BatchWriterFunction"),
        ("Errors", "ExportApiFunction"),
        ("Throttles", "IngestFunction"),
        ("5xx", "Api"),
        ("ExecutionsFailed", "ExportStateMachine"),
        ("ExecutionsTimedOut", "ExportStateMachine"),
        ("agenda_faults", ""),
        ("dispatch_faults", ""),
        ("faulted", ""),
        ("failed", ""),
        ("undecodable", ""),
        ("webhooks_failed", ""),
        ("Reputation.BounceRate", ""),
        ("Reputation.ComplaintRate", ""),
        ("ApproximateNumberOfMessagesVisible", "NotifyDeadLetters.QueueName"),
        ("ApproximateNumberOfMessagesVisible", "DispatcherDeadLetters.QueueName"),
    ]);
    assert_eq!(watched, expected);
    for (alarm, expression) in [
        ("WriterStoppedAlarm", "IF(FILL(taken, 0) > 0, FILL(read, 0) == 0, 0)"),
        ("RefusalsAlarm", "FILL(all, 0) - FILL(ours, 0)"),
        ("MailFailedAlarm", "FILL(refused, 0) + FILL(kept, 0)"),
    ] {
        assert_eq!(*template.property(alarm, "/Metrics/2/Expression"), expression, "{alarm}");
    }
    // The second one's metric is only there when the mapping is asked for it.
    let metrics = template.property("BatchWriterFunction", "/Events/Stream/Properties/MetricsConfig/Metrics");
    assert_eq!(*metrics, serde_json::json!(["EventCount"]));
}

#[test]
fn a_deploy_takes_this_template_and_only_the_capability_it_needs() {
    let settings = tree::read("samconfig.toml");
    assert!(settings.contains("template_file = \"template.yaml\""));
    assert!(settings.contains("capabilities = \"CAPABILITY_IAM\""), "no role has a name of its own");
}

/// The parameters that an environment of samconfig.toml sets: name and value.
fn set_by(environment: &str) -> Vec<(String, String)> {
    let settings = tree::read("samconfig.toml");
    let section = settings.split(&format!("[{environment}.deploy.parameters]")).nth(1).expect("the environment");
    let section = section.split("\n[").next().unwrap_or_default();
    let entries = section.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let pair = |entry: &str| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    entries.map(|entry| pair(entry).unwrap_or_else(|| panic!("{entry}: NAME=VALUE"))).collect()
}

#[test]
fn each_environment_sets_what_the_template_knows_to_what_it_allows() {
    let template = Template::load();
    for environment in ["dev", "prod"] {
        let set = set_by(environment);
        for (name, value) in &set {
            let definition = template.at(&format!("/Parameters/{name}"));
            assert!(!definition.is_null(), "{environment}: no parameter {name}");
            let listed = |allowed: &Value| {
                list(allowed).iter().any(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned) == *value)
            };
            assert!(
                definition["AllowedValues"].is_null() || listed(&definition["AllowedValues"]),
                "{environment}: {name}={value}"
            );
            if definition["Type"] == "Number" && definition["AllowedValues"].is_null() {
                let number: u64 = value.parse().unwrap_or_else(|_| panic!("{environment}: {name}={value}"));
                let (least, most) = (&definition["MinValue"], &definition["MaxValue"]);
                assert!(
                    least.as_u64() <= Some(number) && Some(number) <= most.as_u64(),
                    "{environment}: {name}={value}"
                );
            }
        }
        let value = |name: &str| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let slowly = value("Deployment").is_some_and(|way| way != "AllAtOnce");
        assert_eq!((slowly, value("PagesBackup") == Some("enabled")), (environment == "prod", environment == "prod"));
    }
}

/// The rows of the table of parameters in docs/operations.md: name and default.
fn documented() -> Vec<(String, String)> {
    let text = tree::read("docs/operations.md");
    let table = text.split("### Parameters").nth(1).and_then(|rest| rest.split("\n### ").next()).expect("the chapter");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = |row: &str| {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells.len(), 5, "name, default, when, formula, limit: {row}");
        assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "{row}");
        (cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned())
    };
    rows.map(cells).collect()
}

#[test]
fn every_parameter_says_when_to_change_it_and_nothing_else_does() {
    let template = Template::load();
    let documented = documented();
    let names: Vec<&str> = documented.iter().map(|(name, _)| name.as_str()).collect();
    let parameters = template.section("Parameters");
    let mut expected: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected, "docs/operations.md and template.yaml");
    for (name, stated) in &documented {
        let default = template.at(&format!("/Parameters/{name}/Default"));
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let default = match default.as_str() {
            "null" => "none",
            "" => "empty",
            other => other,
        };
        assert_eq!(stated.split(' ').next(), Some(default), "{name}: the default");
    }
}

#[test]
fn a_reserved_concurrency_of_none_is_the_accounts() {
    let template = Template::load();
    for (function, condition, parameter) in [
        ("IngestFunction", "ReserveIngest", "IngestReservedConcurrency"),
        ("BatchWriterFunction", "ReserveWriter", "WriterReservedConcurrency"),
    ] {
        assert_eq!(template.at(&format!("/Parameters/{parameter}/Default")), 0, "{parameter}");
        let is_none = serde_json::json!({"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, 0]}]});
        assert_eq!(*template.at(&format!("/Conditions/{condition}")), is_none);
        let reserved = serde_json::json!({"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]});
        assert_eq!(*template.property(function, "/ReservedConcurrentExecutions"), reserved);
    }
}
