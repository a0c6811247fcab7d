//! Killing the real processes of the stack's functions.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::wait::until;

/// How often processes are looked for: the host starts new ones as calls come in, and the next look finds those.
const ROUND: Duration = Duration::from_millis(150);

/// The processes of functions with these names: children of the local host.
#[must_use]
pub fn processes(host: u64, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("this test finds processes by /proc").flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
        let program = std::fs::read_link(entry.path().join("exe")).unwrap_or_default();
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if parent == Some(&host.to_string()) && names.contains(&name.as_str()) {
            found.push(pid);
        }
    }
    found
}

/// Does some work while processes of these functions are killed (SIGKILL) at the times when they `may` be, until
/// so many were. The work sees how
/// many were, and so does the caller at the end.
pub fn while_killing(
    host: u64,
    names: &[&str],
    most: usize,
    may: impl Fn() -> bool + Sync,
    work: impl FnOnce(&AtomicUsize),
) -> usize {
    let (over, killed) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let hunter = scope.spawn(|| {
            let goes_on = || killed.load(Ordering::SeqCst) < most && !over.load(Ordering::SeqCst);
            while goes_on() {
                if may() {
                    // All of them: some are idle, and it is not seen from outside which.
                    let ended = processes(host, names).iter().filter(|pid| kill(pid)).count();
                    killed.fetch_add(ended, Ordering::SeqCst);
                }
                let _ = until(ROUND, || (!goes_on()).then_some(()));
            }
        });
        work(&killed);
        over.store(true, Ordering::SeqCst);
        hunter.join().expect("the killing thread ends");
    });
    killed.into_inner()
}

/// Kills a process; `false` where it has ended by itself in the meantime.
#[must_use]
pub fn kill(pid: &str) -> bool {
    Command::new("kill").args(["-9", pid]).output().expect("kill can be run").status.success()
}
