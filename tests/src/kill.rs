//! Killing the real processes of the stack's functions.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Does some work while processes of these functions are killed (SIGKILL) whenever they are found, at most so many. Answers how many were.
pub fn while_killing(host: u64, names: &[&str], most: usize, work: impl FnOnce()) -> usize {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while killed < most && !over.load(Ordering::SeqCst) {
                for pid in processes(host, names).into_iter().take(most - killed) {
                    // It may have ended by itself in the meantime.
                    let ended = Command::new("kill").args(["-9", &pid]).output().expect("kill can be run");
                    killed += usize::from(ended.status.success());
                }
                let _ = until(ROUND, || over.load(Ordering::SeqCst).then_some(()));
            }
            killed
        });
        work();
        over.store(true, Ordering::SeqCst);
        killer.join().expect("the killer ends")
    })
}
