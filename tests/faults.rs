//! The fault matrix: real binaries, real template, and a proxy between them and the emulator that throttles, breaks, delays, cuts and
//! refuses parts; processes are killed, too. In every cell whatever was acknowledged is a row once, or was dropped and said so, or is in
//! the quarantine; nothing else is a row. Run by `cargo xtask test faults [--full] [--seed N]`, which says where the programs are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "faults/cell.rs"]
mod cell;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/matrix.rs"]
mod matrix;
#[path = "faults/size.rs"]
mod size;
#[path = "faults/tenant.rs"]
mod tenant;
#[path = "faults/traffic.rs"]
mod traffic;

use std::io::Write as _;

use size::Size;

/// Past the harness's capture.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("stderr can be written");
}

#[test]
fn every_cell_loses_nothing_and_doubles_nothing() {
    let Some(size) = Size::from_env() else {
        return say("every_cell_loses_nothing_and_doubles_nothing is SKIPPED: `cargo xtask test faults` runs it");
    };
    say(&format!("fault matrix: seed {}, {} activities a cell, {} kills", size.seed, size.activities, size.kills));
    let results = matrix::run(&size);
    say(&ledger::table(&results));
    let wrong: Vec<String> = results.iter().flat_map(ledger::Outcome::complaints).take(40).collect();
    assert!(wrong.is_empty(), "seed {}: {}", size.seed, wrong.join("\n"));
}
