//! How fast and how cheap Relay's own code is: one core, no network. What is stored goes through the AWS SDK to a stand-in for AWS in this process, and
//! beside it into the in-memory doubles, so that what the SDK costs can be told apart.
//!
//! beside them stand peers, under the same Lambda host and before the same stand-in. `cargo xtask bench` builds this as it is deployed and runs it. What the running stack takes is another question
//! (`cargo xtask bench export --stack`).

mod candidate;
mod cold;
mod core_time;
mod door;
mod endpoint;
mod export;
mod ingest;
mod latency;
mod memory;
mod one_core;
mod reader;
mod report;
mod requests;
mod rows;
mod stage;
mod throughput;
mod units;
mod writer;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use core_time::Effort;
use report::Section;
use report::results::Results;
use tokio::runtime::{Builder, Runtime};

/// The error is why something has no result.
type Outcome = Result<(), String>;

/// What a scenario finds in the end; the error is why it has no result.
type Findings = Result<Vec<Section>, String>;

/// The median of five rounds.
const WHOLE: Effort = Effort { rounds: 5, at_least: Duration::from_secs(1), one_in: 1 };

/// Enough to see that a scenario runs.
#[cfg(test)]
const TINY: Effort = Effort { rounds: 1, at_least: Duration::ZERO, one_in: 100 };

/// The files of `all`, rows.
const ROWS: [u64; 2] = [1_000_000, 10_000_000];

/// A scenario by its name.
type Scenario = (&'static str, fn(Effort) -> Findings);

/// All but exports, whose sizes are to be named.
const SCENARIOS: [Scenario; 8] = [
    ("cold", cold::run),
    ("memory", memory::run),
    ("ingest", ingest::run),
    ("throughput", throughput::run),
    ("latency", latency::run),
    ("writer", writer::run),
    ("units", units::run),
    ("reader", reader::run),
];

/// Runs the scenario of this name; `export` with the numbers of rows; `all` of them, and writes what was found into a folder of documents; or `write`s that
/// again from the results that lie there.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        ["export", ref sizes @ ..] => sizes
            .iter()
            .map(|size| size.parse().map_err(|_| format!("{size} is no number of rows")))
            .collect::<Result<Vec<u64>, String>>()
            .and_then(|sizes| export::run(&sizes))
            .and_then(|sections| judge(&sections)),
        ["all", docs] => all(Path::new(docs)),
        ["write", docs] => write_again(Path::new(docs)),
        [name] => SCENARIOS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(usage)
            .and_then(|(_, run)| run(WHOLE))
            .and_then(|sections| judge(&sections)),
        _ => Err(usage()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let names: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).collect();
    format!("name a scenario: {}, export ROWS…, all DOCS or write DOCS", names.join(", "))
}

/// Every scenario, and what was found written down after each, missed goals among it: a run that breaks off leaves what it has.
fn all(docs: &Path) -> Outcome {
    let mut sections = Vec::new();
    for (_, run) in SCENARIOS {
        sections.extend(run(WHOLE)?);
        Results::of(sections.clone()).write(docs)?;
    }
    sections.extend(export::run(&ROWS)?);
    Results::of(sections.clone()).write(docs)?;
    judge(&sections)
}

fn write_again(docs: &Path) -> Outcome {
    let file = docs.join("benchmarks/results.json");
    let results = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let results: Results = serde_json::from_slice(&results).map_err(|error| format!("{}: {error}", file.display()))?;
    results.write(docs)
}

/// A goal that was missed is a failure.
fn judge(sections: &[Section]) -> Outcome {
    let missed: Vec<String> = sections.iter().flat_map(Section::missed).collect();
    if missed.is_empty() { Ok(()) } else { Err(missed.join("\n       ")) }
}

/// A line of the result. A closed pipe is no error of ours.
fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A runtime as the functions have it: everything runs on the thread that waits.
fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| format!("no runtime: {error}"))
}

/// Whether these programs of ours were built. Cargo builds them before the tests of the whole workspace; for a test of this package alone it is said aloud
/// that they are missing.
#[cfg(test)]
fn built(candidates: &[candidate::Candidate]) -> bool {
    candidate::present(candidates).len() == candidates.len()
}

/// How much a second a core does of the same work in two ways.
#[derive(Clone, Copy, Debug)]
struct Rates {
    /// Through the SDK to the in-process endpoint: both ends' work in the kernel, but not the endpoint's own.
    through_sdk: u64,
    /// Over the in-memory doubles.
    in_memory: u64,
}

impl Rates {
    fn say(&self, section: &mut Section, what: &str, things: &str) {
        section.figure(what, &format!("{things} a CPU second, through the SDK"), report::number(self.through_sdk));
        section.figure(what, "without the SDK, in memory", report::number(self.in_memory));
    }

    /// Whether that is enough.
    fn judge(&self, section: &mut Section, what: &str, goal: u64) {
        let goal = report::Limit::AtLeast(report::number(goal));
        section.goal(&format!("{what}, a CPU second"), report::number(self.through_sdk), goal);
    }
}
