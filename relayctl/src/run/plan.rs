//! `relayctl plan`: needs no stack.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use super::{Failure, LEFT};
use crate::cli::PlanArgs;

/// Plans and answers; exit code 3 where the load goes beyond a limit.
pub(super) fn plan(arguments: &PlanArgs, region: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let load = arguments.load(region)?;
    let plan = watched(|progress| relay_plan::plan(&load, progress))?;
    let text = if json { serde_json::to_string_pretty(&plan)? + "\n" } else { plan.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if plan.holds() { ExitCode::SUCCESS } else { ExitCode::from(LEFT) })
}

/// Does what simulates, and shows how far it is where somebody looks.
pub(super) fn watched<T>(work: impl FnOnce(&mut dyn FnMut(u32, u32)) -> T) -> T {
    let mut stderr = std::io::stderr();
    if !stderr.is_terminal() {
        return work(&mut |_, _| {});
    }
    // What nobody can watch is done all the same.
    let done = work(&mut |second, seconds| {
        let _unseen = write!(stderr, "\rsimulating second {second} of {seconds} ");
    });
    let _unseen = write!(stderr, "\r{:40}\r", "");
    done
}
