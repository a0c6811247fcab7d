//! Every refusal of the export API, in one place: `code`, status and words.

use relay::export::RequestError;
use relay::export::queue::MAX_WAITING;
use relay::problem::{FieldError, Problem, ProblemType};
use relay::schedule::MAX_SCHEDULES;

/// After how many seconds to try again when something behind the API does not answer.
const RETRY_AFTER_SECONDS: u32 = 2;

/// After how many seconds to try again when too many exports wait: each takes seconds to minutes.
const RETRY_WHEN_FULL_SECONDS: u32 = 60;

pub(super) fn missing_key() -> Problem {
    let detail = "send an API key as `Authorization: Bearer <key>`";
    Problem::new(ProblemType::MissingKey, detail)
}

pub(super) fn unknown_key() -> Problem {
    let detail = "this key is not known; it may have been revoked";
    Problem::new(ProblemType::UnknownKey, detail)
}

pub(super) fn ingest_key() -> Problem {
    let detail = "this is an ingest key: it serves callbacks and /v1/activities only; exports take an API key";
    Problem::new(ProblemType::WrongKeyRole, detail)
}

pub(super) fn no_such_path() -> Problem {
    Problem::new(ProblemType::NotFound, "there is nothing at this path; the API begins with /v1/")
}

pub(super) fn no_such_export() -> Problem {
    Problem::new(ProblemType::NotFound, "you have no export with this id")
}

pub(super) fn wrong_method(allowed: &str) -> Problem {
    let detail = format!("this path takes {allowed}");
    Problem::new(ProblemType::MethodNotAllowed, detail)
}

pub(super) fn too_large(limit: usize) -> Problem {
    let detail = format!("the body may have {limit} bytes");
    Problem::new(ProblemType::TooLarge, detail)
}

pub(super) fn wrong_content_type() -> Problem {
    let detail = "the request is JSON; send it with `Content-Type: application/json`";
    Problem::new(ProblemType::UnsupportedMediaType, detail)
}

pub(super) fn malformed(detail: String) -> Problem {
    Problem::new(ProblemType::Malformed, detail)
}

pub(super) fn invalid(errors: Vec<FieldError>) -> Problem {
    let detail = match errors.as_slice() {
        [one] => format!("{}: {}", one.field, one.detail),
        several => format!("{} fields cannot be used; see `errors`", several.len()),
    };
    Problem::new(ProblemType::InvalidRequest, detail).with_errors(errors)
}

pub(super) fn unusable(error: RequestError) -> Problem {
    match error {
        RequestError::Malformed(detail) => malformed(detail),
        RequestError::Invalid(errors) => invalid(errors),
    }
}

pub(super) fn no_such_schedule() -> Problem {
    Problem::new(ProblemType::NotFound, "you have no schedule with this id")
}

pub(super) fn no_such_link() -> Problem {
    Problem::new(ProblemType::NotFound, "nobody is unsubscribed by this link; is it whole?")
}

pub(super) fn too_many_schedules() -> Problem {
    let detail = format!("you have {MAX_SCHEDULES} schedules already; delete one that is not needed");
    Problem::new(ProblemType::TooManySchedules, detail)
}

pub(super) fn too_many_exports() -> Problem {
    let detail = format!(
        "{MAX_WAITING} exports of yours wait already; ask again when one has started, or cancel one that is not needed"
    );
    Problem::new(ProblemType::TooManyExports, detail).retry_after(RETRY_WHEN_FULL_SECONDS)
}

/// The same words for an app of another owner and for one that nobody has: whose tokens there are is nobody's business.
pub(super) fn foreign_app(app_token: &str) -> Problem {
    let detail = format!("{app_token} is not registered as an app of yours; `GET /v1/account` lists those that are");
    let error = FieldError { field: "app_token".to_owned(), detail: detail.clone() };
    Problem::new(ProblemType::ForeignApp, detail).with_errors(vec![error])
}

pub(super) fn already_ended(status: &str) -> Problem {
    let detail = format!("the export is {status} already; only one that is queued or running can be cancelled");
    Problem::new(ProblemType::AlreadyEnded, detail)
}

pub(super) fn no_file(status: &str) -> Problem {
    let detail = format!("the export is {status}; there is a link only for one that is done");
    Problem::new(ProblemType::NoFile, detail)
}

pub(super) fn no_file_to_delete(status: &str) -> Problem {
    let detail = format!("the export is {status}; there is a file only for one that is done");
    Problem::new(ProblemType::NoFile, detail)
}

/// `at` in RFC 3339.
pub(super) fn deleted(at: &str) -> Problem {
    let detail = format!("the file was deleted on request at {at}; ask for the export again");
    Problem::new(ProblemType::Expired, detail)
}

pub(super) fn expired(days: u16) -> Problem {
    let detail = format!("files live {days} days and this one has been deleted; ask for the export again");
    Problem::new(ProblemType::Expired, detail)
}

pub(super) fn unavailable() -> Problem {
    let detail = "something Relay needs does not answer; try again";
    Problem::new(ProblemType::Unavailable, detail).retry_after(RETRY_AFTER_SECONDS)
}
