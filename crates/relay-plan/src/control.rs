//! Table `control` under load: what each of its busy partitions takes, by the functions that make their keys.

use relay::agenda::AGENDA;
use relay::arrival::{ATTEMPTS, MOST_CREDIT, SECOND_EARNS, WRITE_COST, Whose};
use relay::backlog;
use relay::control::Key;
use relay::export::queue::QUEUE;
use relay::owner::{App, KeyRecord, Owner};
use serde::Serialize;

use crate::door::Door;
use crate::heat::Heat;
use crate::load::Load;
use crate::number::{float, length};
use crate::quota::{PARTITION_READS, PARTITION_WRITES};

/// What a partition takes in a second of the peak.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Partition {
    /// `pages` or `control`.
    pub table: &'static str,
    /// Its key.
    pub pk: String,
    /// What it holds.
    pub what: &'static str,
    /// Write units a second.
    pub writes: f64,
    /// Read units a second.
    pub reads: f64,
}

impl Partition {
    /// Whether it is within a partition's limits.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.writes <= float(PARTITION_WRITES) && self.reads <= float(PARTITION_READS)
    }
}

/// A read and the write that expects what it found, within a region: seconds.
const READ_AND_WRITE_SECONDS: f64 = 0.01;

/// A conditional write, whether it holds or not: a transaction of one (DynamoDB developer guide, "Transactions").
const CONDITIONAL_UNITS: f64 = 2.0;

/// Entries of the agenda that a tick of a minute takes at most, and what one costs: taken 4 units, ended or put off 4 (ADR 0009).
const AGENDA_A_MINUTE: f64 = 200.0;
const AGENDA_UNITS: f64 = 8.0;
/// Entries that an export has: its schedule's run, its webhook, two sweeps.
const AGENDA_AN_EXPORT: f64 = 4.0;

/// The partitions of the busiest app and owner, and those that are one for all.
#[must_use]
pub fn partitions(load: &Load, door: &Door, heat: &Heat) -> Vec<Partition> {
    let (app, owner) = (app_token(0), owner_name(0));
    let of = |key: Key, what, writes, reads| Partition { table: "control", pk: key.pk, what, writes, reads };
    let batches = float(heat.worst_second_batches);
    let (told, looked) = arrivals(heat.tells_per_second);
    // Schedules make most exports at the same minute of the day, as many as a tick takes.
    let due = (float(load.exports_per_day) * AGENDA_AN_EXPORT).min(AGENDA_A_MINUTE) / 60.0;
    let one_for_all = |pk: &str, what, writes, reads| of(Key::new(pk, ""), what, writes, reads);
    vec![
        of(backlog::key("shardId-000000000000"), "the writer's marks, all shards", batches, batches),
        of(Whose::App(app).key(), "what arrived of the busiest app", told, looked),
        of(KeyRecord::key(&"0".repeat(64)), "the ingest key of the busiest owner", 0.0, door.owner_reads),
        of(Owner::key(&owner), "the busiest owner's profile", 0.0, door.owner_reads),
        of(App::key(&app_token(0)), "the busiest app's registration", 0.0, door.app_reads),
        one_for_all(AGENDA, "what is due later", due * AGENDA_UNITS, due),
        one_for_all(QUEUE, "exports that wait", due, due),
    ]
}

/// Write and read units of so many tellings of one document a second: writers that meet on it try again, and pay for each try.
#[must_use]
pub fn arrivals(tells: f64) -> (f64, f64) {
    let meets = 1.0 - (-tells * READ_AND_WRITE_SECONDS).exp();
    let mut tries = 0.0;
    for attempt in 0..ATTEMPTS {
        tries += meets.powf(f64::from(attempt));
    }
    (tells * tries * CONDITIONAL_UNITS, tells * tries)
}

/// The app of a rank, the busiest first.
#[must_use]
pub fn app_token(rank: u32) -> String {
    format!("app{rank:06}")
}

fn owner_name(rank: u32) -> String {
    format!("owner{rank:06}")
}

/// One writer's tellings of what arrived: batch-writer's budget (ADR 0007), without the documents.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    credit: i64,
    earned_at: i64,
    /// When an app was told last, in seconds; never where it is below 0.
    told_at: Vec<i64>,
    is_waiting: Vec<bool>,
    waiting: Vec<u32>,
}

impl Teller {
    pub(crate) fn new(apps: u32) -> Self {
        let apps = usize::try_from(apps).unwrap_or(0);
        let (told_at, is_waiting) = (vec![-1; apps], vec![false; apps]);
        // In the middle of its life: what it saved up is spent.
        Self { credit: 0, earned_at: 0, told_at, is_waiting, waiting: Vec::new() }
    }

    /// An app of the batch, with so many activities.
    pub(crate) fn count(&mut self, app: u32, activities: u64) {
        self.credit = self.credit.saturating_add(i64::try_from(activities).unwrap_or(MOST_CREDIT)).min(MOST_CREDIT);
        if let Some(is_waiting) = self.is_waiting.get_mut(place(app))
            && !std::mem::replace(is_waiting, true)
        {
            self.waiting.push(app);
        }
    }

    /// The batch's end: calls back with each app that is told now, who was told longest ago first.
    pub(crate) fn tell(&mut self, now: i64, mut told: impl FnMut(u32)) {
        self.credit = (self.credit + (now - self.earned_at) * SECOND_EARNS).min(MOST_CREDIT);
        self.earned_at = now;
        let told_at = &self.told_at;
        self.waiting.sort_unstable_by_key(|app| (told_at.get(place(*app)).copied(), *app));
        let paid = usize::try_from(self.credit / WRITE_COST).unwrap_or(0).min(self.waiting.len());
        self.credit -= i64::try_from(paid).unwrap_or(0) * WRITE_COST;
        for app in self.waiting.drain(..paid) {
            told(app);
            if let (Some(at), Some(is_waiting)) =
                (self.told_at.get_mut(place(app)), self.is_waiting.get_mut(place(app)))
            {
                (*at, *is_waiting) = (now, false);
            }
        }
    }
}

fn place(app: u32) -> usize {
    usize::try_from(app).unwrap_or(usize::MAX)
}

/// The units that a mean over so many samples stands for.
pub(crate) fn scaled(tells: u32, sampled: usize, shards: u32, seconds: u32) -> f64 {
    f64::from(tells) / f64::from(seconds.max(1)) * f64::from(shards) / length(sampled.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teller_keeps_its_budget_and_tells_in_turns() {
        let mut teller = Teller::new(3);
        let mut told = [0; 3];
        for second in 0..600 {
            for app in 0..3 {
                teller.count(app, 10);
            }
            teller.tell(second, |app| told[place(app)] += 1);
        }
        // 30 activities earn 30, a second 20: half a write a second.
        assert_eq!(told.iter().sum::<i32>(), 300 - 1);
        assert!(told.iter().all(|n| (99..=100).contains(n)), "{told:?}");
    }

    #[test]
    fn writers_that_meet_pay_for_each_try() {
        let (alone, _) = arrivals(1.0);
        assert!((2.0..2.05).contains(&alone), "{alone}");
        let (crowded, _) = arrivals(400.0);
        assert!(crowded > 3_000.0, "{crowded}");
    }

    #[test]
    fn a_partition_holds_up_to_its_limits() {
        let partition = |writes, reads| Partition { table: "control", pk: String::new(), what: "", writes, reads };
        assert!(partition(1_000.0, 3_000.0).holds());
        assert!(!partition(1_000.1, 0.0).holds() && !partition(0.0, 3_000.1).holds());
    }
}
