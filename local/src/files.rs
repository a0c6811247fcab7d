//! Files of the state folder, written so that a crash leaves the old or the new content.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Because, Failure};

/// Writes a document whole or not at all, readable by its owner only.
pub(crate) fn write_json<T: Serialize>(path: &Path, document: &T) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(document).because(format!("cannot encode {}", path.display()))?;
    let partial = path.with_extension("partial");
    write_and_sync(&partial, &text).because(format!("cannot write {}", partial.display()))?;
    std::fs::rename(&partial, path).because(format!("cannot write {}", path.display()))
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = File::options();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a document; `None` where there is no file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .because(format!("{} is not what this program wrote", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).because(format!("cannot read {}", path.display())),
    }
}

/// Removes a file; that there is none is fine too.
pub(crate) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(path = %path.display(), %error, "cannot remove a file"),
    }
}
