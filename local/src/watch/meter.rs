//! What was measured: each metric's last day in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// How long it is remembered: the longest period of an alarm, a day, and the minutes it may have begun earlier.
const KEPT_MS: i64 = 25 * 60 * 60 * 1000;
/// How long each second is told apart.
const FINE_MS: i64 = 15 * 60 * 1000;
const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;

/// A metric: its namespace, its name and the one combination of dimensions it is counted under.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// `Relay` or AWS's own, such as `AWS/Lambda`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// By name.
    pub dimensions: BTreeMap<String, String>,
}

impl Key {
    /// A metric under at most one dimension.
    #[must_use]
    pub fn new(namespace: &str, name: &str, dimension: Option<(&str, &str)>) -> Self {
        let dimensions = dimension.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }
}

/// CloudWatch's statistic set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// How many values.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
}

impl Stats {
    /// Of one value.
    #[must_use]
    pub fn one(value: f64) -> Self {
        Self { count: 1.0, sum: value, minimum: value, maximum: value }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
    }

    /// A statistic by CloudWatch's name; percentiles are not known.
    #[must_use]
    pub fn named(&self, statistic: &str) -> Option<f64> {
        match statistic {
            "Sum" => Some(self.sum),
            "Average" => Some(self.sum / self.count),
            "Minimum" => Some(self.minimum),
            "Maximum" => Some(self.maximum),
            "SampleCount" => Some(self.count),
            _ => None,
        }
    }
}

/// Statistics by the start of their second or, of what is older, their minute: milliseconds since the epoch.
type Buckets = BTreeMap<i64, Stats>;

/// Values of each metric.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Measured>);

#[derive(Debug, Default)]
struct Measured {
    all: BTreeMap<Key, Buckets>,
    /// What the emulator was not told yet, by minute.
    untold: BTreeMap<(Key, i64), Stats>,
}

impl Meter {
    /// Takes a value in; `at`: milliseconds since the epoch.
    pub fn record(&self, key: Key, value: f64, at: i64) {
        let Ok(mut measured) = self.0.lock() else { return };
        let Measured { all, untold } = &mut *measured;
        add(all.entry(key.clone()).or_default(), floor(at, SECOND_MS), Stats::one(value));
        let stats = untold.entry((key, floor(at, MINUTE_MS)));
        stats.and_modify(|stats| stats.add(Stats::one(value))).or_insert_with(|| Stats::one(value));
    }

    /// Takes in what an earlier run kept.
    pub(super) fn take_up(&self, path: &Path) -> Result<(), Failure> {
        let kept: Vec<(Key, Buckets)> = files::read_json(path)?.unwrap_or_default();
        if let Ok(mut measured) = self.0.lock() {
            measured.all = kept.into_iter().collect();
        }
        Ok(())
    }

    /// Keeps all for the next run.
    pub(super) fn keep(&self, path: &Path) -> Result<(), Failure> {
        let all = self.0.lock().map(|measured| measured.all.clone()).unwrap_or_default();
        files::write_json(path, &all.into_iter().collect::<Vec<_>>())
    }

    /// What is complete and was not told yet: of minutes before the one at `now`, or of all.
    pub(super) fn untold(&self, now: i64, all: bool) -> Vec<(Key, i64, Stats)> {
        let Ok(mut measured) = self.0.lock() else { return Vec::new() };
        let border = floor(now, MINUTE_MS);
        let told = std::mem::take(&mut measured.untold);
        let (ready, kept) = told.into_iter().partition(|((_, minute), _)| all || *minute < border);
        measured.untold = kept;
        let ready: BTreeMap<(Key, i64), Stats> = ready;
        ready.into_iter().map(|((key, minute), stats)| (key, minute, stats)).collect()
    }

    /// Forgets what is old, and the seconds of what is a little old.
    pub(super) fn tidy(&self, now: i64) {
        let Ok(mut measured) = self.0.lock() else { return };
        for buckets in measured.all.values_mut() {
            let mut recent = buckets.split_off(&floor(now - FINE_MS, MINUTE_MS));
            for (at, stats) in std::mem::take(buckets).split_off(&(now - KEPT_MS)) {
                add(buckets, floor(at, MINUTE_MS), stats);
            }
            buckets.append(&mut recent);
        }
        measured.all.retain(|_, buckets| !buckets.is_empty());
    }

    /// A metric's statistics between two moments; `None` where nothing was measured.
    #[must_use]
    pub fn between(&self, key: &Key, from: i64, to: i64) -> Option<Stats> {
        let measured = self.0.lock().ok()?;
        let mut found = measured.all.get(key)?.range(from..to).map(|(_, stats)| *stats);
        let first = found.next()?;
        Some(found.fold(first, |mut all, stats| {
            all.add(stats);
            all
        }))
    }

    /// The metrics of a name that have exactly these dimensions.
    #[must_use]
    pub fn keys(&self, namespace: &str, name: &str, dimensions: &[String]) -> Vec<Key> {
        let Ok(measured) = self.0.lock() else { return Vec::new() };
        let wanted = |key: &&Key| {
            key.namespace == namespace
                && key.name == name
                && key.dimensions.len() == dimensions.len()
                && dimensions.iter().all(|dimension| key.dimensions.contains_key(dimension))
        };
        measured.all.keys().filter(wanted).cloned().collect()
    }
}

fn add(buckets: &mut Buckets, at: i64, stats: Stats) {
    buckets.entry(at).and_modify(|known| known.add(stats)).or_insert(stats);
}

fn floor(at: i64, step: i64) -> i64 {
    at.div_euclid(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new("Relay", "received", None)
    }

    #[test]
    fn statistics_cover_what_was_measured_between_two_moments() {
        let meter = Meter::default();
        for (value, at) in [(1.0, 60_000), (5.0, 61_500), (2.0, 119_999), (7.0, 120_000)] {
            meter.record(key(), value, at);
        }
        let stats = meter.between(&key(), 60_000, 120_000).unwrap();
        assert_eq!(stats, Stats { count: 3.0, sum: 8.0, minimum: 1.0, maximum: 5.0 });
        assert_eq!(stats.named("Average"), Some(8.0 / 3.0));
        assert_eq!(stats.named("p99"), None);
        assert_eq!(meter.between(&key(), 0, 60_000), None);
        assert_eq!(meter.between(&Key::new("Relay", "received", Some(("provider", "adjust"))), 0, 200_000), None);
    }

    #[test]
    fn whole_minutes_are_told_once_and_the_rest_at_the_end() {
        let meter = Meter::default();
        meter.record(key(), 1.0, 60_000);
        meter.record(key(), 2.0, 119_000);
        meter.record(key(), 4.0, 121_000);
        let told = meter.untold(130_000, false);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].1, told[0].2.sum), (60_000, 3.0));
        assert!(meter.untold(130_000, false).is_empty());
        assert_eq!(meter.untold(130_000, true)[0].2, Stats::one(4.0));
    }

    #[test]
    fn what_is_old_is_kept_by_minute_and_then_forgotten_and_nothing_is_counted_twice() {
        let (meter, day) = (Meter::default(), 24 * 60 * 60 * 1000);
        for at in [60_000, 61_000, 62_000, day] {
            meter.record(key(), 1.0, at);
        }
        meter.tidy(day);
        meter.tidy(day);
        assert_eq!(meter.between(&key(), 0, day + 1).map(|stats| stats.sum), Some(4.0));
        assert_eq!(meter.between(&key(), 60_000, 60_001).map(|stats| stats.sum), Some(3.0));
        meter.tidy(day + KEPT_MS);
        assert_eq!(meter.between(&key(), 0, day + 1).map(|stats| stats.sum), Some(1.0));
        meter.tidy(2 * day + KEPT_MS);
        assert!(meter.keys("Relay", "received", &[]).is_empty());
    }
}
