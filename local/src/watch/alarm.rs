//! Whether an alarm rings: CloudWatch's rules ("Evaluating an alarm", "Configuring how alarms treat missing data").
//!
//! Looked at are the last windows twice: with the present one, which is not over yet, so that an alarm rings here a little before it would on AWS; and without
//! it, so that what came at the end of a window rings for a whole one more.

use serde_json::Value;

use super::meter::Meter;
use super::query::{Query, Source, Windows, answer, key};

/// An alarm as CloudWatch describes it.
#[derive(Clone, Debug)]
pub(super) struct Alarm {
    pub(super) name: String,
    /// What it means.
    pub(super) description: String,
    pub(super) state: String,
    /// Why it is in this state.
    pub(super) reason: String,
    queries: Vec<Query>,
    period_ms: i64,
    periods: usize,
    breaching: usize,
    threshold: f64,
    comparison: String,
    missing: String,
}

/// A state and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: &'static str,
    pub(super) reason: String,
}

impl Alarm {
    /// Of a description by `DescribeAlarms`; `None` where it has what is not known here.
    pub(super) fn of(described: &Value) -> Option<Self> {
        let text = |name: &str| described.get(name).and_then(Value::as_str).map(str::to_owned);
        let number =
            |name: &str| described.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let metrics = described.get("Metrics").and_then(Value::as_array);
        let (queries, period) = if let Some(metrics) = metrics.filter(|metrics| !metrics.is_empty()) {
            let queries: Option<Vec<Query>> = metrics.iter().map(Query::of_alarm).collect();
            (queries?, metrics.iter().find_map(period)?)
        } else {
            let source = Source::Metric(key(described)?, text("Statistic")?);
            (vec![Query { id: String::new(), label: String::new(), shown: true, source }], period(described)?)
        };
        let periods = number("EvaluationPeriods").filter(|periods| *periods > 0)?;
        Some(Self {
            name: text("AlarmName")?,
            description: text("AlarmDescription").unwrap_or_default(),
            state: text("StateValue").unwrap_or_default(),
            reason: text("StateReason").unwrap_or_default(),
            queries,
            period_ms: period.checked_mul(1000)?,
            periods,
            breaching: number("DatapointsToAlarm").unwrap_or(periods),
            threshold: described.get("Threshold").and_then(Value::as_f64)?,
            comparison: text("ComparisonOperator")?,
            missing: text("TreatMissingData").unwrap_or_default(),
        })
    }

    /// What it says now. `pace` divides its periods. It rings where any of its lines does.
    pub(super) fn judge(&self, meter: &Meter, now: i64, pace: u32) -> Result<Verdict, String> {
        let period = (self.period_ms / i64::from(pace)).max(1000);
        let windows: Windows = (0..=self.periods).map(|ago| window(now, period, ago)).collect();
        let lines = answer(&self.queries, meter, &windows)?;
        let none = vec![None; windows.len()];
        let values = lines.iter().map(|line| &line.values);
        let verdicts = if lines.is_empty() {
            vec![self.state_of(&none)]
        } else {
            values.map(|line| self.state_of(line)).collect()
        };
        let state = ["ALARM", "INSUFFICIENT_DATA"].into_iter().find(|state| verdicts.contains(state)).unwrap_or("OK");
        let shown: Vec<String> = lines
            .iter()
            .filter_map(|line| line.values.first().copied().flatten())
            .map(|value| value.to_string())
            .collect();
        let shown = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
        Ok(Verdict { state, reason: format!("{shown} was measured last; the threshold is {}", self.threshold) })
    }

    fn state_of(&self, values: &[Option<f64>]) -> &'static str {
        if self.missing == "missing" && values.iter().all(Option::is_none) {
            return "INSUFFICIENT_DATA";
        }
        let breaches = |value: &&Option<f64>| value.map_or(self.missing == "breaching", |value| self.breaches(value));
        let rings = |seen: &[Option<f64>]| seen.iter().filter(breaches).count() >= self.breaching.max(1);
        if values.windows(self.periods).any(rings) { "ALARM" } else { "OK" }
    }

    fn breaches(&self, value: f64) -> bool {
        match self.comparison.as_str() {
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "GreaterThanThreshold" => value > self.threshold,
            "LessThanOrEqualToThreshold" => value <= self.threshold,
            _ => value < self.threshold,
        }
    }
}

/// The window that began `ago` windows before the present one. Windows begin at whole periods, so that two values are in one or in two of them
/// whenever that is asked.
fn window(now: i64, period: i64, ago: usize) -> (i64, i64) {
    let start = now.div_euclid(period) * period - period * i64::try_from(ago).unwrap_or(i64::MAX / period);
    (start, start + period)
}

/// Seconds; the template may say them as a text.
fn period(entry: &Value) -> Option<i64> {
    let period = entry.get("Period").or_else(|| entry.pointer("/MetricStat/Period"))?;
    period.as_i64().or_else(|| period.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::meter::Key;
    use super::*;

    fn alarm(changes: &Value) -> Alarm {
        let mut described = json!({
            "AlarmName": "a", "Namespace": "Relay", "MetricName": "faulted", "Dimensions": [], "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 5, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        });
        for (name, value) in changes.as_object().unwrap() {
            described[name] = value.clone();
        }
        Alarm::of(&described).unwrap()
    }

    fn state(alarm: &Alarm, values: &[(f64, i64)], now: i64, pace: u32) -> &'static str {
        let meter = Meter::default();
        for (value, at) in values {
            meter.record(Key::new("Relay", "faulted", None), *value, *at);
            meter.record(Key::new("Relay", "faulted", Some(("reason", "other"))), 1000.0, *at);
        }
        alarm.judge(&meter, now, pace).unwrap().state
    }

    #[test]
    fn it_rings_when_enough_periods_breach_and_then_no_more() {
        let alarm = alarm(&json!({}));
        let two = [(5.0, 100_000), (3.0, 161_000), (2.0, 165_000)];
        assert_eq!(state(&alarm, &two, 200_000, 1), "ALARM");
        assert_eq!(state(&alarm, &two[..2], 200_000, 1), "OK", "one period of two");
        assert_eq!(state(&alarm, &two, 250_000, 1), "ALARM", "the last three that are over");
        assert_eq!(state(&alarm, &two, 310_000, 1), "OK", "only one of them is in the last three");
        assert_eq!(state(&alarm, &[], 200_000, 1), "OK", "nothing was measured");
        assert_eq!(state(&alarm, &[(9.0, 198_500), (9.0, 199_500)], 200_000, 60), "ALARM", "periods of a second");
    }

    #[test]
    fn missing_data_is_treated_as_the_alarm_says() {
        let treated = |missing: &str| state(&alarm(&json!({ "TreatMissingData": missing })), &[], 200_000, 1);
        assert_eq!(treated("breaching"), "ALARM");
        assert_eq!(treated("missing"), "INSUFFICIENT_DATA");
    }

    #[test]
    fn an_alarm_on_math_rings_by_the_answer_alone() {
        let metric = |id: &str, name: &str| json!({ "Id": id, "ReturnData": false, "MetricStat": { "Stat": "Sum", "Period": 60, "Metric": { "Namespace": "Relay", "MetricName": name } } });
        let expression =
            json!({ "Id": "stalled", "Expression": "IF(FILL(in, 0) > 0, FILL(out, 0) == 0, 0)", "ReturnData": true });
        let stalled = alarm(
            &json!({ "Metrics": [metric("in", "faulted"), metric("out", "decoded"), expression], "Threshold": 1, "DatapointsToAlarm": 1 }),
        );
        assert_eq!(state(&stalled, &[(1.0, 199_000)], 200_000, 1), "ALARM");
        assert_eq!(state(&stalled, &[], 200_000, 1), "OK");
    }
}
