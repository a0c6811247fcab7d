//! Ordinary HTTP calls: the API, the inbox, the links, the emulator.

use std::{fmt::Display, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::{Request, Response},
};

use crate::say::Outcome;

/// How long one call may take; a download of the sample's files takes a second.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The longest answer that is read, bytes.
const LONGEST_ANSWER: u64 = 256 << 20;

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body as text.
    pub(crate) text: String,
    /// What was asked, for messages.
    what: String,
}

impl Answer {
    /// The body if the status is one of `statuses`, else an error that tells what was answered.
    pub(crate) fn expect(self, statuses: &[u16]) -> Outcome<String> {
        if statuses.contains(&self.status) {
            return Ok(self.text);
        }
        let start: String = self.text.chars().take(500).collect();
        Err(format!("{}: answered {} {start}", self.what, self.status))
    }

    /// The body as JSON if the status is one of `statuses`.
    pub(crate) fn json(self, statuses: &[u16]) -> Outcome<Value> {
        let what = self.what.clone();
        let text = self.expect(statuses)?;
        serde_json::from_str(&text).map_err(|error| format!("{what}: the answer is not JSON: {error}"))
    }
}

/// Makes calls and keeps connections.
pub(crate) struct Client(Agent);

impl Client {
    /// A client without any state.
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        Self(config.build().new_agent())
    }

    /// GET, with an API key or none.
    pub(crate) fn get(&self, url: &str, key: Option<&str>) -> Outcome<Answer> {
        let mut request = self.0.get(url);
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        answer(url, request.call())
    }

    /// POST of JSON with further headers.
    pub(crate) fn post(&self, url: &str, headers: &[(&str, &str)], json: &Value) -> Outcome<Answer> {
        let mut request = Request::post(url).header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(json.to_string()).map_err(|error| format!("{url}: {error}"))?;
        answer(url, self.0.run(request))
    }
}

fn answer<E: Display>(url: &str, response: Result<Response<ureq::Body>, E>) -> Outcome<Answer> {
    // A signed link is a secret for an hour: messages name it without its query.
    let what = url.split('?').next().unwrap_or(url).to_owned();
    let mut response = response.map_err(|error| format!("{what}: {error}"))?;
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
    let body = body.map_err(|error| format!("{what}: {error}"))?;
    let text = String::from_utf8(body).map_err(|_| format!("{what}: the answer is not UTF-8"))?;
    Ok(Answer { status: response.status().as_u16(), text, what })
}
