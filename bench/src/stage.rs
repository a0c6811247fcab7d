//! A function, ours or a peer's, under the local Lambda host and before the in-process stand-in for AWS: one instance, one call after the other, as
//! Lambda does it. What counts is the time and the memory of the function's process; host and stand-in have their own.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use local::host::{Function, Host, Outcome as Answer, Surroundings};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::candidate::Candidate;
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
    /// What runs the function.
    pub(crate) host: Arc<Host>,
    /// The function's, in this process only.
    name: String,
    logs: Logs,
}

impl Stage {
    /// Its process starts with the first call.
    pub(crate) fn open(candidate: Candidate, endpoint: Endpoint, environment: &[(&str, &str)]) -> Result<Self, String> {
        static STAGES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("bench-{}-{}", std::process::id(), STAGES.fetch_add(1, Ordering::Relaxed));
        let logs = Logs::new(&name)?;
        let program = candidate.launcher(&logs.0)?;
        let around = Surroundings {
            binaries: PathBuf::new(),
            logs: logs.0.clone(),
            endpoint_url: endpoint.url().to_owned(),
            region: REGION.to_owned(),
        };
        let host = Host::new(vec![function(&name, &program, environment)], &around);
        Ok(Self { runtime: runtime()?, endpoint, host: Arc::new(host), name, logs })
    }

    /// Calls the function; its answer.
    pub(crate) async fn call(&self, payload: Bytes) -> Result<Value, String> {
        match self.host.invoke(&self.name, payload).await {
            Answer::Answer(body) => serde_json::from_slice(&body).map_err(|error| format!("an answer: {error}")),
            other @ (Answer::Failed(_) | Answer::Refused(..)) => Err(format!("the function has failed: {other:?}")),
        }
    }

    /// A folder of its own, for as long as it is needed.
    pub(crate) fn folder(&self) -> &Path {
        &self.logs.0
    }

    /// The function's ARN.
    pub(crate) fn arn(&self) -> String {
        arn(&self.name)
    }

    /// The function's process, once it was called.
    pub(crate) fn process(&self) -> Result<u32, String> {
        let entry = format!("AWS_LAMBDA_FUNCTION_NAME={}", self.name);
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids = all.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
        let is_ours = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes())
        };
        pids.find(is_ours).ok_or_else(|| format!("the process of {} is not to be found", self.name))
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:000000000000:function:{name}")
}

fn function(name: &str, program: &Path, environment: &[(&str, &str)]) -> Function {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Function {
        logical_id: name.to_owned(),
        name: name.to_owned(),
        arn: arn(name),
        role: format!("arn:aws:iam::000000000000:role/{name}"),
        binary: program.display().to_string(),
        // The longest that Lambda allows; the functions' own limits are no matter here.
        timeout_seconds: 900,
        memory_mib: 1769,
        environment: environment.iter().map(own).collect::<HashMap<_, _>>(),
        async_retries: 0,
        async_destination: None,
        dead_letters: None,
    }
}

/// A folder for the function's log, for as long as it is needed.
struct Logs(PathBuf);

impl Logs {
    fn new(name: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("relay-{name}"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
