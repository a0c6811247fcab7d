//! What watches over a stack agrees: alarms, dashboard, runbook, prices, and what the code counts under which dimensions.

use std::collections::BTreeSet;

use relay::metric::{Metric, NAMESPACE};
use relay_plan::price;
use serde_json::Value;

use super::template::{Template, list, name};
use super::tree;

/// The dimensions under which each metric of ours leaves a process, beside none: from a line for every way there is to count it.
fn emitted(metric: &str) -> BTreeSet<Vec<&'static str>> {
    let mut sets = BTreeSet::from([vec![]]);
    match metric {
        "received" | "accepted" | "spilled" | "dry_runs" => sets.insert(vec!["provider"]),
        "quarantined" | "dropped" | "rejected" | "failed" => sets.insert(vec!["provider", "reason"]),
        "refused" | "quarantined_raw" | "mails_undelivered" | "mails_failed" | "agenda_faults" | "dispatch_faults" => {
            sets.insert(vec!["reason"])
        }
        "quarantined_bytes" => sets.insert(vec!["owner"]),
        _ => false,
    };
    sets
}

/// A metric that somebody looks at: namespace, name, names of its dimensions.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Watched(String, String, Vec<String>);

impl Watched {
    fn new(namespace: &str, name: &str, dimensions: impl Iterator<Item = String>) -> Self {
        Self(namespace.to_owned(), name.to_owned(), dimensions.collect())
    }

    /// `SEARCH('{Relay,reason} MetricName="x"', …` and `SELECT SUM(x) FROM SCHEMA("Relay", owner) …`; nothing of other expressions.
    fn of_expression(text: &str) -> Option<Self> {
        let search = regex_lite::Regex::new(r#"\{(\w+),([\w,]+)\} MetricName="(\w+)""#).expect("a pattern");
        let select = regex_lite::Regex::new(r#"SUM\((\w+)\) FROM SCHEMA\("(\w+)", ([\w, ]+)\)"#).expect("a pattern");
        let (namespace, dimensions, name) = if let Some(found) = search.captures(text) {
            (found[1].to_owned(), found[2].to_owned(), found[3].to_owned())
        } else {
            let found = select.captures(text)?;
            (found[2].to_owned(), found[3].to_owned(), found[1].to_owned())
        };
        Some(Self::new(&namespace, &name, dimensions.split(',').map(|dimension| dimension.trim().to_owned())))
    }

    /// Of an alarm's metric, as the template names it.
    fn of_metric(metric: &Value) -> Self {
        let dimensions =
            metric["Dimensions"].as_array().into_iter().flatten().map(|dimension| text(&dimension["Name"]));
        Self::new(&text(&metric["Namespace"]), &text(&metric["MetricName"]), dimensions)
    }

    fn exists(&self) {
        let Self(namespace, name, dimensions) = self;
        let known = |sets: &[(&str, &str)]| sets.contains(&(name.as_str(), dimensions.join(",").as_str()));
        let exists = match namespace.as_str() {
            NAMESPACE => {
                let dimensions: Vec<&str> = dimensions.iter().map(String::as_str).collect();
                Metric::ALL.iter().any(|metric| metric.name() == name) && emitted(name).contains(&dimensions)
            }
            "AWS/Lambda" => {
                let mapping = ("OnFailureDestinationDeliveredEventCount", "EventSourceMappingUUID");
                let names = ["Invocations", "Errors", "Duration", "Throttles", "IteratorAge"];
                known(&[mapping]) || known(&names.map(|name| (name, "FunctionName")))
            }
            "AWS/ApiGateway" => known(&["Count", "4xx", "5xx", "Latency"].map(|name| (name, "ApiId"))),
            "AWS/SQS" => {
                let names =
                    ["NumberOfMessagesSent", "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"];
                known(&names.map(|name| (name, "QueueName")))
            }
            "AWS/States" => known(&["ExecutionsFailed", "ExecutionsTimedOut"].map(|name| (name, "StateMachineArn"))),
            "AWS/DynamoDB" => known(&["WriteThrottleEvents", "ReadThrottleEvents"].map(|name| (name, "TableName"))),
            "AWS/Kinesis" => known(&[("IncomingBytes", "StreamName")]),
            "AWS/SES" => known(&[("Reputation.BounceRate", ""), ("Reputation.ComplaintRate", "")]),
            _ => false,
        };
        assert!(exists, "nothing counts {self:?}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    template.of_type("AWS::CloudWatch::Alarm")
}

/// What an alarm looks at.
fn of_alarm(alarm: &Value) -> Vec<Watched> {
    if alarm["Metrics"].is_null() {
        return vec![Watched::of_metric(alarm)];
    }
    let of_entry = |entry: &Value| {
        let metric = &entry["MetricStat"]["Metric"];
        if metric.is_object() {
            return Some(Watched::of_metric(metric));
        }
        Watched::of_expression(entry["Expression"].as_str().expect("a metric or an expression"))
    };
    list(&alarm["Metrics"]).into_iter().filter_map(of_entry).collect()
}

/// The dashboard's body. The names in `${…}` stand in texts, so it is JSON as it is.
fn dashboard(template: &Template) -> Value {
    let body = name(template.property("Dashboard", "/DashboardBody"));
    serde_json::from_str(body).expect("the dashboard's body is JSON")
}

/// The entries of all panels.
fn entries(dashboard: &Value) -> Vec<&Value> {
    let panels = list(&dashboard["widgets"]).into_iter().filter(|widget| widget["type"] == "metric");
    panels.flat_map(|panel| list(&panel["properties"]["metrics"])).collect()
}

/// What a panel's entry shows; nothing where it computes with others.
fn of_entry(entry: &Value) -> Option<Watched> {
    let texts: Vec<&str> = list(entry).into_iter().filter_map(Value::as_str).collect();
    match texts.as_slice() {
        [namespace, name, dimensions @ ..] => {
            let names = dimensions.iter().step_by(2).map(|dimension| (*dimension).to_owned());
            Some(Watched::new(namespace, name, names))
        }
        _ => Watched::of_expression(entry[0]["expression"].as_str().expect("a metric or an expression")),
    }
}

#[test]
fn every_alarm_and_panel_looks_at_what_is_counted_under_these_dimensions() {
    let template = Template::load();
    let dashboard = dashboard(&template);
    let of_alarms = alarms(&template).into_iter().flat_map(|(_, alarm)| of_alarm(alarm));
    let of_panels: Vec<Watched> = entries(&dashboard).into_iter().filter_map(of_entry).collect();
    assert!(of_panels.len() > 50, "{}", of_panels.len());
    of_alarms.chain(of_panels).for_each(|watched| watched.exists());
}

/// What [`emitted`] says is what the code gives its lines: every call of `Labels` in the functions names these dimensions.
#[test]
fn metrics_leave_under_the_dimensions_that_are_looked_at() {
    use relay::activity::Provider;
    use relay::metric::{Counters, Labels};
    let dimensions = |labels: Labels| {
        let mut counters = Counters::default();
        counters.add(Metric::Received, labels, 1);
        let line: Value = serde_json::from_str(&counters.flush(0)[0]).expect("a line of JSON");
        line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone()
    };
    let provider = Labels::provider(Provider::Adjust);
    assert_eq!(dimensions(provider), serde_json::json!([[], ["provider"]]));
    assert_eq!(dimensions(provider.reason("x")), serde_json::json!([[], ["provider", "reason"]]));
    assert_eq!(dimensions(Labels::NONE.reason("x")), serde_json::json!([[], ["reason"]]));
}

#[test]
fn every_metric_is_in_a_panel() {
    let dashboard = dashboard(&Template::load());
    let shown: BTreeSet<String> = entries(&dashboard)
        .into_iter()
        .filter_map(of_entry)
        .filter(|watched| watched.0 == NAMESPACE)
        .map(|watched| watched.1)
        .collect();
    let missing: Vec<&str> =
        Metric::ALL.iter().map(|metric| metric.name()).filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "in no panel: {missing:?}");
}

#[test]
fn the_dashboard_shows_every_alarm_and_says_where_the_runbook_is() {
    let template = Template::load();
    let dashboard = dashboard(&template);
    let widgets = list(&dashboard["widgets"]);
    let shown: Vec<String> = widgets
        .iter()
        .filter(|widget| widget["type"] == "alarm")
        .flat_map(|widget| list(&widget["properties"]["alarms"]))
        .map(|alarm| text(alarm).trim_start_matches("${").trim_end_matches(".Arn}").to_owned())
        .collect();
    let expected: Vec<&str> = alarms(&template).into_iter().map(|(alarm, _)| alarm).collect();
    assert_eq!(shown.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected.iter().copied().collect());
    let words =
        widgets.iter().filter(|widget| widget["type"] == "text").map(|widget| text(&widget["properties"]["markdown"]));
    assert!(words.collect::<String>().contains("docs/runbook.md"));
}

/// The entries of the runbook: alarm and text.
fn runbook() -> Vec<(String, String)> {
    let text = tree::read("docs/runbook.md");
    let chapters = text.split("\n### ").skip(1).map(|chapter| chapter.split("\n## ").next().expect("a chapter"));
    chapters
        .map(|chapter| chapter.split_once('\n').expect("a heading"))
        .map(|(heading, body)| (heading.to_owned(), body.to_owned()))
        .collect()
}

#[test]
fn every_alarm_has_a_runbook_entry_and_every_entry_its_alarm() {
    let template = Template::load();
    let entries = runbook();
    let described: BTreeSet<&str> = entries.iter().map(|(alarm, _)| alarm.as_str()).collect();
    assert_eq!(described.len(), entries.len(), "an alarm is described once");
    assert_eq!(described, alarms(&template).into_iter().map(|(alarm, _)| alarm).collect());
    for (alarm, body) in &entries {
        let says = |word: &str| body.contains(&format!("**{word}"));
        assert!(says("Means.") && says("Look") && (says("Do.") || body.contains("do.**")), "{alarm}: means, look, do");
    }
    let operations = tree::read("docs/operations.md");
    assert!(operations.contains("(runbook.md)"), "docs/operations.md is the runbook's index");
}

#[test]
fn the_estimate_takes_the_prices_of_the_plan() {
    let template = Template::load();
    let text = name(template.property("Dashboard", "/DashboardBody"));
    for price in [
        price::API_REQUEST,
        price::LAMBDA_REQUEST,
        price::LAMBDA_GB_SECOND,
        price::WRITE_UNIT,
        price::STREAM_IN_GB,
        price::STREAM_OUT_GB,
    ] {
        let digits = format!("{:.12}", price.usd);
        assert!(text.contains(digits.trim_end_matches('0')), "{}: {digits}", price.item);
    }
    let source = tree::read("template.yaml");
    assert!(
        source.contains(&format!("({}, {}, arm64", price::REGION, price::AS_OF)),
        "the estimate says which prices it takes"
    );
    for function in ["Ingest", "BatchWriter"] {
        let memory =
            template.property(&format!("{function}Function"), "/MemorySize").as_f64().expect("memory") / 1024.0;
        assert!(text.contains(&format!("/ 1000 * {memory} * ")), "{function} has {memory} GB");
    }
}

#[test]
fn whatever_rings_is_told_to_whoever_subscribes() {
    let template = Template::load();
    let budget = template.property("Budget", "/NotificationsWithSubscribers");
    for notification in list(budget) {
        let subscribers = list(&notification["Subscribers"]).into_iter().map(|subscriber| name(&subscriber["Address"]));
        assert_eq!(subscribers.collect::<Vec<_>>(), ["AlarmTopic"]);
    }
    let allowed = template.property("AlarmTopicPolicy", "/PolicyDocument/Statement/0/Principal/Service");
    assert_eq!(*allowed, serde_json::json!(["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]));
    assert_eq!(name(template.property("AlarmSubscription", "/TopicArn")), "AlarmTopic");
}

#[test]
fn logs_are_json_kept_for_a_time_and_trimmed_and_tracing_is_asked_for() {
    let template = Template::load();
    let logging = template.at("/Globals/Function/LoggingConfig");
    assert_eq!(
        *logging,
        serde_json::json!({"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"})
    );
    for (group, properties) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(name(&properties["RetentionInDays"]), "LogRetentionDays", "{group}");
    }
    let mut traced = Vec::new();
    for (function, properties) in template.of_type("AWS::Serverless::Function") {
        let group = function.replace("Function", "LogGroup");
        assert_eq!(name(&properties["LoggingConfig"]["LogGroup"]), group, "{function}");
        if properties["Tracing"].is_null() {
            traced.push(function.replace("Function", "Role"));
        }
    }
    let machine = template.of_type("AWS::Serverless::StateMachine")[0];
    assert!(!machine.1["Logging"]["Destinations"].is_null() && !machine.1["Tracing"].is_null());
    traced.push("ExportStateMachineRole".to_owned());
    let roles: Vec<&str> = list(template.property("TracingPolicy", "/Roles")).into_iter().map(name).collect();
    assert_eq!(roles.into_iter().collect::<BTreeSet<_>>(), traced.iter().map(String::as_str).collect());
}
