//! How a new release takes over: aliases, versions that a parameter makes, alarms that roll back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::functions::FUNCTIONS;
use super::template::Template;

/// Whose calls move slowly, with the alarms that bring the old version back: on its failed calls, and on what it does wrong without failing.
/// infra/README.md argues for the others.
const MOVED: [(&str, &[&str]); 3] = [
    ("IngestFunction", &["IngestErrorsAlarm", "IngestFailedAlarm"]),
    ("BatchWriterFunction", &["WriterErrorsAlarm", "WriterFaultsAlarm", "UndecodableAlarm"]),
    ("ExportApiFunction", &["ExportApiErrorsAlarm"]),
];

/// Every `Ref` and every `${…}` in a value; of an `If` its condition as well.
fn named(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let names = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
            found.extend(names.map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, found)),
        Value::Object(entries) => {
            found.extend(entries.get("Ref").and_then(Value::as_str).map(str::to_owned));
            found.extend(entries.get("Fn::If").and_then(|branches| branches[0].as_str()).map(str::to_owned));
            entries.values().for_each(|item| named(item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The template's parameters among the names in a value, and in the conditions that it names.
fn parameters(template: &Template, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    named(value, &mut found);
    for condition in found.clone() {
        named(template.at(&format!("/Conditions/{condition}")), &mut found);
    }
    found.retain(|name| !template.at(&format!("/Parameters/{name}")).is_null());
    found
}

#[test]
fn calls_move_slowly_where_that_proves_something_and_an_alarm_brings_them_back() {
    let template = Template::load();
    for function in &FUNCTIONS {
        let id = format!("{}Function", function.id);
        let alias = template.property(&id, "/AutoPublishAlias");
        let Some((_, alarms)) = MOVED.iter().find(|(moved, _)| *moved == id) else {
            assert!(alias.is_null(), "{id}");
            continue;
        };
        assert_eq!(alias, "live", "{id}");
        let preference = template.property(&id, "/DeploymentPreference");
        assert_eq!(preference["Type"], json!({ "Ref": "Deployment" }), "{id}");
        let named: Vec<Value> = alarms.iter().map(|alarm| json!({ "Ref": alarm })).collect();
        assert_eq!(preference["Alarms"], json!({ "Fn::If": ["MoveSlowly", named, []] }), "{id}");
        let watched = template.property(alarms[0], "");
        assert_eq!(watched["Dimensions"], json!([{ "Name": "FunctionName", "Value": { "Ref": id } }]), "{id}");
        assert_eq!(watched["MetricName"], "Errors", "{id}");
        for alarm in &alarms[1..] {
            assert_eq!(template.property(alarm, "/Namespace"), "Relay", "{alarm}: no circle by way of a resource");
        }
    }
    let slowly = json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": "Deployment" }, "AllAtOnce"] }] });
    assert_eq!(*template.at("/Conditions/MoveSlowly"), slowly);
}

/// SAM makes a new version when the text of the template changes, not when a parameter's value does: the alias would stay with the old value. A description
/// of another value makes one; one that says more than the function knows would ask for a version of an unchanged function, which Lambda refuses.
#[test]
fn a_parameter_that_changes_a_function_makes_a_version_of_it_and_no_other_does() {
    let template = Template::load();
    for (id, _) in MOVED {
        let mut properties = template.property(id, "").clone();
        let known = properties.as_object_mut().expect("properties");
        // What is no part of a version: who calls, how many at a time, how calls move.
        for apart in ["Events", "ReservedConcurrentExecutions", "DeploymentPreference", "VersionDescription"] {
            known.remove(apart);
        }
        let mut of_function = parameters(&template, &properties);
        let globals = template.at("/Globals/Function").as_object().expect("globals");
        let holding = globals.iter().filter(|(name, _)| properties[name.as_str()].is_null());
        of_function.extend(holding.flat_map(|(_, value)| parameters(&template, value)));
        let said = &template.property(id, "/VersionDescription")["Fn::Sub"];
        let pattern = said[0].as_str().expect("a pattern");
        for variable in said[1].as_object().expect("variables").keys() {
            assert!(pattern.contains(&format!("${{{variable}}}")), "{id}: {variable} is not said");
        }
        let described = parameters(&template, said);
        assert_eq!(described, of_function, "{id}");
        assert_eq!(template.property(id, "/AutoPublishAliasAllProperties"), true, "{id}: the rest of its text");
        assert_eq!(template.property(id, "/VersionDeletionPolicy"), "Delete", "{id}: what a failed deploy left");
    }
}
