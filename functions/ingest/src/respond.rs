//! Every refusal of the door as a problem: the whole HTTP contract on one screen.

use relay::activity::Provider;
use relay::batch::BatchError;
use relay::callback::{DRY_RUN_PARAMETER, MAX_CALLBACK_BYTES, providers};
use relay::fault::Fault;
use relay::problem::{FieldError, Problem, ProblemType};
use relay::signature::SignatureError;

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
    /// A request from this address, which is in none of the owner's networks.
    SourceNotAllowed(String),
    /// A batch whose signature is missing or does not hold.
    Signature(SignatureError),
    /// A callback of this many bytes.
    CallbackTooLarge(usize),
    /// A `dry_run` of this value, which says neither yes nor no.
    UnclearDryRun(String),
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
            Self::NotFound => Problem::new(ProblemType::NotFound, "the path is none of this API's"),
            Self::UnknownProvider(name) => {
                let known: Vec<_> = providers().map(Provider::name).collect();
                let detail = format!("`{name}` is no provider; supported: {}", known.join(", "));
                Problem::new(ProblemType::UnknownProvider, detail)
            }
            Self::MethodNotAllowed { method, allow } => {
                let detail = format!("{method} is not a method of this path; {allow} is");
                Problem::new(ProblemType::MethodNotAllowed, detail)
            }
            Self::MissingKey => {
                let detail = "send an ingest key as `?key=`, `Authorization: Bearer` or `X-Relay-Key`";
                Problem::new(ProblemType::MissingKey, detail)
            }
            Self::UnknownKey => Problem::new(ProblemType::UnknownKey, "the key was never made, or is revoked"),
            Self::WrongRole => {
                let detail = "the key is an API key; this call takes an ingest key";
                Problem::new(ProblemType::WrongKeyRole, detail)
            }
            Self::SourceNotAllowed(address) => {
                let detail = format!(
                    "the request comes from {address}, which is in none of the networks that the key's owner has registered"
                );
                Problem::new(ProblemType::SourceNotAllowed, detail)
            }
            Self::Signature(error) => signature_problem(*error),
            Self::CallbackTooLarge(bytes) => {
                let detail = format!("the callback has {bytes} bytes; at most {MAX_CALLBACK_BYTES} are taken");
                Problem::new(ProblemType::TooLarge, detail)
            }
            Self::UnclearDryRun(value) => unclear_dry_run(value),
            Self::Batch(error) => batch_problem(error),
            Self::Unavailable { fault: _, detail } => {
                let detail = format!("{detail}; send it again, whole: ids make that harmless");
                Problem::new(ProblemType::Unavailable, detail).retry_after(RETRY_AFTER_SECONDS)
            }
        }
    }

    /// Headers that go with the problem.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        if let Self::MethodNotAllowed { allow, .. } = self { vec![("allow", allow.clone())] } else { Vec::new() }
    }
}

fn unclear_dry_run(value: &str) -> Problem {
    let detail = format!(
        "dry_run is `{value}`: `1` or `true` asks how the callback would be understood, `0`, `false` or no dry_run stores it; nothing was stored"
    );
    let error = FieldError { field: DRY_RUN_PARAMETER.to_owned(), detail: detail.clone() };
    Problem::new(ProblemType::InvalidRequest, detail).with_errors(vec![error])
}

fn signature_problem(error: SignatureError) -> Problem {
    let kind = match error {
        SignatureError::Missing => ProblemType::MissingSignature,
        SignatureError::Unreadable | SignatureError::OffTime(_) | SignatureError::Wrong => ProblemType::BadSignature,
    };
    Problem::new(kind, error.to_string())
}

fn batch_problem(error: &BatchError) -> Problem {
    let kind = match error {
        BatchError::TooLarge | BatchError::TooManyNames => ProblemType::TooLarge,
        BatchError::TooMany => ProblemType::TooManyItems,
        BatchError::UnsupportedType(_) => ProblemType::UnsupportedMediaType,
        BatchError::UnsupportedEncoding(_) => ProblemType::UnsupportedEncoding,
        BatchError::DamagedText(_) => ProblemType::DamagedBody,
        BatchError::Malformed(_) => ProblemType::Malformed,
    };
    Problem::new(kind, error.to_string())
}
