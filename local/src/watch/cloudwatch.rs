//! The emulator's CloudWatch: it is told the metrics, and has the alarms and the dashboard.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alarm::Alarm;
use super::meter::{Key, Stats};
use crate::aws::{Aws, Refusal};
use crate::time;

/// The most values of one call (CloudWatch quotas: "1,000 different metrics").
const VALUES_MAX: usize = 1_000;

async fn call(aws: &Aws, operation: &str, input: &Value) -> Result<Value, Refusal> {
    aws.call("monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input).await
}

/// Tells minutes of metrics.
pub(super) async fn put(aws: &Aws, minutes: Vec<(Key, i64, Stats)>) -> Result<(), Refusal> {
    let mut namespaces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, minute, stats) in minutes {
        let dimensions = key.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        let statistics =
            json!({ "SampleCount": stats.count, "Sum": stats.sum, "Minimum": stats.minimum, "Maximum": stats.maximum });
        namespaces.entry(key.namespace).or_default().push(json!({
            "MetricName": key.name,
            "Dimensions": dimensions.collect::<Vec<_>>(),
            "Timestamp": time::seconds(minute),
            "StatisticValues": statistics,
        }));
    }
    for (namespace, values) in namespaces {
        for values in values.chunks(VALUES_MAX) {
            call(aws, "PutMetricData", &json!({ "Namespace": namespace, "MetricData": values })).await?;
        }
    }
    Ok(())
}

/// All alarms.
pub(super) async fn alarms(aws: &Aws) -> Result<Vec<Alarm>, Refusal> {
    let mut alarms = Vec::new();
    let mut input = json!({ "MaxRecords": 100 });
    loop {
        let answer = call(aws, "DescribeAlarms", &input).await?;
        for described in answer.get("MetricAlarms").and_then(Value::as_array).into_iter().flatten() {
            if let Some(alarm) = Alarm::of(described) {
                alarms.push(alarm);
            } else {
                tracing::warn!(alarm = %described, "an alarm is not understood here and does not ring");
            }
        }
        match answer.get("NextToken") {
            Some(token) => input = json!({ "MaxRecords": 100, "NextToken": token }),
            None => return Ok(alarms),
        }
    }
}

/// Sets an alarm's state, which carries out its actions.
pub(super) async fn set_state(aws: &Aws, name: &str, state: &str, reason: &str) -> Result<(), Refusal> {
    let input = json!({ "AlarmName": name, "StateValue": state, "StateReason": reason });
    call(aws, "SetAlarmState", &input).await.map(drop)
}

/// A dashboard's body.
pub(super) async fn dashboard(aws: &Aws, name: &str) -> Result<Value, Refusal> {
    let answer = call(aws, "GetDashboard", &json!({ "DashboardName": name })).await?;
    let body = answer.get("DashboardBody").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(body).map_err(|error| Refusal { code: "InvalidBody".to_owned(), message: error.to_string() })
}
