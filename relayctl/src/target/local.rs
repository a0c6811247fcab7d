//! The stack on this machine: what `cargo xtask up` left about it.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{PlaceError, Stack};

/// What `cargo xtask up` leaves about its stack: the second stands for the first until the demo owner is registered.
const STACK_FILES: [&str; 2] = [".relay/stack.json", ".relay/ready.json"];

/// How `local/deploy.py` names the stack.
const NAME: &str = "relay";

/// The part of the local stack's facts that leads to its parts.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Facts {
    pub(super) emulator_url: String,
    pub(super) region: String,
    pub(super) control_table: String,
    pub(super) quarantine_bucket: String,
    pub(super) failed_bucket: String,
    pub(super) stream: String,
    #[serde(default)]
    mail_from: Option<String>,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
}

/// A stack on this machine.
#[derive(Debug)]
pub(super) struct Local {
    path: PathBuf,
    pub(super) facts: Facts,
}

impl Local {
    /// The one of this folder or one above.
    pub(super) fn find(folder: &Path) -> Result<Self, PlaceError> {
        let candidates = folder.ancestors().flat_map(|folder| STACK_FILES.iter().map(move |file| folder.join(file)));
        let found = candidates.into_iter().find(|path| path.is_file());
        Self::read(found.ok_or_else(|| PlaceError::NoStack { folder: folder.to_owned() })?)
    }

    /// The one of this file.
    pub(super) fn read(path: PathBuf) -> Result<Self, PlaceError> {
        let bad = |reason: String| PlaceError::BadStack { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
        let facts = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        Ok(Self { path, facts })
    }

    /// What verbs see of it.
    pub(super) fn into_stack(self) -> Stack {
        Stack {
            name: NAME.to_owned(),
            status: "local".to_owned(),
            outputs: self.facts.outputs,
            logs: Some(self.path.with_file_name("logs")),
            mail_from: self.facts.mail_from,
        }
    }
}

/// Whether anybody takes connections there: a stopped stack leaves its file behind, with the keys that it will have again.
pub(super) fn listens(url: &str) -> bool {
    TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).is_ok()
}

pub(super) fn current_folder() -> Result<PathBuf, PlaceError> {
    std::env::current_dir()
        .map_err(|error| PlaceError::BadStack { path: PathBuf::from("."), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own under the system's, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("relayctl-{}-{name}", std::process::id()));
            std::fs::create_dir_all(path.join(".relay")).unwrap();
            std::fs::create_dir_all(path.join("a/b")).unwrap();
            Self(path)
        }

        fn write(&self, file: &str, table: &str) {
            let parts = r#""quarantine_bucket":"q","failed_bucket":"f","stream":"s","more":1"#;
            let text =
                format!(r#"{{"emulator_url":"http://127.0.0.1:1","region":"r","control_table":"{table}",{parts}}}"#);
            std::fs::write(self.0.join(".relay").join(file), text).unwrap();
        }

        fn table(&self) -> String {
            Local::find(&self.0.join("a/b")).unwrap().facts.control_table
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn the_stack_is_found_upward_and_the_ready_file_stands_in() {
        let folder = Folder::new("upward");
        folder.write("ready.json", "early");
        assert_eq!(folder.table(), "early");
        folder.write("stack.json", "control");
        assert_eq!(folder.table(), "control");
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = Folder::new("broken");
        std::fs::write(folder.0.join(".relay/stack.json"), r#"{"region":"r"}"#).unwrap();
        let error = Local::find(&folder.0).unwrap_err().to_string();
        assert!(error.contains("stack.json") && error.contains("emulator_url"), "{error}");
    }

    #[test]
    fn a_stopped_stack_is_told_from_a_running_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert!(listens(&url));
        drop(listener);
        assert!(!listens(&url));
    }
}
