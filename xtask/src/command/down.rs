//! `cargo xtask down`

use crate::{
    local::{place::Root, supervisor},
    say::{self, Outcome},
};

/// Stops the stack of this checkout, if it runs.
pub(crate) fn run() -> Outcome<()> {
    let root = Root::find()?;
    let started = std::time::Instant::now();
    match supervisor::stop(&root)? {
        Some(pid) => say::result(format_args!(
            "stopped relay-local ({pid}) and all it started in {}; the data stays in .relay/state",
            say::seconds(started.elapsed())
        )),
        None => say::result("nothing runs in this checkout"),
    }
    Ok(())
}
