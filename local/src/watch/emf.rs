//! CloudWatch's embedded metric format: what a log line counts (CloudWatch user guide, "Specification: Embedded metric format").

use std::collections::BTreeMap;

use serde_json::Value;

use super::meter::Key;

/// The values in a line of a function's output: each metric under each of the line's dimension sets. Nothing in a line that is no such.
pub(super) fn values(line: &str) -> Vec<(Key, f64, i64)> {
    if !line.contains("\"_aws\"") {
        return Vec::new();
    }
    let Ok(line) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let at = line.pointer("/_aws/Timestamp").and_then(Value::as_i64).unwrap_or_default();
    let directives = line.pointer("/_aws/CloudWatchMetrics").and_then(Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for directive in directives {
        let namespace = text(directive, "Namespace");
        for dimensions in items(directive, "Dimensions").filter_map(|set| dimensions(&line, set)) {
            for metric in items(directive, "Metrics") {
                let name = text(metric, "Name");
                let key = Key { namespace: namespace.clone(), name: name.clone(), dimensions: dimensions.clone() };
                found.extend(numbers(line.get(&name)).map(|value| (key.clone(), value, at)));
            }
        }
    }
    found
}

/// The values of one set's dimensions, which are members of the line.
fn dimensions(line: &Value, set: &Value) -> Option<BTreeMap<String, String>> {
    let names = set.as_array()?.iter().map(Value::as_str);
    names.map(|name| Some((name?.to_owned(), line.get(name?)?.as_str()?.to_owned()))).collect()
}

/// A metric's value is a number or a list of numbers.
fn numbers(value: Option<&Value>) -> impl Iterator<Item = f64> {
    let values = match value {
        Some(Value::Array(values)) => values.clone(),
        other => other.cloned().into_iter().collect(),
    };
    values.into_iter().filter_map(|value| value.as_f64())
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_under_each_of_its_dimension_sets() {
        let line = r#"{"_aws":{"Timestamp":1700000000000,"CloudWatchMetrics":[{"Namespace":"Relay","Dimensions":[[],["provider","reason"]],"Metrics":[{"Name":"quarantined","Unit":"Count"},{"Name":"times","Unit":"Milliseconds"}]}]},"provider":"adjust","reason":"bad_time","quarantined":3,"times":[5,7]}"#;
        let found = values(line);
        let names: Vec<_> =
            found.iter().map(|(key, value, _)| (key.name.as_str(), key.dimensions.len(), *value)).collect();
        let expected = [("quarantined", 0, 3.0), ("times", 0, 5.0), ("times", 0, 7.0)];
        assert_eq!(names[..3], expected);
        assert_eq!(names[3..], expected.map(|(name, _, value)| (name, 2, value)));
        assert_eq!(found[3].0.dimensions["reason"], "bad_time");
        assert!(found.iter().all(|(key, _, at)| key.namespace == "Relay" && *at == 1_700_000_000_000));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "",
            "{}",
            "not json \"_aws\"",
            r#"{"level":"WARN","message":"x"}"#,
            r#"{"_aws":{"CloudWatchMetrics":[{}]}}"#,
        ] {
            assert!(values(line).is_empty(), "{line}");
        }
        let lacking = r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"Relay","Dimensions":[["owner"]],"Metrics":[{"Name":"n"}]}]},"n":1}"#;
        assert!(values(lacking).is_empty(), "a dimension without a value");
    }
}
