//! An export's own way, by what is stored in it. Pure.

use relay::audit::domain;
use relay::export::{Export, NoticeState, Status};
use relay::webhook::DeliveryStatus;

use super::view::{Event, Trace, private};

impl Trace {
    /// Takes an export for what is traced.
    pub(super) fn tell_export(&mut self, export: &Export) {
        self.is = format!("export {} of owner {}: {}", export.export_id, export.owner, export.status.name());
        self.events.extend(asked(export));
        self.events.extend(read(export));
        self.events.extend(ended(export));
        for (index, email) in export.emails.iter().enumerate() {
            let whom = format!("mail {} of {} (to {})", index + 1, export.emails.len(), domain(email));
            if let Some(notice) = export.notice_to(email) {
                self.events.extend(mailed(&whom, notice));
            }
        }
    }
}

fn event(at: i64, what: String) -> Event {
    Event::new(at, "export", what)
}

fn asked(export: &Export) -> Vec<Event> {
    let kinds: Vec<&str> = export.kinds.iter().map(|kind| kind.name()).collect();
    let what = format!(
        "asked for, and queued: {} of app {}, {} to {} ({}), as {}; trace id {}",
        kinds.join(" and "),
        export.app_token,
        export.start_date,
        export.end_date,
        export.timezone,
        export.format.name(),
        export.trace_id,
    );
    let mut events = vec![event(export.as_of, what)];
    if let Some(run) = &export.run {
        events.push(event(export.as_of, format!("as a run of schedule {}", run.schedule_id)));
    }
    events.extend(export.started_at.map(|at| event(at, "got its slot".to_owned())));
    events
}

/// How far reading has come, told beside the end or, before it, beside the start.
fn read(export: &Export) -> Option<Event> {
    let started_at = export.started_at?;
    let at = export.finished_at.unwrap_or(started_at);
    let mut parts = vec![format!("read in {} steps: {} rows, {} bytes", export.steps, export.rows(), export.bytes())];
    if export.status == Status::Running {
        let (kind, behind) = (export.checkpoint.kind + 1, export.checkpoint.parts);
        parts.push(format!("the checkpoint is in kind {kind} of {}, behind {behind} parts", export.kinds.len()));
    }
    if export.idle_steps > 0 {
        parts.push(format!("the last {} steps moved nothing", export.idle_steps));
    }
    if export.lost_executions > 0 {
        parts.push(format!("{} executions ended before it did", export.lost_executions));
    }
    parts.extend(export.files().iter().map(|file| format!("{} ({} rows)", file.name, file.rows)));
    Some(event(at, parts.join("; ")))
}

fn ended(export: &Export) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(at) = export.finished_at {
        let why = export.error.as_ref().map(|error| format!(", {}: {}", error.code, private(&error.detail)));
        let complete = match export.complete_until {
            _ if export.status != Status::Done && export.status != Status::Empty => String::new(),
            Some(until) => format!(", complete up to {}", relay::period::rfc3339_millis(until)),
            None => ", and up to when it is complete is not known".to_owned(),
        };
        events.push(event(at, format!("{}{}{complete}", export.status.name(), why.unwrap_or_default())));
    }
    events.extend(export.link_expires_at.map(|at| event(at, "the last link that was made ends".to_owned())));
    events.extend(export.link_mailed_at.map(|at| event(at, "a fresh link was mailed".to_owned())));
    events.extend(export.file_deleted_at.map(|at| event(at, "its owner had its files deleted".to_owned())));
    if let Some(delivery) = &export.webhook {
        let state = match delivery.status {
            DeliveryStatus::Pending => "was not taken yet and is tried again",
            DeliveryStatus::Delivered => "was taken",
            DeliveryStatus::Failed => "was given up",
        };
        let (attempts, last) = (delivery.attempts, private(&delivery.last));
        let at = export.finished_at.unwrap_or(export.as_of);
        events.push(event(at, format!("webhook {state}, after {attempts} attempts: {last}")));
    }
    events
}

fn mailed(whom: &str, notice: &NoticeState) -> Vec<Event> {
    let mut events = vec![event(notice.claimed_at, format!("{whom}: claimed by a notify"))];
    events.extend(notice.sent_at.map(|at| event(at, format!("{whom}: handed to SES"))));
    if let Some(reason) = &notice.refused {
        let at = notice.sent_at.unwrap_or(notice.claimed_at);
        events.push(event(at, format!("{whom}: did not arrive: {}", private(reason))));
    }
    events
}

#[cfg(test)]
pub(super) mod tests;
