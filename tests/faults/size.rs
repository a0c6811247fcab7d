//! How large a run is, and where its programs are.

use relay_lambda::process::{env, now_ms};
use relay_tests::stage::Programs;

/// The small set's seed: what runs on every change is the same each time. `--full` and `--seed` are for looking further.
const SMALL_SEED: u64 = 422_141;
/// A batch may bring up to three activities of the one before it, and the door takes 500.
const BATCH: usize = 497;

/// One run.
pub(crate) struct Size {
    /// All chance comes from it.
    pub(crate) seed: u64,
    /// When the run began (milliseconds since the epoch): activities happened before it, so a request made once more is the same one.
    pub(crate) now: i64,
    /// Activities of a cell.
    pub(crate) activities: usize,
    /// Of them sent one by one.
    pub(crate) singles: usize,
    /// Activities of a batch.
    pub(crate) batch: usize,
    /// Processes that are killed, over the four cells that kill.
    pub(crate) kills: usize,
    /// Only cells whose name contains this.
    pub(crate) only: String,
    /// Where the programs are.
    pub(crate) programs: Programs,
}

impl Size {
    /// What `cargo xtask test faults` asks for; `None` where nothing does.
    pub(crate) fn from_env() -> Option<Self> {
        let programs = Programs::from_env("RELAY_FAULTS")?;
        let number = |name: &str| env(name).map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text}")));
        let now = now_ms();
        let only = env("RELAY_FAULTS_ONLY").unwrap_or_default();
        let full = env("RELAY_FAULTS_FULL").is_some();
        let usual = if full { now.unsigned_abs() % 1_000_000 } else { SMALL_SEED };
        let seed = number("RELAY_FAULTS_SEED").unwrap_or(usual);
        let default = if full { 100_000 } else { 150 };
        let activities = number("RELAY_FAULTS_ACTIVITIES").map_or(default, |n| usize::try_from(n).unwrap());
        let kills = if full { 1_000 } else { 24 };
        let (singles, batch) = ((activities / 4).min(1_000), (activities / 6).clamp(1, BATCH));
        Some(Self { seed, now, activities, singles, batch, kills, only, programs })
    }
}
