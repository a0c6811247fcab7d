//! Who is measured: our own functions as they are deployed, and their peers in `bench/peers` and `bench/examples`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What the peers in Python import, and the interpreter that has it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.relay/bench-venv/bin/python");

/// The peers in Python.
const PYTHON_PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/python");

/// The peers in Node.js, bundled.
const NODE_PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.relay/bench-node/dist");

/// A program, as somebody wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// As the tables call it.
    pub(crate) name: &'static str,
    program: Program,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    /// In the folder of the binaries that were built with this program.
    Built(&'static str),
    Node(&'static str),
    Python(&'static str),
}

impl Candidate {
    /// A function of this workspace, or an example of this package (`examples/…`).
    pub(crate) const fn built(name: &'static str, path: &'static str) -> Self {
        Self { name, program: Program::Built(path) }
    }

    /// A peer in Node.js.
    pub(crate) const fn node(file: &'static str) -> Self {
        Self { name: "Node.js", program: Program::Node(file) }
    }

    /// A peer in Python.
    pub(crate) const fn python(file: &'static str) -> Self {
        Self { name: "Python", program: Program::Python(file) }
    }

    /// The interpreter, if it needs one, and the program. The error says how to get what is missing.
    pub(crate) fn command(self) -> Result<Vec<PathBuf>, String> {
        let (command, remedy) = match self.program {
            Program::Built(path) => (vec![binaries()?.join(path)], "build its package, too"),
            Program::Node(file) => {
                (vec![node()?, Path::new(NODE_PEERS).join(file)], "`cargo xtask bench` installs it where npm is")
            }
            Program::Python(file) => {
                (vec![PYTHON.into(), Path::new(PYTHON_PEERS).join(file)], "`cargo xtask bench` installs it")
            }
        };
        let missing = command.iter().find(|file| !file.is_file());
        missing.map_or_else(|| Ok(command.clone()), |file| Err(format!("{} is missing: {remedy}", file.display())))
    }

    /// One program that starts it: itself, or a script in this folder that becomes the interpreter, as the managed runtimes' own `bootstrap` does.
    pub(crate) fn launcher(self, folder: &Path) -> Result<PathBuf, String> {
        let command = self.command()?;
        let [interpreter, program] = command.as_slice() else {
            return command.into_iter().next().ok_or_else(|| "a candidate without a program".to_owned());
        };
        let launcher = folder.join("bootstrap");
        let script = format!("#!/bin/sh\nexec '{}' '{}'\n", interpreter.display(), program.display());
        let failed = |error| format!("{}: {error}", launcher.display());
        fs::write(&launcher, script).map_err(failed)?;
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755)).map_err(failed)?;
        Ok(launcher)
    }
}

/// Those that can run here; of the others it is said aloud that they are left out.
pub(crate) fn present(candidates: &[Candidate]) -> Vec<Candidate> {
    let there = |candidate: &&Candidate| match candidate.command() {
        Ok(_) => true,
        Err(missing) => {
            crate::say(&format!("SKIPPED: {}: {missing}", candidate.name));
            false
        }
    };
    candidates.iter().filter(there).copied().collect()
}

/// The first `node` of the search path.
fn node() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("node"));
    places.find(|file| file.is_file()).ok_or_else(|| "node is not installed".to_owned())
}

/// The folder of the binaries that were built with this program; tests lie in a folder below theirs.
fn binaries() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let above = if cfg!(test) { 2 } else { 1 };
    program.ancestors().nth(above).map(Path::to_owned).ok_or_else(|| "this program lies in no folder".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_path() {
        let error = Candidate::built("none", "no-such-function").command().unwrap_err();
        assert!(error.contains("no-such-function is missing"), "{error}");
        assert_eq!(present(&[Candidate::built("none", "no-such-function")]), []);
    }
}
