//! What became of what was replayed: a line an object, the totals at the end.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::operations::replay::Outcome;

/// What became of an object's entries (records of a batch), by index from 0. What was settled before is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ObjectReport {
    pub(crate) object: String,
    pub(crate) accepted: Vec<usize>,
    pub(crate) dropped: Vec<usize>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) failed: Vec<Failed>,
}

/// An entry that is still not understood, or not its owner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rejected {
    pub(crate) entry: usize,
    pub(crate) reason: String,
    pub(crate) detail: String,
}

/// An entry that the stream did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failed {
    pub(crate) entry: usize,
    pub(crate) fault: String,
}

impl ObjectReport {
    pub(crate) fn new(object: String, outcomes: BTreeMap<usize, Outcome>) -> Self {
        let mut report = Self { object, ..Self::default() };
        for (entry, outcome) in outcomes {
            match outcome {
                Outcome::Accepted => report.accepted.push(entry),
                Outcome::Dropped => report.dropped.push(entry),
                Outcome::Rejected { reason, detail } => report.rejected.push(Rejected { entry, reason, detail }),
                Outcome::Failed(fault) => report.failed.push(Failed { entry, fault: fault.to_string() }),
            }
        }
        report
    }

    /// Whether nothing of the object was tried.
    pub(crate) const fn is_empty(&self) -> bool {
        self.accepted.is_empty() && self.dropped.is_empty() && self.rejected.is_empty() && self.failed.is_empty()
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut totals = Totals::default();
        totals.add(self);
        let mut text = format!("{}: {}\n", self.object, totals.counts());
        // Writing to a string cannot fail.
        for Rejected { entry, reason, detail } in &self.rejected {
            let _infallible = writeln!(text, "  {entry} still rejected, {reason}: {}", super::plain(detail));
        }
        for Failed { entry, fault } in &self.failed {
            let _infallible = writeln!(text, "  {entry} failed: {fault}");
        }
        text
    }

    /// For programs: one line.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// What became of all that was replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    pub(crate) objects: usize,
    pub(crate) accepted: usize,
    pub(crate) dropped: usize,
    pub(crate) rejected: usize,
    pub(crate) failed: usize,
}

impl Totals {
    pub(crate) const fn add(&mut self, report: &ObjectReport) {
        self.objects += 1;
        self.accepted += report.accepted.len();
        self.dropped += report.dropped.len();
        self.rejected += report.rejected.len();
        self.failed += report.failed.len();
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        if self.objects == 0 {
            return "nothing is left to replay\n".to_owned();
        }
        format!("{} objects: {}\n", self.objects, self.counts())
    }

    /// For programs: the last line.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(&serde_json::json!({"total": self}))? + "\n")
    }

    fn counts(&self) -> String {
        let Self { accepted, dropped, rejected, failed, .. } = self;
        format!("{accepted} accepted, {dropped} dropped, {rejected} still rejected, {failed} failed")
    }
}
