//! What must be in no log.

use std::collections::BTreeMap;
use std::path::Path;

/// The least bytes of logs that are worth the look: with less, the functions' output went elsewhere.
const LEAST_BYTES: usize = 5_000;

/// Texts that no log may hold, each with what it is.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// One more; answers it, for use.
    pub(crate) fn keep(&mut self, what: &str, text: impl Into<String>) -> String {
        let text = text.into();
        assert!(text.len() >= 8, "{what}: `{text}` could stand in a log by chance");
        self.0.insert(text.clone(), what.to_owned());
        text
    }

    /// Each that a file below the folder holds, with the line.
    pub(crate) fn found_in(&self, folder: &Path) -> Vec<String> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        for entry in std::fs::read_dir(folder).expect("the stack has logs").flatten() {
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a log can be read")).into_owned();
            bytes += text.len();
            let file = entry.file_name().to_string_lossy().into_owned();
            for line in text.lines() {
                let held = self.0.iter().filter(|(secret, _)| line.contains(secret.as_str()));
                found.extend(held.map(|(secret, what)| format!("{file}: {what}, {secret}, in {line:.400}")));
            }
        }
        assert!(bytes >= LEAST_BYTES, "{} has {bytes} bytes: where are the logs?", folder.display());
        found
    }
}
