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
use relay_lambda::process;
use serde_json::json;

use crate::aws::Aws;
use crate::host::{Host, Outcome, PAYLOAD_MAX};
use crate::http1::{Handler, Limits, Reply, Request};
use crate::watch::{Key, Watch};

pub use inbox::Inbox;
pub use route::{Route, Routes};

/// API Gateway's quota for "total combined size of request line and header values", in bytes.
pub const HEAD_MAX: usize = 10_240;
/// API Gateway's quota for a payload, in bytes.
pub const BODY_MAX: usize = 10_485_760;
/// What the server below reads: more of the head than may pass, so that the quota is answered by the quota's rule.
pub const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: BODY_MAX };

/// Answers everything that comes to the stack's one public port.
pub(crate) struct Door {
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
    /// The API's id, under which its requests are counted.
    pub api_id: String,
    /// Metrics, alarms and dashboard.
    pub watch: Arc<Watch>,
}

impl Handler for Door {
    async fn handle(&self, request: Request) -> Option<Reply> {
        if request.head_bytes > HEAD_MAX {
            return Some(Reply::message(431, "Request Header Fields Too Large"));
        }
        Some(match request.path.as_str() {
            "/_local/health" => self.health().await,
            "/_local/inbox" => self.mails().await,
            "/_local/dashboard" => self.dashboard().await,
            path if is_api(path) => self.dressed(self.measured(request).await),
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

    /// Answers, and counts what API Gateway counts.
    async fn measured(&self, request: Request) -> Reply {
        let started_ms = process::now_ms();
        let reply = self.api(request).await;
        let now = process::now_ms();
        let is = |class: u16| f64::from(u8::from(reply.status / 100 == class));
        #[expect(clippy::cast_precision_loss, reason = "an answer takes half a minute at most")]
        let latency = (now - started_ms) as f64;
        for (metric, value) in [("Count", 1.0), ("4xx", is(4)), ("5xx", is(5)), ("Latency", latency)] {
            self.host.meter().record(Key::new("AWS/ApiGateway", metric, Some(("ApiId", &self.api_id))), value, now);
        }
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

    async fn dashboard(&self) -> Reply {
        match self.watch.page().await {
            Ok(page) => {
                let reply = Reply::new(200, page).with("content-type", "text/html; charset=utf-8");
                reply
                    .with("cache-control", "no-store")
                    .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
            }
            Err(failure) => Reply::json(503, &json!({ "detail": failure.0 })),
        }
    }

    async fn mails(&self) -> Reply {
        match self.inbox.messages(&self.aws).await {
            Ok(messages) => Reply::json(200, &json!({ "messages": messages })).with("cache-control", "no-store"),
            Err(failure) => Reply::json(503, &json!({ "detail": failure.0 })),
        }
    }
}
