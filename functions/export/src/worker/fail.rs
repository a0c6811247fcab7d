//! The end of an export whose execution gave up, in words for people.

use relay::export::{Export, Status, store};
use relay::language::Language;
use relay::notice::failure;
use relay::port::{Backlog, ControlTable, ExportFiles, PageStore, UploadState};

use super::{StepError, StepStatus, Worker};

impl<C: ControlTable, P: PageStore, F: ExportFiles, B: Backlog> Worker<C, P, F, B> {
    /// Marks an export as failed, unless it has ended otherwise: cancelled, or complete after all.
    pub async fn fail(&self, owner: &str, id: &str, error: &str, now: i64) -> Result<StepStatus, StepError> {
        let Some((export, _)) = store::load(&self.control, owner, id).await? else {
            tracing::warn!(owner, export_id = id, error, "an execution failed whose export is not there");
            return Ok(StepStatus::Failed);
        };
        let is_complete = self.is_complete(&export).await?;
        let code = code(error);
        let change = |export: &mut Export| {
            let is_open = !export.status.is_terminal();
            if is_open && is_complete {
                export.finish(Status::Done, now);
            } else if is_open {
                export.fail(code, failure(Language::En, code).unwrap_or_default(), now);
            }
            is_open
        };
        let amended = store::end(&self.control, owner, id, change).await?;
        let status = amended.map_or(Status::Failed, |(export, _)| export.status);
        let (trace_id, status) = (export.trace_id, StepStatus::of(status));
        tracing::error!(owner, export_id = id, trace_id, error, status = status.name(), "the execution gave up");
        Ok(status)
    }

    /// Whether the file is there although no step lived to say so.
    async fn is_complete(&self, export: &Export) -> Result<bool, StepError> {
        let checkpoint = &export.checkpoint;
        let Some(upload) = checkpoint.upload.as_ref().filter(|_| checkpoint.finishing && export.is_last_file()) else {
            return Ok(false);
        };
        Ok(self.files.state(upload).await? == UploadState::Complete(checkpoint.bytes))
    }
}

/// The code of the failure, by the name of the error that ended the execution.
fn code(error: &str) -> &'static str {
    match error {
        "Export.Throttled" | "Export.Unavailable" | "Export.TimedOut" => "unavailable",
        "Export.Denied" => "denied",
        "Export.Invalid" => "unreadable",
        "Export.NoProgress" => "no_progress",
        _ => "internal",
    }
}
