//! What the person at the terminal and the log are told.

use std::fs::File;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::Mutex;

use crate::failure::{Because, Failure};

/// A line of progress, to the terminal and the log.
pub fn say(line: &str) {
    tracing::info!("{line}");
    // A closed terminal is no reason to stop.
    writeln!(stderr(), "relay-local: {line}").ok();
}

/// Sends the log to `local.log` in a folder.
pub(crate) fn log_to(folder: &Path) -> Result<(), Failure> {
    let path = folder.join("local.log");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.because(format!("cannot write {}", path.display()))?;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(Mutex::new(file))
        .try_init()
        .because("cannot set up the log")
}
