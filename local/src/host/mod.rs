//! The Lambda host: runs function binaries under the Lambda Runtime API with AWS's semantics.

mod asynchronous;
mod endpoint;
pub(crate) mod environment;
mod instance;
mod pool;
mod runtime_api;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use relay_lambda::process;
use serde::Deserialize;
use serde_json::{Value, json};

pub use asynchronous::{Queue, RETRY_DELAYS};
pub use endpoint::Endpoint;

use crate::watch::{Key, Meter};
use pool::Pool;

/// Lambda's limit for a synchronous payload, request and answer each, in bytes (AWS Lambda quotas: 6 MB).
pub const PAYLOAD_MAX: usize = 6_291_556;
/// Instances of one function at the same time; further calls wait.
pub const INSTANCES_MAX: usize = 8;

/// A function as the deployed stack has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the emulator.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The ARN of its role, shown to it in stream events.
    pub role: String,
    /// Its binary's file name.
    pub binary: String,
    /// Seconds one call may take.
    pub timeout_seconds: u64,
    /// Told to the function; not enforced.
    pub memory_mib: u64,
    /// The template's environment.
    pub environment: HashMap<String, String>,
    /// Retries of an asynchronous event.
    pub async_retries: u32,
    /// Where an asynchronous event goes that failed for good, with its circumstances.
    pub async_destination: Option<String>,
    /// Where the bare event goes instead.
    pub dead_letters: Option<String>,
}

/// Where binaries and logs are, and which AWS the functions see.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The folder of the binaries.
    pub binaries: PathBuf,
    /// The folder for a log file per function.
    pub logs: PathBuf,
    /// `AWS_ENDPOINT_URL` of the functions.
    pub endpoint_url: String,
    /// `AWS_REGION` of the functions.
    pub region: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer.
    Answer(Bytes),
    /// The function failed: its error document (`errorType`, `errorMessage`).
    Failed(Value),
    /// The call did not reach the function: AWS's error code and a sentence.
    Refused(&'static str, String),
}

impl Outcome {
    fn failed(error_type: &str, message: &str) -> Self {
        Self::Failed(json!({ "errorType": error_type, "errorMessage": message }))
    }
}

/// All functions of the stack.
pub struct Host {
    pools: HashMap<String, Arc<Pool>>,
    meter: Arc<Meter>,
}

impl Host {
    /// Functions can be called by their logical id and by their name. Starts nothing yet.
    #[must_use]
    pub fn new(functions: Vec<Function>, surroundings: &Surroundings) -> Self {
        let mut pools = HashMap::new();
        for function in functions {
            let (logical_id, name) = (function.logical_id.clone(), function.name.clone());
            let pool = Arc::new(Pool::new(function, surroundings.clone()));
            pools.insert(logical_id, Arc::clone(&pool));
            pools.insert(name, pool);
        }
        Self { pools, meter: Arc::default() }
    }

    /// What it and those before it measure.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// What is known of a function: by logical id, name, or ARN.
    #[must_use]
    pub fn function(&self, reference: &str) -> Option<&Function> {
        self.pool(reference).map(|pool| &pool.function)
    }

    fn pool(&self, reference: &str) -> Option<&Arc<Pool>> {
        let name = reference.split(":function:").last().unwrap_or(reference);
        let name = name.split(':').next().unwrap_or(name);
        self.pools.get(name)
    }

    /// Calls a function and waits for its answer.
    pub async fn invoke(&self, reference: &str, payload: Bytes) -> Outcome {
        let Some(pool) = self.pool(reference) else {
            return Outcome::Refused("ResourceNotFoundException", format!("Function not found: {reference}"));
        };
        if payload.len() > PAYLOAD_MAX {
            let sentence = format!("Request must be smaller than {PAYLOAD_MAX} bytes for the InvokeFunction operation");
            return Outcome::Refused("RequestTooLargeException", sentence);
        }
        let started_ms = process::now_ms();
        let outcome = pool.invoke(payload).await;
        self.measure(&pool.function.name, &outcome, started_ms);
        if let Outcome::Failed(error) = &outcome {
            tracing::warn!(function = pool.function.logical_id, %error, "function failed");
        }
        outcome
    }

    fn measure(&self, function: &str, outcome: &Outcome, started_ms: i64) {
        let now = process::now_ms();
        let failed = matches!(outcome, Outcome::Failed(_));
        #[expect(clippy::cast_precision_loss, reason = "a call takes minutes")]
        let duration = (now - started_ms) as f64;
        for (metric, value) in [("Invocations", 1.0), ("Errors", f64::from(u8::from(failed))), ("Duration", duration)] {
            self.meter.record(Key::new("AWS/Lambda", metric, Some(("FunctionName", function))), value, now);
        }
    }

    /// Whether no call is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pools.values().all(|pool| pool.running() == 0)
    }

    /// Ends all instances. Calls that come later are refused.
    pub fn stop(&self) {
        for pool in self.pools.values() {
            pool.stop();
        }
    }
}
