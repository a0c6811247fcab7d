//! What an export knows of the schedule that made it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Schedule, Subscriber};
use crate::export::Export;
use crate::fault::Fault;
use crate::period::{Frequency, rfc3339};
use crate::port::ControlTable;
use crate::tenancy::find;

/// The run of a schedule, kept in its export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which schedule.
    pub schedule_id: String,
    /// How long the period is.
    pub frequency: Frequency,
    /// The run whose period ends where this one's begins, if it made an export.
    pub previous: Option<PastRun>,
    /// How many rows of the previous run's period are not in its file, though they had come by this one's `as_of`; `None` before they are counted, and
    /// where there is no previous file.
    pub late: Option<u64>,
    /// How far they have been counted.
    pub counting: Counting,
    /// Who gets a mail, and by which token each may leave.
    pub subscribers: Vec<Subscriber>,
}

impl Run {
    /// The token by which this address leaves the schedule.
    #[must_use]
    pub fn token(&self, email: &str) -> Option<&str> {
        self.subscribers.iter().find(|one| one.email == email).map(|one| one.token.as_str())
    }
}

/// Whether an address has left the schedule since this export of it was made. Where the schedule itself is gone nobody has left it: what was in line goes out.
pub async fn has_left(control: &impl ControlTable, export: &Export, email: &str) -> Result<bool, Fault> {
    let Some((run, token)) = export.run.as_ref().and_then(|run| Some((run, run.token(email)?))) else {
        return Ok(false);
    };
    let found = find::<Schedule>(control, Schedule::key(&export.owner, &run.schedule_id)).await?;
    Ok(found.is_some_and(|(schedule, _)| schedule.subscribers.iter().all(|one| one.token != token)))
}

/// How far the late rows have been counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// The index of the kind under way.
    pub kind: usize,
    /// The last row of it that was looked at: `created_at` and `activity_id`.
    pub after: Option<(i64, String)>,
    /// Rows so far that reached the door after the previous file's `as_of`.
    pub rows: u64,
    /// All rows so far.
    #[serde(default)]
    pub all: u64,
}

/// A run that made an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// Its export.
    pub export_id: String,
    /// The first moment of its period: milliseconds since the epoch.
    pub from: i64,
    /// The first moment after it.
    pub to: i64,
    /// What reached the door later is not in its file: milliseconds since the epoch.
    pub as_of: i64,
}

impl PastRun {
    /// The run as JSON.
    #[must_use]
    pub fn view(&self) -> Value {
        let period = json!({"from": rfc3339(self.from), "to": rfc3339(self.to)});
        json!({"export_id": self.export_id, "as_of": rfc3339(self.as_of), "period": period})
    }
}
