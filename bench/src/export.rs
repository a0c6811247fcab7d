//! What a file costs: rows a CPU second and peak memory of export-worker, in the same run as `DuckDB` writing the same rows to the same CSV, and a worker in
//! Python that reads an item an activity. Whoever writes as many rows as the worker must have written the same bytes.

mod peer;
mod worker;

use std::path::Path;
use std::time::Duration;

use peer::{DUCKDB, PYTHON_ATTRIBUTES, PYTHON_DOCUMENTS, Peer};

use crate::core_time::rate;
use crate::{Outcome, say};

/// What export-worker may take at its peak, bytes (product.md, "Export").
const MAX_PEAK: u64 = 128 * 1024 * 1024;

/// The largest file's peak is at most so many hundredths of the smallest one's.
const MAX_GROWTH: u64 = 110;

/// How often the worker and `DuckDB` write a file of each size: the median time counts. Whether both parts of the upload are on their way at the moment of
/// most rows is chance: one run of a short file may miss the peak that a long one always has.
const ROUNDS: usize = 3;

/// How often the worker must be as fast as a peer, in hundredths, and how many rounds tell: one, where the goal is far away.
const GOALS: [(&Peer, u64, usize); 3] =
    [(&DUCKDB, 100, ROUNDS), (&PYTHON_ATTRIBUTES, 1000, 1), (&PYTHON_DOCUMENTS, 1000, 1)];

/// A file as somebody wrote it.
#[derive(Clone, Debug)]
struct Written {
    rows: u64,
    bytes: u64,
    sha256: String,
    /// Of a core.
    core: Duration,
    /// The most memory held: bytes.
    peak: u64,
}

impl Written {
    fn rate(&self) -> u64 {
        rate(self.rows, self.core)
    }

    fn say(&self, who: &str, note: &str) {
        let Self { rows, bytes, peak, .. } = self;
        let (rate, each, peak) = (self.rate(), bytes / rows.max(&1), peak.div_ceil(1024 * 1024));
        say(&format!("{who:<34} {rows:>11} {rate:>18} {peak:>10} MiB {each:>12}   {note}"));
    }
}

/// Measures files of these numbers of rows. `python` is an interpreter that has what the peers import.
pub(crate) fn run(python: &Path, sizes: &[u64]) -> Outcome {
    say(
        "export of events, every column            rows   rows a CPU second           peak  bytes a row   the worker is",
    );
    let mut missed = Vec::new();
    let mut peaks = Vec::new();
    for size in sizes {
        let worker = typical(ROUNDS, || worker::measure(*size))?;
        worker.say("export-worker", "");
        peaks.push(worker.peak);
        for (peer, goal, rounds) in GOALS {
            let written = typical(rounds, || peer.measure(python, *size))?;
            let times = worker.rate() * 100 / written.rate().max(1);
            let note = format!("{}.{:02} × as fast (goal {}.{:02})", times / 100, times % 100, goal / 100, goal % 100);
            written.say(&format!("  {}", peer.name), &note);
            if times < goal {
                missed.push(format!("{size} rows: {note}: {}", peer.name));
            }
            if written.rows == worker.rows && written.sha256 != worker.sha256 {
                missed.push(format!("{size} rows: {} wrote {} other bytes", peer.name, written.bytes));
            }
        }
    }
    missed.extend(judge_memory(&peaks));
    if missed.is_empty() { Ok(()) } else { Err(missed.join("\n       ")) }
}

/// Of so many rounds that of median time, with the greatest peak of all.
fn typical(rounds: usize, measure: impl Fn() -> Result<Written, String>) -> Result<Written, String> {
    let mut rounds = (0..rounds).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    let peak = rounds.iter().map(|written| written.peak).max().unwrap_or_default();
    rounds.sort_by_key(|written| written.core);
    let median = rounds.len() / 2;
    let typical = rounds.into_iter().nth(median).ok_or("no file was written")?;
    Ok(Written { peak, ..typical })
}

/// Flat: whatever the size.
fn judge_memory(peaks: &[u64]) -> Vec<String> {
    let above = peaks.iter().filter(|peak| **peak > MAX_PEAK);
    let mut missed: Vec<String> = above.map(|peak| format!("a peak of {peak} bytes, at most {MAX_PEAK}")).collect();
    if let (Some(first), Some(last)) = (peaks.first(), peaks.last())
        && last * 100 > first * MAX_GROWTH
    {
        missed.push(format!("a peak of {last} bytes, at most {MAX_GROWTH} % of the smallest file's {first}"));
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ROWS_A_MINUTE;
    use crate::stage;

    const ROWS: u64 = ROWS_A_MINUTE + 1_000;

    /// Cargo builds the binary before the tests of the whole workspace; `cargo xtask bench export` makes the environment of the peers.
    #[test]
    fn worker_and_peers_write_the_same_file() {
        if !stage::binaries().unwrap().join(worker::EXPORT_WORKER).is_file() {
            say("SKIPPED: cargo build --package export makes the binary for this test");
            return;
        }
        let worker = worker::measure(ROWS).unwrap();
        assert_eq!(worker.rows, ROWS);
        assert!(worker.bytes > 400 * ROWS && worker.core > Duration::ZERO && worker.peak > 0);
        let python = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.relay/bench-venv/bin/python"));
        if !python.exists() {
            say("SKIPPED: cargo xtask bench export makes the environment of the peers");
            return;
        }
        for (peer, ..) in GOALS {
            let written = peer.measure(python, ROWS).unwrap();
            assert_eq!((written.rows, &written.sha256), (ROWS, &worker.sha256), "{}", peer.name);
        }
    }

    #[test]
    fn of_several_rounds_the_median_time_and_the_greatest_peak_count() {
        let round = |(seconds, peak)| Written {
            rows: 1,
            bytes: 1,
            sha256: String::new(),
            core: Duration::from_secs(seconds),
            peak,
        };
        let rounds = std::cell::RefCell::new(vec![(3, 10), (1, 30), (2, 20)]);
        let typical = typical(3, || rounds.borrow_mut().pop().map(round).ok_or_else(|| "no more".to_owned())).unwrap();
        assert_eq!((typical.core, typical.peak), (Duration::from_secs(2), 30));
        assert!(super::typical(0, || Ok(round((1, 1)))).is_err());
    }

    #[test]
    fn memory_that_grows_or_is_too_much_is_told() {
        let mib = |mib: u64| mib * 1024 * 1024;
        assert_eq!(judge_memory(&[mib(100), mib(110)]), Vec::<String>::new());
        assert_eq!(judge_memory(&[mib(100), mib(111)]).len(), 1);
        assert_eq!(judge_memory(&[mib(129)]).len(), 1);
    }
}
