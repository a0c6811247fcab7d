//! relay-local, the process that holds the whole stack: started in the background, waited for, stopped in order.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    place::Root,
    stack::{self, Place},
};
use crate::{
    os,
    say::{self, Outcome},
};

/// How long the stack may take to start; it takes seconds, a busy machine some more.
const START_LIMIT: Duration = Duration::from_mins(3);
/// How long it may take to stop in order: functions finish what they hold (up to 30 s), the emulator writes its state (up to 2 min).
const STOP_LIMIT: Duration = Duration::from_mins(3);
/// How often a process or file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a long wait is told.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Lines of the log that a failure shows.
const TAIL: usize = 25;

/// Where relay-local says that all is up.
const READY: &str = "ready.json";
/// Where this tool notes which process it started.
const STARTED: &str = "supervisor.json";
/// The supervisor's log.
const LOG: &str = "logs/relay-local.log";

/// The process this tool started.
#[derive(Deserialize, Serialize)]
struct Started {
    pid: i32,
}

/// A wait with an end, of which the user hears.
struct Wait {
    started: Instant,
    told: Instant,
    limit: Duration,
}

impl Wait {
    fn new(limit: Duration) -> Self {
        Self { started: Instant::now(), told: Instant::now(), limit }
    }

    /// Pauses until the next look; false when the limit is reached.
    fn goes_on(&mut self, root: &Root) -> bool {
        if self.told.elapsed() > TELL_EVERY {
            self.told = Instant::now();
            say::progress(format_args!("  {}: {}", say::seconds(self.started.elapsed()), tail(root, 1)));
        }
        os::pause(LOOK_EVERY);
        self.started.elapsed() < self.limit
    }
}

/// The process id of this checkout's running supervisor. A stale note counts for nothing: the process of that id must
/// be a relay-local of this checkout.
pub(crate) fn running(root: &Root) -> Option<i32> {
    let noted: Option<Started> = stack::read(&root.relay(STARTED)).ok();
    let ready: Option<Place> = stack::read(&root.relay(READY)).ok();
    let pids = noted.map(|noted| noted.pid).into_iter().chain(ready.map(|ready| ready.pid));
    pids.into_iter().find(|pid| is_ours(root, *pid))
}

/// Whether a process is a relay-local that was started for this checkout. A zombie has no command line, so it is not.
fn is_ours(root: &Root, pid: i32) -> bool {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).or_else(|_| {
        // Other systems than Linux have no /proc.
        Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().map(|output| output.stdout)
    });
    let words = command_line.map(|line| String::from_utf8_lossy(&line).into_owned()).unwrap_or_default();
    words.contains("relay-local") && words.contains(&*root.path().to_string_lossy())
}

/// Starts relay-local in a process group of its own, so that Ctrl-C reaches this tool only.
pub(crate) fn start(root: &Root) -> Outcome<Child> {
    let log_path = root.relay(LOG);
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", log_path.display());
    fs::create_dir_all(root.relay("logs")).map_err(failed)?;
    let log = File::create(&log_path).map_err(failed)?;
    drop(fs::remove_file(root.relay(READY)));
    let program = root.program("relay-local");
    let mut command = Command::new(&program);
    command.arg("--root").arg(root.path()).arg("--bin-dir").arg(root.programs());
    command.current_dir(root.path()).process_group(0);
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
    let child = command.spawn().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let pid = i32::try_from(child.id()).map_err(|_| format!("process id {} is out of range", child.id()))?;
    stack::write(&root.relay(STARTED), &Started { pid })?;
    Ok(child)
}

/// Waits until the supervisor says that all is up. `child` is the process if this run started it.
pub(crate) fn wait_ready(root: &Root, mut child: Option<Child>) -> Outcome<Place> {
    let mut wait = Wait::new(START_LIMIT);
    loop {
        if let Ok(place) = stack::read::<Place>(&root.relay(READY))
            && is_ours(root, place.pid)
        {
            return Ok(place);
        }
        // Asking for its end also keeps an ended child from lingering as a zombie.
        let ended = match &mut child {
            Some(child) => child.try_wait().ok().flatten().map(|status| status.to_string()),
            None => running(root).is_none().then(|| "unknown status".to_owned()),
        };
        if let Some(status) = ended {
            return Err(with_tail(root, &format!("relay-local ended while starting ({status})")));
        }
        if !wait.goes_on(root) {
            return Err(with_tail(root, &format!("the stack is not up after {}", say::seconds(START_LIMIT))));
        }
    }
}

/// Asks the supervisor to stop and waits until it has; answers its process id, or `None` when none was running.
pub(crate) fn stop(root: &Root) -> Outcome<Option<i32>> {
    let pid = running(root);
    if let Some(pid) = pid {
        os::terminate(pid)?;
        let mut wait = Wait::new(STOP_LIMIT);
        while is_ours(root, pid) {
            if !wait.goes_on(root) {
                os::kill_now(pid)?;
                let problem =
                    format!("relay-local ({pid}) did not stop in {} and was killed", say::seconds(STOP_LIMIT));
                return Err(with_tail(root, &problem));
            }
        }
    }
    for note in [STARTED, READY] {
        drop(fs::remove_file(root.relay(note)));
    }
    Ok(pid)
}

/// Waits until the supervisor ends by itself.
pub(crate) fn wait_end(root: &Root) {
    while running(root).is_some() {
        os::pause(Duration::from_millis(500));
    }
}

/// The problem, and the end of the supervisor's log.
pub(crate) fn with_tail(root: &Root, problem: &str) -> String {
    format!("{problem}; the end of .relay/{LOG}:\n{}", tail(root, TAIL))
}

fn tail(root: &Root, lines: usize) -> String {
    let log = fs::read(root.relay(LOG)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let all: Vec<&str> = log.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.get(from..).unwrap_or_default().join("\n")
}
