//! Virtual environments of Python, each made once for each version of its pinned requirements.

use std::{
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::place::Root;
use crate::say::{self, Outcome};

/// A virtual environment.
pub(crate) struct Venv {
    /// What it is for, in a sentence.
    what: &'static str,
    /// The pinned requirements, in the repository.
    requirements: &'static str,
    /// Its folder under `.relay`.
    folder: &'static str,
}

/// The emulator of AWS.
pub(crate) const EMULATOR: Venv = Venv { what: "the emulator", requirements: "local/requirements.txt", folder: "venv" };

/// What exercises the contract. Apart from the emulator's, whose pins are older.
pub(crate) const SCHEMATHESIS: Venv =
    Venv { what: "schemathesis", requirements: "tests/contract/requirements.txt", folder: "contract-venv" };

/// What reads exports back: other readers than ours, and the zones' own database.
pub(crate) const REFERENCES: Venv = Venv {
    what: "the reference readers",
    requirements: "tests/references/requirements.txt",
    folder: "references-venv",
};
/// What the page is looked at with: axe-core, and Pillow for small pictures.
pub(crate) const BROWSER: Venv =
    Venv { what: "axe-core and Pillow", requirements: "tests/browser/requirements.txt", folder: "browser-venv" };
/// What the code is measured against: `DuckDB` and boto3.
pub(crate) const PEERS: Venv =
    Venv { what: "the peers of the bench", requirements: "bench/peers/requirements.txt", folder: "bench-venv" };

/// What deploys: SAM, and botocore that comes with it; and what lints the template.
pub(crate) const SAM: Venv = Venv { what: "SAM", requirements: "infra/requirements.txt", folder: "lint-venv" };

impl Venv {
    /// Its folder under `.relay`.
    pub(crate) const fn folder(&self) -> &'static str {
        self.folder
    }
}

/// Makes an environment hold what its requirements pin; does nothing when it does already.
pub(crate) fn prepare(root: &Root, Venv { what, requirements, folder }: Venv, python: &str) -> Outcome<()> {
    let requirements = root.join(requirements);
    let wanted = fs::read(&requirements).map_err(|error| format!("cannot read {}: {error}", requirements.display()))?;
    let venv = root.relay(folder);
    // A copy of the requirements, written when they have been installed.
    let installed = venv.join("requirements.txt");
    let interpreter = venv.join("bin/python");
    if interpreter.exists() && fs::read(&installed).is_ok_and(|bytes| bytes == wanted) {
        return Ok(());
    }
    say::step(&format!("install {what} into .relay/{folder} (once)"), || {
        drop(fs::remove_file(&installed));
        run(Command::new(python).args(["-m", "venv"]).arg(&venv), &venv)?;
        // Each file is the whole closure, so nothing is resolved.
        let pip = [
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--progress-bar=off",
            "--no-deps",
            "--require-hashes",
        ];
        run(Command::new(&interpreter).args(pip).arg("-r").arg(&requirements), &venv)?;
        fs::write(&installed, &wanted).map_err(|error| format!("cannot write {}: {error}", installed.display()))
    })
}

/// A file of a package that an environment holds.
pub(crate) fn file(root: &Root, Venv { folder, .. }: Venv, package: &str, name: &str) -> Outcome<PathBuf> {
    let library = root.relay(folder).join("lib");
    let versions = fs::read_dir(&library).map_err(|error| format!("cannot read {}: {error}", library.display()))?;
    let places = versions.flatten().map(|version| version.path().join("site-packages").join(package).join(name));
    let found = places.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| format!("{package} in .relay/{folder} has no {name}; delete that folder and try again"))
}

/// Runs a command that shows its own progress; all of it goes to stderr.
fn run(command: &mut Command, venv: &Path) -> Outcome<()> {
    let stderr = std::io::stderr().as_fd().try_clone_to_owned();
    let stdout = stderr.map_or_else(|_| Stdio::null(), Stdio::from);
    match command.stdin(Stdio::null()).stdout(stdout).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "{command:?} ended with {status}; if it keeps failing, delete {} and try again",
            venv.display()
        )),
        Err(error) => Err(format!("cannot run {command:?}: {error}")),
    }
}
