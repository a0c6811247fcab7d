//! The queue: who is served next, and the slots that hold what runs.
//!
//! Owners take turns, least recently served first; within one owner it is first come, first served.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Export;
use crate::control::{Expect, Key, Write};

/// The partition of everything that waits; sort keys ascend with time.
pub const QUEUE: &str = "queue";

/// The partition of the run slots.
pub const SLOTS: &str = "slot";

/// The partition of when each owner was last served.
pub const TURNS: &str = "turn";

/// The most exports of one owner that may wait at a time: the queue is read whole, for places in line and by each dispatcher.
pub const MAX_WAITING: u32 = 100;

/// How long a turn is remembered: seconds. An owner who asked for nothing in a day is served like a new one.
pub const TURN_KEPT_SECONDS: i64 = 86_400;

/// An export that waits: item `queue` / `{requested_at:013}#{export_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Whose it is.
    pub owner: String,
    /// Which one.
    pub export_id: String,
    /// Since when: milliseconds since the epoch.
    pub requested_at: i64,
    /// The number of its [`Seat`].
    pub seat: u32,
}

impl Waiting {
    /// An export in the queue, on the seat of this number.
    #[must_use]
    pub fn of(export: &Export, seat: u32) -> Self {
        Self { owner: export.owner.clone(), export_id: export.export_id.clone(), requested_at: export.as_of, seat }
    }

    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        Self::key_of(self.requested_at, &self.export_id)
    }

    /// Where an export stands, if it waits.
    #[must_use]
    pub fn key_for(export: &Export) -> Key {
        Self::key_of(export.as_of, &export.export_id)
    }

    fn key_of(requested_at: i64, export_id: &str) -> Key {
        Key::new(QUEUE, format!("{requested_at:013}#{export_id}"))
    }

    /// The writes that end its waiting. They expect nothing: that it waits, the export itself says, which is written in the same commit.
    #[must_use]
    pub fn leave(&self) -> [Write; 2] {
        [self.key(), Seat::key(&self.owner, self.seat)].map(|key| Write::Delete { key, expect: Expect::Any })
    }
}

/// What an export sits on while it waits: item `seat#{owner}` / number. An owner has [`MAX_WAITING`] of them, taken and left in the commits
/// that put an export into the queue and take it out: so no number of requests at the same time makes the line longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who sits on it.
    pub export_id: String,
}

impl Seat {
    /// The partition of an owner's seats that are taken.
    #[must_use]
    pub fn partition(owner: &str) -> String {
        format!("seat#{owner}")
    }

    /// Where the seat of this number stands.
    #[must_use]
    pub fn key(owner: &str, number: u32) -> Key {
        Key::new(Self::partition(owner), number.to_string())
    }
}

/// A run slot: item `slot` / number. One that was never taken is not there; one that was freed stays there empty, so that its version
/// keeps growing and nobody who saw an earlier holder can free a later one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Who has it.
    pub held: Option<Holder>,
}

/// The export in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Whose export it holds.
    pub owner: String,
    /// Which one: also the name of the execution.
    pub export_id: String,
    /// Since when: milliseconds since the epoch.
    pub claimed_at: i64,
}

impl Slot {
    /// Where the slot of this number stands.
    #[must_use]
    pub fn key(number: u32) -> Key {
        Key::new(SLOTS, number.to_string())
    }
}

/// When an owner was last served: item `turn` / owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Milliseconds since the epoch, moved on where two owners were served in the same one.
    pub served_at: i64,
}

impl Turn {
    /// Where an owner's turn stands.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(TURNS, owner)
    }

    /// The turn of an owner served now, behind every turn there is.
    #[must_use]
    pub fn next(turns: &BTreeMap<String, i64>, now: i64) -> Self {
        let latest = turns.values().max().copied().unwrap_or(i64::MIN);
        Self { served_at: now.max(latest.saturating_add(1)) }
    }
}

/// What waits, in the order in which it will be served if nobody else comes. `waiting` is in the order of its keys; `turns` says when
/// each owner was last served.
#[must_use]
pub fn order(waiting: &[Waiting], turns: &BTreeMap<String, i64>) -> Vec<Waiting> {
    let mut lines: BTreeMap<&str, VecDeque<&Waiting>> = BTreeMap::new();
    for one in waiting {
        lines.entry(&one.owner).or_default().push_back(one);
    }
    let mut owners: Vec<(i64, &str)> =
        lines.keys().map(|owner| (turns.get(*owner).copied().unwrap_or(i64::MIN), *owner)).collect();
    owners.sort_unstable();
    let mut ordered = Vec::with_capacity(waiting.len());
    while ordered.len() < waiting.len() {
        let heads = owners.iter().filter_map(|(_, owner)| lines.get_mut(owner)?.pop_front());
        ordered.extend(heads.cloned());
    }
    ordered
}

/// The place in line of an export from 1; `None` where it does not wait.
#[must_use]
pub fn position(ordered: &[Waiting], export_id: &str) -> Option<u64> {
    let index = ordered.iter().position(|one| one.export_id == export_id)?;
    u64::try_from(index).ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(entries: &[(&str, &str)]) -> Vec<Waiting> {
        let of = |(at, (owner, id)): (usize, &(&str, &str))| Waiting {
            owner: (*owner).to_owned(),
            export_id: (*id).to_owned(),
            requested_at: i64::try_from(at).unwrap(),
            seat: 0,
        };
        entries.iter().enumerate().map(of).collect()
    }

    fn ids(ordered: &[Waiting]) -> Vec<&str> {
        ordered.iter().map(|one| one.export_id.as_str()).collect()
    }

    #[test]
    fn owners_take_turns_and_each_is_served_in_its_own_order() {
        let line = waiting(&[("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")]);
        assert_eq!(ids(&order(&line, &BTreeMap::new())), ["a1", "b1", "c1", "a2", "b2", "a3"]);
        let turns = BTreeMap::from([("a".to_owned(), 20), ("b".to_owned(), 10)]);
        let ordered = order(&line, &turns);
        assert_eq!(ids(&ordered), ["c1", "b1", "a1", "b2", "a2", "a3"]);
        assert_eq!(position(&ordered, "b2"), Some(4));
        assert_eq!(position(&ordered, "zz"), None);
    }

    #[test]
    fn a_turn_is_always_behind_every_other() {
        let mut turns = BTreeMap::new();
        for owner in ["a", "b", "c"] {
            let turn = Turn::next(&turns, 100);
            assert!(turns.values().all(|at| *at < turn.served_at));
            turns.insert(owner.to_owned(), turn.served_at);
        }
    }

    #[test]
    fn the_queue_is_sorted_by_time_whatever_its_digits() {
        let early = Waiting { owner: "a".into(), export_id: "f".repeat(32), requested_at: 999_999_999_999, seat: 0 };
        let late = Waiting { owner: "a".into(), export_id: "0".repeat(32), requested_at: 1_000_000_000_000, seat: 1 };
        assert!(early.key() < late.key());
    }
}
