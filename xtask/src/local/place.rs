//! Where things lie in a checkout.

use std::path::{Path, PathBuf};

use crate::{os, say::Outcome};

/// The root of the checkout that the tool runs in.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// The nearest folder upward that holds the system's template and this tool.
    pub(crate) fn find() -> Outcome<Self> {
        let here = std::env::current_dir().map_err(|error| format!("the working directory is gone: {error}"))?;
        let is_root = |folder: &&Path| folder.join("template.yaml").is_file() && folder.join("xtask").is_dir();
        let root = here.ancestors().find(is_root).map(|root| Self(root.to_owned()));
        root.ok_or_else(|| format!("{} is in no checkout of Relay: go into one and run again", here.display()))
    }

    /// The root itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file of the repository.
    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// A file of the local stack, under `.relay`.
    pub(crate) fn relay(&self, path: &str) -> PathBuf {
        self.0.join(".relay").join(path)
    }

    /// A program of this workspace as `cargo build` leaves it, honouring `CARGO_TARGET_DIR`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// The folder of the programs.
    pub(crate) fn programs(&self) -> PathBuf {
        self.target().join("debug")
    }

    /// A program as `cargo build --release` leaves it.
    pub(crate) fn release_program(&self, name: &str) -> PathBuf {
        self.target().join("release").join(name)
    }

    fn target(&self) -> PathBuf {
        let target = os::variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
        self.0.join(target)
    }
}
