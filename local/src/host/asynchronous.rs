//! Asynchronous invocations, which the emulator's rules make: queued on disk, retried, then given to the dead-letter queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use relay_lambda::process;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Function, Host, Outcome};
use crate::aws::Aws;
use crate::failure::{Because, Failure};
use crate::files;
use crate::watch::happened;

/// Pauses before the first and the second retry. AWS waits one and two minutes; here nobody wants to wait for the first. The second must
/// find what a killed call had claimed free again, as AWS's first one does: notify's claim of a mail lasts 45 s.
pub const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(1)];

/// Events that wait for their function. They outlive a stop of the stack, in order or not.
pub struct Queue {
    host: Arc<Host>,
    aws: Aws,
    folder: PathBuf,
    stop: watch::Receiver<bool>,
    running: tokio::sync::Mutex<JoinSet<()>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Event {
    function: String,
    payload: Value,
    /// Calls made so far.
    attempts: u32,
}

impl Queue {
    /// Takes up the events that an earlier run left in `folder`.
    pub async fn open(
        host: Arc<Host>,
        aws: Aws,
        folder: &Path,
        stop: watch::Receiver<bool>,
    ) -> Result<Arc<Self>, Failure> {
        std::fs::create_dir_all(folder).because(format!("cannot make {}", folder.display()))?;
        let queue =
            Arc::new(Self { host, aws, folder: folder.to_owned(), stop, running: tokio::sync::Mutex::default() });
        for entry in std::fs::read_dir(folder).because(format!("cannot read {}", folder.display()))? {
            let path = entry.because("cannot read the queue's folder")?.path();
            let event = std::fs::read(&path).map(|bytes| serde_json::from_slice::<Event>(&bytes));
            if let Ok(Ok(event)) = event {
                queue.spawn(path, event).await;
            } else {
                tracing::warn!(path = %path.display(), "not an event of the queue, left alone");
            }
        }
        Ok(queue)
    }

    /// Keeps an event; when this returns it is safe.
    pub async fn accept(self: &Arc<Self>, function: &str, payload: Bytes) -> Result<(), Failure> {
        let event = Event {
            function: function.to_owned(),
            payload: serde_json::from_slice(&payload).because("the event is not JSON")?,
            attempts: 0,
        };
        let now = process::now_ms();
        let path = self.folder.join(format!("{now}-{}.json", process::trace_id()));
        files::write_json(&path, &event)?;
        if let Some(metric) = happened::metric(&event.payload) {
            self.host.meter().record(metric, 1.0, now);
        }
        self.spawn(path, event).await;
        Ok(())
    }

    async fn spawn(self: &Arc<Self>, path: PathBuf, event: Event) {
        let queue = Arc::clone(self);
        let mut running = self.running.lock().await;
        while running.try_join_next().is_some() {}
        running.spawn(async move { queue.work(&path, event).await });
    }

    /// Waits for the calls that are running; events that wait for a retry stay in the folder.
    pub async fn finish(&self) {
        let mut running = self.running.lock().await;
        while running.join_next().await.is_some() {}
    }

    async fn work(&self, path: &Path, mut event: Event) {
        let Some(function) = self.host.function(&event.function) else {
            tracing::warn!(function = event.function, "an event for a function that is no more was dropped");
            return files::remove(path);
        };
        loop {
            if *self.stop.borrow() {
                return;
            }
            let payload = Bytes::from(event.payload.to_string());
            let error = match self.host.invoke(&event.function, payload).await {
                Outcome::Answer(_) => return files::remove(path),
                Outcome::Failed(error) => error,
                Outcome::Refused(code, message) => json!({ "errorType": code, "errorMessage": message }),
            };
            event.attempts += 1;
            if event.attempts > function.async_retries {
                self.give_up(function, &event, &error).await;
                return files::remove(path);
            }
            drop(files::write_json(path, &event));
            let retry = usize::try_from(event.attempts - 1).unwrap_or(usize::MAX);
            let pause = RETRY_DELAYS.get(retry).or(RETRY_DELAYS.last()).copied().unwrap_or_default();
            let mut stop = self.stop.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    /// AWS's order: a destination gets the event with its circumstances, a dead-letter queue the bare event.
    async fn give_up(&self, function: &Function, event: &Event, error: &Value) {
        tracing::error!(function = function.logical_id, %error, "an asynchronous event failed for good");
        let envelope = json!({
            "version": "1.0",
            "requestContext": {
                "functionArn": format!("{}:$LATEST", function.arn),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": event.payload,
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "responsePayload": error,
        });
        let targets =
            [(&function.async_destination, envelope.to_string()), (&function.dead_letters, event.payload.to_string())];
        for (target, message) in targets {
            let Some(target) = target else { continue };
            if let Err(failure) = self.aws.send_message(target, &message).await {
                tracing::error!(target, %failure, "the dead-letter queue did not take the event");
            }
        }
    }
}
