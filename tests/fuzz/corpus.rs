//! The kept inputs.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The names of all corpora.
pub(crate) fn folders() -> Vec<String> {
    entries(&root()).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The inputs kept for a target, by name.
pub(crate) fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap());
    entries(&root().join(target)).into_iter().map(read).collect()
}

/// Saves what went wrong, the smallest last, and says where.
pub(crate) fn save(target: &str, input: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}"));
    fs::write(&path, input).unwrap();
    path
}
