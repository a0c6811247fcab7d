//! `relayctl plan`: needs no stack.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use super::{Failure, LEFT};
use crate::cli::PlanArgs;

/// Plans and answers; exit code 3 where the load goes beyond a limit.
pub(super) fn plan(arguments: &PlanArgs, region: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let load = arguments.load(region)?;
    let mut stderr = std::io::stderr();
    let is_watched = stderr.is_terminal();
    let plan = relay_plan::plan(&load, &mut |second, seconds| {
        if is_watched {
            // A plan that nobody can watch is made all the same.
            let _unseen = write!(stderr, "\rsimulating second {second} of {seconds} ");
        }
    })?;
    if is_watched {
        let _unseen = write!(stderr, "\r{:40}\r", "");
    }
    let text = if json { serde_json::to_string_pretty(&plan)? + "\n" } else { plan.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if plan.holds() { ExitCode::SUCCESS } else { ExitCode::from(LEFT) })
}
