//! The process's surroundings: environment, clock, waiting, signals. The one place here that reaches for them.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::say::Outcome;

/// The value of an environment variable, if it is set to text that is not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the developer's tool reads its environment here and nowhere else")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// Milliseconds since the epoch, UTC.
pub(crate) fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the developer's tool reads its clock here and nowhere else")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Waits before the next look at something that has no way to notify.
pub(crate) fn pause(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "a developer's tool without a runtime may block its thread")]
    thread::sleep(time);
}

/// Asks a process to end in order (SIGTERM).
pub(crate) fn terminate(pid: i32) -> Outcome<()> {
    kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(|error| format!("cannot signal process {pid}: {error}"))
}

/// Ends a process at once (SIGKILL).
pub(crate) fn kill_now(pid: i32) -> Outcome<()> {
    kill(Pid::from_raw(pid), Signal::SIGKILL).map_err(|error| format!("cannot end process {pid}: {error}"))
}

/// Runs `action` when the user presses Ctrl-C or the terminal asks to end, instead of ending at once.
///
/// Child processes start with their signals as usual: a handler is not inherited, a blocked signal would be.
pub(crate) fn on_interrupt(action: impl FnMut() + Send + 'static) -> Outcome<()> {
    ctrlc::set_handler(action).map_err(|error| format!("cannot listen for Ctrl-C: {error}"))
}
