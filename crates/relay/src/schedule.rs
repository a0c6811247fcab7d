//! A recurring export: a request without dates, and when it runs.
//!
//! A run covers the period that has ended last, from where the run before it ended. Its export's id follows from the schedule and the period: a run that
//! was missed is caught up, and one that was made is there already.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::control::Key;
use crate::export::{Failure, export_id};
use crate::fault::{Fault, FaultKind};
use crate::owner::kept_since;
use crate::period::{Frequency, Period, Zone, rfc3339};

pub mod page;
mod request;
mod run;
mod subscriber;
#[cfg(test)]
mod tests;

pub use request::{DEFAULT_DELAY_MINUTES, MAX_DELAY_MINUTES, ScheduleRequest};
pub use run::{Counting, PastRun, Run, has_left};
pub use subscriber::{Subscriber, Subscription, is_token};

/// The most schedules of one owner: each is an export every hour at the most, and all are listed at once.
pub const MAX_SCHEDULES: u32 = 50;

/// The most runs of one schedule that a tick catches up: a day of hours. The next tick goes on.
pub const MAX_RUNS_A_TICK: usize = 24;

const MINUTE_MS: i64 = 60_000;

/// A schedule as stored: item `schedule#{owner}` / `{schedule_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Names it; made as an export's id is.
    pub schedule_id: String,
    /// Whose it is.
    pub owner: String,
    /// How often it runs, and how long its periods are.
    pub frequency: Frequency,
    /// How long after a period's end it runs: minutes. What comes later than that is counted by the next run.
    pub delay_minutes: u16,
    /// The IANA zone of its periods.
    pub timezone: String,
    /// The request of each run as it was asked for and found usable, but for dates and addresses.
    pub request: Map<String, Value>,
    /// Who gets the mails; those who no longer want them are not here any more.
    pub subscribers: Vec<Subscriber>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// The period of the next run: milliseconds since the epoch. Stored, so that a newer zone database leaves no gap and makes no overlap.
    pub next: Range<i64>,
    /// The last run that made an export.
    pub last_run: Option<PastRun>,
    /// The last run that made none.
    pub last_error: Option<RunError>,
    /// When its last subscriber left: milliseconds since the epoch. It does not run any more.
    pub ended_at: Option<i64>,
}

/// Why a run made no export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// What went wrong.
    #[serde(flatten)]
    pub failure: Failure,
    /// When: milliseconds since the epoch.
    pub at: i64,
    /// The period that has no file: milliseconds since the epoch.
    pub period: Range<i64>,
}

/// How many schedules an owner has: item `schedule#{owner}` / `count`. Written in the commits that make and delete one, so that no number of requests
/// at the same time makes more than [`MAX_SCHEDULES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Schedules, ended ones included.
    pub schedules: u32,
}

impl Count {
    /// Where it stands. No schedule's id reads so.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(partition(owner), "count")
    }
}

/// The partition of an owner's schedules; sort keys are their ids, so descending is newest first.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("schedule#{owner}")
}

impl Schedule {
    /// A new schedule. Its first run is the first that becomes due after `now`; `secret` makes the addresses' tokens.
    pub fn new(request: ScheduleRequest, owner: &str, id: String, now: i64, secret: &[u8; 32]) -> Result<Self, Fault> {
        let ScheduleRequest { frequency, delay_minutes, zone, emails, members } = request;
        let next = frequency.around(&zone, now.saturating_sub(i64::from(delay_minutes) * MINUTE_MS));
        let subscribers = emails.into_iter().map(|email| Subscriber::new(email, &id, secret)).collect();
        Ok(Self {
            schedule_id: id,
            owner: owner.to_owned(),
            frequency,
            delay_minutes,
            timezone: zone.name().to_owned(),
            request: members,
            subscribers,
            created_at: now,
            next: next.ok_or_else(out_of_years)?,
            last_run: None,
            last_error: None,
            ended_at: None,
        })
    }

    /// Where a schedule stands.
    #[must_use]
    pub fn key(owner: &str, schedule_id: &str) -> Key {
        Key::new(partition(owner), schedule_id)
    }

    /// When the next run is due: milliseconds since the epoch. `None` once it has ended.
    #[must_use]
    pub fn next_run_at(&self) -> Option<i64> {
        self.ended_at.is_none().then(|| self.due_at())
    }

    fn due_at(&self) -> i64 {
        self.next.end.saturating_add(i64::from(self.delay_minutes) * MINUTE_MS)
    }

    /// The id of the next run's export: when it is due, and what nobody else's run has.
    #[must_use]
    pub fn next_export_id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // Both are of one length: no two runs read the same.
        hasher.update(self.schedule_id.as_bytes()).update(&self.next.start.to_le_bytes());
        let hash = hasher.finalize();
        export_id(self.due_at(), hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// The period of the next run.
    pub fn next_period(&self) -> Result<Period, Fault> {
        Period::between(self.zone()?, self.next.clone()).ok_or_else(out_of_years)
    }

    /// Goes on to the period behind the next run's.
    pub fn move_on(&mut self) -> Result<(), Fault> {
        let from = self.next.end;
        let period = self.frequency.around(&self.zone()?, from).ok_or_else(out_of_years)?;
        self.next = from..period.end;
        Ok(())
    }

    /// Goes on over the runs whose whole period is past the owner's retention at `now`, and says so. Whether there were any.
    pub fn skip_past_retention(&mut self, retention_days: u16, now: i64) -> Result<bool, Fault> {
        let kept_since = kept_since(retention_days, now);
        if self.next.end > kept_since {
            return Ok(false);
        }
        let first = self.frequency.around(&self.zone()?, kept_since).ok_or_else(out_of_years)?;
        let skipped = self.next.start..first.start.max(self.next.end);
        self.next = skipped.end..first.end;
        let detail = format!(
            "No run for {} to {}: when it could have been made, activities of that time were past their retention of {retention_days} days.",
            rfc3339(skipped.start),
            rfc3339(skipped.end)
        );
        self.note("past_retention", detail, now, skipped);
        Ok(true)
    }

    /// Notes that the next run made no export, and goes on.
    pub fn fail_run(&mut self, code: &str, detail: impl Into<String>, now: i64) -> Result<(), Fault> {
        self.note(code, detail.into(), now, self.next.clone());
        self.move_on()
    }

    fn note(&mut self, code: &str, detail: String, at: i64, period: Range<i64>) {
        self.last_error = Some(RunError { failure: Failure { code: code.to_owned(), detail }, at, period });
    }

    /// Notes the export of the next run, and goes on.
    pub fn made(&mut self, run: PastRun) -> Result<(), Fault> {
        self.last_run = Some(run);
        self.move_on()
    }

    fn zone(&self) -> Result<Zone, Fault> {
        Zone::named(&self.timezone).ok_or_else(|| {
            let detail = format!("schedule {}: no zone {}", self.schedule_id, self.timezone);
            Fault::new(FaultKind::Denied, "control:Read", detail)
        })
    }

    /// The schedule as JSON: times in RFC 3339, UTC. What was asked stands in it in the shape in which it was asked.
    #[must_use]
    pub fn view(&self) -> Value {
        let asked = |name: &str| self.request.get(name).cloned().unwrap_or(Value::Null);
        let next = self.next_run_at();
        let period = |period: &Range<i64>| json!({"from": rfc3339(period.start), "to": rfc3339(period.end)});
        let error = |error: &RunError| {
            let Failure { code, detail } = &error.failure;
            json!({"code": code, "detail": detail, "at": rfc3339(error.at), "period": period(&error.period)})
        };
        json!({
            "schedule_id": self.schedule_id,
            "status": if next.is_some() { "active" } else { "ended" },
            "frequency": self.frequency.name(),
            "delay_minutes": self.delay_minutes,
            "timezone": self.timezone,
            "app_token": asked("app_token"),
            "kind": asked("kind"),
            "email": self.emails(),
            "language": self.request.get("language").cloned().unwrap_or_else(|| json!("en")),
            "format": self.request.get("format").cloned().unwrap_or_else(|| json!("csv")),
            "columns": asked("columns"),
            "filters": self.request.get("filters").cloned().unwrap_or_else(|| json!({})),
            "excel": self.request.get("excel").cloned().unwrap_or(Value::Bool(false)),
            "created_at": rfc3339(self.created_at),
            "next_run_at": next.map(rfc3339),
            "next_period": next.map(|_| period(&self.next)),
            "last_run": self.last_run.as_ref().map(PastRun::view),
            "last_error": self.last_error.as_ref().map(error),
            "ended_at": self.ended_at.map(rfc3339),
        })
    }

    /// The addresses as a member of a request or answer: one alone stands for itself.
    #[must_use]
    pub fn emails(&self) -> Value {
        match self.subscribers.as_slice() {
            [one] => json!(one.email),
            several => several.iter().map(|one| json!(one.email)).collect(),
        }
    }
}

fn out_of_years() -> Fault {
    Fault::new(FaultKind::Denied, "control:Read", "a schedule's period lies outside the calendar's years")
}
