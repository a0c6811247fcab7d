//! What `deploy.py` says of the deployed stack.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use crate::door::Route;
use crate::driver::Mapping;
use crate::failure::{Because, Failure};
use crate::host::Function;
use crate::layout::Layout;

/// The deployed stack.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Facts {
    /// Whether there was no stack before.
    pub(crate) created: bool,
    /// The template's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Every resource: logical to physical id.
    pub(crate) resources: BTreeMap<String, String>,
    /// All functions.
    pub(crate) functions: Vec<Function>,
    /// The stream's mappings.
    pub(crate) mappings: Vec<Mapping>,
    /// The API's routes.
    pub(crate) routes: Vec<Route>,
    /// What the distribution adds to every answer.
    pub(crate) page_headers: BTreeMap<String, String>,
}

/// Deploys the template into the emulator; on an existing stack that is an update.
pub(crate) async fn deploy(
    layout: &Layout,
    emulator_url: &str,
    region: &str,
    parameters: &[(String, String)],
) -> Result<Facts, Failure> {
    let mut command = Command::new(&layout.python);
    command
        .arg("-B")
        .arg(layout.root.join("local/deploy.py"))
        .args(["--emulator", emulator_url, "--region", region, "--template"])
        .arg(&layout.template)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &layout.state)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, value) in parameters {
        command.arg("--parameter").arg(format!("{name}={value}"));
    }
    let output = command.output().await.because(format!("cannot start {}", layout.python.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure(format!("the template was not deployed: {}", said.trim())));
    }
    serde_json::from_slice(&output.stdout).because("deploy.py printed something else than the stack's facts")
}
