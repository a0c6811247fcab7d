//! Where the stack's parts are: on this machine, or on AWS.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_aws::kinesis::AwsStream;
use relay_aws::s3::AwsObjects;
use serde::Deserialize;

use crate::cli::Place;

/// What `cargo xtask up` leaves about its stack: the second stands for the first until the demo owner is registered.
const STACK_FILES: [&str; 2] = [".relay/stack.json", ".relay/ready.json"];

/// The part of the local stack's facts that leads to its parts.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Stack {
    emulator_url: String,
    region: String,
    control_table: String,
    quarantine_bucket: String,
    failed_bucket: String,
    stream: String,
}

/// A part that a verb needs, with the flag and the variable that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    flag: &'static str,
    variable: &'static str,
}

const CONTROL: Part = Part { flag: "--control-table", variable: "RELAY_CONTROL_TABLE" };
const QUARANTINE: Part = Part { flag: "--quarantine-bucket", variable: "RELAY_QUARANTINE_BUCKET" };
const FAILED: Part = Part { flag: "--failed-bucket", variable: "RELAY_FAILED_BUCKET" };
const STREAM: Part = Part { flag: "--stream", variable: "RELAY_STREAM" };

/// Why there is nothing to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error(
        "say where: --local for the stack on this machine, or {} NAME (or ${}) for a deployed one",
        .0.flag, .0.variable
    )]
    Nowhere(Part),
    #[error(
        "no .relay/stack.json in {folder} or above: start the local stack with `cargo xtask up`, and run this inside its checkout"
    )]
    NoStack { folder: PathBuf },
    #[error(
        "nobody answers at {url}, where .relay/stack.json says that the local stack is: start it with `cargo xtask up`"
    )]
    NotRunning { url: String },
    #[error("{path} cannot be read: {reason}")]
    BadStack { path: PathBuf, reason: String },
}

/// The parts' names, as far as they were given.
#[derive(Debug, Default)]
struct Names {
    control_table: Option<String>,
    quarantine_bucket: Option<String>,
    failed_bucket: Option<String>,
    stream: Option<String>,
}

/// A stack: AWS, and the names of the parts.
#[derive(Debug)]
pub(crate) struct Target {
    aws: Aws,
    names: Names,
}

impl Target {
    /// The stack that the flags, the environment and the folder point to.
    pub(crate) async fn open(place: &Place, env: impl Fn(&str) -> Option<String>) -> Result<Self, PlaceError> {
        if place.local {
            let stack = find_stack(&current_folder()?)?;
            if !listens(&stack.emulator_url) {
                return Err(PlaceError::NotRunning { url: stack.emulator_url });
            }
            let aws = Aws::at(&stack.emulator_url, &stack.region).await;
            return Ok(Self { aws, names: Names::of(stack) });
        }
        let aws = match &place.region {
            Some(region) => Aws::load_in(region).await,
            None => Aws::load().await,
        };
        Ok(Self { aws, names: Names::given(place, env) })
    }

    /// Table `control`.
    pub(crate) fn control(&self) -> Result<AwsControl, PlaceError> {
        Ok(AwsControl::new(&self.aws, named(self.names.control_table.as_deref(), CONTROL)?))
    }

    /// The quarantine bucket.
    pub(crate) fn quarantine(&self) -> Result<AwsObjects, PlaceError> {
        Ok(AwsObjects::new(&self.aws, named(self.names.quarantine_bucket.as_deref(), QUARANTINE)?))
    }

    /// The bucket of batches that were given up.
    pub(crate) fn failed(&self) -> Result<AwsObjects, PlaceError> {
        Ok(AwsObjects::new(&self.aws, named(self.names.failed_bucket.as_deref(), FAILED)?))
    }

    /// The stream.
    pub(crate) fn stream(&self) -> Result<AwsStream, PlaceError> {
        Ok(AwsStream::new(&self.aws, named(self.names.stream.as_deref(), STREAM)?))
    }
}

impl Names {
    fn of(stack: Stack) -> Self {
        Self {
            control_table: Some(stack.control_table),
            quarantine_bucket: Some(stack.quarantine_bucket),
            failed_bucket: Some(stack.failed_bucket),
            stream: Some(stack.stream),
        }
    }

    fn given(place: &Place, env: impl Fn(&str) -> Option<String>) -> Self {
        let given = |flag: &Option<String>, part: Part| flag.clone().or_else(|| env(part.variable));
        Self {
            control_table: given(&place.control_table, CONTROL),
            quarantine_bucket: given(&place.quarantine_bucket, QUARANTINE),
            failed_bucket: given(&place.failed_bucket, FAILED),
            stream: given(&place.stream, STREAM),
        }
    }
}

/// Whether anybody takes connections there: a stopped stack leaves its file behind, with the keys that it will have again.
fn listens(url: &str) -> bool {
    TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).is_ok()
}

fn named(name: Option<&str>, part: Part) -> Result<&str, PlaceError> {
    name.filter(|name| !name.is_empty()).ok_or(PlaceError::Nowhere(part))
}

fn current_folder() -> Result<PathBuf, PlaceError> {
    std::env::current_dir()
        .map_err(|error| PlaceError::BadStack { path: PathBuf::from("."), reason: error.to_string() })
}

fn find_stack(folder: &Path) -> Result<Stack, PlaceError> {
    let candidates = folder.ancestors().flat_map(|folder| STACK_FILES.iter().map(move |file| folder.join(file)));
    let found = candidates.into_iter().find(|path| path.is_file());
    let path = found.ok_or_else(|| PlaceError::NoStack { folder: folder.to_owned() })?;
    let bad = |reason: String| PlaceError::BadStack { path: path.clone(), reason };
    let text = std::fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| bad(error.to_string()))
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
            find_stack(&self.0.join("a/b")).unwrap().control_table
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
        let error = find_stack(&folder.0).unwrap_err().to_string();
        assert!(error.contains("stack.json") && error.contains("emulator_url"), "{error}");
    }

    #[test]
    fn without_flag_and_variable_it_says_what_to_give() {
        let place = |stream: Option<&str>| Place {
            local: false,
            control_table: None,
            quarantine_bucket: None,
            failed_bucket: None,
            stream: stream.map(str::to_owned),
            region: None,
        };
        for env in [None, Some(String::new())] {
            let names = Names::given(&place(None), |_| env.clone());
            let error = named(names.control_table.as_deref(), CONTROL).unwrap_err().to_string();
            assert!(error.contains("--control-table NAME (or $RELAY_CONTROL_TABLE)"), "{error}");
        }
        let names = Names::given(&place(Some("mine")), |name| Some(format!("of {name}")));
        assert_eq!(named(names.stream.as_deref(), STREAM).unwrap(), "mine");
        assert_eq!(named(names.failed_bucket.as_deref(), FAILED).unwrap(), "of RELAY_FAILED_BUCKET");
        assert_eq!(named(names.quarantine_bucket.as_deref(), QUARANTINE).unwrap(), "of RELAY_QUARANTINE_BUCKET");
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
