//! Exports read back in another language: files by the real worker, compared with what was stored by Python's own readers.

use std::{fs, process::Command};

use super::test::cargo_test;
use crate::{
    cli::Test,
    local::{needs, place::Root, python},
    say::{self, Outcome},
};

/// Writes the files, then has them read back.
pub(crate) fn compare(root: &Root, options: &Test) -> Outcome<()> {
    python::prepare(root, python::REFERENCES, needs::check()?)?;
    let folder = root.relay("references");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    let prepare = |cargo: &mut Command| {
        cargo.env("RELAY_REFERENCES_FOLDER", &folder);
        let seed = options.seed.map(|seed| seed.to_string());
        for (name, value) in [("SEED", seed), ("FULL", options.full.then(|| "1".to_owned()))] {
            let name = format!("RELAY_REFERENCES_{name}");
            match value {
                Some(value) => cargo.env(name, value),
                None => cargo.env_remove(name),
            };
        }
    };
    say::step("write files in every format and zone", || cargo_test(root, &["--test", "references"], prepare))?;
    say::step("read them back in Python", || {
        let mut command = Command::new(root.relay("references-venv/bin/python"));
        command.arg(root.join("tests/references/check.py")).arg(&folder);
        // The zones of the pinned package, not the machine's.
        match command.env("PYTHONTZPATH", "").status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("check.py ended with {status}; the files are in {}", folder.display())),
            Err(error) => Err(format!("cannot run check.py: {error}")),
        }
    })
}
