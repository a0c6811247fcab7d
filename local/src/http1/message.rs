//! A request and a reply.

use std::net::SocketAddr;

use bytes::Bytes;

/// A request, its target untouched.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method as sent.
    pub method: String,
    /// The path as sent: what stands before the first `?`. Bytes that are not UTF-8 are percent-encoded.
    pub path: String,
    /// The query string as sent, without its `?`. Bytes that are not UTF-8 are percent-encoded.
    pub query: String,
    /// Names in lower case with their values, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer encoding.
    pub body: Bytes,
    /// Who sent it.
    pub peer: SocketAddr,
    /// Bytes of the request line and all header values: what API Gateway counts.
    pub head_bytes: usize,
}

impl Request {
    /// The first value of a header; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer. Its length and connection headers are added when it is written; the length of an answer to HEAD, which has no body,
/// may be among the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; not sent to a HEAD request.
    pub body: Bytes,
}

impl Reply {
    /// A reply without headers.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// A JSON document.
    #[must_use]
    pub fn json(status: u16, document: &serde_json::Value) -> Self {
        Self::new(status, document.to_string()).with("content-type", "application/json")
    }

    /// API Gateway's way to say something went wrong: `{"message":…}`.
    #[must_use]
    pub fn message(status: u16, text: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": text }))
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
