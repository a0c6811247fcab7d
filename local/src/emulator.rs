//! The emulator's process.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};

use crate::aws::Aws;
use crate::failure::{Because, Failure};
use crate::layout::Layout;

/// How long it may take until it answers: it first waits for an orphan of a killed run to save its state.
const START: Duration = Duration::from_secs(90);
/// How long it may take to save its state.
const STOP: Duration = Duration::from_mins(2);
/// How often it is asked whether it answers.
const ASK: Duration = Duration::from_millis(50);

/// The running emulator. It ends in order when its standard input closes.
pub(crate) struct Emulator {
    child: Child,
    input: ChildStdin,
}

impl Emulator {
    /// Starts it and waits until it answers. `host_url` is where it brings invocations.
    pub(crate) async fn start(layout: &Layout, port: u16, host_url: &str, aws: &Aws) -> Result<Self, Failure> {
        let log = layout.logs.join("emulator.log");
        let log_file = File::create(&log).because(format!("cannot write {}", log.display()))?;
        let errors = log_file.try_clone().because(format!("cannot write {}", log.display()))?;
        let mut child = Command::new(&layout.python)
            .args(["-B", "-u"])
            .arg(layout.root.join("local/emulator.py"))
            .env_clear()
            .envs(variables(layout, port, host_url))
            .stdin(Stdio::piped())
            .stdout(log_file)
            .stderr(errors)
            // A Ctrl-C at the terminal is for this process, which stops the emulator last.
            .process_group(0)
            .spawn()
            .because(format!("cannot start {}", layout.python.display()))?;
        let input = child.stdin.take();
        let input = input.ok_or_else(|| Failure("the emulator has no standard input".to_owned()))?;
        let mut emulator = Self { child, input };
        let answers = tokio::time::timeout(START, emulator.answers(aws)).await;
        match answers {
            Ok(Ok(())) => Ok(emulator),
            Ok(Err(failure)) => Err(Failure(format!("{failure}; see {}", log.display()))),
            Err(_) => Err(Failure(format!("the emulator does not answer; see {}", log.display()))),
        }
    }

    async fn answers(&mut self, aws: &Aws) -> Result<(), Failure> {
        while aws.get("/_ministack/health").await.is_err() {
            if let Some(status) = self.child.try_wait().because("cannot watch the emulator")? {
                return Err(Failure(format!("the emulator ended with {status}")));
            }
            tokio::time::sleep(ASK).await;
        }
        Ok(())
    }

    /// Its process id.
    #[must_use]
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns when it ends by itself.
    pub(crate) async fn ended(&mut self) -> Failure {
        match self.child.wait().await {
            Ok(status) => Failure(format!("the emulator ended with {status}: its state since the start is lost")),
            Err(error) => Failure(format!("cannot watch the emulator: {error}")),
        }
    }

    /// Ends it and waits until it has saved its state.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        let Self { mut child, input } = self;
        drop(input);
        let ended = tokio::time::timeout(STOP, child.wait()).await;
        let status = ended.because("the emulator did not end in time")?;
        let status = status.because("cannot watch the emulator")?;
        if status.success() {
            return Ok(());
        }
        Err(Failure(format!("the emulator ended with {status} while saving its state")))
    }
}

/// Nothing of the caller's environment: a proxy, a profile or a region of theirs must not reach it.
fn variables(layout: &Layout, port: u16, host_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", layout.state.display().to_string()),
        ("TMPDIR", layout.state.display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("GATEWAY_PORT", port.to_string()),
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("LOG_LEVEL", "WARNING".to_owned()),
        ("PERSIST_STATE", "1".to_owned()),
        ("STATE_DIR", layout.emulator_state().display().to_string()),
        ("S3_PERSIST", "1".to_owned()),
        ("S3_DATA_DIR", layout.objects().display().to_string()),
        ("RELAY_HOST_URL", host_url.to_owned()),
    ]
}
