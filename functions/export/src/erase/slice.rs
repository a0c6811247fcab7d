//! One slice of an owner's pass: from the job's place to the end of the way, or of the time.

use std::pin::pin;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use relay::audit::{Action, Actor, Who};
use relay::control::{CommitError, Expect, Write};
use relay::erase::{Erased, Job, Ledger, Pass};
use relay::fault::Fault;
use relay::page::{PageDay, Unpacker};
use relay::port::{ControlTable, PageEdits, PageListing, PageStore, SortRange};
use relay::tenancy;

use super::edit::Editor;
use super::way::{Way, behind};
use crate::dispatch::committed;

/// After how long the place is written down: milliseconds. As much is done again where a process dies.
const CHECKPOINT_MS: i64 = 5_000;

/// How many partitions are asked ahead. Most days of most apps hold nothing: the way is a matter of calls, not of bytes. Each answer may have 1 MiB, in a
/// function of 256 MB.
const LISTS_AT_ONCE: usize = 8;

/// A slice under way.
pub(super) struct Slice<'a, C> {
    control: &'a C,
    owner: &'a str,
    erased: Arc<Erased>,
    job: Job,
    version: u64,
    /// How many activities it has taken out.
    pub(super) rows: u64,
    /// Whether there is a pass to carry on at all.
    pub(super) is_pass: bool,
}

/// How far a slice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// To the pass's end; or there was none to carry on.
    End,
    /// Another slice goes on.
    TimeUp,
    /// A rival has written the job: it goes on.
    Overtaken,
}

impl<'a, C: ControlTable> Slice<'a, C> {
    /// Goes on with the owner's pass, or begins one where there is something to do; `None` where a rival did so at the same moment.
    pub(super) async fn begin(control: &'a C, owner: &'a str, now: i64) -> Result<Option<Self>, Fault> {
        let mut erased = Erased::default();
        let ledger = erased.catch_up(control, owner).await?;
        let found = tenancy::find::<Job>(control, Job::key(owner)).await?;
        let (job, expect) =
            found.map_or((Job::default(), Expect::Absent), |(job, version)| (job, Expect::Version(version)));
        let version = if let Expect::Version(version) = expect { version } else { 0 };
        let erased = Arc::new(erased);
        let mut slice = Self { control, owner, erased, job, version, rows: 0, is_pass: true };
        if slice.job.pass.is_some() {
            return Ok(Some(slice));
        }
        let Some((mut ledger, ledger_version)) =
            ledger.filter(|(ledger, _)| slice.job.is_due(ledger.last, ledger.due_at, now))
        else {
            slice.is_pass = false;
            return Ok(Some(slice));
        };
        let days = Way::plan(control, owner, &slice.erased, now).await?.days();
        slice.job.pass = Some(Pass { began_at: now, through: slice.erased.through(), days, ..Pass::default() });
        // What is erased from here on puts an entry of its own on the agenda.
        ledger.due_at = None;
        let writes = [
            Write::put(Job::key(owner), &slice.job, expect)?,
            Write::put(Ledger::key(owner), &ledger, Expect::Version(ledger_version))?,
        ];
        if !committed(control.commit(&writes).await)? {
            return Ok(None);
        }
        slice.version = expect.next_version();
        Ok(Some(slice))
    }

    /// Carries the pass on.
    pub(super) async fn carry_on(
        &mut self,
        pages: &(impl PageStore + PageEdits),
        now: impl Fn() -> i64,
        slice_ends: i64,
    ) -> Result<Reached, Fault> {
        let Some(mut pass) = self.job.pass.clone() else { return Ok(Reached::End) };
        let before = pass.rows;
        let reached = self.walk(pages, &mut pass, &now, slice_ends).await;
        self.rows = pass.rows - before;
        let reached = reached?;
        if reached == Reached::Overtaken {
            return Ok(reached);
        }
        self.job.pass = Some(pass);
        let mut beside = Vec::new();
        if reached == Reached::End {
            self.job.end_pass(now());
            beside.extend(self.told(now())?);
        }
        Ok(if self.save(beside).await? { reached } else { Reached::Overtaken })
    }

    /// When the owner's pages are swept next: milliseconds since the epoch; `None` where there is nothing more to do.
    pub(super) fn next_sweep(&self) -> Option<i64> {
        self.job.next_sweep()
    }

    async fn walk(
        &mut self,
        pages: &(impl PageStore + PageEdits),
        pass: &mut Pass,
        now: &impl Fn() -> i64,
        slice_ends: i64,
    ) -> Result<Reached, Fault> {
        let erased = Arc::clone(&self.erased);
        let planned_at = now();
        let way = Way::plan(self.control, self.owner, &erased, pass.began_at).await?;
        // A token may move while the slice is at work: what came since it looked whose the tokens are is left to the sweep.
        let is_erased = |head: &relay::avro::Head<'_>, datum: &[u8]| {
            let is_owners = head.received_at <= planned_at && way.holds(head.app_token, head.received_at);
            Ok(is_owners && erased.covers(head.created_at, datum)?)
        };
        let mut editor = Editor { pages, is_erased, unpacker: Unpacker::default() };
        let began_from = pass.place.clone();
        let lists = stream::iter(way.from(began_from.as_ref())).map(async |(day, after)| {
            let listing = list(pages, &day, after.as_deref()).await;
            (day, listing)
        });
        let mut lists = pin!(lists.buffered(LISTS_AT_ONCE));
        let mut saved_at = now();
        while let Some((day, listing)) = lists.next().await {
            let mut listing = listing?;
            loop {
                let last = listing.next.take();
                editor.edit(&day, listing.pages, pass).await?;
                let place = behind(&day, last.as_deref());
                pass.days_done = way.days_before(&place);
                pass.place = Some(place);
                if now() >= slice_ends {
                    return Ok(Reached::TimeUp);
                }
                if now().saturating_sub(saved_at) >= CHECKPOINT_MS {
                    self.job.pass = Some(pass.clone());
                    if !self.save(Vec::new()).await? {
                        return Ok(Reached::Overtaken);
                    }
                    saved_at = now();
                }
                let Some(next) = last else { break };
                listing = list(pages, &day, Some(&next)).await?;
            }
        }
        pass.days_done = pass.days;
        Ok(Reached::End)
    }

    /// Writes the job down, and what is written beside; `false` where a rival has: then its pages are the rival's, too.
    async fn save(&mut self, beside: Vec<Write>) -> Result<bool, Fault> {
        let mut writes = vec![Write::put(Job::key(self.owner), &self.job, Expect::Version(self.version))?];
        writes.extend(beside);
        match self.control.commit(&writes).await {
            Ok(()) => {
                self.version += 1;
                Ok(true)
            }
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    /// Tells of the pass that is over, in the log and for the audit.
    fn told(&self, now: i64) -> Result<Option<Write>, Fault> {
        let (owner, Some(pass)) = (self.owner, &self.job.last) else { return Ok(None) };
        let Pass { through, began_at, pages, changed, rows, unreadable, .. } = *pass;
        tracing::info!(owner, through, pages, changed, rows, unreadable, "a pass over an owner's pages is over");
        let actor = Actor { who: Who::Relay, at: now, trace_id: format!("erase-{through}-{began_at}") };
        let record = actor.did(Action::EraseEnded, owner, &through.to_string()).with("rows", rows);
        record.write().map(Some)
    }
}

async fn list(pages: &impl PageStore, day: &PageDay, after: Option<&str>) -> Result<PageListing, Fault> {
    pages.list(day, SortRange { from: "0000", to: "2400", after }, None).await
}
