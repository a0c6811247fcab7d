//! `SdkError` → [`Fault`]: the one place that knows AWS's error codes.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use relay::fault::{Fault, FaultKind};

/// The longest detail: characters.
const MAX_DETAIL: usize = 300;

/// The codes that ask for less: the SDK's own list (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`), what `TransactWriteItems`
/// gives as a reason for cancelling, and what the services' API references add.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "ExecutionLimitExceeded",
    "KMSThrottlingException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Broken inside, whatever the status code (`PutRecords` says so per record, in an answer of 200).
const UNAVAILABLE: &[&str] = &["InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"];

/// Given up waiting, on the service's side.
const TIMED_OUT: &[&str] = &["RequestTimeout", "RequestTimeoutException"];

/// What became of a call that did not end well.
pub(crate) fn fault<E>(service: &'static str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, detail) = match error {
        SdkError::TimeoutError(_) => (FaultKind::TimedOut, chain(error)),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => (FaultKind::TimedOut, chain(error)),
        SdkError::DispatchFailure(failure) if failure.is_user() => (FaultKind::Denied, chain(error)),
        SdkError::ConstructionFailure(_) => (FaultKind::Denied, chain(error)),
        SdkError::ServiceError(answer) => return answered(service, answer.raw().status().as_u16(), answer.err()),
        // No answer; or none that can be read: cut off, or from something that stands in between.
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) | _ => (FaultKind::Unavailable, chain(error)),
    };
    Fault::new(kind, service, plain(&detail))
}

/// A fault from a code inside an answer that is otherwise good.
pub(crate) fn coded(service: &'static str, code: &str, message: Option<&str>) -> Fault {
    let detail = message.map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    Fault::new(kind_of(code, 400), service, plain(&detail))
}

/// An answer that breaks the service's own contract.
pub(crate) fn broken(service: &'static str, detail: &str) -> Fault {
    Fault::new(FaultKind::Unavailable, service, detail)
}

/// The service's words on an error of its own, fit for a log.
pub(crate) fn words<E: ProvideErrorMetadata>(error: &E) -> String {
    plain(error.message().or_else(|| error.code()).unwrap_or("no reason given"))
}

fn answered<E: ProvideErrorMetadata>(service: &'static str, status: u16, error: &E) -> Fault {
    let code = error.code().unwrap_or("no error code");
    let message = error.message().unwrap_or("no message");
    Fault::new(kind_of(code, status), service, plain(&format!("{code} ({status}): {message}")))
}

fn kind_of(code: &str, status: u16) -> FaultKind {
    if THROTTLED.contains(&code) || status == 429 {
        FaultKind::Throttled
    } else if TIMED_OUT.contains(&code) {
        FaultKind::TimedOut
    } else if UNAVAILABLE.contains(&code) || status >= 500 {
        FaultKind::Unavailable
    } else {
        FaultKind::Denied
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let links = std::iter::successors(Some(error), |link: &&(dyn Error + 'static)| Error::source(*link));
    links.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Services quote mail addresses in their messages; a fault never does.
fn plain(message: &str) -> String {
    let words: Vec<&str> =
        message.split_whitespace().map(|word| if word.contains('@') { "<address>" } else { word }).collect();
    words.join(" ").chars().take(MAX_DETAIL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_have_their_kind() {
        assert_eq!(kind_of("ProvisionedThroughputExceededException", 400), FaultKind::Throttled);
        assert_eq!(kind_of("SlowDown", 503), FaultKind::Throttled);
        assert_eq!(kind_of("anything", 429), FaultKind::Throttled);
        assert_eq!(kind_of("InternalFailure", 200), FaultKind::Unavailable);
        assert_eq!(kind_of("anything", 502), FaultKind::Unavailable);
        assert_eq!(kind_of("RequestTimeout", 400), FaultKind::TimedOut);
        assert_eq!(kind_of("AccessDeniedException", 400), FaultKind::Denied);
        assert_eq!(kind_of("ResourceNotFoundException", 400), FaultKind::Denied);
    }

    #[test]
    fn a_detail_is_one_short_line_without_addresses() {
        let detail = plain("Address  is not\nverified: kim@example.com, <lee@example.com>");
        assert_eq!(detail, "Address is not verified: <address> <address>");
        assert_eq!(plain(&"x".repeat(1000)).len(), MAX_DETAIL);
    }
}
