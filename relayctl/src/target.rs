//! Where table `control` is: on this machine's stack, or on AWS.

use std::path::{Path, PathBuf};

use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use serde::Deserialize;

use crate::cli::Place;

/// The variable that names the table where no flag does.
const TABLE_VARIABLE: &str = "RELAY_CONTROL_TABLE";

/// What `cargo xtask up` leaves about its stack: the second stands for the first until the demo owner is registered.
const STACK_FILES: [&str; 2] = [".relay/stack.json", ".relay/ready.json"];

/// The part of the local stack's facts that leads to its table.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Stack {
    emulator_url: String,
    region: String,
    control_table: String,
}

/// Why there is no table to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error(
        "say where: --local for the stack on this machine, or --control-table NAME (or ${TABLE_VARIABLE}) for a deployed one"
    )]
    Nowhere,
    #[error(
        "no .relay/stack.json in {folder} or above: start the local stack with `cargo xtask up`, and run this inside its checkout"
    )]
    NoStack { folder: PathBuf },
    #[error("{path} cannot be read: {reason}")]
    BadStack { path: PathBuf, reason: String },
}

/// The table that the flags, the environment and the folder point to.
pub(crate) async fn open(place: &Place, env: impl Fn(&str) -> Option<String>) -> Result<AwsControl, PlaceError> {
    if place.local {
        let stack = find_stack(&current_folder()?)?;
        let aws = Aws::at(&stack.emulator_url, &stack.region).await;
        return Ok(AwsControl::new(&aws, &stack.control_table));
    }
    let named = place.control_table.clone().or_else(|| env(TABLE_VARIABLE));
    let table = named.filter(|name| !name.is_empty()).ok_or(PlaceError::Nowhere)?;
    let aws = match &place.region {
        Some(region) => Aws::load_in(region).await,
        None => Aws::load().await,
    };
    Ok(AwsControl::new(&aws, &table))
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
            let text =
                format!(r#"{{"emulator_url":"http://127.0.0.1:1","region":"r","control_table":"{table}","more":1}}"#);
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

    #[tokio::test]
    async fn without_flag_and_variable_it_says_what_to_give() {
        let place = Place { local: false, control_table: None, region: None };
        for env in [None, Some(String::new())] {
            let error = open(&place, |_| env.clone()).await.unwrap_err();
            assert!(error.to_string().contains("--control-table NAME"), "{error}");
        }
    }
}
