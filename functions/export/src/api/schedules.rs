//! `/v1/schedules`: recurring exports are made, shown and ended.

use relay::agenda::{Errand, Recurring};
use relay::audit::{Action, Record};
use relay::control::{Expect, Item, Write};
use relay::export::{export_id, is_export_id};
use relay::fault::{Fault, FaultKind};
use relay::http::Response;
use relay::port::ControlTable;
use relay::schedule::{Count, MAX_SCHEDULES, Schedule, ScheduleRequest, Subscription, partition};
use relay::tenancy;
use serde_json::json;

use super::create::check_envelope;
use super::read::paging;
use super::{Api, Call, Caller, Ports, Refusal, problem};
use crate::dispatch::{committed, list};

/// How often to try again when the same owner makes or deletes others at the same time, or a run writes it.
const MAX_ATTEMPTS: usize = 8;

/// How long the links in mails of a deleted schedule still say that nothing more comes: seconds, a year.
pub(super) const LINKS_KEPT_SECONDS: i64 = 365 * 86_400;

impl<W: Ports> Api<W> {
    pub(super) async fn create_schedule(&self, call: &Call<'_>, caller: &Caller) -> Result<Response, Refusal> {
        let owner = &caller.owner;
        check_envelope(call.request)?;
        let profile = self.profile(owner).await?;
        let request = ScheduleRequest::parse(&call.request.body, &profile).map_err(problem::unusable)?;
        self.check_app(request.app_token(), owner).await?;
        let id = export_id(call.now, call.random);
        let schedule = Schedule::new(request, owner, id, call.now, &call.secret)?;
        let made = caller.did(Action::ScheduleMade, &schedule.schedule_id).with("frequency", schedule.frequency.name());
        self.store_schedule(&schedule, &made).await?;
        let schedule_id = &schedule.schedule_id;
        tracing::info!(
            owner,
            schedule_id,
            trace_id = call.trace_id,
            frequency = schedule.frequency.name(),
            "scheduled"
        );
        let location = format!("/v1/schedules/{schedule_id}");
        Ok(Response::json(201, &schedule.view()).with_header("location", location))
    }

    /// The schedule, its links, its first run's place on the agenda and the record of who made it, all or nothing.
    async fn store_schedule(&self, schedule: &Schedule, made: &Record) -> Result<(), Refusal> {
        let owner = &schedule.owner;
        let Some(due_at) = schedule.next_run_at() else { return Ok(()) };
        for _ in 0..MAX_ATTEMPTS {
            let (count, expect) = self.count_of_schedules(owner).await?;
            if count.schedules >= MAX_SCHEDULES {
                return Err(problem::too_many_schedules().into());
            }
            let one_more = Count { schedules: count.schedules + 1 };
            let mut writes = vec![
                Write::put(Schedule::key(owner, &schedule.schedule_id), schedule, Expect::Absent)?,
                Write::put(Count::key(owner), &one_more, expect)?,
                errand(schedule).put(due_at)?,
                made.write()?,
            ];
            for one in &schedule.subscribers {
                writes.push(Write::put(
                    Subscription::key(&one.token),
                    &Subscription::of(schedule, one),
                    Expect::Absent,
                )?);
            }
            if committed(self.control.commit(&writes).await)? {
                return Ok(());
            }
        }
        Err(written_by_others("the owner's schedules were").into())
    }

    async fn count_of_schedules(&self, owner: &str) -> Result<(Count, Expect), Fault> {
        let found = tenancy::find::<Count>(&self.control, Count::key(owner)).await?;
        Ok(found.map_or((Count::default(), Expect::Absent), |(count, version)| (count, Expect::Version(version))))
    }

    /// Newest first; `next` is the `cursor` of the next page. An owner has few enough to read them all.
    pub(super) async fn list_schedules(&self, call: &Call<'_>, owner: &str) -> Result<Response, Refusal> {
        let (limit, after) = paging(&call.request.query)?;
        let items = list(&self.control, &partition(owner)).await?;
        let is_asked = |item: &&Item| {
            let id = &item.key.sk;
            is_export_id(id) && after.as_ref().is_none_or(|after| id < after)
        };
        let asked: Vec<&Item> = items.iter().rev().filter(is_asked).collect();
        let page = asked.get(..limit).unwrap_or(&asked);
        let next = page.last().filter(|_| page.len() < asked.len()).map(|item| &item.key.sk);
        let shown: Vec<_> = page.iter().filter_map(|item| readable(item)).map(|schedule| schedule.view()).collect();
        Ok(Response::json(200, &json!({"schedules": shown, "next": next})))
    }

    pub(super) async fn one_schedule(&self, owner: &str, id: &str) -> Result<Response, Refusal> {
        let (schedule, _) = self.load_schedule(owner, id).await?;
        Ok(Response::json(200, &schedule.view()))
    }

    /// Ends and forgets it. Exports that it has made stay.
    pub(super) async fn delete_schedule(
        &self,
        call: &Call<'_>,
        caller: &Caller,
        id: &str,
    ) -> Result<Response, Refusal> {
        let owner = &caller.owner;
        for _ in 0..MAX_ATTEMPTS {
            let (mut schedule, version) = self.load_schedule(owner, id).await?;
            let (count, expect) = self.count_of_schedules(owner).await?;
            let one_less = Count { schedules: count.schedules.saturating_sub(1) };
            let mut writes = vec![
                Write::Delete { key: Schedule::key(owner, id), expect: Expect::Version(version) },
                Write::put(Count::key(owner), &one_less, expect)?,
                caller.did(Action::ScheduleRemoved, id).write()?,
            ];
            writes.extend(off_the_agenda(&schedule));
            let forgotten = call.now / 1000 + LINKS_KEPT_SECONDS;
            for one in &schedule.subscribers {
                let (key, kept) = (Subscription::key(&one.token), Subscription::of(&schedule, one));
                writes.push(Write::put_until(key, &kept, Expect::Any, Some(forgotten))?);
            }
            if committed(self.control.commit(&writes).await)? {
                tracing::info!(owner, schedule_id = id, trace_id = call.trace_id, "a schedule was deleted");
                schedule.ended_at.get_or_insert(call.now);
                return Ok(Response::json(200, &schedule.view()));
            }
        }
        Err(written_by_others(&format!("schedule {id} was")).into())
    }

    /// An owner's schedule; a malformed id, an unknown one and another owner's are the same.
    async fn load_schedule(&self, owner: &str, id: &str) -> Result<(Schedule, u64), Refusal> {
        let found = if is_export_id(id) { tenancy::find(&self.control, Schedule::key(owner, id)).await? } else { None };
        found.ok_or_else(|| problem::no_such_schedule().into())
    }
}

/// One that cannot be read keeps nobody from all the others.
fn readable(item: &Item) -> Option<Schedule> {
    item.read().inspect_err(|fault| tracing::error!(%fault, "a schedule is left out of a list")).ok()
}

fn errand(schedule: &Schedule) -> Errand {
    Errand::Run(Recurring { owner: schedule.owner.clone(), schedule_id: schedule.schedule_id.clone() })
}

/// The write that takes its next run off the agenda. A dispatcher that has taken it just now finds no schedule.
pub(super) fn off_the_agenda(schedule: &Schedule) -> Option<Write> {
    let key = errand(schedule).key(schedule.next_run_at()?);
    Some(Write::Delete { key, expect: Expect::Any })
}

pub(super) fn written_by_others(what: &str) -> Fault {
    Fault::new(FaultKind::Unavailable, "control:Commit", format!("{what} written by others each time"))
}
