//! What became of a cell's activities, compared with what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use crate::traffic::{Fate, Sent};

/// One cell's run.
pub(crate) struct Outcome {
    place: &'static str,
    fault: &'static str,
    pub(crate) sent: Sent,
    /// How often the fault struck.
    pub(crate) struck: usize,
    /// Processes that were killed.
    pub(crate) killed: usize,
    /// The event ids of the file's rows; `None` without a file.
    pub(crate) rows: Option<Vec<String>>,
    /// The ids in the quarantine.
    pub(crate) quarantined: BTreeSet<String>,
    /// Mails to the cell's address.
    pub(crate) mails: usize,
}

impl Outcome {
    /// Nothing has happened yet.
    pub(crate) fn new(place: &'static str, fault: &'static str) -> Self {
        let quarantined = BTreeSet::new();
        Self { place, fault, sent: Sent::default(), struck: 0, killed: 0, rows: None, quarantined, mails: 0 }
    }

    fn acknowledged(&self, fate: Fate) -> impl Iterator<Item = &String> {
        self.sent.acknowledged.iter().filter(move |(_, of)| **of == fate).map(|(id, _)| id)
    }

    /// Acknowledged as kept raw, and there.
    fn kept_raw(&self) -> usize {
        self.acknowledged(Fate::Quarantined).filter(|id| self.quarantined.contains(*id)).count()
    }

    /// Each id with how many rows it has.
    fn counted(&self) -> BTreeMap<&String, usize> {
        let mut rows = BTreeMap::new();
        for id in self.rows.iter().flatten() {
            *rows.entry(id).or_default() += 1;
        }
        rows
    }

    /// Acknowledged, and neither a row nor in the quarantine.
    fn lost(&self) -> Vec<&String> {
        let rows = self.counted();
        let rows = self.acknowledged(Fate::Row).filter(|id| !rows.contains_key(*id));
        rows.chain(self.acknowledged(Fate::Quarantined).filter(|id| !self.quarantined.contains(*id))).collect()
    }

    fn twice(&self) -> Vec<&String> {
        self.counted().into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| id).collect()
    }

    /// Rows that nobody sent, or that should be no rows.
    fn strange(&self) -> Vec<&String> {
        let is_no_row = |id: &&String| {
            !self.sent.all.contains(*id) || self.sent.acknowledged.get(*id).is_some_and(|fate| *fate != Fate::Row)
        };
        self.counted().into_keys().filter(is_no_row).collect()
    }

    /// Whether the file came, and nothing is lost or twice in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows.is_some() && self.acknowledged(Fate::Row).count() == self.counted().len() && self.twice().is_empty()
    }

    /// Whether the fault was really there: otherwise the cell proves nothing.
    fn was_provoked(&self) -> bool {
        self.struck > 0 && (self.fault != crate::cell::Fault::Killed.name() || self.killed > 0)
    }

    /// What is wrong, with the first few ids.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = self.sent.wrong.clone();
        let rows = self.counted().len();
        for (what, ids) in [("lost", self.lost()), ("twice", self.twice()), ("not to be a row", self.strange())] {
            if !ids.is_empty() {
                complaints.push(format!("{} {what}, such as {:?}", ids.len(), &ids[..ids.len().min(5)]));
            }
        }
        if self.rows.is_none() {
            complaints.push("no mail with a link".to_owned());
        }
        if !self.was_provoked() {
            complaints.push("the fault did not strike".to_owned());
        }
        let accounted = rows + self.acknowledged(Fate::Dropped).count() + self.kept_raw();
        if accounted != self.sent.acknowledged.len() {
            complaints.push(format!("{} acknowledged, {accounted} accounted for", self.sent.acknowledged.len()));
        }
        complaints.into_iter().map(|complaint| format!("{}, {}: {complaint}", self.place, self.fault)).collect()
    }
}

/// The table, as docs/semantics.md shows it.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut table = "| place | fault | struck | killed | sent again | acknowledged | rows | dropped | quarantined | lost | twice | mails |\n".to_owned();
    table.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for outcome in outcomes {
        let counts = [
            outcome.struck,
            outcome.killed,
            outcome.sent.again,
            outcome.sent.acknowledged.len(),
            outcome.counted().len(),
            outcome.acknowledged(Fate::Dropped).count(),
            outcome.kept_raw(),
            outcome.lost().len(),
            outcome.twice().len(),
            outcome.mails,
        ];
        let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
        table.extend(["| ", outcome.place, " | ", outcome.fault, " | ", &counts.join(" | "), " |\n"]);
    }
    table
}
