//! Exports on a stack of their own, with the real binaries: two hundred requests of twenty owners at once, served in turn, none lost and none
//! twice; and export-worker killed while files of several parts are written. Run by `cargo xtask test exports [--full] [--seed N]`, which says
//! where the programs are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "exports/data.rs"]
mod data;
#[path = "exports/kills.rs"]
mod kills;
#[path = "exports/line.rs"]
mod line;
#[path = "exports/party.rs"]
mod party;

use std::io::Write as _;

use relay_lambda::process::{env, now_ms};
use relay_tests::stage::{Programs, Stage};

/// What runs on every change is the same each time.
const SMALL_SEED: u64 = 118_360;
/// Processes of export-worker that are killed, and with `--full`.
const KILLS: [usize; 2] = [10, 200];

/// Past the harness's capture.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("stderr can be written");
}

/// One test: two stacks at a time would be too many for one machine.
#[test]
fn owners_take_turns_and_killed_workers_change_no_byte() {
    let Some(programs) = Programs::from_env("RELAY_EXPORTS") else {
        return say(
            "owners_take_turns_and_killed_workers_change_no_byte is SKIPPED: `cargo xtask test exports` runs it",
        );
    };
    let full = env("RELAY_EXPORTS_FULL").is_some();
    let usual = if full { now_ms().unsigned_abs() % 1_000_000 } else { SMALL_SEED };
    let seed = env("RELAY_EXPORTS_SEED").map_or(usual, |text| text.parse().expect("a seed is a number"));
    let only = env("RELAY_EXPORTS_ONLY").unwrap_or_default();
    say(&format!("exports: seed {seed}"));
    if "line".contains(&only) {
        // One run slot: the order of the starts is then exact.
        let stage = Stage::start(&programs, "exports", &["MaxConcurrentExports=1", "BatchWindowSeconds=0"]);
        line::owners_take_turns(&stage);
    }
    if "kills".contains(&only) {
        let stage = Stage::start(&programs, "exports", &["MaxConcurrentExports=4", "BatchWindowSeconds=0"]);
        kills::killed_workers_change_no_byte(&stage, seed, KILLS[usize::from(full)]);
    }
}
