//! What an alarm or a panel asks of the metrics.

use std::collections::BTreeMap;

use serde_json::Value;

use super::math::{self, Series};
use super::meter::{Key, Meter};

/// Windows of time: from and to, milliseconds since the epoch.
pub(super) type Windows = Vec<(i64, i64)>;

/// One entry of an alarm's or a panel's metrics.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    /// What expressions call it; may be empty.
    pub(super) id: String,
    /// What its line is called; a metric's name where nothing is said.
    pub(super) label: String,
    /// Whether it is an answer or only part of an expression.
    pub(super) shown: bool,
    /// Where its values come from.
    pub(super) source: Source,
}

/// Where values come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// A metric and a statistic of it.
    Metric(Key, String),
    /// Metric math, a `SEARCH`, or a Metrics Insights query.
    Expression(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) values: Series,
}

/// The lines of all queries that are shown.
pub(super) fn answer(queries: &[Query], meter: &Meter, windows: &Windows) -> Result<Vec<Line>, String> {
    let asked = Asked { queries, meter, windows };
    let mut lines = Vec::new();
    for query in queries.iter().filter(|query| query.shown) {
        match &query.source {
            Source::Expression(text) if is_many(text) => lines.extend(asked.many(text)?),
            Source::Expression(_) | Source::Metric(..) => {
                lines.push(Line { label: query.label.clone(), values: asked.series(query, queries.len())? });
            }
        }
    }
    Ok(lines)
}

struct Asked<'a> {
    queries: &'a [Query],
    meter: &'a Meter,
    windows: &'a Windows,
}

impl Asked<'_> {
    /// `depth`: how many expressions may still stand in one another.
    fn series(&self, query: &Query, depth: usize) -> Result<Series, String> {
        let text = match &query.source {
            Source::Metric(key, statistic) => return Ok(self.measured(key, statistic)),
            Source::Expression(text) => text,
        };
        let depth = depth.checked_sub(1).ok_or_else(|| format!("{text} needs itself"))?;
        math::evaluate(text, self.windows.len(), &|id| {
            let found = self.queries.iter().find(|query| query.id == id);
            self.series(found.ok_or_else(|| format!("{text}: no metric has the id {id}"))?, depth)
        })
    }

    fn measured(&self, key: &Key, statistic: &str) -> Series {
        let windows = self.windows.iter();
        windows.map(|(from, to)| self.meter.between(key, *from, *to)?.named(statistic)).collect()
    }

    /// A line for each metric found, named by its dimensions' values.
    fn many(&self, text: &str) -> Result<Vec<Line>, String> {
        let search = Search::parse(text).ok_or_else(|| format!("{text} is not understood here"))?;
        let keys = self.meter.keys(&search.namespace, &search.name, &search.dimensions);
        let label = |key: &Key| key.dimensions.values().cloned().collect::<Vec<_>>().join(", ");
        Ok(keys.iter().map(|key| Line { label: label(key), values: self.measured(key, &search.statistic) }).collect())
    }
}

fn is_many(expression: &str) -> bool {
    expression.starts_with("SEARCH(") || expression.starts_with("SELECT ")
}

/// `SEARCH('{Relay,provider} MetricName="received"', 'Sum', 60)` or `SELECT SUM(name) FROM SCHEMA("Relay", owner) GROUP BY owner …`.
#[derive(Debug, PartialEq, Eq)]
struct Search {
    namespace: String,
    name: String,
    dimensions: Vec<String>,
    statistic: String,
}

impl Search {
    fn parse(text: &str) -> Option<Self> {
        if let Some(query) = text.strip_prefix("SELECT ") {
            let (name, rest) = query.strip_prefix("SUM(")?.split_once(") FROM SCHEMA(\"")?;
            let (namespace, rest) = rest.split_once("\", ")?;
            let (dimensions, _) = rest.split_once(") GROUP BY ")?;
            return Some(Self::new(namespace, name, dimensions, "Sum"));
        }
        let (schema, rest) = text.strip_prefix("SEARCH('{")?.split_once("} MetricName=\"")?;
        let (name, rest) = rest.split_once("\"', '")?;
        let (statistic, _) = rest.split_once('\'')?;
        let (namespace, dimensions) = schema.split_once(',')?;
        Some(Self::new(namespace, name, dimensions, statistic))
    }

    fn new(namespace: &str, name: &str, dimensions: &str, statistic: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.split(',').map(|dimension| dimension.trim().to_owned()).collect(),
            statistic: statistic.to_owned(),
        }
    }
}

impl Query {
    /// An entry of an alarm's `Metrics`.
    pub(super) fn of_alarm(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let source = match entry.get("MetricStat") {
            Some(metric) => {
                let statistic = metric.get("Stat").and_then(Value::as_str)?;
                Source::Metric(key(metric.get("Metric")?)?, statistic.to_owned())
            }
            None => Source::Expression(text("Expression")?),
        };
        let shown = entry
            .get("ReturnData")
            .is_none_or(|returned| !matches!(returned, Value::Bool(false)) && *returned != "false");
        Some(Self { id: text("Id")?, label: text("Label").unwrap_or_default(), shown, source })
    }

    /// An entry of a panel's `metrics`: `[namespace, name, dimension, value, …, {options}]` or `[{"expression": …}]`.
    pub(super) fn of_panel(entry: &Value, statistic: &str) -> Option<Self> {
        let entry = entry.as_array()?;
        let nothing = Value::Null;
        let options = entry.last().filter(|last| last.is_object()).unwrap_or(&nothing);
        let option = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
        let names: Vec<&str> = entry.iter().filter_map(Value::as_str).collect();
        let source = match names.as_slice() {
            [] => Source::Expression(option("expression")?),
            [namespace, name, dimensions @ ..] => {
                let pairs = dimensions.chunks_exact(2).filter_map(|pair| match pair {
                    [name, value] => Some(((*name).to_owned(), (*value).to_owned())),
                    _ => None,
                });
                let dimensions: BTreeMap<String, String> = pairs.collect();
                let key = Key { namespace: (*namespace).to_owned(), name: (*name).to_owned(), dimensions };
                Source::Metric(key, option("stat").unwrap_or_else(|| statistic.to_owned()))
            }
            [_] => return None,
        };
        let own_name = names.get(1).map(|name| (*name).to_owned());
        let label = option("label").or(own_name).unwrap_or_default();
        let shown = options.get("visible") != Some(&Value::Bool(false));
        Some(Self { id: option("id").unwrap_or_default(), label, shown, source })
    }
}

/// A metric as CloudWatch's API names it.
pub(super) fn key(metric: &Value) -> Option<Key> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let dimensions = metric.get("Dimensions").and_then(Value::as_array).into_iter().flatten();
    let dimensions =
        dimensions.map(|dimension| text(dimension, "Name").zip(text(dimension, "Value"))).collect::<Option<_>>()?;
    Some(Key { namespace: text(metric, "Namespace")?, name: text(metric, "MetricName")?, dimensions })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meter() -> Meter {
        let meter = Meter::default();
        meter.record(Key::new("Relay", "received", None), 6.0, 1_000);
        meter.record(Key::new("Relay", "received", Some(("provider", "adjust"))), 4.0, 1_000);
        meter.record(Key::new("Relay", "received", Some(("provider", "sdk"))), 2.0, 61_000);
        meter
    }

    fn lines(entries: &[Value]) -> Vec<(String, Series)> {
        let queries: Vec<Query> = entries.iter().map(|entry| Query::of_panel(entry, "Sum").unwrap()).collect();
        let lines = answer(&queries, &meter(), &vec![(0, 60_000), (60_000, 120_000)]).unwrap();
        lines.into_iter().map(|line| (line.label, line.values)).collect()
    }

    #[test]
    fn panels_name_metrics_expressions_and_searches() {
        assert_eq!(
            lines(&[
                json!(["Relay", "received", { "id": "all", "label": "all" }]),
                json!(["Relay", "received", "provider", "sdk", { "id": "sdk", "visible": false }]),
                json!([{ "expression": "FILL(all, 0) + FILL(sdk, 0)", "label": "both", "id": "both" }]),
                json!([{ "expression": "both * 2", "label": "twice" }]),
            ]),
            [
                ("all".to_owned(), vec![Some(6.0), None]),
                ("both".to_owned(), vec![Some(6.0), Some(2.0)]),
                ("twice".to_owned(), vec![Some(12.0), Some(4.0)]),
            ]
        );
        assert_eq!(
            lines(&[json!([{ "expression": "SEARCH('{Relay,provider} MetricName=\"received\"', 'Sum', 60)" }])]),
            [("adjust".to_owned(), vec![Some(4.0), None]), ("sdk".to_owned(), vec![None, Some(2.0)])]
        );
    }

    #[test]
    fn an_alarm_may_be_on_a_query_or_on_math() {
        let query = json!({ "Id": "q", "Expression": "SELECT SUM(received) FROM SCHEMA(\"Relay\", provider) GROUP BY provider ORDER BY SUM() DESC" });
        let found = answer(&[Query::of_alarm(&query).unwrap()], &meter(), &vec![(0, 120_000)]).unwrap();
        assert_eq!(found.len(), 2);
        let metric = json!({ "Namespace": "Relay", "MetricName": "received", "Dimensions": [] });
        let parts = [
            json!({ "Id": "m", "MetricStat": { "Metric": metric, "Stat": "Sum", "Period": 60 }, "ReturnData": false }),
            json!({ "Id": "e", "Expression": "m - 1" }),
        ];
        let parts: Vec<Query> = parts.iter().map(|entry| Query::of_alarm(entry).unwrap()).collect();
        let found = answer(&parts, &meter(), &vec![(0, 120_000)]).unwrap();
        assert_eq!(found, [Line { label: String::new(), values: vec![Some(5.0)] }]);
    }

    #[test]
    fn an_expression_that_needs_itself_is_an_error() {
        let entries = [json!([{ "expression": "b", "id": "a" }]), json!([{ "expression": "a", "id": "b" }])];
        let queries: Vec<Query> = entries.iter().map(|entry| Query::of_panel(entry, "Sum").unwrap()).collect();
        assert!(answer(&queries, &meter(), &vec![(0, 1)]).is_err());
    }
}
