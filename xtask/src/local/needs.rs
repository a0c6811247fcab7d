//! What the machine must have, checked before anything takes time.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{os, say::Outcome};

/// The oldest Python that the pinned emulator runs on.
const PYTHON: (u32, u32) = (3, 11);

/// The names Python goes by.
const PYTHONS: [&str; 4] = ["python3", "python3.13", "python3.12", "python3.11"];

/// Checks for a C compiler and Python; answers the Python to use.
pub(crate) fn check() -> Outcome<&'static str> {
    if !runs(Command::new("cc").arg("--version")) {
        return Err("no C compiler (cc) found; on Debian: apt-get install build-essential".to_owned());
    }
    let (major, minor) = PYTHON;
    let new_enough = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    let able_too = format!("import venv, ensurepip; {new_enough}");
    let with = |code: &str| PYTHONS.into_iter().find(|name| runs(Command::new(name).args(["-c", code])));
    let advice = "on Debian 12: apt-get install python3 python3-venv";
    with(&able_too).ok_or_else(|| match with(&new_enough) {
        Some(python) => format!("{python} lacks the modules venv and ensurepip; {advice}"),
        None => format!("no Python {major}.{minor} or newer found; {advice}"),
    })
}

/// Whether a command can be run and succeeds; its output is thrown away.
fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The first of `names` that is a file in a folder of `PATH` or in one of `more`.
pub(crate) fn find_program(names: &[&str], more: &[&str]) -> Option<PathBuf> {
    let path = os::variable("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(more.iter().map(PathBuf::from)).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path_or_beside_it() {
        assert!(find_program(&["no-such-program-at-all", "sh"], &[]).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find_program(&["no-such-program-at-all"], &["/usr/bin"]), None);
    }
}
