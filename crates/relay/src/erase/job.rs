//! How far an owner's pages have been gone through: passes, each for all tombstones that there were when it began, and again when nothing that was on its
//! way can come any more.

use serde::{Deserialize, Serialize};

use super::partition;
use crate::activity::Kind;
use crate::control::Key;

/// How long after a pass began another one looks again for the same tombstones: milliseconds. What was on its way when a tombstone was made may become a
/// page behind the pass: by a writer that did not know of it yet, from the stream (168 hours) or the spill queue (14 days). A day to spare.
pub const SWEEP_AFTER_MS: i64 = 15 * 24 * 3600 * 1000;

/// Where a pass has come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The app.
    pub app_token: String,
    /// Days since the epoch, UTC.
    pub day: i64,
    /// The kind.
    pub kind: Kind,
    /// The shard of the pages.
    pub shard: u32,
    /// The sort key of the last page that is done; `None` at the partition's beginning.
    pub after: Option<String>,
}

/// One way through all of an owner's pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Milliseconds since the epoch.
    pub began_at: i64,
    /// The number of the last tombstone that it is for.
    pub through: u64,
    /// Where it goes on; `None` at the beginning.
    pub place: Option<Place>,
    /// How many days of apps there are to go through.
    pub days: u64,
    /// How many of them are done.
    pub days_done: u64,
    /// How many pages were read.
    pub pages: u64,
    /// How many of them were written anew, or removed because nothing was left.
    pub changed: u64,
    /// How many activities were taken out.
    pub rows: u64,
    /// How many pages could not be read: no file gives them out either. Each is in the log.
    pub unreadable: u64,
}

/// That pages are gone through once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The number of the last tombstone that it is for.
    pub through: u64,
    /// Milliseconds since the epoch.
    pub due_at: i64,
}

/// An owner's passes: item `erase#{owner}` / `job`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The tombstones up to this number are carried out: no page that there was then holds what they cover.
    pub taken_out: u64,
    /// Those up to this one are swept, too.
    pub swept: u64,
    /// The sweeps to come, in the order in which they are due.
    #[serde(default)]
    pub sweeps: Vec<Sweep>,
    /// The pass under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// The last pass that came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Pass>,
    /// When that was: milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

impl Job {
    /// Where it stands.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(partition(owner), "job")
    }

    /// Whether a pass is to begin: there are tombstones that none was for (`last` is the newest, its errand due then), or a sweep is due.
    #[must_use]
    pub fn is_due(&self, last: u64, due_at: Option<i64>, now: i64) -> bool {
        let has_new = last > self.taken_out && due_at.is_none_or(|due_at| due_at <= now);
        has_new || self.next_sweep().is_some_and(|due_at| due_at <= now)
    }

    /// When the next sweep is due: milliseconds since the epoch.
    #[must_use]
    pub fn next_sweep(&self) -> Option<i64> {
        self.sweeps.first().map(|sweep| sweep.due_at)
    }

    /// The pass under way has come to its end.
    pub fn end_pass(&mut self, now: i64) {
        let Some(pass) = self.pass.take() else { return };
        let (over, to_come): (Vec<Sweep>, Vec<Sweep>) =
            self.sweeps.iter().partition(|sweep| sweep.due_at <= pass.began_at);
        self.swept = over.iter().map(|sweep| sweep.through).fold(self.swept, u64::max);
        self.taken_out = self.taken_out.max(pass.through);
        self.sweeps = to_come;
        let planned = self.sweeps.last().map_or(self.swept, |sweep| sweep.through);
        if pass.through > planned {
            let due_at = pass.began_at.saturating_add(SWEEP_AFTER_MS);
            self.sweeps.push(Sweep { through: pass.through, due_at });
        }
        self.ended_at = Some(now);
        self.last = Some(pass);
    }

    /// The same, to be done once more.
    #[must_use]
    pub fn from_the_beginning(self) -> Self {
        Self { taken_out: 0, swept: 0, sweeps: Vec::new(), pass: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const DAY_MS: i64 = 24 * 3600 * 1000;

    fn passed(job: &mut Job, through: u64, began_at: i64) {
        job.pass = Some(Pass { began_at, through, ..Pass::default() });
        job.end_pass(began_at + 60_000);
    }

    #[test]
    fn each_tombstone_is_taken_out_and_swept_and_one_pass_serves_for_both() {
        let mut job = Job::default();
        assert!(!job.is_due(0, None, NOW), "nothing was erased");
        assert!(job.is_due(2, Some(NOW), NOW) && !job.is_due(2, Some(NOW + 1), NOW));
        passed(&mut job, 2, NOW);
        assert_eq!((job.taken_out, job.swept, job.next_sweep()), (2, 0, Some(NOW + SWEEP_AFTER_MS)));
        assert!(!job.is_due(2, None, NOW + SWEEP_AFTER_MS - 1));

        passed(&mut job, 5, NOW + DAY_MS);
        assert_eq!((job.taken_out, job.swept, job.sweeps.len()), (5, 0, 2));
        assert!(job.is_due(5, None, NOW + SWEEP_AFTER_MS));
        // The sweep of the first two finds a new one: it is taken out on the way, and has a sweep of its own to come.
        passed(&mut job, 6, NOW + SWEEP_AFTER_MS);
        assert_eq!((job.taken_out, job.swept, job.next_sweep()), (6, 2, Some(NOW + DAY_MS + SWEEP_AFTER_MS)));
        passed(&mut job, 6, NOW + DAY_MS + SWEEP_AFTER_MS);
        passed(&mut job, 6, NOW + 2 * SWEEP_AFTER_MS);
        assert_eq!((job.taken_out, job.swept, job.next_sweep()), (6, 6, None));
        assert!(!job.is_due(6, None, i64::MAX), "it ends");
        assert!(job.from_the_beginning().is_due(6, None, NOW), "and may be asked for again");
    }

    #[test]
    fn places_are_in_the_order_of_the_way() {
        let place = |day, kind, shard, after: Option<&str>| Place {
            app_token: "app".to_owned(),
            day,
            kind,
            shard,
            after: after.map(str::to_owned),
        };
        let way = [
            place(1, Kind::Install, 0, None),
            place(1, Kind::Install, 0, Some("0000#a")),
            place(1, Kind::Install, 1, None),
            place(1, Kind::Event, 0, None),
            place(2, Kind::Install, 0, None),
        ];
        assert!(way.is_sorted());
    }
}
