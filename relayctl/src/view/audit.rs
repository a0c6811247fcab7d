//! Records of what was done.

use relay::audit::Record;
use relay::period::rfc3339;
use serde::Serialize;

use super::buckets::listed;
use super::plain;

/// A record, with the id that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecordView {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) record: Record,
}

/// Records, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Records {
    pub(crate) records: Vec<RecordView>,
    /// What `--before` goes on with; none at the end.
    pub(crate) next: Option<String>,
}

impl RecordView {
    pub(crate) fn new(record: Record) -> Self {
        Self { id: record.id(), record }
    }

    fn row(&self) -> Vec<String> {
        let Record { owner, at, who, action, subject, details, .. } = &self.record;
        let details: Vec<String> = details.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cells = [who, action, subject, &details.join(" ")].map(|text| plain(text));
        [rfc3339(*at), owner.clone()].into_iter().chain(cells).collect()
    }
}

impl Records {
    pub(super) fn text(&self) -> String {
        let rows: Vec<_> = self.records.iter().map(RecordView::row).collect();
        let head = ["when", "owner", "who", "what", "which", "details"];
        listed("nothing is recorded there\n", &head, head.len(), rows, self.next.as_deref())
    }
}
