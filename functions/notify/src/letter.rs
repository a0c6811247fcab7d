//! Which mail an export's end asks for.

use relay::export::{Export, Status};

use crate::NotifyError;
use crate::occasion::Occasion;

/// A mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    Ready,
    Empty,
    Failed,
}

/// The mail that an export's state asks for; `None` for none.
pub(crate) fn letter(export: &Export, occasion: &Occasion) -> Result<Option<Letter>, NotifyError> {
    let not_settled = || NotifyError::NotSettled(export.export_id.clone());
    match (export.status, occasion) {
        (_, Occasion::Undelivered { .. }) | (Status::Cancelled | Status::Expired, _) => Ok(None),
        // A link would lead to nothing.
        (Status::Done, _) if export.file_deleted_at.is_some() => Ok(None),
        (Status::Done, _) => Ok(Some(Letter::Ready)),
        (Status::Empty, _) => Ok(Some(Letter::Empty)),
        (Status::Failed, _) => Ok(Some(Letter::Failed)),
        // The file is there a moment before the worker can say so; all that the mail tells has been recorded before.
        (Status::Queued | Status::Running, Occasion::FileCreated { key, size, .. }) => {
            if export.is_last_object(key, *size) {
                Ok(Some(Letter::Ready))
            } else if export.object_key() == *key {
                Err(not_settled())
            } else {
                // One file of several: the mail comes with the last object.
                Ok(None)
            }
        }
        // Another execution has taken over from this one: its end will tell.
        (Status::Queued | Status::Running, Occasion::ExecutionEnded { name, .. }) => {
            if export.execution_name() == *name { Err(not_settled()) } else { Ok(None) }
        }
    }
}
