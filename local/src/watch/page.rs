//! The dashboard as a page: the panels of the template's dashboard over the last hour, and the alarms. Nothing but this one document.

use std::fmt::Write as _;

use serde_json::Value;

use super::alarm::Alarm;
use super::chart;
use super::meter::Meter;
use super::query::{Line, Query, Windows, answer};

/// What a panel shows.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// CloudWatch's own period where a panel names none, in seconds.
const PERIOD: i64 = 60;
/// CloudWatch's grid has this many columns.
const COLUMNS: u64 = 24;

const HEAD: &str = include_str!("page.html");

/// The whole page at a moment.
pub(super) fn page(dashboard: &Value, alarms: &[Alarm], meter: &Meter, now: i64) -> String {
    let mut html = HEAD.to_owned();
    html.push_str(&banner(alarms));
    html.push_str("<main>");
    for widget in dashboard.get("widgets").and_then(Value::as_array).into_iter().flatten() {
        let width = widget.get("width").and_then(Value::as_u64).unwrap_or(COLUMNS).clamp(1, COLUMNS);
        let properties = widget.get("properties").unwrap_or(&Value::Null);
        let inside = match widget.get("type").and_then(Value::as_str) {
            Some("metric") => panel(properties, meter, now),
            Some("text") => words(text(properties, "markdown")),
            // The alarms are on top already.
            _ => continue,
        };
        let drawn = write!(html, "<section class=\"w{width}\">{inside}</section>");
        debug_assert!(drawn.is_ok(), "a text takes what is written");
    }
    html.push_str("</main></body></html>\n");
    html
}

/// Those that ring with what they mean, then the names of the others.
fn banner(alarms: &[Alarm]) -> String {
    let (ringing, quiet): (Vec<&Alarm>, Vec<&Alarm>) = alarms.iter().partition(|alarm| alarm.state == "ALARM");
    let rings = ringing.iter().map(|alarm| {
        let Alarm { description, reason, .. } = alarm;
        format!("<li><b>{}</b> {} <i>{}</i></li>", escape(short(alarm)), escape(description), escape(reason))
    });
    let rings: String = rings.collect();
    let names: Vec<String> = quiet.iter().map(|alarm| escape(short(alarm))).collect();
    let said = match ringing.len() {
        0 => format!("<p class=\"well\">None of {} alarms rings.</p>", alarms.len()),
        n => format!("<p class=\"ill\">{n} of {} alarms ring.</p><ul class=\"rings\">{rings}</ul>", alarms.len()),
    };
    format!(
        "<header><h1>Relay on this machine</h1>{said}<details><summary>Alarms that do not ring</summary><p>{}</p></details></header>",
        names.join(" · ")
    )
}

/// The template's name of an alarm: the deploy puts the stack's before it and chance after it.
fn short(alarm: &Alarm) -> &str {
    let found = alarm.name.split('-').find(|part| part.ends_with("Alarm"));
    found.unwrap_or(&alarm.name)
}

fn panel(properties: &Value, meter: &Meter, now: i64) -> String {
    let statistic = properties.get("stat").and_then(Value::as_str).unwrap_or("Average");
    let entries = properties.get("metrics").and_then(Value::as_array).into_iter().flatten();
    let queries: Option<Vec<Query>> = entries.map(|entry| Query::of_panel(entry, statistic)).collect();
    let period = properties.get("period").and_then(Value::as_i64).unwrap_or(PERIOD).max(PERIOD) * 1000;
    let (windows, first) = ((HOUR_MS / period).max(1), now + 1000 - HOUR_MS);
    let windows: Windows = (0..windows).map(|n| (first + n * period, first + (n + 1) * period)).collect();
    let title = format!("<h2>{}</h2>", escape(text(properties, "title")));
    let queries = queries.ok_or_else(|| "a metric of it is not understood here".to_owned());
    let lines = queries.and_then(|queries| answer(&queries, meter, &windows));
    match lines {
        Err(problem) => format!("{title}<p class=\"none\">{}</p>", escape(&problem)),
        Ok(lines) => {
            let measured: Vec<Line> =
                lines.into_iter().filter(|line| line.values.iter().any(Option::is_some)).collect();
            if measured.is_empty() {
                return format!("{title}<p class=\"none\">nothing was measured in this hour</p>");
            }
            let stacked = properties.get("stacked") == Some(&Value::Bool(true));
            let summed = statistic == "Sum" && properties.get("view") != Some(&Value::from("singleValue"));
            // One window is a number, and no picture.
            let picture = if windows.len() > 1 { chart::chart(&measured, stacked) } else { String::new() };
            format!("{title}{picture}{}", legend(&measured, summed))
        }
    }
}

/// Each line's sum over the hour, or its last value.
fn legend(lines: &[Line], summed: bool) -> String {
    let mut html = "<ul class=\"legend\">".to_owned();
    for (line, place) in lines.iter().zip(0..) {
        let values = line.values.iter().flatten();
        let value = if summed { values.sum() } else { values.last().copied().unwrap_or_default() };
        let colour = place % chart::COLOURS;
        let drawn = write!(
            html,
            "<li class=\"c{colour}\"><span>{}</span> <b>{}</b></li>",
            escape(&line.label),
            chart::number(value)
        );
        debug_assert!(drawn.is_ok(), "a text takes what is written");
    }
    html.push_str("</ul>");
    html
}

/// As much of Markdown as the dashboard's texts use: headings, paragraphs, links.
fn words(markdown: &str) -> String {
    let line = |line: &str| match line.trim_start_matches('#') {
        "" => String::new(),
        heading if heading.len() < line.len() => format!("<h2>{}</h2>", escape(heading.trim())),
        plain => format!("<p>{}</p>", links(plain)),
    };
    markdown.lines().map(line).collect()
}

fn links(text: &str) -> String {
    let found = text.split_once('[').and_then(|(before, rest)| {
        let (label, rest) = rest.split_once("](")?;
        let (address, after) = rest.split_once(')')?;
        Some((before, label, address, after))
    });
    match found {
        Some((before, label, address, after)) => {
            format!("{}<a href=\"{}\">{}</a>{}", escape(before), escape(address), escape(label), links(after))
        }
        None => escape(text),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// For text and attributes of HTML: some of what is shown comes from senders.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::meter::Key;
    use super::*;

    #[test]
    fn the_page_shows_panels_values_and_what_rings() {
        let meter = Meter::default();
        meter.record(Key::new("Relay", "mails_undelivered", Some(("reason", "<b>"))), 3.0, 3_590_000);
        meter.record(Key::new("Relay", "mails_undelivered", Some(("reason", "<b>"))), 4.0, 3_000_000);
        let dashboard = json!({ "widgets": [
            { "type": "text", "width": 24, "properties": { "markdown": "# Relay\n[runbook](https://example.com/a?b&c) first" } },
            { "type": "metric", "width": 8, "properties": { "title": "Mails", "stat": "Sum", "stacked": true, "metrics": [
                [{ "expression": "SEARCH('{Relay,reason} MetricName=\"mails_undelivered\"', 'Sum', 60)" }],
            ] } },
            { "type": "metric", "width": 8, "properties": { "title": "Nothing", "stat": "Sum", "metrics": [["Relay", "received"]] } },
            { "type": "metric", "width": 8, "properties": { "title": "Wrong", "stat": "Sum", "metrics": [[{ "expression": "RATE(x)" }]] } },
        ] });
        let described = json!({ "AlarmName": "relay-BouncedAlarm-1a2b", "AlarmDescription": "mails come back", "StateValue": "ALARM",
            "Namespace": "Relay", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold" });
        let html = page(&dashboard, &[Alarm::of(&described).unwrap()], &meter, 3_600_000);
        for shown in [
            "1 of 1 alarms ring",
            "<b>BouncedAlarm</b> mails come back",
            "<h2>Mails</h2>",
            "<span>&lt;b&gt;</span> <b>7</b>",
            "nothing was measured",
            "no metric has the id x",
            "<a href=\"https://example.com/a?b&amp;c\">runbook</a> first",
        ] {
            assert!(html.contains(shown), "{shown}:\n{html}");
        }
        assert!(!html.contains("<b>>") && !html.contains("<script"));
    }
}
