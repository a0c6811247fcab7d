//! The files of an export: their names, which of them is the last, and the manifest that names them all.
//!
//! One kind in one file: that file is all there is. Otherwise (several kinds, a spreadsheet's rows over several files, Parquet) the files are followed by
//! a manifest. Whatever comes last is what the mail waits for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Checkpoint, Export, FinishedFile, Format, Totals, is_export_id};
use crate::activity::Kind;
use crate::period::{Frequency, LocalClock, rfc3339};

/// The name of the object that names all files of an export.
pub const MANIFEST: &str = "manifest.json";

/// The most rows of a file for spreadsheets: an Excel sheet has 1,048,576 lines, the header takes one (Microsoft, "Excel specifications and limits").
const EXCEL_ROWS: u64 = 1_048_575;

/// The rows of a Parquet file. A file is written by one step alone, so that it takes seconds, not the quarter of an hour that a step has.
const PARQUET_ROWS: u64 = 1_000_000;

impl Export {
    /// The kind of the rows of the file under way; `None` when that is the manifest.
    #[must_use]
    pub fn kind_under_way(&self) -> Option<Kind> {
        self.kinds.get(self.checkpoint.kind).copied()
    }

    /// The name of the file under way.
    #[must_use]
    pub fn name_under_way(&self) -> String {
        let Some(kind) = self.kind_under_way() else { return MANIFEST.to_owned() };
        let before = self.checkpoint.files.iter().filter(|file| file.kind == kind).count();
        self.name_of(kind, before + 1)
    }

    /// `{app_token}_{kind}_{yyyymmdd}_{yyyymmdd}_{zone with / -> _}.{format}`; behind the first of a kind `…_2.{format}` and so on. Of an hourly run
    /// `{yyyymmdd}T{HH}` stands in place of the dates, with the offset behind it where the clock shows that hour twice: `20261101T01-0400`.
    fn name_of(&self, kind: Kind, number: usize) -> String {
        let zone = self.timezone.replace('/', "_");
        let number = if number > 1 { format!("_{number}") } else { String::new() };
        format!("{}_{kind}_{}_{zone}{number}.{}", self.app_token, self.name_of_period(), self.format.name())
    }

    fn name_of_period(&self) -> String {
        let compact = |date: &str| date.replace('-', "");
        let (start, end) = (compact(&self.start_date), compact(&self.end_date));
        let is_hourly = self.run.as_ref().is_some_and(|run| run.frequency == Frequency::Hourly);
        match self.zone().ok().filter(|_| is_hourly).and_then(|zone| LocalClock::new(zone).name_of_hour(self.from)) {
            Some(hour) => format!("{start}T{hour}"),
            None => format!("{start}_{end}"),
        }
    }

    /// The key in the export bucket of a file of this name.
    #[must_use]
    pub fn key_of(&self, name: &str) -> String {
        format!("{}{name}", files_folder(&self.owner, &self.export_id))
    }

    /// The key of the object that keeps the rows of the step under way, should there be too few for a part: each step has its own, so that a
    /// step that was overtaken cannot write over what a later one left.
    #[must_use]
    pub fn tail_key(&self) -> String {
        format!("{}{}", tails_folder(&self.owner, &self.export_id), self.steps)
    }

    /// What goes on the object besides its bytes.
    #[must_use]
    pub fn object_metadata(&self) -> Vec<(&'static str, String)> {
        vec![("trace-id", self.trace_id.clone()), ("export-id", self.export_id.clone())]
    }

    /// Whether a manifest follows the files. Of a spreadsheet's rows it is known once the first file is full.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        self.kinds.len() > 1 || self.format == Format::Parquet || !self.checkpoint.files.is_empty()
    }

    /// The name of the object that stands for the whole: the only file, or the manifest.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self.kinds.as_slice() {
            [kind] if !self.has_manifest() => self.name_of(*kind, 1),
            _ => MANIFEST.to_owned(),
        }
    }

    /// The key of that object.
    #[must_use]
    pub fn object_key(&self) -> String {
        self.key_of(&self.file_name())
    }

    /// The keys of all its objects.
    #[must_use]
    pub fn object_keys(&self) -> Vec<String> {
        let files = self.files().into_iter().map(|file| self.key_of(&file.name));
        files.chain([self.object_key()]).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether the file under way is the last object of the export.
    #[must_use]
    pub fn is_last_file(&self) -> bool {
        let is_manifest = self.kind_under_way().is_none();
        !self.checkpoint.more && (is_manifest || !self.has_manifest())
    }

    /// Whether this object is the last of the export and whole: all that a mail tells has been recorded before it came into being.
    #[must_use]
    pub fn is_last_object(&self, key: &str, bytes: u64) -> bool {
        let Checkpoint { finishing, bytes: expected, .. } = self.checkpoint;
        finishing && self.is_last_file() && expected == bytes && self.object_key() == key
    }

    /// The files with rows, in order: those that are whole, and the one under way as far as it has come.
    #[must_use]
    pub fn files(&self) -> Vec<FinishedFile> {
        let mut files = self.checkpoint.files.clone();
        files.extend(self.file_under_way());
        files
    }

    /// The file under way as far as it has come; `None` where it has no row, or is the manifest.
    #[must_use]
    pub fn file_under_way(&self) -> Option<FinishedFile> {
        let Checkpoint { rows, bytes, totals, .. } = &self.checkpoint;
        let kind = self.kind_under_way().filter(|_| *rows > 0)?;
        Some(FinishedFile { name: self.name_under_way(), kind, rows: *rows, bytes: *bytes, totals: totals.clone() })
    }

    /// Rows so far, of all files.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.checkpoint.files.iter().map(|file| file.rows).sum::<u64>().saturating_add(self.checkpoint.rows)
    }

    /// Bytes so far, of all files with rows.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let under_way = if self.kind_under_way().is_some() { self.checkpoint.bytes } else { 0 };
        self.checkpoint.files.iter().map(|file| file.bytes).sum::<u64>().saturating_add(under_way)
    }

    /// Sums over the rows so far, of all files.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.checkpoint.totals.clone();
        for file in &self.checkpoint.files {
            totals.merge(&file.totals);
        }
        totals
    }

    /// The manifest: what was asked, and every file with its totals.
    #[must_use]
    pub fn manifest(&self) -> Value {
        json!({
            "export_id": self.export_id,
            "app_token": self.app_token,
            "kinds": self.kinds,
            "start_date": self.start_date,
            "end_date": self.end_date,
            "timezone": self.timezone,
            "format": self.format,
            "as_of": rfc3339(self.as_of),
            "complete_until": self.complete_until.map(rfc3339),
            "rows": self.rows(),
            "bytes": self.bytes(),
            "totals": self.totals().view(),
            "files": self.files().iter().map(FinishedFile::view).collect::<Vec<_>>(),
            "trace_id": self.trace_id,
        })
    }
}

/// The most rows of one file, where there is a limit.
pub(super) fn rows_per_file(format: Format, excel: bool) -> Option<u64> {
    match format {
        Format::Parquet => Some(PARQUET_ROWS),
        Format::Csv | Format::CsvGz => excel.then_some(EXCEL_ROWS),
        Format::JsonlGz => None,
    }
}

impl FinishedFile {
    /// The file as JSON.
    #[must_use]
    pub fn view(&self) -> Value {
        let Self { name, kind, rows, bytes, totals } = self;
        json!({"name": name, "kind": kind, "rows": rows, "bytes": bytes, "totals": totals.view()})
    }
}

/// What the keys of an export's files begin with.
#[must_use]
pub fn files_folder(owner: &str, export_id: &str) -> String {
    format!("exports/{owner}/{export_id}/")
}

/// What the keys of its tails begin with.
#[must_use]
pub fn tails_folder(owner: &str, export_id: &str) -> String {
    format!("tails/{owner}/{export_id}/")
}

/// The owner and export of an object in the export bucket; `None` for any other object.
#[must_use]
pub fn parse_object_key(key: &str) -> Option<(&str, &str)> {
    let mut parts = key.strip_prefix("exports/")?.splitn(3, '/');
    let (owner, export_id, file) = (parts.next()?, parts.next()?, parts.next()?);
    (crate::owner::is_owner_name(owner) && is_export_id(export_id) && !file.is_empty()).then_some((owner, export_id))
}
