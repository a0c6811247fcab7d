//! An export: a request for the rows of a period, from the queue to a file.
//!
//! Everything stands in table `control`: the export under its owner (so that another owner's id is simply not found), its place in the
//! queue, the run slots, and when each owner was last served.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::activity::Kind;
use crate::control::Key;
use crate::language::Language;
use crate::owner::kept_since;
use crate::period::Zone;
use crate::row::{ColumnSpec, FileColumn};
use crate::schedule::Run;
use crate::webhook::Delivery;

mod checkpoint;
mod files;
mod filter;
mod format;
mod many;
mod notices;
pub mod queue;
mod recent;
mod request;
mod selection;
pub mod store;
mod totals;
mod view;

pub use checkpoint::{Checkpoint, FinishedFile, Reached, Tail};
pub use files::{MANIFEST, files_folder, parse_object_key, tails_folder};
pub use filter::{FILTERS, Filters};
pub use format::Format;
pub use notices::NoticeState;
pub use recent::Recent;
pub use request::{ExportRequest, MAX_ADDRESSES, MAX_COLUMNS, RequestError};
pub(crate) use request::{Reader, members};
pub use totals::{Amount, MAX_CURRENCIES, Revenue, Totals};
pub use view::View;

const DAY_MS: i64 = 86_400_000;

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a run slot.
    Queued,
    /// Has a run slot; an execution reads and writes.
    Running,
    /// The file is there.
    Done,
    /// The period holds no rows; there is no file.
    Empty,
    /// It went wrong; the error says how.
    Failed,
    /// The advertiser took it back.
    Cancelled,
    /// Was done; the file has been deleted. Never stored: it follows from the time that has passed.
    Expired,
}

impl Status {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Empty => "empty",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Done | Self::Empty | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }
}

/// What went wrong, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
}

/// An export as stored: item `export#{owner}` / `{export_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Names it, its execution and its file; see [`export_id`].
    pub export_id: String,
    /// Whose it is.
    pub owner: String,
    /// Where it stands.
    pub status: Status,
    /// The app.
    pub app_token: String,
    /// The kinds, in the order of their files.
    #[serde(rename = "kind", with = "many")]
    pub kinds: Vec<Kind>,
    /// The first local day, `yyyy-mm-dd`.
    pub start_date: String,
    /// The last local day, `yyyy-mm-dd`.
    pub end_date: String,
    /// The IANA zone.
    pub timezone: String,
    /// The first moment of the period: milliseconds since the epoch. Stored, so that a newer zone database changes no running export.
    pub from: i64,
    /// The first moment after it.
    pub to: i64,
    /// Where the mails go.
    #[serde(rename = "email", with = "many")]
    pub emails: Vec<String>,
    /// The language of the mails.
    #[serde(default)]
    pub language: Language,
    /// The format of its files.
    pub format: Format,
    /// The most rows of one of its files, where there is a limit. Stored, so that no newer release ends the files of a running export elsewhere.
    #[serde(default)]
    pub rows_per_file: Option<u64>,
    /// The columns asked for; `None` for each kind's own.
    pub columns: Option<Vec<ColumnSpec>>,
    /// The columns of its files. Stored, so that no newer release shifts those of a running export.
    pub header: Header,
    /// Which rows.
    pub filters: Filters,
    /// Whether the file is made for spreadsheets.
    pub excel: bool,
    /// Rows that reached the door later are left out: milliseconds since the epoch. It is the time of the request.
    pub as_of: i64,
    /// Rows that happened, and reached the door, earlier are past the owner's retention: milliseconds since the epoch. By the retention at the request
    /// and again when it got its slot; then it stays, so that no step of a file leaves out what another put in.
    pub kept_since: i64,
    /// Rows that reached the door earlier were another owner's, who had the app token then: milliseconds since the epoch.
    #[serde(default)]
    pub received_since: i64,
    /// When it got its slot.
    pub started_at: Option<i64>,
    /// When it reached its end.
    pub finished_at: Option<i64>,
    /// Everything acknowledged before this moment was in the pages when reading began: milliseconds since the epoch. `None` before, and where
    /// the stream could not be asked.
    pub complete_until: Option<i64>,
    /// How far the worker has come.
    pub checkpoint: Checkpoint,
    /// How far the step under way has come since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
    /// Steps that began.
    pub steps: u32,
    /// Steps that ended without having moved the checkpoint, since it last moved.
    pub idle_steps: u32,
    /// Executions that ended before it did; the next one carries on.
    pub lost_executions: u32,
    /// What went wrong.
    pub error: Option<Failure>,
    /// The mail about its end as the last release stored it: an export had one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeState>,
    /// The mails about its end, by address.
    #[serde(default)]
    pub notices: BTreeMap<String, NoticeState>,
    /// When the last link that was made ends: milliseconds since the epoch.
    pub link_expires_at: Option<i64>,
    /// When a fresh link was last mailed, or tried to be: milliseconds since the epoch.
    #[serde(default)]
    pub link_mailed_at: Option<i64>,
    /// The run of a schedule that made it; `None` where somebody asked.
    #[serde(default)]
    pub run: Option<Run>,
    /// The delivery of its end to the owner's webhook, once one was tried.
    #[serde(default)]
    pub webhook: Option<Delivery>,
    /// When its owner had its files deleted: milliseconds since the epoch.
    #[serde(default)]
    pub file_deleted_at: Option<i64>,
    /// Ties log lines, object and mails together.
    pub trace_id: String,
}

/// The columns of an export's files as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Header {
    /// The same in every file.
    Same(Vec<ColumnSpec>),
    /// Those of each kind, in the order of the kinds.
    OfEachKind(Vec<Vec<ColumnSpec>>),
}

impl Header {
    fn of(request: &ExportRequest) -> Self {
        let specs = |columns: &[FileColumn]| columns.iter().map(ColumnSpec::from).collect();
        let defaults = |kind: &Kind| specs(&FileColumn::defaults(*kind));
        match (&request.columns, request.kinds.as_slice()) {
            (Some(columns), _) => Self::Same(specs(columns)),
            (None, [kind]) => Self::Same(defaults(kind)),
            (None, kinds) => Self::OfEachKind(kinds.iter().map(defaults).collect()),
        }
    }

    fn of_kind(&self, index: usize) -> &[ColumnSpec] {
        match self {
            Self::Same(columns) => columns,
            Self::OfEachKind(kinds) => kinds.get(index).map_or(&[], Vec::as_slice),
        }
    }
}

/// What a request brings besides its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose API key it was.
    pub owner: String,
    /// The owner's retention: days.
    pub retention_days: u16,
    /// Milliseconds since the epoch.
    pub now: i64,
    /// The new export's id.
    pub export_id: String,
    /// The request's trace id.
    pub trace_id: String,
}

impl Export {
    /// A new export in the queue.
    #[must_use]
    pub fn new(request: ExportRequest, asked: Asked) -> Self {
        Self {
            header: Header::of(&request),
            export_id: asked.export_id,
            owner: asked.owner,
            status: Status::Queued,
            app_token: request.app_token,
            kinds: request.kinds,
            start_date: request.period.start_date,
            end_date: request.period.end_date,
            timezone: request.period.zone.name().to_owned(),
            from: request.period.from,
            to: request.period.to,
            emails: request.emails,
            language: request.language,
            format: request.format,
            rows_per_file: files::rows_per_file(request.format, request.excel),
            columns: request.columns.map(|columns| columns.iter().map(ColumnSpec::from).collect()),
            filters: request.filters,
            excel: request.excel,
            as_of: asked.now,
            kept_since: kept_since(asked.retention_days, asked.now),
            received_since: 0,
            started_at: None,
            finished_at: None,
            complete_until: None,
            checkpoint: Checkpoint::default(),
            reached: None,
            steps: 0,
            idle_steps: 0,
            lost_executions: 0,
            error: None,
            notice: None,
            notices: BTreeMap::new(),
            link_expires_at: None,
            link_mailed_at: None,
            run: None,
            webhook: None,
            file_deleted_at: None,
            trace_id: asked.trace_id,
        }
    }

    /// Where an export stands in the table.
    #[must_use]
    pub fn key(owner: &str, export_id: &str) -> Key {
        Key::new(partition(owner), export_id)
    }

    /// The status as an advertiser sees it: a file older than `retention_days` is gone, as is one that was deleted.
    #[must_use]
    pub fn status_at(&self, now: i64, retention_days: u16) -> Status {
        let expired = |finished: i64| now >= finished.saturating_add(i64::from(retention_days).saturating_mul(DAY_MS));
        let is_gone = self.file_deleted_at.is_some() || self.finished_at.is_some_and(expired);
        let is_expired = self.status == Status::Done && is_gone;
        if is_expired { Status::Expired } else { self.status }
    }

    /// Ends it.
    pub fn finish(&mut self, status: Status, now: i64) {
        self.status = status;
        self.finished_at = Some(now);
    }

    /// Ends it badly.
    pub fn fail(&mut self, code: &str, detail: impl Into<String>, now: i64) {
        self.error = Some(Failure { code: code.to_owned(), detail: detail.into() });
        self.finish(Status::Failed, now);
    }

    /// The columns of the files of its kind with this index.
    pub fn file_columns(&self, kind: usize) -> Result<Vec<FileColumn>, Unusable> {
        let column = |spec: &ColumnSpec| FileColumn::try_from(spec).map_err(|error| self.unusable(error.to_string()));
        let columns = self.header.of_kind(kind).iter().map(column).collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() { Err(self.unusable("a file without columns".to_owned())) } else { Ok(columns) }
    }

    /// The zone of its dates and times.
    pub fn zone(&self) -> Result<Zone, Unusable> {
        Zone::named(&self.timezone).ok_or_else(|| self.unusable(format!("no zone {}", self.timezone)))
    }

    fn unusable(&self, what: String) -> Unusable {
        Unusable { export_id: self.export_id.clone(), what }
    }

    /// The name of its execution: the export's id; an execution that takes over from a lost one counts on.
    #[must_use]
    pub fn execution_name(&self) -> String {
        match self.lost_executions {
            0 => self.export_id.clone(),
            lost => format!("{}-{lost}", self.export_id),
        }
    }

    /// The input of its execution.
    #[must_use]
    pub fn execution_input(&self) -> String {
        let members =
            BTreeMap::from([("owner", &self.owner), ("export_id", &self.export_id), ("trace_id", &self.trace_id)]);
        serde_json::json!(members).to_string()
    }
}

/// Something stored in an export that this release does not know. Never replaced by a guess: the file would be another than the one begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("export {export_id}: {what}")]
pub struct Unusable {
    /// The export.
    pub export_id: String,
    /// What it is.
    pub what: String,
}

/// The partition of an owner's exports; sort keys are export ids, so descending is newest first.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("export#{owner}")
}

/// A new export's id: 48 bits of milliseconds and 80 random bits as 32 hexadecimal digits, sortable by time.
#[must_use]
pub fn export_id(now: i64, random: [u8; 10]) -> String {
    let time = now.to_be_bytes();
    let (_, low_48) = time.split_at(2);
    format!("{}{}", hex::encode(low_48), hex::encode(random))
}

/// Whether a text can be an export's id.
#[must_use]
pub fn is_export_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
