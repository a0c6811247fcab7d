//! How fast and how cheap Relay's own code is, over the in-memory doubles: no network, no SDK, one core.
//!
//! `cargo xtask bench reader|writer|units` builds this as it is deployed and runs it. What the running stack takes is another question
//! (`cargo xtask bench export`).

mod core_time;
mod generator;
mod reader;
mod units;
mod writer;

use std::io::Write;
use std::process::ExitCode;

/// What a scenario says in the end; the error is why it has no result or missed a goal.
type Outcome = Result<(), String>;

/// Runs the scenario of this name.
#[must_use]
pub fn main(scenario: Option<&str>) -> ExitCode {
    let outcome = match scenario {
        Some("reader") => reader::run(),
        Some("writer") => writer::run(),
        Some("units") => units::run(),
        Some(_) | None => Err("name a scenario: reader, writer or units".to_owned()),
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

/// Runs a future of the scenarios to its end, on this thread alone.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|error| format!("no runtime: {error}"))
}

/// Says what was reached, and whether that is enough.
fn judge(what: &str, reached: u64, goal: u64) -> Outcome {
    if reached >= goal {
        return Ok(());
    }
    Err(format!("{what}: {reached} activities a second a core, {goal} is the goal"))
}
