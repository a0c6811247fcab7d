//! `relayctl cost`: needs no stack.

use std::io::Write;
use std::process::ExitCode;

use super::Failure;
use super::plan::watched;
use crate::cli::CostArgs;

/// Adds up and answers.
pub(super) fn cost(arguments: &CostArgs, region: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let (load, spending) = (arguments.load(region)?, arguments.spending());
    let cost = watched(|progress| relay_plan::cost(&load, &spending, progress))?;
    let text = if json {
        serde_json::to_string_pretty(&cost)? + "\n"
    } else if arguments.designs {
        cost.designs_text()
    } else {
        cost.text()
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
