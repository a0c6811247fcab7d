//! Where everything is.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::failure::{Because, Failure};
use crate::files;
use crate::options::Options;

/// Absolute paths.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The function binaries.
    pub(crate) binaries: PathBuf,
    /// The virtual environment's Python.
    pub(crate) python: PathBuf,
    /// The template.
    pub(crate) template: PathBuf,
    /// The page.
    pub(crate) web: PathBuf,
    /// Everything below is in here.
    pub(crate) home: PathBuf,
    /// What outlives a run.
    pub(crate) state: PathBuf,
    /// A file per process.
    pub(crate) logs: PathBuf,
}

impl Layout {
    /// Finds what the options name, and makes the folders that are written to.
    pub(crate) fn of(options: &Options) -> Result<Self, Failure> {
        let root = existing(&options.root)?;
        let home = options.state_dir.clone().unwrap_or_else(|| root.join(".relay"));
        std::fs::create_dir_all(&home).because(format!("cannot make {}", home.display()))?;
        let home = existing(&home)?;
        let or = |given: &Option<PathBuf>, default: PathBuf| given.clone().unwrap_or(default);
        let layout = Self {
            binaries: existing(&options.bin_dir)?,
            // Not resolved: the link in the virtual environment is what tells Python where its packages are.
            python: or(&options.python, home.join("venv/bin/python")),
            template: existing(&or(&options.template, root.join("template.yaml")))?,
            web: existing(&or(&options.web, root.join("web")))?,
            state: home.join("state"),
            logs: home.join("logs"),
            root,
            home,
        };
        for folder in
            [&layout.logs, &layout.emulator_state(), &layout.objects(), &layout.checkpoints(), &layout.events()]
        {
            std::fs::create_dir_all(folder).because(format!("cannot make {}", folder.display()))?;
        }
        Ok(layout)
    }

    /// The emulator's tables, streams and so on.
    #[must_use]
    pub(crate) fn emulator_state(&self) -> PathBuf {
        self.state.join("emulator")
    }

    /// The emulator's S3 objects.
    #[must_use]
    pub(crate) fn objects(&self) -> PathBuf {
        self.state.join("s3")
    }

    /// The stream driver's checkpoints.
    #[must_use]
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.state.join("checkpoints")
    }

    /// Asynchronous events that wait for their function.
    #[must_use]
    pub(crate) fn events(&self) -> PathBuf {
        self.state.join("events")
    }

    /// The facts of the running stack.
    #[must_use]
    pub(crate) fn ready(&self) -> PathBuf {
        self.home.join("ready.json")
    }

    /// Holds the home for this process; the system gives it back when the process ends, however it ends.
    pub(crate) fn lock(&self) -> Result<File, Failure> {
        let path = self.home.join("relay-local.lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.because(format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(Failure(format!("a stack already runs in {}: `cargo xtask down` stops it", self.home.display())))
            }
            Err(TryLockError::Error(error)) => Err(error).because(format!("cannot lock {}", path.display())),
        }
    }

    /// After a run that did not end in order the emulator's state is older than the checkpoints, or gone. Then the stream is
    /// read again from its start: a record that comes twice does no harm, one that never comes does.
    pub(crate) fn forget_checkpoints_unless_clean(&self) -> Result<bool, Failure> {
        let mark = self.clean_mark();
        let clean = mark.exists();
        files::remove(&mark);
        if !clean {
            let folder = self.checkpoints();
            let entries = std::fs::read_dir(&folder).because(format!("cannot read {}", folder.display()))?;
            entries.flatten().for_each(|entry| files::remove(&entry.path()));
        }
        Ok(clean)
    }

    /// Notes that everything was stopped in order.
    pub(crate) fn mark_clean(&self) -> Result<(), Failure> {
        files::write_json(&self.clean_mark(), &true)
    }

    fn clean_mark(&self) -> PathBuf {
        self.state.join("clean.json")
    }
}

fn existing(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().because(format!("cannot find {}", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn layout(root: &Path) -> Layout {
        std::fs::create_dir_all(root.join("web")).unwrap();
        std::fs::write(root.join("template.yaml"), "").unwrap();
        let root = root.to_str().unwrap();
        Layout::of(&Options::parse_from(["relay-local", "--root", root, "--bin-dir", root])).unwrap()
    }

    #[test]
    fn one_home_belongs_to_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let layout = layout(folder.path());
        let held = layout.lock().unwrap();
        assert!(layout.lock().unwrap_err().0.contains("already runs"));
        drop(held);
        assert!(layout.lock().is_ok());
    }

    #[test]
    fn checkpoints_outlive_only_an_orderly_stop() {
        let folder = tempfile::tempdir().unwrap();
        let layout = layout(folder.path());
        let checkpoint = layout.checkpoints().join("mapping.json");
        std::fs::write(&checkpoint, "{}").unwrap();
        layout.mark_clean().unwrap();
        assert!(layout.forget_checkpoints_unless_clean().unwrap());
        assert!(checkpoint.exists());
        assert!(!layout.forget_checkpoints_unless_clean().unwrap());
        assert!(!checkpoint.exists());
    }
}
