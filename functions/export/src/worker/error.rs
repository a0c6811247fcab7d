//! Why a step failed, under the names that the state machine's Retry and Catch match.

use relay::export::Unusable;
use relay::fault::{Fault, FaultKind};
use relay::reader::ReadError;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The world's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What is stored cannot be read or written as a row, or the step came out of turn: never skipped in silence.
    #[error("{0}")]
    Invalid(String),
    /// There is no such export.
    #[error("{0}")]
    NotFound(String),
    /// Several steps in a row moved nothing.
    #[error("{0}")]
    NoProgress(String),
}

impl StepError {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fault(fault) => match fault.kind {
                FaultKind::Throttled => "Export.Throttled",
                FaultKind::Unavailable => "Export.Unavailable",
                FaultKind::TimedOut => "Export.TimedOut",
                FaultKind::Denied => "Export.Denied",
            },
            Self::Invalid(_) => "Export.Invalid",
            Self::NotFound(_) => "Export.NotFound",
            Self::NoProgress(_) => "Export.NoProgress",
        }
    }
}

impl From<ReadError> for StepError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Fault(fault) => Self::Fault(fault),
            ReadError::Corrupt { .. } => Self::Invalid(error.to_string()),
        }
    }
}

impl From<Unusable> for StepError {
    fn from(error: Unusable) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::Invalid(format!("a row could not be written: {error}"))
    }
}

impl From<relay_parquet::WriteError> for StepError {
    fn from(error: relay_parquet::WriteError) -> Self {
        Self::Invalid(error.to_string())
    }
}
