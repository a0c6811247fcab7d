//! The end of an export whose execution gave up, in words for people.

use relay::export::{Export, Status, store};
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
        let (code, detail) = words(error);
        let change = |export: &mut Export| {
            let is_open = !export.status.is_terminal();
            if is_open && is_complete {
                export.finish(Status::Done, now);
            } else if is_open {
                export.fail(code, detail, now);
            }
            is_open
        };
        let amended = store::amend(&self.control, owner, id, change).await?;
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

/// What happened and what to do, by the name of the error that ended the execution.
fn words(error: &str) -> (&'static str, &'static str) {
    match error {
        "Export.Throttled" | "Export.Unavailable" | "Export.TimedOut" => (
            "unavailable",
            "The storage did not answer for several minutes. Nothing is lost: ask for the same period again.",
        ),
        "Export.Denied" => (
            "denied",
            "Relay is not allowed to do something that it needs to. Whoever runs Relay finds the cause under the trace id.",
        ),
        "Export.Invalid" => (
            "unreadable",
            "Something stored cannot be read, and Relay leaves no row out in silence. Whoever runs Relay finds it under the trace id.",
        ),
        "Export.NoProgress" => (
            "no_progress",
            "The export came no further. Ask for it again; if it stops again, whoever runs Relay finds the cause under the trace id.",
        ),
        _ => (
            "internal",
            "Relay failed while writing the file. Ask again; if it fails again, tell whoever runs Relay the trace id.",
        ),
    }
}
