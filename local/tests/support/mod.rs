//! Functions for the tests: `fake_function.py`, run by the real host.
#![allow(dead_code, reason = "each test target uses its part")]

pub(crate) mod emulator;
pub(crate) mod queue;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use local::host::{Function, Host, Outcome, Surroundings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A host with one function, `Fake`, and the folder that everything is in.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) host: Arc<Host>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Function)) -> Self {
        Self::before("http://127.0.0.1:9", change)
    }

    /// `emulator_url` is what the function is told.
    pub(crate) fn before(emulator_url: &str, change: impl FnOnce(&mut Function)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("fake");
        std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake_function.py"), &binary).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut function = function();
        function.environment.insert("NOTES".to_owned(), folder.path().join("notes").display().to_string());
        change(&mut function);
        let around = Surroundings {
            binaries: folder.path().to_owned(),
            logs: folder.path().to_owned(),
            endpoint_url: emulator_url.to_owned(),
            region: "eu-central-1".to_owned(),
        };
        let host = Arc::new(Host::new(vec![function], &around));
        Self { folder, host }
    }

    /// Calls the function and waits for its answer.
    pub(crate) async fn call(&self, event: Value) -> Outcome {
        self.host.invoke("Fake", Bytes::from(event.to_string())).await
    }

    /// The answer of a call that must succeed.
    pub(crate) async fn answer(&self, event: Value) -> Value {
        match self.call(event).await {
            Outcome::Answer(answer) => serde_json::from_slice(&answer).unwrap(),
            other @ (Outcome::Failed(_) | Outcome::Refused(..)) => panic!("{other:?}"),
        }
    }

    /// The lines that the function has written.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = std::fs::read_to_string(self.folder.path().join("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn function() -> Function {
    let function = json!({
        "logical_id": "Fake",
        "name": "stack-Fake-1",
        "arn": "arn:aws:lambda:eu-central-1:000000000000:function:stack-Fake-1",
        "role": "arn:aws:iam::000000000000:role/fake",
        "binary": "fake",
        "timeout_seconds": 30,
        "memory_mib": 256,
        "environment": {},
        "async_retries": 2,
        "async_destination": null,
        "dead_letters": null,
    });
    serde_json::from_value(function).unwrap()
}

/// What the error document of a failed call says.
pub(crate) fn error_type(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(error) => error["errorType"].as_str().unwrap(),
        other @ (Outcome::Answer(_) | Outcome::Refused(..)) => panic!("{other:?}"),
    }
}

/// Waits until something is so; the test's own timeout is the limit.
pub(crate) async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Environment or headers of an answer.
pub(crate) fn texts(answer: &Value) -> HashMap<String, String> {
    serde_json::from_value(answer.clone()).unwrap()
}
