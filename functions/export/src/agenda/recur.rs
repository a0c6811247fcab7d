//! Makes the runs of a schedule that are due: each an export in the queue, under an id that follows from the schedule and the period.
//!
//! A run's export, its place in line and the schedule's way on are one commit: whoever dies, and however many are at it, a run is made once.

use relay::agenda::{Errand, Recurring, Taken};
use relay::audit::{Actor, Who};
use relay::control::{CommitError, Expect, Write};
use relay::export::{Asked, Export, ExportRequest, Failure, RequestError, store};
use relay::fault::Fault;
use relay::owner::Owner;
use relay::port::{ControlTable, Hooks, Leavings};
use relay::schedule::{MAX_RUNS_A_TICK, PastRun, Run, Schedule};
use relay::tenancy;

use super::{Agenda, Outcome};
use crate::dispatch::committed;
use crate::queue::seated;

/// After how long a run that found every seat of its owner's taken is tried again: milliseconds. The next tick, that is.
const RETRY_MS: i64 = 30_000;

/// What a look at a schedule led to.
enum Step {
    /// A run has its export.
    Made,
    /// A run was skipped, or failed, or somebody else was quicker: look again.
    Again,
    /// No seat is free.
    NoSeat,
}

impl<C: ControlTable, F: Leavings, H: Hooks> Agenda<'_, C, F, H> {
    /// Makes the runs that are due, and puts the next one on the agenda.
    pub(super) async fn recur(&self, taken: &Taken, recurring: Recurring, now: i64) -> Result<Outcome, Fault> {
        let (made, next) = self.due_runs(&recurring, now).await?;
        let again = Errand::Run(recurring);
        self.settle(taken, next.map(|due_at| (&again, due_at))).await?;
        Ok(Outcome::Ran(made))
    }

    /// How many runs were made, and when the next one is due; `None` once there is none.
    async fn due_runs(&self, of: &Recurring, now: i64) -> Result<(usize, Option<i64>), Fault> {
        let mut made = 0;
        for _ in 0..MAX_RUNS_A_TICK {
            let key = Schedule::key(&of.owner, &of.schedule_id);
            let Some((schedule, version)) = tenancy::find::<Schedule>(self.control, key).await? else {
                return Ok((made, None));
            };
            match schedule.next_run_at() {
                Some(due_at) if due_at <= now => {}
                not_yet => return Ok((made, not_yet)),
            }
            match self.next_run(schedule, version, now).await? {
                Step::Made => made += 1,
                Step::Again => {}
                Step::NoSeat => return Ok((made, Some(now.saturating_add(RETRY_MS)))),
            }
        }
        // More may be due: the next tick goes on.
        Ok((made, Some(now)))
    }

    async fn next_run(&self, schedule: Schedule, version: u64, now: i64) -> Result<Step, Fault> {
        let mut ahead = schedule.clone();
        let made = match tenancy::owner(self.control, &schedule.owner).await? {
            None => Err(failure("no_owner", "You are no longer registered.".to_owned())),
            Some(profile) if ahead.skip_past_retention(profile.retention_days, now)? => {
                return self.go_on(&ahead, version).await;
            }
            Some(profile) => self.export(&schedule, &profile, now).await?,
        };
        let export = match made {
            Ok(export) => export,
            Err(Failure { code, detail }) => {
                tracing::warn!(
                    owner = schedule.owner,
                    schedule_id = schedule.schedule_id,
                    code,
                    "a run makes no export"
                );
                ahead.fail_run(&code, detail, now)?;
                return self.go_on(&ahead, version).await;
            }
        };
        ahead.made(past_run(&export))?;
        let actor = Actor { who: Who::Relay, at: now, trace_id: export.trace_id.clone() };
        let Some(queueing) = seated(self.control, &export, &actor, export.export_id.as_bytes()).await? else {
            return Ok(Step::NoSeat);
        };
        let writes: Vec<Write> = queueing.into_iter().chain([replace(&ahead, version)?]).collect();
        match self.control.commit(&writes).await {
            Ok(()) => {
                let (owner, export_id) = (&export.owner, &export.export_id);
                tracing::info!(owner, export_id, schedule_id = schedule.schedule_id, "a run is queued");
                Ok(Step::Made)
            }
            Err(CommitError::Conflict(_)) => self.overtaken(schedule, version, &export).await,
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    /// Somebody took the seat or wrote the schedule; or the run was made before, and a schedule restored from a copy does not know.
    async fn overtaken(&self, mut schedule: Schedule, version: u64, export: &Export) -> Result<Step, Fault> {
        let Some((there, _)) = store::load(self.control, &export.owner, &export.export_id).await? else {
            return Ok(Step::Again);
        };
        schedule.made(past_run(&there))?;
        self.go_on(&schedule, version).await
    }

    /// Writes the schedule; that somebody else has written it is found out by looking again.
    async fn go_on(&self, schedule: &Schedule, version: u64) -> Result<Step, Fault> {
        committed(self.control.commit(&[replace(schedule, version)?]).await)?;
        Ok(Step::Again)
    }

    /// The export of the next run, or why there can be none.
    async fn export(&self, schedule: &Schedule, profile: &Owner, now: i64) -> Result<Result<Export, Failure>, Fault> {
        let request = match schedule.export_request(profile, schedule.next_period()?) {
            Ok(request) => request,
            Err(error) => return Ok(Err(failure("invalid_request", words(&error)))),
        };
        let (owner, app_token) = (&profile.owner, &request.app_token);
        let app = tenancy::app(self.control, app_token).await?;
        if app.is_none_or(|app| app.owner != *owner) {
            let detail = format!("{app_token} is no longer registered as an app of yours.");
            return Ok(Err(failure("foreign_app", detail)));
        }
        let received_since = tenancy::received_since(self.control, app_token, owner).await?;
        Ok(Ok(Export { received_since, ..export_of(schedule, request, profile, now) }))
    }
}

fn export_of(schedule: &Schedule, request: ExportRequest, profile: &Owner, now: i64) -> Export {
    let export_id = schedule.next_export_id();
    let run = Run {
        schedule_id: schedule.schedule_id.clone(),
        frequency: schedule.frequency,
        // A run before that made no export has no file to which rows could come late.
        previous: schedule.last_run.clone().filter(|run| run.to == schedule.next.start),
        late: None,
        counting: relay::schedule::Counting::default(),
        subscribers: schedule.subscribers.clone(),
    };
    // Nobody called who could be told a trace id: the export's own serves.
    let trace_id = export_id.clone();
    let asked =
        Asked { owner: profile.owner.clone(), retention_days: profile.retention_days, now, export_id, trace_id };
    Export { run: Some(run), ..Export::new(request, asked) }
}

fn past_run(export: &Export) -> PastRun {
    let Export { export_id, from, to, as_of, .. } = export;
    PastRun { export_id: export_id.clone(), from: *from, to: *to, as_of: *as_of }
}

fn replace(schedule: &Schedule, version: u64) -> Result<Write, Fault> {
    Write::put(Schedule::key(&schedule.owner, &schedule.schedule_id), schedule, Expect::Version(version))
}

fn failure(code: &str, detail: String) -> Failure {
    Failure { code: code.to_owned(), detail }
}

/// What was usable when it was asked for, and is not any more.
fn words(error: &RequestError) -> String {
    match error {
        RequestError::Malformed(detail) => detail.clone(),
        RequestError::Invalid(errors) => {
            let told: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect();
            format!("The request can no longer be carried out: {}.", told.join("; "))
        }
    }
}
