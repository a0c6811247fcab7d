//! Refusals on the wire: `application/problem+json` (RFC 9457). Every `type` there is stands in one table, and in `docs/problems.md`.

use serde::Serialize;

use crate::http::Response;

/// One row a type: name, status, the last part of the `type`, and the title that every occurrence has.
macro_rules! problem_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:literal $code:literal $title:literal;)+) => {
        /// What kind of refusal a problem is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemType {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProblemType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The last part of the `type`: `unknown-key` of `urn:relay:problem:unknown-key`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The title, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

problem_types! {
    /// The body is not what its content type says.
    Malformed = 400 "malformed" "Malformed body";
    /// No key was sent.
    MissingKey = 401 "missing-key" "No key";
    /// The key was never made, or is revoked.
    UnknownKey = 401 "unknown-key" "Unknown key";
    /// An ingest key where an API key is needed, or the reverse.
    WrongKeyRole = 401 "wrong-key-role" "Key of the wrong kind";
    /// No signature where the owner asks for one.
    MissingSignature = 401 "missing-signature" "No signature";
    /// A signature that cannot be read, is too old, or that no secret of the owner makes.
    BadSignature = 401 "bad-signature" "Signature does not hold";
    /// The request comes from none of the networks that the owner has registered.
    SourceNotAllowed = 403 "source-not-allowed" "Source address not allowed";
    /// The app token is not registered as this owner's.
    ForeignApp = 403 "foreign-app" "Not your app";
    /// There is nothing at this path, or nothing of this owner's.
    NotFound = 404 "not-found" "Not found";
    /// A callback of a provider that is not understood.
    UnknownProvider = 404 "unknown-provider" "Unknown provider";
    /// The path does not take this method; `Allow` names those it takes.
    MethodNotAllowed = 405 "method-not-allowed" "Method not allowed";
    /// The export has ended and cannot be cancelled.
    AlreadyEnded = 409 "already-ended" "Export has ended";
    /// The export has no file to link to.
    NoFile = 409 "no-file" "No file to link to";
    /// The owner has as many schedules as may be.
    TooManySchedules = 409 "too-many-schedules" "Too many schedules";
    /// The file's life is over.
    Expired = 410 "expired" "File deleted";
    /// The body, unpacked or not, is larger than the call takes.
    TooLarge = 413 "too-large" "Too large";
    /// A batch of more items than one may have.
    TooManyItems = 413 "too-many-items" "Too many items";
    /// The call does not take this content type.
    UnsupportedMediaType = 415 "unsupported-media-type" "Unsupported content type";
    /// The call does not take this content encoding.
    UnsupportedEncoding = 415 "unsupported-encoding" "Unsupported content encoding";
    /// A compressed body that API Gateway passed on as text.
    DamagedBody = 415 "damaged-body" "Compressed body damaged on the way";
    /// Fields of the request cannot be used; `errors` names them.
    InvalidRequest = 422 "invalid-request" "Request cannot be used";
    /// As many exports of the owner wait as may; `Retry-After` says when to try again.
    TooManyExports = 429 "too-many-exports" "Too many exports";
    /// Something behind the API does not answer; `Retry-After` says when to try again.
    Unavailable = 503 "unavailable" "Not available now";
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the request body.
    pub field: String,
    /// What was wrong and what would be right.
    pub detail: String,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub kind: ProblemType,
    /// What was wrong this time, where, and what would be right.
    pub detail: String,
    /// Which fields were wrong, where the request has fields.
    pub errors: Vec<FieldError>,
    /// After how many seconds to try again (`Retry-After`).
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// With the fields that were wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer. The trace id is set as a member; the header is the function's matter, as for every answer.
    #[must_use]
    pub fn response(&self, trace_id: &str) -> Response {
        let status = self.kind.status();
        let mut body = serde_json::json!({
            "type": format!("urn:relay:problem:{}", self.kind.code()),
            "title": self.kind.title(),
            "status": status,
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
        if status == 401 {
            // RFC 9110, 11.6.1: a 401 must say how to authenticate.
            headers.push(("www-authenticate", "Bearer realm=\"relay\"".to_owned()));
        }
        Response { status, headers, body: body.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/problems.md");

    #[test]
    fn the_document_lists_every_type_once_and_no_other() {
        let row = |kind: &ProblemType| format!("| `{}` | {} | {} |", kind.code(), kind.status(), kind.title());
        for kind in ProblemType::ALL {
            let row = row(kind);
            assert_eq!(DOCUMENT.lines().filter(|line| line.starts_with(&row)).count(), 1, "docs/problems.md: {row}");
        }
        let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, ProblemType::ALL.len(), "rows in docs/problems.md");
    }

    #[test]
    fn a_problem_says_what_where_and_when_to_come_again() {
        let error = FieldError { field: "kind".to_owned(), detail: "is missing".to_owned() };
        let problem = Problem::new(ProblemType::InvalidRequest, "kind: is missing").with_errors(vec![error]);
        let body: serde_json::Value = serde_json::from_str(&problem.response("t1").body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:relay:problem:invalid-request", "title": "Request cannot be used", "status": 422,
                "detail": "kind: is missing", "trace_id": "t1", "errors": [{"field": "kind", "detail": "is missing"}],
            })
        );
        let busy = Problem::new(ProblemType::Unavailable, "later").retry_after(5).response("t1");
        assert!(busy.headers.contains(&("retry-after", "5".to_owned())));
        let refused = Problem::new(ProblemType::MissingKey, "send one").response("t1");
        assert!(refused.headers.iter().any(|(name, _)| *name == "www-authenticate"));
    }
}
