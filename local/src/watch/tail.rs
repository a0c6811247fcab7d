//! The functions' log files, read on where they were left off. A file and no pipe: whoever writes never waits for who reads.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most of a file that is read at once, in bytes.
const READ_MAX: u64 = 4 * 1024 * 1024;

/// How far each log file was read.
pub(super) struct Tail {
    files: HashMap<PathBuf, u64>,
}

impl Tail {
    /// From the files' present ends on: what earlier runs wrote was counted by them.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let end = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        Self { files: files.into_iter().map(|path| (path.clone(), end(&path))).collect() }
    }

    /// The whole lines that were written since. A file that became shorter was begun anew.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, position) in &mut self.files {
            while let Some(text) = more(path, position) {
                lines.extend(text.lines().map(str::to_owned));
            }
        }
        lines
    }
}

/// What follows `position` up to the last end of a line.
fn more(path: &Path, position: &mut u64) -> Option<String> {
    let mut file = File::open(path).ok()?;
    if file.metadata().ok()?.len() < *position {
        *position = 0;
    }
    file.seek(SeekFrom::Start(*position)).ok()?;
    let mut bytes = Vec::new();
    file.take(READ_MAX).read_to_end(&mut bytes).ok()?;
    let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => end + 1,
        // A line longer than is read at once counts nothing that we wrote.
        None if bytes.len() as u64 == READ_MAX => bytes.len(),
        None => return None,
    };
    *position += whole as u64;
    bytes.truncate(whole);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(path: &Path, text: &str) {
        let mut known = std::fs::read(path).unwrap_or_default();
        known.extend_from_slice(text.as_bytes());
        std::fs::write(path, known).unwrap();
    }

    #[test]
    fn each_whole_line_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        append(&old, "counted by an earlier run\n");
        let mut tail = Tail::new([old.clone(), new.clone()]);
        assert!(tail.lines().is_empty());
        append(&old, "one\ntw");
        append(&new, "three\n");
        let mut lines = tail.lines();
        lines.sort();
        assert_eq!(lines, ["one", "three"]);
        append(&old, "o\n");
        assert_eq!(tail.lines(), ["two"]);
        std::fs::write(&old, "anew\n").unwrap();
        assert_eq!(tail.lines(), ["anew"]);
    }
}
