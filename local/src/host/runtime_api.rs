//! The Lambda Runtime API of one instance.

use bytes::Bytes;
use relay_lambda::process;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Outcome, PAYLOAD_MAX};
use crate::http1::{Handler, Reply, Request};

const ROOT: &str = "/2018-06-01/runtime/";

/// One call on its way to the function.
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// Milliseconds the call may take from the moment the function fetches it.
    pub(super) timeout_ms: i64,
    pub(super) function_arn: String,
    /// Told when the function fetches the call.
    pub(super) taken: oneshot::Sender<()>,
    /// Told how it ended.
    pub(super) outcome: oneshot::Sender<Outcome>,
}

/// What an instance reported before its first call.
pub(super) type InitError = std::sync::Arc<std::sync::Mutex<Option<Value>>>;

pub(super) struct RuntimeApi {
    work: Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    init_error: InitError,
}

impl RuntimeApi {
    pub(super) fn new(work: mpsc::Receiver<Work>, init_error: InitError) -> Self {
        Self { work: Mutex::new(work), current: Mutex::new(None), init_error }
    }

    /// Waits for the next call and hands it over.
    async fn next(&self) -> Reply {
        let Some(work) = self.work.lock().await.recv().await else {
            return Reply::message(503, "the host is stopping");
        };
        let deadline = process::now_ms().saturating_add(work.timeout_ms);
        let trace = work.request_id.replace('-', "");
        let (root, rest) = trace.split_at_checked(8).unwrap_or((&trace, ""));
        let reply = Reply::new(200, work.payload)
            .with("content-type", "application/json")
            .with("lambda-runtime-aws-request-id", &work.request_id)
            .with("lambda-runtime-deadline-ms", deadline.to_string())
            .with("lambda-runtime-invoked-function-arn", work.function_arn)
            .with("lambda-runtime-trace-id", format!("Root=1-{root}-{rest:0<24.24};Sampled=0"));
        *self.current.lock().await = Some((work.request_id, work.outcome));
        work.taken.send(()).ok();
        reply
    }

    async fn finish(&self, request_id: &str, outcome: Outcome) -> Reply {
        let mut current = self.current.lock().await;
        match current.take() {
            Some((known, sender)) if known == request_id => {
                sender.send(outcome).ok();
                Reply::json(202, &json!({ "status": "OK" }))
            }
            other => {
                *current = other;
                refusal(400, "InvalidRequestID", "this call is not the running one")
            }
        }
    }

    fn init_failed(&self, error: Value) -> Reply {
        if let Ok(mut known) = self.init_error.lock() {
            *known = Some(error);
        }
        Reply::json(202, &json!({ "status": "OK" }))
    }
}

impl Handler for RuntimeApi {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let path = request.path.strip_prefix(ROOT).unwrap_or_default();
        let words: Vec<&str> = path.split('/').collect();
        Some(match (request.method.as_str(), words.as_slice()) {
            ("GET", ["invocation", "next"]) => self.next().await,
            ("POST", ["invocation", id, "response"]) => self.finish(id, answer(request.body)).await,
            ("POST", ["invocation", id, "error"]) => self.finish(id, Outcome::Failed(error(&request))).await,
            ("POST", ["init", "error"]) => self.init_failed(error(&request)),
            _ => refusal(404, "NotFound", "the Runtime API has no such path"),
        })
    }
}

fn answer(body: Bytes) -> Outcome {
    if body.len() > PAYLOAD_MAX {
        let message = format!("Response payload size exceeded maximum allowed payload size ({PAYLOAD_MAX} bytes).");
        return Outcome::failed("Function.ResponseSizeTooLarge", &message);
    }
    Outcome::Answer(body)
}

/// The error document; one without `errorType` gets it from the header.
fn error(request: &Request) -> Value {
    let named = request.header("lambda-runtime-function-error-type");
    let named = named.unwrap_or("Runtime.Unknown");
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(Value::Object(mut document)) => {
            document.entry("errorType").or_insert_with(|| named.into());
            Value::Object(document)
        }
        _ => json!({ "errorType": named, "errorMessage": String::from_utf8_lossy(&request.body) }),
    }
}

fn refusal(status: u16, error_type: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "errorType": error_type, "errorMessage": message }))
}
