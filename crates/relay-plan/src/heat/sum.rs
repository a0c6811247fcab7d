//! Units by partition and second, for every number of page shards at once.

use relay::activity::Kind;

use super::kind;
use crate::load::Load;
use crate::number::float;

/// Numbers of page shards that are looked at: 1, 2, 4 … 256, the largest that `PageShards` may be.
pub const LEVELS: usize = 9;

/// Today and the two days before: nothing that is not refused or a replay is older here.
pub(super) const DAYS: usize = 3;

/// A day whose activities may be so many a second is followed in all its shards. One with fewer cannot be too hot: a page of one activity is one unit.
const WARM: f64 = 400.0;

/// Shards of the finest level.
const FINEST: usize = 1 << (LEVELS - 1);

/// The partition that took most in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hottest {
    /// Write units in its busiest second.
    pub units: u64,
    /// The rank of its app, from 0.
    pub app: u32,
    /// Its kind.
    pub kind: Kind,
    /// How many days before today.
    pub days_before: u32,
    /// Its shard.
    pub shard: u32,
}

/// The sums of a second, and the hottest seconds.
pub(super) struct Partitions {
    /// By app, kind and day: which row of `warm` it has, if any.
    rows: Vec<Option<u32>>,
    /// Of each row, which app, kind and day it is.
    days: Vec<usize>,
    /// Rows of [`FINEST`] shards.
    warm: Vec<u32>,
    /// By app, kind and day, all shards together.
    cool: Vec<u32>,
    touched: Vec<usize>,
    hottest: Vec<Hottest>,
}

impl Partitions {
    pub(super) fn new(load: &Load, shares: &[f64]) -> Self {
        let late = f64::from(load.late_percent) / 300.0;
        let mut rows = Vec::with_capacity(shares.len() * load.kinds.len() * DAYS);
        let mut days = Vec::new();
        for share in shares {
            for percent in load.kinds {
                for of_day in [1.0, late, late] {
                    let rate = float(load.per_second) * share * f64::from(percent) / 100.0 * of_day;
                    let row = (rate >= WARM).then(|| u32::try_from(days.len()).unwrap_or(u32::MAX));
                    if row.is_some() {
                        days.push(rows.len());
                    }
                    rows.push(row);
                }
            }
        }
        let (warm, cool) = (vec![0; days.len() * FINEST], vec![0; rows.len()]);
        let none = Hottest { units: 0, app: 0, kind: Kind::Event, days_before: 0, shard: 0 };
        Self { rows, days, warm, cool, touched: Vec::new(), hottest: vec![none; LEVELS] }
    }

    /// A page of an app, kind and day in a shard of the finest level.
    pub(super) fn add(&mut self, day: usize, shard: u32, units: u32) {
        let shard = usize::try_from(shard).unwrap_or(0);
        let row = self.rows.get(day).copied().flatten().and_then(|row| usize::try_from(row).ok());
        if let Some(sum) = row.and_then(|row| self.warm.get_mut(row * FINEST + shard)) {
            *sum += units;
        } else if let Some(sum) = self.cool.get_mut(day) {
            if *sum == 0 {
                self.touched.push(day);
            }
            *sum += units;
        }
    }

    /// The second is over: its hottest are remembered if it counts, and all sums begin anew.
    pub(super) fn end_second(&mut self, is_counted: bool) {
        let Self { days, warm, cool, touched, hottest, .. } = self;
        for (row, day) in warm.chunks_exact_mut(FINEST).zip(days) {
            fold(row, |level, shard, units| {
                if is_counted {
                    note(hottest.get_mut(level..=level), units, *day, shard);
                }
            });
            row.fill(0);
        }
        for day in touched.drain(..) {
            let units = cool.get_mut(day).map(std::mem::take).unwrap_or_default();
            if is_counted {
                note(hottest.get_mut(..), units, day, 0);
            }
        }
    }

    pub(super) fn hottest(self) -> Vec<Hottest> {
        self.hottest
    }
}

/// Calls back with each level's hottest shard. The digest's remainder by half as many shards is that of its remainder.
fn fold(row: &mut [u32], mut hottest: impl FnMut(usize, usize, u32)) {
    let mut rest = row;
    for level in (0..LEVELS).rev() {
        let hot = rest.iter().enumerate().max_by_key(|(_, units)| **units);
        if let Some((shard, units)) = hot {
            hottest(level, shard, *units);
        }
        let (left, right) = rest.split_at_mut(rest.len() / 2);
        for (sum, more) in left.iter_mut().zip(right) {
            *sum += *more;
        }
        rest = left;
    }
}

fn note(levels: Option<&mut [Hottest]>, units: u32, day: usize, shard: usize) {
    for known in levels.into_iter().flatten() {
        if u64::from(units) > known.units {
            let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            *known = Hottest {
                units: u64::from(units),
                app: small(day / DAYS / Kind::ALL.len()),
                kind: kind(day / DAYS % Kind::ALL.len()),
                days_before: small(day % DAYS),
                shard: small(shard),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_shards_are_the_sums_of_more() {
        let mut row: Vec<u32> = (0..256).map(|shard| if shard % 64 == 5 { 10 } else { 0 }).collect();
        let mut seen = Vec::new();
        fold(&mut row, |level, shard, units| seen.push((level, shard, units)));
        assert_eq!(seen.len(), LEVELS);
        assert!(seen.contains(&(8, 197, 10)) && seen.contains(&(6, 5, 40)) && seen.contains(&(0, 0, 40)), "{seen:?}");
        for digest in [0, 77, u128::MAX, 1 << 90] {
            let fine = relay::page::shard_of(digest, 256);
            for level in 0..9 {
                assert_eq!(relay::page::shard_of(digest, 1 << level), fine % (1 << level));
            }
        }
    }
}
