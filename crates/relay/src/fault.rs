//! A fault is the world's: throttled, unavailable, denied. It is retried and answered 503, never 401 or 4xx.

/// What kind of fault it was; decides whether a retry can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The service asked us to slow down.
    Throttled,
    /// The service answered 5xx or could not be reached.
    Unavailable,
    /// No answer came in time; the request may have been carried out.
    TimedOut,
    /// The service refuses us: permissions, a missing table or bucket, an invalid request. A retry cannot help before an operator acts.
    Denied,
}

impl FaultKind {
    /// The name in error types, log fields and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::TimedOut => "TimedOut",
            Self::Denied => "Denied",
        }
    }
}

/// The world's fault: where, what, and what the service said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service} {}: {detail}", self.kind.name())]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// The service and call, `dynamodb:BatchWriteItem`.
    pub service: &'static str,
    /// What the service said; never a body, key, address or device id.
    pub detail: String,
}

impl Fault {
    /// A fault of `kind` at `service`.
    #[must_use]
    pub fn new(kind: FaultKind, service: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, service, detail: detail.into() }
    }

    /// Whether trying again can help without an operator.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self.kind {
            FaultKind::Throttled | FaultKind::Unavailable | FaultKind::TimedOut => true,
            FaultKind::Denied => false,
        }
    }
}
