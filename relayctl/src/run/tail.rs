//! `relayctl tail`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use relay_lambda::process;

use super::Failure;
use crate::cli::TailArgs;
use crate::logs::{Found, Line, Log, Wanted};
use crate::target::Target;

/// From one look to the next. CloudWatch Logs takes five `FilterLogEvents` a second from an account and region (its quotas); six functions are six.
const PAUSE: Duration = Duration::from_secs(3);

/// Tells the lines that are there, and with `--follow` those that come.
pub(super) async fn tail(target: &Target, arguments: TailArgs, json: bool) -> Result<ExitCode, Failure> {
    let mut log = Log::of(&target.aws, target.stack()?);
    let now = process::now_ms();
    let mut wanted = Wanted {
        since: now.saturating_sub(arguments.since),
        until: now,
        functions: arguments.function,
        level: arguments.level,
        words: arguments.trace,
        with_counts: arguments.counts,
    };
    let is_coloured = std::io::stdout().is_terminal() && process::env("NO_COLOR").is_none();
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut found = log.follow(&mut wanted, now).await?;
    let left_out = found.lines.len().saturating_sub(limit);
    found.lines.drain(..left_out);
    note(&found, left_out)?;
    while say(&found.lines, json, is_coloured)? && arguments.follow {
        tokio::time::sleep(PAUSE).await;
        found = log.follow(&mut wanted, process::now_ms()).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether somebody still reads.
fn say(lines: &[Line], json: bool, is_coloured: bool) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let text: String =
        lines.iter().map(|line| if json { format!("{}\n", line.json()) } else { line.shown(is_coloured) }).collect();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What is not shown is said, beside the lines.
fn note(found: &Found, left_out: usize) -> Result<(), Failure> {
    let mut stderr = std::io::stderr();
    if left_out > 0 {
        writeln!(stderr, "note: {left_out} older lines are not shown; --limit shows more")?;
    }
    if !found.cut.is_empty() {
        let functions = found.cut.join(", ");
        let advice = "a shorter --since, --level or --trace narrows it";
        writeln!(stderr, "note: there are more lines of {functions} than are read at a time; {advice}")?;
    }
    Ok(())
}
