//! `cargo xtask dashboard`

use std::path::Path;

use crate::{
    cli::Dashboard,
    http::{Connection, Request},
    local::{
        place::Root,
        stack::{self, Stack},
        supervisor,
    },
    say::{self, Outcome},
};

/// Where the running stack shows its dashboard.
const TARGET: &str = "/_local/dashboard";

/// Says where the dashboard is, or saves it as it is now.
pub(crate) fn run(options: &Dashboard) -> Outcome<()> {
    let root = Root::find()?;
    supervisor::running(&root).ok_or("nothing runs in this checkout: cargo xtask up")?;
    let stack: Stack = stack::read(&root.relay(stack::FILE))?;
    match &options.into {
        None => say::result(format_args!("{}{TARGET}", stack.place.site_url)),
        Some(file) => save(&stack, file)?,
    }
    Ok(())
}

fn save(stack: &Stack, file: &Path) -> Outcome<()> {
    let authority = stack.place.authority()?;
    let request = Request { method: "GET", target: TARGET, headers: &[], body: &[] };
    let answer = Connection::new(authority).send(&request)?;
    if answer.status != 200 {
        return Err(format!("{TARGET} answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
    }
    std::fs::write(file, &answer.body).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
