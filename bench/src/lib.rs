//! How fast and how cheap Relay's own code is: one core, no network. What is stored goes through the AWS SDK to a stand-in for AWS in this process, and
//! beside it into the in-memory doubles, so that what the SDK costs can be told apart.
//!
//! `cargo xtask bench reader|writer|units|ingest|export` builds this as it is deployed and runs it. What the running stack takes is another question
//! (`cargo xtask bench export --stack`).

mod core_time;
mod endpoint;
mod export;
mod ingest;
mod reader;
mod rows;
mod stage;
mod units;
mod writer;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use core_time::Effort;
use tokio::runtime::{Builder, Runtime};

/// What a scenario says in the end; the error is why it has no result or missed a goal.
type Outcome = Result<(), String>;

/// The median of five rounds.
const WHOLE: Effort = Effort { rounds: 5, at_least: Duration::from_secs(2) };

/// Enough to see that a scenario runs.
#[cfg(test)]
const TINY: Effort = Effort { rounds: 1, at_least: Duration::ZERO };

/// Runs the scenario of this name, `export` with a Python interpreter and the numbers of rows.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        ["reader"] => reader::run(WHOLE),
        ["writer"] => writer::run(WHOLE),
        ["units"] => units::run(),
        ["ingest"] => ingest::run(WHOLE),
        ["export", python, ref sizes @ ..] => sizes
            .iter()
            .map(|size| size.parse().map_err(|_| format!("{size} is no number of rows")))
            .collect::<Result<Vec<u64>, String>>()
            .and_then(|sizes| export::run(Path::new(python), &sizes)),
        _ => Err("name a scenario: reader, writer, units, ingest or export PYTHON ROWS…".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line of the result. A closed pipe is no error of ours.
fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A runtime as the functions have it: everything runs on the thread that waits.
fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| format!("no runtime: {error}"))
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
    fn say(&self, what: &str, things: &str, goal: Option<u64>) {
        let Self { through_sdk, in_memory } = self;
        let goal = goal.map(|goal| format!(" (goal {goal})")).unwrap_or_default();
        let share = 100_u64.saturating_sub(through_sdk.saturating_mul(100) / in_memory.max(&1));
        say(&format!(
            "{what:<34} {through_sdk:>8} {things} a second a core{goal}; {in_memory} in memory: the SDK takes {share} %"
        ));
    }

    /// Whether that is enough.
    fn judge(&self, what: &str, goal: u64) -> Outcome {
        if self.through_sdk >= goal {
            return Ok(());
        }
        Err(format!("{what}: {} a second a core, {goal} is the goal", self.through_sdk))
    }
}
