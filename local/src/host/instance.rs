//! One execution environment: a process and its Runtime API.

use std::fs::OpenOptions;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::runtime_api::{InitError, RuntimeApi, Work};
use super::{Function, Outcome, PAYLOAD_MAX, Surroundings, environment};
use crate::failure::{Because, Failure};
use crate::http1::{Limits, serve};

/// Lambda's limit for the time until a function first asks for work (AWS Lambda: "The init phase is limited to 10 seconds").
const INIT: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits {
    head_bytes: 65_536,
    body_bytes: PAYLOAD_MAX * 2, // an answer that is too large is read and then refused in Lambda's own words
};

pub(super) struct Instance {
    child: Child,
    work: mpsc::Sender<Work>,
    init_error: InitError,
    /// Dropping it ends the Runtime API's server.
    _server: watch::Sender<bool>,
}

/// How a call on an instance ended.
pub(super) enum Run {
    /// The instance can take another call.
    Alive(Outcome),
    /// The instance is gone.
    Dead(Outcome),
    /// The instance was gone before it took the call, which another may take.
    Untouched(Outcome),
}

impl Instance {
    pub(super) async fn start(function: &Function, around: &Surroundings) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.because("no port for a Runtime API")?;
        let address = listener.local_addr().because("no address for a Runtime API")?;
        let child = spawn(function, around, &address.to_string())?;
        let (work, receiver) = mpsc::channel(1);
        let (server, stop) = watch::channel(false);
        let init_error = InitError::default();
        let api = Arc::new(RuntimeApi::new(receiver, Arc::clone(&init_error)));
        tokio::spawn(serve(listener, LIMITS, stop, api));
        Ok(Self { child, work, init_error, _server: server })
    }

    /// Runs one call. After a time-out the process is killed, as Lambda does it.
    pub(super) async fn run(&mut self, function: &Function, request_id: &str, payload: Bytes) -> Run {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Run::Untouched(self.init_failed(request_id, Some(status)));
        }
        let (taken, mut was_taken) = oneshot::channel();
        let (outcome, mut ended) = oneshot::channel();
        let limit = Duration::from_secs(function.timeout_seconds);
        let work = Work {
            request_id: request_id.to_owned(),
            payload,
            timeout_ms: i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
            function_arn: function.arn.clone(),
            taken,
            outcome,
        };
        if self.work.send(work).await.is_err() {
            return Run::Untouched(Outcome::failed("Runtime.ExitError", "the host is stopping"));
        }
        tokio::select! {
            biased;
            Ok(()) = &mut was_taken => {}
            status = self.child.wait() => return Run::Untouched(self.init_failed(request_id, status.ok())),
            () = tokio::time::sleep(INIT) => return Run::Dead(self.kill(request_id, INIT).await),
        }
        tokio::select! {
            biased;
            Ok(outcome) = &mut ended => Run::Alive(outcome),
            status = self.child.wait() => Run::Dead(exited(request_id, status.ok())),
            () = tokio::time::sleep(limit) => Run::Dead(self.kill(request_id, limit).await),
        }
    }

    /// What the function said itself, or how its process ended.
    fn init_failed(&self, request_id: &str, status: Option<ExitStatus>) -> Outcome {
        let said = self.init_error.lock().ok().and_then(|said| said.clone());
        said.map_or_else(|| exited(request_id, status), Outcome::Failed)
    }

    async fn kill(&mut self, request_id: &str, after: Duration) -> Outcome {
        drop(self.child.kill().await);
        let message = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", after.as_secs_f64());
        Outcome::failed("Sandbox.Timedout", &message)
    }
}

fn exited(request_id: &str, status: Option<ExitStatus>) -> Outcome {
    let how = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
    let message = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
    Outcome::failed("Runtime.ExitError", &message)
}

/// Output goes to the function's log file.
fn spawn(function: &Function, around: &Surroundings, runtime_api: &str) -> Result<Child, Failure> {
    let program = around.binaries.join(&function.binary);
    let log = around.logs.join(format!("{}.log", function.logical_id));
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let (out, err) = (open(), open());
    let (out, err) = (
        out.because(format!("cannot write {}", log.display()))?,
        err.because(format!("cannot write {}", log.display()))?,
    );
    Command::new(&program)
        .env_clear()
        .envs(environment::variables(function, around, runtime_api))
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        // A Ctrl-C at the terminal is for the supervisor, which lets calls finish.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .because(format!("cannot start {}", program.display()))
}
