//! Where the emulator brings its own invocations: `POST /{function}`, and Lambda's `Invoke` path.

use std::sync::Arc;

use serde_json::json;

use super::{Host, Outcome, Queue};
use crate::http1::{Handler, Reply, Request};

/// Answers invocations; `X-Amz-Invocation-Type: Event` queues them.
pub struct Endpoint {
    /// Runs what shall be answered.
    pub host: Arc<Host>,
    /// Takes what shall not.
    pub queue: Arc<Queue>,
}

impl Handler for Endpoint {
    async fn handle(&self, request: Request) -> Option<Reply> {
        Some(self.reply(request).await)
    }
}

impl Endpoint {
    async fn reply(&self, request: Request) -> Reply {
        let path = request.path.strip_prefix("/2015-03-31/functions");
        let path = path.unwrap_or(&request.path).trim_matches('/');
        let name = path.strip_suffix("/invocations").unwrap_or(path).to_owned();
        if request.method != "POST" || name.is_empty() || name.contains('/') {
            return Reply::message(404, "the host takes POST /{function}");
        }
        if request.header("x-amz-invocation-type") == Some("Event") {
            return match self.queue.accept(&name, request.body).await {
                Ok(()) => Reply::new(202, ""),
                Err(failure) => service_error(500, "ServiceException", &failure.0),
            };
        }
        match self.host.invoke(&name, request.body).await {
            Outcome::Answer(answer) => Reply::new(200, answer).with("content-type", "application/json"),
            Outcome::Failed(error) => Reply::json(200, &error).with("x-amz-function-error", "Unhandled"),
            Outcome::Refused("ResourceNotFoundException", message) => {
                service_error(404, "ResourceNotFoundException", &message)
            }
            Outcome::Refused(code, message) => service_error(500, code, &message),
        }
    }
}

fn service_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "__type": code, "message": message })).with("x-amzn-errortype", code)
}
