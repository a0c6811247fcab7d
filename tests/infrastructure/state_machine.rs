//! The state machine against the worker: errors, answers, substitutions, ways through it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::{Template, list, name, number};
use super::tree;

/// Errors that are not ours: of Lambda, its runtime and Step Functions (Step Functions developer guide, "Handling errors" and
/// "Invoke Lambda", "Handle transient Lambda service exceptions"; Lambda developer guide, "Troubleshoot execution issues").
const AWS_ERRORS: [&str; 11] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Sandbox.Timedout",
    "States.ALL",
    "States.Timeout",
];

/// Errors that patience cannot mend: they go straight to the failure.
const FINAL: [&str; 4] = ["Export.Denied", "Export.Invalid", "Export.NoProgress", "Export.NotFound"];

fn machine() -> Value {
    serde_json::from_str(&tree::read("infra/export.asl.json")).expect("the state machine is JSON")
}

fn states(machine: &Value) -> Vec<(&str, &Value)> {
    let states = machine["States"].as_object().expect("states");
    states.iter().map(|(name, state)| (name.as_str(), state)).collect()
}

/// The error names of every `field` (`Retry`, `Catch`) of the machine.
fn errors(machine: &Value, field: &str) -> BTreeSet<String> {
    let rules = states(machine).into_iter().filter(|(_, state)| !state[field].is_null());
    let rules = rules.flat_map(|(_, state)| list(&state[field]));
    rules.flat_map(|rule| list(&rule["ErrorEquals"])).map(|error| name(error).to_owned()).collect()
}

/// The quoted names `Export.Something` in the worker's source.
fn raised() -> BTreeSet<String> {
    let sources = tree::files_ending("functions/export/src", ".rs").into_iter().map(tree::read);
    let texts: Vec<String> = sources.collect();
    let own = texts.iter().filter_map(|text| text.split("#[cfg(test)]").next());
    let quoted = own.flat_map(|text| text.split('"').skip(1).step_by(2));
    let ours =
        quoted.filter(|text| text.strip_prefix("Export.").is_some_and(|rest| rest.chars().all(char::is_alphanumeric)));
    ours.map(str::to_owned).collect()
}

fn next_states(state: &Value) -> Vec<&str> {
    let choices = state["Choices"].as_array().into_iter().flatten().map(|choice| &choice["Next"]);
    let catches = state["Catch"].as_array().into_iter().flatten().map(|rule| &rule["Next"]);
    let all = [&state["Next"], &state["Default"]].into_iter().chain(choices).chain(catches);
    all.filter_map(Value::as_str).collect()
}

#[test]
fn every_error_it_names_is_raised_and_every_one_raised_is_decided() {
    let machine = machine();
    let retried = errors(&machine, "Retry");
    let foreign: BTreeSet<String> = AWS_ERRORS.iter().map(|error| (*error).to_owned()).collect();
    let ours: BTreeSet<String> = retried.difference(&foreign).cloned().collect();
    let decided: BTreeSet<String> = ours.iter().cloned().chain(FINAL.map(str::to_owned)).collect();
    assert_eq!(raised(), decided, "raised by the worker; retried or final here");
    assert!(FINAL.iter().all(|error| !ours.contains(*error)), "what is final is not retried");
    assert_eq!(errors(&machine, "Catch"), BTreeSet::from(["States.ALL".to_owned(), "States.Timeout".to_owned()]));
}

#[test]
fn every_answer_of_the_worker_has_a_way_on() {
    let machine = machine();
    let choices = list(&machine["States"]["Decide"]["Choices"]);
    let known: BTreeSet<&str> = choices.iter().map(|choice| name(&choice["StringEquals"])).collect();
    assert_eq!(known, BTreeSet::from(["running", "waiting", "done", "empty", "cancelled", "failed"]));
    let sources: String = tree::files_ending("functions/export/src", ".rs").into_iter().map(tree::read).collect();
    for status in known {
        assert!(sources.contains(&format!("\"{status}\"")), "the worker never answers {status}");
    }
}

#[test]
fn every_substitution_is_given_and_used() {
    let template = Template::load();
    let text = tree::read("infra/export.asl.json");
    let used: BTreeSet<&str> = text.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let given = template.property("ExportStateMachine", "/DefinitionSubstitutions").as_object().expect("substitutions");
    assert_eq!(used, given.keys().map(String::as_str).collect());
    assert_eq!(template.property("ExportStateMachine", "/DefinitionUri"), "infra/export.asl.json");
    assert!(!text.contains("arn:aws:"), "an ARN names the partition that it is deployed to");
    assert_eq!(name(&given["Partition"]), "AWS::Partition");
}

#[test]
fn every_state_is_reached_and_every_way_leads_somewhere() {
    let machine = machine();
    let mut reached = BTreeSet::from([name(&machine["StartAt"])]);
    let mut open: Vec<&str> = reached.iter().copied().collect();
    while let Some(state) = open.pop() {
        let state = &machine["States"][state];
        assert!(state.is_object(), "a way leads to a state that is not there");
        open.extend(next_states(state).into_iter().filter(|next| reached.insert(next)));
    }
    assert_eq!(reached, states(&machine).into_iter().map(|(name, _)| name).collect());
}

#[test]
fn every_task_ends_and_outlives_its_function() {
    let template = Template::load();
    let machine = machine();
    let function = number(template.property("ExportWorkerFunction", "/Timeout"));
    assert!(number(&machine["TimeoutSeconds"]) > function);
    assert!(number(&machine["States"]["Step"]["TimeoutSeconds"]) > function, "Lambda's own time-out comes first");
    for (state, task) in states(&machine).into_iter().filter(|(_, state)| state["Type"] == "Task") {
        assert_eq!(task["Resource"], "arn:${Partition}:states:::lambda:invoke", "{state}");
        assert!(task["TimeoutSeconds"].is_u64(), "{state}: a task without a limit waits for ever");
        assert!(!list(&task["Retry"]).is_empty(), "{state}");
        for rule in list(&task["Retry"]) {
            assert!((1..=10).contains(&number(&rule["MaxAttempts"])), "{state}: bounded attempts");
            assert!(number(&rule["BackoffRate"]) > 1, "{state}: attempts further and further apart");
        }
    }
}

#[test]
fn a_step_that_fails_is_recorded_before_the_execution_fails() {
    let machine = machine();
    let catch = list(&machine["States"]["Step"]["Catch"]);
    let last = catch.last().expect("a catcher");
    assert_eq!((&last["ErrorEquals"][0], &last["Next"]), (&"States.ALL".into(), &"RecordFailure".into()));
    assert!(catch.iter().all(|rule| rule["ResultPath"] == "$.error"), "the input stays: owner and export are in it");
    let record = &machine["States"]["RecordFailure"];
    let payload = record["Parameters"]["Payload"].as_object().expect("a payload");
    let sent: Vec<&str> = payload.keys().map(String::as_str).collect();
    assert_eq!(sent, ["action", "cause.$", "error.$", "export_id.$", "owner.$"]);
    assert_eq!(payload["action"], "fail");
    assert_eq!(machine["States"][name(&record["Next"])]["Type"], "Fail");
}

#[test]
fn it_is_a_standard_machine_that_logs_its_errors() {
    let template = Template::load();
    let property = |pointer: &str| template.property("ExportStateMachine", pointer);
    // An express one runs five minutes at most, can run twice and cannot be described.
    assert_eq!(property("/Type"), "STANDARD");
    assert_eq!(property("/Logging/Level"), "ERROR");
    let group = property("/Logging/Destinations/0/CloudWatchLogsLogGroup/LogGroupArn");
    assert_eq!(name(group), "ExportStateMachineLogGroup.Arn");
    // By name, because the machine's definition names the worker: one may not wait for the other.
    let machine_name = name(property("/Name"));
    let known_as = name(template.property("ExportWorkerFunction", "/Environment/Variables/STATE_MACHINE_ARN"));
    assert!(known_as.ends_with(&format!(":stateMachine:{machine_name}")), "{known_as}");
}
