//! Files for readers in another language: the real worker, over the in-memory doubles, writes random activities in every format and zone into a
//! folder, and beside them what was stored and what was asked for. `tests/references/check.py` reads each back with what Python brings, and
//! compares every cell. Run by `cargo xtask test references [--full] [--seed N]`, which says where the folder is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "references/activities.rs"]
mod activities;
#[path = "references/requests.rs"]
mod requests;
#[path = "references/texts.rs"]
mod texts;
#[path = "references/writing.rs"]
mod writing;

use std::io::Write as _;
use std::path::PathBuf;

use relay_lambda::process::{env, now_ms};
use relay_tests::random::Random;

/// What runs on every change is the same each time.
const SMALL_SEED: u64 = 550_911;

/// Past the harness's capture.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("stderr can be written");
}

#[test]
fn every_format_and_zone_is_written_for_others_to_read() {
    let Some(folder) = env("RELAY_REFERENCES_FOLDER").map(PathBuf::from) else {
        return say(
            "every_format_and_zone_is_written_for_others_to_read is SKIPPED: `cargo xtask test references` runs it",
        );
    };
    let full = env("RELAY_REFERENCES_FULL").is_some();
    let usual = if full { now_ms().unsigned_abs() % 1_000_000 } else { SMALL_SEED };
    let seed = env("RELAY_REFERENCES_SEED").map_or(usual, |text| text.parse().expect("a seed is a number"));
    say(&format!("references: seed {seed}"));
    let mut random = Random(seed);
    let mut files = 0;
    for place in requests::places() {
        // One place has enough for files of several blocks.
        let count = if place.is_utc() { 700 } else { 100 };
        let stored = activities::of(&place, if full { count * 10 } else { count }, &mut random);
        for request in requests::of(&place, &mut random) {
            let folder = folder.join(format!("{}_{files:03}", place.name()));
            writing::write(&place, &stored, &request, &folder, &mut random);
            files += 1;
        }
        writing::tell(&stored, &folder.join(format!("{}.jsonl", place.name())));
    }
    assert!(files > 100, "{files} exports");
}
