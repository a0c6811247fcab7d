//! A function's deployed binary under the local Lambda host and before the in-process stand-in for AWS: one instance, one call after the other, as
//! Lambda does it. What counts is the time and the memory of the function's process; host and stand-in have their own.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use local::host::{Function, Host, Outcome as Answer, Surroundings};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::endpoint::Endpoint;
use crate::runtime;

/// The region that the functions are told.
pub(crate) const REGION: &str = "eu-west-1";

/// A function and what is around it.
pub(crate) struct Stage {
    /// What the calls run on.
    pub(crate) runtime: Runtime,
    /// What the function sees of AWS.
    pub(crate) endpoint: Endpoint,
    host: Host,
    binary: &'static str,
    /// Processes of the function that an earlier stage has started.
    earlier: BTreeSet<u32>,
    _logs: Logs,
}

impl Stage {
    /// With a binary that lies in this folder; its process starts with the first call.
    pub(crate) fn open(
        binaries: &Path,
        binary: &'static str,
        endpoint: Endpoint,
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let program = binaries.join(binary);
        if !program.is_file() {
            return Err(format!("{} is missing: build its package, too", program.display()));
        }
        let logs = Logs::new(binary)?;
        let around = Surroundings {
            binaries: binaries.to_owned(),
            logs: logs.0.clone(),
            endpoint_url: endpoint.url().to_owned(),
            region: REGION.to_owned(),
        };
        let host = Host::new(vec![function(binary, environment)], &around);
        Ok(Self { runtime: runtime()?, endpoint, host, binary, earlier: processes(binary).collect(), _logs: logs })
    }

    /// Calls the function; its answer.
    pub(crate) async fn call(&self, payload: Bytes) -> Result<Value, String> {
        match self.host.invoke(self.binary, payload).await {
            Answer::Answer(body) => serde_json::from_slice(&body).map_err(|error| format!("{}: {error}", self.binary)),
            other @ (Answer::Failed(_) | Answer::Refused(..)) => Err(format!("{} has failed: {other:?}", self.binary)),
        }
    }

    /// The function's process, once it was called.
    pub(crate) fn process(&self) -> Result<u32, String> {
        let mut processes = processes(self.binary).filter(|pid| !self.earlier.contains(pid));
        processes.next().ok_or_else(|| format!("the process of {} is not to be found", self.binary))
    }
}

fn function(binary: &str, environment: &[(&str, &str)]) -> Function {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Function {
        logical_id: binary.to_owned(),
        name: binary.to_owned(),
        arn: format!("arn:aws:lambda:{REGION}:000000000000:function:{binary}"),
        role: format!("arn:aws:iam::000000000000:role/{binary}"),
        binary: binary.to_owned(),
        // The longest that Lambda allows; the functions' own limits are no matter here.
        timeout_seconds: 900,
        memory_mib: 1769,
        environment: environment.iter().map(own).collect::<HashMap<_, _>>(),
        async_retries: 0,
        async_destination: None,
        dead_letters: None,
    }
}

/// The processes of this name that this one has started (proc(5), `/proc/{pid}/stat`: the second field is the name, the fourth the parent).
fn processes(name: &str) -> impl Iterator<Item = u32> {
    let (name, parent) = (format!("({name}) "), std::process::id().to_string());
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(move |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.split_once(&name).map(|(_, rest)| rest).unwrap_or_default();
        rest.split(' ').nth(1) == Some(&parent)
    })
}

/// A folder for the function's log, for as long as it is needed.
struct Logs(PathBuf);

impl Logs {
    fn new(binary: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("relay-bench-{}-{binary}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The folder of the binaries that were built with this program; tests lie in a folder below theirs.
pub(crate) fn binaries() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let above = if cfg!(test) { 2 } else { 1 };
    program.ancestors().nth(above).map(Path::to_owned).ok_or_else(|| "this program lies in no folder".to_owned())
}
