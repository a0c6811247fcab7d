//! Requests and answers as the functions see them, whatever brought them.

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

    /// The whole of an `Authorization` that names no scheme: AppsFlyer sends there what was typed into its dashboard.
    #[must_use]
    pub fn bare_token(&self) -> Option<&str> {
        let token = self.header("authorization")?.trim();
        (!token.contains(' ')).then_some(token)
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
        Self::json_text(status, body.to_string())
    }

    /// A JSON answer that is written already.
    #[must_use]
    pub fn json_text(status: u16, body: String) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
