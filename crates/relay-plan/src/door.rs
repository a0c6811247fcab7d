//! The door: how many environments of ingest a load keeps busy, and what they read of table `control`.

use relay::owner::BELIEVED_MS;
use serde::Serialize;

use crate::figures::{PUT_MS, billed_ms, request_ms};
use crate::load::Load;
use crate::number::whole;
use crate::quota::CALLS_PER_CONCURRENCY;

/// ingest's memory (`template.yaml`): MB.
pub const MEMORY_MB: u64 = 256;

/// Environments that are there for each request under way: Lambda keeps idle ones for minutes, and traffic comes unevenly.
const ENVIRONMENTS_A_REQUEST: f64 = 2.0;

/// Items of table `control` that a request needs: the key and the owner; the app.
const OWNER_ITEMS: f64 = 2.0;

/// What the door takes at the peak.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Door {
    /// Requests a second.
    pub requests: u64,
    /// What a request is billed for: milliseconds.
    pub milliseconds: f64,
    /// Requests under way at the same time.
    pub in_flight: u64,
    /// Environments that live.
    pub environments: u64,
    /// The concurrency quota that lets so many requests a second in.
    pub concurrency: u64,
    /// Memory of one: MB.
    pub memory_mb: u64,
    /// Look-ups a second in table `control`, a read unit each.
    pub look_ups: f64,
    /// Those of the busiest owner's key, and as many of its profile.
    pub owner_reads: f64,
    /// Those of the busiest app.
    pub app_reads: f64,
}

impl Door {
    /// What the load makes of it.
    #[must_use]
    pub fn of(load: &Load) -> Self {
        let requests = load.requests_per_second();
        let milliseconds = billed_ms(request_ms(load.batch), PUT_MS, MEMORY_MB);
        let under_way = requests * milliseconds / 1_000.0;
        let environments = (under_way * ENVIRONMENTS_A_REQUEST).max(1.0).ceil();
        let look_ups = LookUps::of(load, requests, environments);
        Self {
            requests: whole(requests),
            milliseconds,
            in_flight: whole(under_way),
            environments: whole(environments),
            concurrency: whole(under_way.max(requests / CALLS_PER_CONCURRENCY)),
            memory_mb: MEMORY_MB,
            look_ups: look_ups.all,
            owner_reads: look_ups.owner,
            app_reads: look_ups.app,
        }
    }
}

struct LookUps {
    all: f64,
    owner: f64,
    app: f64,
}

impl LookUps {
    /// An environment reads an item once in the time that it believes it, if any request needs it then.
    fn of(load: &Load, requests: f64, environments: f64) -> Self {
        let believed = BELIEVED_SECONDS;
        let each = requests / environments * believed;
        let reads = |share: f64| environments / believed * (1.0 - (1.0 - share).powf(each));
        let apps = load.skew.shares(load.apps);
        let owners = usize::try_from(load.owners.max(1)).unwrap_or(1).min(apps.len());
        // The apps are dealt out in turn.
        let owner = |first: usize| apps.iter().skip(first).step_by(owners).sum::<f64>();
        let of_owners: f64 = (0..owners).map(|first| reads(owner(first))).sum();
        let of_apps: f64 = apps.iter().map(|share| reads(*share)).sum();
        Self {
            all: of_owners * OWNER_ITEMS + of_apps,
            owner: reads(owner(0)),
            app: apps.first().map_or(0.0, |share| reads(*share)),
        }
    }
}

/// How long what was read is believed: seconds.
const BELIEVED_SECONDS: f64 = crate::number::float(BELIEVED_MS.unsigned_abs() / 1_000);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Skew;

    fn load(per_second: u64, batch: u32) -> Load {
        Load {
            per_day: per_second * 86_400,
            per_second,
            apps: 10,
            owners: 5,
            skew: Skew::Even,
            batch,
            retention_days: 90,
            window: None,
            kinds: crate::load::USUAL_KINDS,
            late_percent: 0,
            exports_per_day: 1,
            seed: 1,
        }
    }

    #[test]
    fn short_requests_are_bound_by_calls_and_not_by_time() {
        let door = Door::of(&load(10_000, 1));
        assert_eq!((door.requests, door.concurrency), (10_000, 1_000));
        assert!(door.in_flight < 100, "{}", door.in_flight);
        assert!(Door::of(&load(10_000, 100)).concurrency < 20);
    }

    #[test]
    fn an_environment_reads_each_item_once_in_five_seconds() {
        let door = Door::of(&load(1_000, 1));
        let environments = crate::number::float(door.environments);
        // Every item is needed within five seconds: 5 keys, 5 owners, 10 apps.
        assert!((door.look_ups - environments / 5.0 * 20.0).abs() < 1.0, "{}", door.look_ups);
        assert!(door.owner_reads <= environments / 5.0);
    }
}
