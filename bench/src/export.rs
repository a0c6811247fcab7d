//! What a file costs: rows a CPU second and peak memory of export-worker, in the same run as `DuckDB` writing the same rows to the same CSV, and workers in
//! Node.js and Python that read an item an activity. Whoever writes as many rows as the worker must have written the same bytes.

mod peer;
mod worker;

use std::time::Duration;

use peer::{DUCKDB, NODE_ATTRIBUTES, NODE_DOCUMENTS, PYTHON_ATTRIBUTES, PYTHON_DOCUMENTS, Peer};

use crate::Findings;
use crate::core_time::rate;
use crate::report::{Limit, Section, number, text};

/// What export-worker may take at its peak, bytes (product.md, "Export").
const MAX_PEAK_MIB: f64 = 128.0;

/// The largest file's peak is at most so many times the smallest one's.
const MAX_GROWTH: f64 = 1.1;

/// How often the worker and `DuckDB` write a file of each size: the median time counts. Whether both parts of the upload are on their way at the moment of
/// most rows is chance: one run of a short file may miss the peak that a long one always has.
const ROUNDS: usize = 3;

/// How often the worker must be as fast as a peer, and how many rounds tell: one, where the goal is far away.
const GOALS: [(&Peer, f64, usize); 5] = [
    (&DUCKDB, 1.0, ROUNDS),
    (&NODE_ATTRIBUTES, 5.0, 1),
    (&NODE_DOCUMENTS, 5.0, 1),
    (&PYTHON_ATTRIBUTES, 10.0, 1),
    (&PYTHON_DOCUMENTS, 10.0, 1),
];

/// Rows of a file, from few to a hundred times as many.
const GROWING: [u64; 3] = [30_000, 300_000, 3_000_000];

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

    fn say(&self, section: &mut Section, who: &str, asked: u64) {
        let who = if self.rows == asked {
            format!("{who}, {} rows", text(number(asked)))
        } else {
            format!("{who}, the first {} of {} rows", text(number(self.rows)), text(number(asked)))
        };
        section.figure(&who, "rows a CPU second", number(self.rate()));
        section.figure(&who, "MiB at the peak", number(self.peak) / MIB);
        section.figure(&who, "bytes a row", number(self.bytes) / number(self.rows));
    }
}

const MIB: f64 = 1024.0 * 1024.0;

/// Measures files of these numbers of rows.
pub(crate) fn run(sizes: &[u64]) -> Findings {
    let mut section = Section::begin("export", "Export: rows become a CSV file of every column");
    let mut peaks = Vec::new();
    for size in sizes {
        let worker = typical(ROUNDS, || worker::measure(*size))?;
        worker.say(&mut section, "export-worker", *size);
        peaks.push(number(worker.peak) / MIB);
        for (peer, goal, rounds) in GOALS {
            if let Some(program) = peer.present() {
                let written = typical(rounds, || peer.measure(&program, *size))?;
                written.say(&mut section, peer.name, *size);
                compare(&mut section, (&worker, &written), peer.name, goal)?;
            }
        }
    }
    judge_memory(&mut section, &peaks);
    if sizes.len() > 1 {
        let point = |rows: u64| Ok((number(rows), worker::measure(rows)?.core.as_secs_f64() * 1e3));
        let points = GROWING.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
        section.growth("export", ("rows", "CPU ms of export-worker"), points);
    }
    section.note("The worker reads pages through the SDK and uploads parts; DuckDB writes from its own table in memory to a local file.");
    Ok(vec![section])
}

/// Who writes as many rows as the worker must write the same bytes.
fn compare(
    section: &mut Section,
    (worker, written): (&Written, &Written),
    name: &str,
    goal: f64,
) -> Result<(), String> {
    if written.rows == worker.rows && written.sha256 != worker.sha256 {
        return Err(format!("{} rows: {name} wrote {} other bytes", worker.rows, written.bytes));
    }
    let times = number(worker.rate()) / number(written.rate());
    let what = format!("{} rows, as fast as {name}, times", text(number(worker.rows)));
    section.goal(&what, times, Limit::AtLeast(goal));
    Ok(())
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

/// Flat: whatever the size. Peaks in MiB.
fn judge_memory(section: &mut Section, peaks: &[f64]) {
    let most = peaks.iter().copied().fold(0.0, f64::max);
    section.goal("MiB at the worker's peak", most, Limit::AtMost(MAX_PEAK_MIB));
    if let [first, .., last] = peaks {
        section.goal("peak of the largest file by that of the smallest", last / first, Limit::AtMost(MAX_GROWTH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built;
    use crate::rows::ROWS_A_MINUTE;

    const ROWS: u64 = ROWS_A_MINUTE + 1_000;

    #[test]
    fn worker_and_peers_write_the_same_file() {
        if !built(&[worker::EXPORT_WORKER]) {
            return;
        }
        let worker = worker::measure(ROWS).unwrap();
        assert_eq!(worker.rows, ROWS);
        assert!(worker.bytes > 400 * ROWS && worker.core > Duration::ZERO && worker.peak > 0);
        for (peer, ..) in GOALS {
            let Some(program) = peer.present() else { continue };
            let written = peer.measure(&program, ROWS).unwrap();
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
        let missed = |peaks: &[f64]| {
            let mut section = Section::begin("export", "Memory");
            judge_memory(&mut section, peaks);
            section.missed().count()
        };
        assert_eq!([missed(&[100.0, 110.0]), missed(&[100.0, 111.0]), missed(&[129.0])], [0, 1, 1]);
    }
}
