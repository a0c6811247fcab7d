//! A line of a log, for people and for programs.

use std::fmt::Write;

use relay::period::rfc3339_millis;
use relay::time;
use serde_json::{Map, Value, json};

use crate::view::plain;

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    /// Functions write it where `AWS_LAMBDA_LOG_LEVEL` says so.
    Debug,
    /// What was done.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

/// What functions wrote, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) function: &'static str,
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// Tells it from the function's other lines.
    pub(crate) id: String,
    /// As it was written.
    pub(crate) text: String,
    /// Its members, where it is a JSON object, as all of ours are.
    fields: Option<Map<String, Value>>,
}

impl Line {
    /// The line; `at` is what it is where it tells no time itself.
    pub(crate) fn new(function: &'static str, at: i64, id: String, text: String) -> Self {
        let fields: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
        let told = fields.as_ref().and_then(written_at);
        Self { function, at: told.unwrap_or(at), id, text, fields }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.as_ref()?.get(name)?.as_str()
    }

    /// Lines of the platform's come from WARN on (`SystemLogLevel`), and what is no JSON is a panic's, or worse.
    pub(crate) fn level(&self) -> Level {
        match self.field("level") {
            Some("TRACE" | "DEBUG") => Level::Debug,
            Some("INFO") => Level::Info,
            Some("ERROR") => Level::Error,
            None if self.is_count() => Level::Info,
            Some(_) | None => Level::Warn,
        }
    }

    /// Whether it is a count for CloudWatch (embedded metric format).
    pub(crate) fn is_count(&self) -> bool {
        self.fields.as_ref().is_some_and(|fields| fields.contains_key("_aws"))
    }

    /// What it says, with every member but those that the line's head tells.
    pub(crate) fn message(&self) -> String {
        let Some(fields) = &self.fields else { return plain(&self.text) };
        let platform = self.field("type").unwrap_or_default();
        let mut text = plain(self.field("message").unwrap_or(platform));
        for (name, value) in fields {
            if matches!(name.as_str(), "timestamp" | "time" | "level" | "message" | "target" | "type" | "_aws") {
                continue;
            }
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Writing to a string cannot fail.
            let _infallible = write!(text, "  {}={}", plain(name), plain(&value));
        }
        text.trim_start().to_owned()
    }

    /// For people: one line, with colours where `is_coloured`.
    pub(crate) fn shown(&self, is_coloured: bool) -> String {
        let (name, colour) = match self.level() {
            Level::Debug => ("DEBUG", "2"),
            Level::Info => ("INFO", "32"),
            Level::Warn => ("WARN", "33"),
            Level::Error => ("ERROR", "31"),
        };
        let (at, function, message) = (rfc3339_millis(self.at), self.function, self.message());
        if is_coloured {
            return format!("\u{1b}[2m{at}\u{1b}[0m \u{1b}[{colour}m{name:<5}\u{1b}[0m {function:<17} {message}\n");
        }
        format!("{at} {name:<5} {function:<17} {message}\n")
    }

    /// For programs: when, whose, and the line itself.
    pub(crate) fn json(&self) -> Value {
        let line = self.fields.clone().map_or_else(|| Value::from(self.text.as_str()), Value::Object);
        json!({"at": rfc3339_millis(self.at), "function": self.function, "line": line})
    }
}

/// Ours say `timestamp`, the platform's `time`, counts say it in their own way.
fn written_at(fields: &Map<String, Value>) -> Option<i64> {
    let text = ["timestamp", "time"].into_iter().find_map(|name| fields.get(name)?.as_str());
    let count = || fields.get("_aws")?.get("Timestamp")?.as_i64();
    text.and_then(time::parse_millis_or_rfc3339).or_else(count)
}
