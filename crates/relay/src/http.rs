//! Requests and answers as the functions see them, whatever brought them; errors are RFC 9457 problems.

use serde::Serialize;
use serde_json::Value;

/// A request as API Gateway hands it over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// The path as sent, percent-escapes included.
    pub path: String,
    /// The query string as sent: never decoded or repaired by anyone before us.
    pub query: String,
    /// Lower-case names; several values of one name joined by a comma.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// Whether the gateway took the body for text: then bytes that are not UTF-8 arrive damaged.
    pub body_was_text: bool,
    /// The caller's address.
    pub source_ip: String,
}

impl Request {
    /// The value of a header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The token of `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, with values.
    pub headers: Vec<(&'static str, String)>,
    /// The body: always text.
    pub body: String,
}

impl Response {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the request body.
    pub field: String,
    /// What was wrong and what would be right.
    pub detail: String,
}

/// A refusal on the wire: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable last part of the problem's `type`, `unknown-key`.
    pub code: &'static str,
    /// The status code.
    pub status: u16,
    /// The same words for every occurrence of this `type`.
    pub title: &'static str,
    /// What was wrong this time, where, and what would be right.
    pub detail: String,
    /// Which fields were wrong, where the request has fields.
    pub errors: Vec<FieldError>,
    /// After how many seconds to try again (`Retry-After`).
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem; its `type` is `urn:relay:problem:{code}`.
    #[must_use]
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { code, status, title, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// With the fields that were wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer. The trace id is set as a member; the header is the function's matter, as for every answer.
    #[must_use]
    pub fn response(&self, trace_id: &str) -> Response {
        let mut body = serde_json::json!({
            "type": format!("urn:relay:problem:{}", self.code),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "trace_id": trace_id,
        });
        if !self.errors.is_empty()
            && let Some(object) = body.as_object_mut()
        {
            object.insert("errors".to_owned(), serde_json::json!(self.errors));
        }
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        if let Some(seconds) = self.retry_after {
            headers.push(("retry-after", seconds.to_string()));
        }
        Response { status: self.status, headers, body: body.to_string() }
    }
}
