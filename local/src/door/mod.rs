//! The front door: one origin for the page and the API, as CloudFront and API Gateway are in front of both on AWS.

mod answer;
mod event;
mod inbox;
pub mod page;
mod route;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::aws::Aws;
use crate::host::{Host, Outcome, PAYLOAD_MAX};
use crate::http1::{Handler, Limits, Reply, Request};

pub use inbox::Inbox;
pub use route::{Route, Routes};

/// API Gateway's quota for "total combined size of request line and header values", in bytes.
pub const HEAD_MAX: usize = 10_240;
/// API Gateway's quota for a payload, in bytes.
pub const BODY_MAX: usize = 10_485_760;
/// What the server below reads: more of the head than may pass, so that the quota is answered by the quota's rule.
pub const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: BODY_MAX };

/// Answers everything that comes to the stack's one public port.
pub struct Door {
    /// Runs the functions behind the routes.
    pub host: Arc<Host>,
    /// The API's routes.
    pub routes: Routes,
    /// The folder of the page.
    pub web: PathBuf,
    /// What the distribution adds to every answer.
    pub headers: BTreeMap<String, String>,
    /// The mails that were sent.
    pub inbox: Arc<Inbox>,
    /// The emulator.
    pub aws: Aws,
}

impl Handler for Door {
    async fn handle(&self, request: Request) -> Option<Reply> {
        if request.head_bytes > HEAD_MAX {
            return Some(Reply::message(431, "Request Header Fields Too Large"));
        }
        Some(match request.path.as_str() {
            "/_local/health" => self.health().await,
            "/_local/inbox" => self.mails().await,
            path if is_api(path) => self.dressed(self.api(request).await),
            _ => self.dressed(page::reply(&self.web, &request)),
        })
    }
}

/// CloudFront's rule: `/v1/*` goes to the API, everything else to the bucket.
fn is_api(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

impl Door {
    /// The distribution's headers override a function's own.
    fn dressed(&self, mut reply: Reply) -> Reply {
        reply.headers.retain(|(name, _)| !self.headers.contains_key(name));
        let own = self.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        reply.headers.extend(own);
        reply
    }

    async fn api(&self, request: Request) -> Reply {
        let Some(found) = self.routes.find(&request.method, &request.path) else {
            return Reply::message(404, "Not Found");
        };
        let payload = Bytes::from(event::event(&request, &found).to_string());
        if payload.len() > PAYLOAD_MAX {
            return Reply::message(413, "Request Entity Too Large");
        }
        match self.host.invoke(found.function, payload).await {
            Outcome::Answer(document) => answer::reply(&document),
            Outcome::Failed(error) if error.get("errorType").is_some_and(|kind| kind == "Sandbox.Timedout") => {
                Reply::message(503, "Service Unavailable")
            }
            Outcome::Failed(_) | Outcome::Refused(..) => Reply::message(500, "Internal Server Error"),
        }
    }

    async fn health(&self) -> Reply {
        match self.aws.get("/_ministack/health").await {
            Ok(_) => Reply::json(200, &json!({ "status": "ok" })),
            Err(failure) => Reply::json(503, &json!({ "status": "emulator", "detail": failure.0 })),
        }
    }

    async fn mails(&self) -> Reply {
        match self.inbox.messages(&self.aws).await {
            Ok(messages) => Reply::json(200, &json!({ "messages": messages })).with("cache-control", "no-store"),
            Err(failure) => Reply::json(503, &json!({ "detail": failure.0 })),
        }
    }
}
