//! The peers of the bench in Node.js, installed and bundled once for each version of what they are made of.

use std::{
    ffi::OsString,
    fs,
    os::fd::AsFd,
    path::Path,
    process::{Command, Stdio},
};

use super::place::Root;
use crate::say::{self, Outcome};

/// Where the peers are, in the repository.
const PEERS: &str = "bench/peers/node";

/// Where they are installed, under `.relay`.
const FOLDER: &str = "bench-node";

/// Installs what the lock file pins and bundles the peers as they would be deployed; does nothing when that is done already. The error says what is missing.
pub(crate) fn prepare(root: &Root) -> Outcome<()> {
    let folder = root.relay(FOLDER);
    let sources = sources(&root.join(PEERS))?;
    let is_there =
        |(name, content): &(OsString, Vec<u8>)| fs::read(folder.join(name)).is_ok_and(|there| there == *content);
    if folder.join("dist").is_dir() && sources.iter().all(is_there) {
        return Ok(());
    }
    for program in ["node", "npm"] {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            return Err(format!("{program} is not installed; Node.js 20 or newer brings it"));
        }
    }
    say::step(&format!("install the bench's peers in Node.js into .relay/{FOLDER} (once)"), || {
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        for (name, content) in &sources {
            let file = folder.join(name);
            fs::write(&file, content).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        }
        npm(&folder, &["ci", "--no-audit", "--no-fund"])?;
        npm(&folder, &["run", "--silent", "build"])
    })
}

/// Every file of the folder.
fn sources(folder: &Path) -> Outcome<Vec<(OsString, Vec<u8>)>> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let files = fs::read_dir(folder).map_err(failed)?.flatten().filter(|entry| entry.path().is_file());
    files.map(|file| Ok((file.file_name(), fs::read(file.path()).map_err(failed)?))).collect()
}

/// All of what it says goes to stderr.
fn npm(folder: &Path, arguments: &[&str]) -> Outcome<()> {
    let stderr = std::io::stderr().as_fd().try_clone_to_owned();
    let stdout = stderr.map_or_else(|_| Stdio::null(), Stdio::from);
    let mut npm = Command::new("npm");
    match npm.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(stdout).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("npm {} ended with {status}", arguments.join(" "))),
        Err(error) => Err(format!("cannot run npm: {error}")),
    }
}
