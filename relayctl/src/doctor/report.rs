//! Doctor's answer, for people and for programs.

use std::fmt::Write;

use relay::period::rfc3339;
use serde::Serialize;

use super::judge::{Finding, Level};

/// What was found in a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    stack: String,
    /// When, RFC 3339.
    looked_at: String,
    findings: Vec<Finding>,
    ok: usize,
    warn: usize,
    wrong: usize,
    unknown: usize,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

impl Report {
    pub(super) fn new(stack: &str, now: i64, findings: Vec<Finding>) -> Self {
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let (ok, warn) = (count(Level::Ok), count(Level::Warn));
        let (wrong, unknown) = (count(Level::Wrong), count(Level::Unknown));
        Self { stack: stack.to_owned(), looked_at: rfc3339(now), findings, ok, warn, wrong, unknown }
    }

    /// Whether nothing is wrong, and nothing unseen.
    pub(crate) const fn is_well(&self) -> bool {
        self.wrong == 0 && self.unknown == 0
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// For people: a line a finding, and below each that is not well what to do.
    pub(crate) fn text(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.part.chars().count()).max().unwrap_or(0);
        let mut text = format!("stack {}, {}\n\n", self.stack, self.looked_at);
        let margin = " ".repeat("unknown".len() + 2);
        for finding in &self.findings {
            let Finding { level, part, found, advice, runbook } = finding;
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "{:<7}  {part:<width$}  {found}", level.name());
            for line in advice.iter().chain(runbook) {
                let _infallible = writeln!(text, "{margin}{:<width$}  → {line}", "");
            }
        }
        let Self { ok, warn, wrong, unknown, .. } = self;
        let _infallible = writeln!(text, "\n{ok} ok, {warn} to look at, {wrong} wrong, {unknown} unknown");
        text
    }
}
