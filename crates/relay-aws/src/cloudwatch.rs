//! CloudWatch: alarms, and what a metric was lately.
//!
//! Two calls of its JSON protocol, signed here: the SDK's crate for it brings a second `http` and `http-body`, and with them another build of every
//! crate of the SDK, for each function too.

mod call;

use std::time::Duration;

use relay::fault::Fault;
use serde_json::{Value, json};

use crate::config::Aws;
use crate::fault::broken;
use call::Caller;

const DESCRIBE_ALARMS: &str = "cloudwatch:DescribeAlarms";
const GET_METRIC_STATISTICS: &str = "cloudwatch:GetMetricStatistics";

/// CloudWatch API reference, `DescribeAlarms`: the most of one answer.
const ALARMS_OF_AN_ANSWER: u32 = 100;

/// More alarms than these are not a stack's.
const MAX_ANSWERS: usize = 5;

/// An alarm as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name: `{stack}-{logical id}-{letters}`, where the template gives none.
    pub name: String,
    /// `OK`, `ALARM`, or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why it is in this state, in CloudWatch's words.
    pub reason: String,
}

/// A metric by its dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric<'a> {
    /// As `AWS/SQS`.
    pub namespace: &'a str,
    /// As `ApproximateAgeOfOldestMessage`.
    pub name: &'a str,
    /// Name and value of each dimension.
    pub dimensions: &'a [(&'a str, &'a str)],
    /// `Maximum` or `Sum`, of each period.
    pub statistic: &'static str,
}

/// CloudWatch of an account in a region.
#[derive(Debug)]
pub struct AwsWatch {
    caller: Caller,
}

impl AwsWatch {
    /// CloudWatch of the handle's account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { caller: Caller::new(aws) }
    }

    /// The alarms whose names begin with `prefix`; `now` in milliseconds since the epoch, as for every call here.
    pub async fn alarms(&self, prefix: &str, now: i64) -> Result<Vec<Alarm>, Fault> {
        let mut alarms = Vec::new();
        let mut next = Value::Null;
        for _ in 0..MAX_ANSWERS {
            let mut input = json!({"AlarmNamePrefix": prefix, "MaxRecords": ALARMS_OF_AN_ANSWER});
            if let (Some(input), false) = (input.as_object_mut(), next.is_null()) {
                input.insert("NextToken".to_owned(), next);
            }
            let answer = self.caller.call(DESCRIBE_ALARMS, &input, now).await?;
            let found = answer.get("MetricAlarms").and_then(Value::as_array);
            let found = found.ok_or_else(|| broken(DESCRIBE_ALARMS, "an answer without MetricAlarms"))?;
            alarms.extend(found.iter().map(alarm));
            next = answer.get("NextToken").cloned().unwrap_or_default();
            if next.is_null() {
                break;
            }
        }
        Ok(alarms)
    }

    /// The greatest (of `Sum`: the whole) that the metric was within the time before `now`; `None` where CloudWatch has no value of it.
    pub async fn lately(&self, metric: &Metric<'_>, within: Duration, now: i64) -> Result<Option<f64>, Fault> {
        let dimension = |(name, value): &(&str, &str)| json!({"Name": name, "Value": value});
        let end = now.div_euclid(1000);
        let input = json!({
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": metric.dimensions.iter().map(dimension).collect::<Vec<_>>(),
            "StartTime": end.saturating_sub_unsigned(within.as_secs()),
            "EndTime": end,
            "Period": 60,
            "Statistics": [metric.statistic],
        });
        let answer = self.caller.call(GET_METRIC_STATISTICS, &input, now).await?;
        let points = answer.get("Datapoints").and_then(Value::as_array);
        let points = points.ok_or_else(|| broken(GET_METRIC_STATISTICS, "an answer without Datapoints"))?;
        let values = points.iter().filter_map(|point| point.get(metric.statistic)?.as_f64());
        Ok(values.reduce(|one, other| if metric.statistic == "Sum" { one + other } else { one.max(other) }))
    }

    /// The time that CloudWatch says it is when it is asked: milliseconds since the epoch, to the second. It says so with a refusal as well, as it
    /// gives one to a clock that is five minutes wrong.
    pub async fn clock(&self, now: i64) -> Result<i64, Fault> {
        self.caller.clock(DESCRIBE_ALARMS, &json!({"MaxRecords": 1}), now).await
    }
}

fn alarm(alarm: &Value) -> Alarm {
    let text = |name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Alarm { name: text("AlarmName"), state: text("StateValue"), reason: text("StateReason") }
}
