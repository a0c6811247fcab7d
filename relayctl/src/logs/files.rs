//! Lines of the stack on this machine: a file a function, named by the template's logical id.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::{Found, Line, Wanted};

/// The most of a file that is read: its end.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A folder of logs.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The lines of a function; none where it never ran.
    pub(super) fn read(&self, function: &'static str, file: &str, wanted: &Wanted) -> Found {
        let Ok((text, begins)) = self.end_of(file) else { return Found::default() };
        let mut lines = Vec::new();
        let mut at = 0;
        let mut place = begins;
        for text in text.split_inclusive('\n') {
            let line = Line::new(function, at, place.to_string(), text.trim_end().to_owned());
            place += text.len() as u64;
            // A line that tells no time, as those of a panic, has that of the line before.
            at = line.at;
            // A line that is still being written has no end: the next look has all of it.
            if text.ends_with('\n') && !line.text.is_empty() && wanted.takes(&line) {
                lines.push(line);
            }
        }
        let is_cut = begins > 0 && lines.first().is_some_and(|line| line.at >= wanted.since);
        Found { lines, cut: if is_cut { vec![function] } else { Vec::new() } }
    }

    /// The end of a file, from a line's beginning on, and where that is.
    fn end_of(&self, file: &str) -> std::io::Result<(String, u64)> {
        let mut file = File::open(self.folder.join(format!("{file}.log")))?;
        let length = file.metadata()?.len();
        let mut begins = length.saturating_sub(MOST_BYTES);
        file.seek(SeekFrom::Start(begins))?;
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        if begins > 0 {
            let line = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
            bytes.drain(..line);
            begins += line as u64;
        }
        // Lengths are of bytes: a place stays the same whatever is replaced behind it only if nothing is. Functions write UTF-8.
        Ok((String::from_utf8_lossy(&bytes).into_owned(), begins))
    }
}
