//! Every refusal of the door as a problem: the whole HTTP contract on one screen.

use relay::activity::Provider;
use relay::batch::BatchError;
use relay::callback::{MAX_CALLBACK_BYTES, providers};
use relay::fault::Fault;
use relay::http::Problem;

/// When to try again after a fault: seconds. Throttling and failovers are over in seconds; providers keep to schedules of their own.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Why a request was refused whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such path.
    NotFound,
    /// A provider that is not understood.
    UnknownProvider(String),
    /// A method that the path does not know.
    MethodNotAllowed {
        /// The method sent.
        method: String,
        /// The methods known.
        allow: String,
    },
    /// No key.
    MissingKey,
    /// A key that was never made, or is revoked.
    UnknownKey,
    /// An API key where an ingest key is needed.
    WrongRole,
    /// A callback of this many bytes.
    CallbackTooLarge(usize),
    /// A body that is no batch.
    Batch(BatchError),
    /// The world's fault: it may not be durable.
    Unavailable {
        /// What happened: for the log, not for the answer.
        fault: Fault,
        /// What it means for the sender.
        detail: String,
    },
}

impl Refusal {
    /// The problem on the wire.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(404, "not-found", "no such path", "the path is none of this API's"),
            Self::UnknownProvider(name) => {
                let known: Vec<_> = providers().map(Provider::name).collect();
                let detail = format!("`{name}` is no provider; supported: {}", known.join(", "));
                Problem::new(404, "unknown-provider", "unknown provider", detail)
            }
            Self::MethodNotAllowed { method, allow } => {
                let detail = format!("{method} is not a method of this path; {allow} is");
                Problem::new(405, "method-not-allowed", "method not allowed", detail)
            }
            Self::MissingKey => {
                let detail = "send an ingest key as `?key=`, `Authorization: Bearer` or `X-Relay-Key`";
                Problem::new(401, "missing-key", "a key is missing", detail)
            }
            Self::UnknownKey => {
                Problem::new(401, "unknown-key", "the key is unknown", "the key was never made, or is revoked")
            }
            Self::WrongRole => {
                let detail = "the key is an API key; this call takes an ingest key";
                Problem::new(401, "wrong-key-role", "the key is for something else", detail)
            }
            Self::CallbackTooLarge(bytes) => {
                let detail = format!("the callback has {bytes} bytes; at most {MAX_CALLBACK_BYTES} are taken");
                Problem::new(413, "too-large", "too large", detail)
            }
            Self::Batch(error) => batch_problem(error),
            Self::Unavailable { fault: _, detail } => {
                let detail = format!("{detail}; send it again, whole: ids make that harmless");
                Problem::new(503, "unavailable", "unavailable for the moment", detail).retry_after(RETRY_AFTER_SECONDS)
            }
        }
    }

    /// Headers that go with the problem.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::MethodNotAllowed { allow, .. } => vec![("allow", allow.clone())],
            Self::MissingKey | Self::UnknownKey | Self::WrongRole => {
                vec![("www-authenticate", "Bearer realm=\"relay\"".to_owned())]
            }
            Self::NotFound
            | Self::UnknownProvider(_)
            | Self::CallbackTooLarge(_)
            | Self::Batch(_)
            | Self::Unavailable { .. } => Vec::new(),
        }
    }
}

fn batch_problem(error: &BatchError) -> Problem {
    let (status, code, title) = match error {
        BatchError::TooLarge => (413, "too-large", "too large"),
        BatchError::TooMany => (413, "too-many-items", "too many items"),
        BatchError::UnsupportedType(_) => (415, "unsupported-media-type", "unsupported content type"),
        BatchError::UnsupportedEncoding(_) => (415, "unsupported-encoding", "unsupported content encoding"),
        BatchError::DamagedText(_) => (415, "damaged-body", "compressed body damaged on the way"),
        BatchError::Malformed(_) => (400, "malformed", "malformed body"),
    };
    Problem::new(status, code, title, error.to_string())
}
