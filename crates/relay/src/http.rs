//! Requests and answers as the functions see them, whatever brought them.

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

/// A body as API Gateway hands it over. Its bytes are what it dereferences to.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// What it took for text: bytes that were not UTF-8 have arrived damaged.
    Text(String),
    /// What it passed on as it was sent; also where nothing was.
    Bytes(Vec<u8>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A request as API Gateway hands it over.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// The path as sent, percent-escapes included.
    pub path: String,
    /// The query string as sent: never decoded or repaired by anyone before us.
    pub query: String,
    /// Lower-case names; several values of one name joined by a comma.
    pub headers: Vec<(String, String)>,
    /// What it holds.
    pub body: Body,
    /// The caller's address.
    pub source_ip: String,
}

/// Keys, device ids and addresses stand in the query, headers and body: none of them is ever printed.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query_bytes", &self.query.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_shows_a_key_an_address_or_a_body() {
        let request = Request {
            method: "POST".to_owned(),
            path: "/v1/activities".to_owned(),
            query: "key=secret".to_owned(),
            headers: vec![("authorization".to_owned(), "Bearer secret".to_owned())],
            body: "secret".to_owned().into(),
            source_ip: "secret".to_owned(),
        };
        let printed = format!("{request:?}");
        assert_eq!(
            printed,
            "Request { method: \"POST\", path: \"/v1/activities\", query_bytes: 10, body_bytes: 6, .. }"
        );
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_and_nothing_else_is() {
        let bearer = |value: &str| {
            let headers = vec![("authorization".to_owned(), value.to_owned())];
            Request { headers, ..Request::default() }.bearer().map(str::to_owned)
        };
        assert_eq!(bearer("Bearer  k ").as_deref(), Some("k"));
        assert_eq!(bearer("bearer k").as_deref(), Some("k"));
        for other in ["", "k", "Bearer", "Basic k", "Bearerk"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
