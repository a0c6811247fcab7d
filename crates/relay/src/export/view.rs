//! An export as the API shows it.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Export, FinishedFile, Reached, Status};
use crate::period::rfc3339;

/// What the view of an export depends on besides the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Milliseconds since the epoch.
    pub now: i64,
    /// How long files live: days.
    pub retention_days: u16,
    /// Its place in line from 1, where it waits.
    pub position: Option<u64>,
}

impl Export {
    /// The export as JSON: times in RFC 3339, UTC.
    #[must_use]
    pub fn view(&self, view: View) -> Value {
        let status = self.status_at(view.now, view.retention_days);
        json!({
            "export_id": self.export_id,
            "status": status.name(),
            "position": view.position.filter(|_| status == Status::Queued),
            "progress": self.progress(),
            "rows": self.rows().max(self.under_way().map_or(0, |reached| reached.rows)),
            "bytes": self.bytes().max(self.under_way().map_or(0, |reached| reached.bytes)),
            "app_token": self.app_token,
            "kind": one_or_list(&self.kinds),
            "start_date": self.start_date,
            "end_date": self.end_date,
            "timezone": self.timezone,
            "format": self.format,
            "columns": self.columns,
            "filters": self.filters,
            "excel": self.excel,
            "email": one_or_list(&self.emails),
            "language": self.language,
            "files": self.files().iter().map(FinishedFile::view).collect::<Vec<_>>(),
            "totals": self.totals().view(),
            "as_of": rfc3339(self.as_of),
            "complete_until": self.complete_until.map(rfc3339),
            "requested_at": rfc3339(self.as_of),
            "started_at": self.started_at.map(rfc3339),
            "finished_at": self.finished_at.map(rfc3339),
            "link_expires_at": self.link_expires_at.map(rfc3339),
            "file_deleted_at": self.file_deleted_at.map(rfc3339),
            "error": self.error.clone().or_else(|| self.refused_mails()),
            "schedule_id": self.run.as_ref().map(|run| &run.schedule_id),
            "late_rows": self.run.as_ref().and_then(|run| run.late),
            "webhook": self.webhook,
            "trace_id": self.trace_id,
        })
    }

    /// How far the step under way has come, as far as it has told.
    fn under_way(&self) -> Option<&Reached> {
        self.reached.as_ref().filter(|_| self.status == Status::Running)
    }

    /// How much of the period has been read, 0 to 1 in thousandths. The part of a period that lies in the future holds nothing.
    fn progress(&self) -> f64 {
        let thousandths = match self.status {
            Status::Done | Status::Empty | Status::Expired => 1000,
            Status::Queued => 0,
            Status::Running | Status::Failed | Status::Cancelled => self.thousandths_read(),
        };
        f64::from(thousandths) / 1000.0
    }

    /// Each kind counts alike: how many rows those to come have is not known.
    fn thousandths_read(&self) -> u16 {
        let kinds = self.kinds.len().max(1) as u64;
        let checkpoint = (self.checkpoint.kind, self.checkpoint.after.as_ref().map(|(after, _)| *after));
        let reached = self.under_way().map(|reached| (reached.kind, Some(reached.at)));
        let (kind, after) = reached.map_or(checkpoint, |reached| reached.max(checkpoint));
        let read = (kind as u64).saturating_mul(1000).saturating_add(self.thousandths_of_kind(after));
        // 999: whole only when the file is there.
        u16::try_from((read / kinds).min(999)).unwrap_or(999)
    }

    fn thousandths_of_kind(&self, after: Option<i64>) -> u64 {
        let Some(after) = after else { return 0 };
        let end = self.to.min(self.as_of.max(after));
        let whole = i128::from(end.saturating_sub(self.from)).max(1);
        let read = i128::from(after.saturating_sub(self.from));
        u64::try_from((read * 1000 / whole).clamp(0, 999)).unwrap_or(999)
    }
}

/// In the shape in which it was asked for.
fn one_or_list<T: Serialize>(values: &[T]) -> Value {
    match values {
        [one] => json!(one),
        many => json!(many),
    }
}
