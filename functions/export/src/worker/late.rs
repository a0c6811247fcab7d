//! Counts what came late: rows of the previous run's period that are not in its file. They are in no file; the mail says how many there are. Counted
//! before the file's own rows are written, and gone on with by the next step where time is up.
//!
//! Most reached the door after that file's `as_of`. Others had reached it before, but were no pages yet when the file was written: the stream was behind,
//! or they were replayed since. Those are found by what the file lacks of all rows that there are now.

use relay::activity::Kind;
use relay::erase::Erased;
use relay::export::{Export, Status, store};
use relay::page::largest_shards;
use relay::port::{Backlog, ControlTable, ExportFiles, Leavings, PageStore, Tails};
use relay::reader::{Reader, Selection};
use relay::schedule::{Counting, PastRun};

use super::{Clock, Halt, Held, StepError, Worker};

impl<C: ControlTable, P: PageStore, F: ExportFiles + Tails + Leavings, B: Backlog> Worker<C, P, F, B> {
    /// Whether they are counted, or need not be; `false` when time is up.
    pub(super) async fn count_late(&self, held: &mut Held, clock: &Clock<impl Fn() -> i64>) -> Result<bool, Halt> {
        let Some(run) = held.export.run.as_ref().filter(|run| run.late.is_none()) else { return Ok(true) };
        let Some(previous) = run.previous.clone() else { return Ok(true) };
        let mut counting = run.counting.clone();
        let Some(past) = self.with_file(&held.export.owner, &previous).await? else {
            // Nobody shall be told what came after a file that never was.
            return self.settle_late(held, None).await.map(|()| true);
        };
        let kinds = held.export.kinds.clone();
        // Where both were written as of one moment, up to which the first is complete, nothing lies between.
        let is_between = previous.as_of < held.export.as_of || past.complete_until < Some(previous.as_of);
        let kinds: &[Kind] = if is_between { &kinds } else { &[] };
        while let Some(kind) = kinds.get(counting.kind) {
            if !self.count_kind(&held.export, *kind, &previous, &mut counting, clock).await? {
                return self.leave_off_counting(held, counting).await.map(|()| false);
            }
            counting = Counting { kind: counting.kind + 1, after: None, ..counting };
        }
        let missing = missing(&past, &counting);
        self.settle_late(held, Some((previous, missing))).await.map(|()| true)
    }

    /// The previous run's export, unless it came to no file.
    async fn with_file(&self, owner: &str, previous: &PastRun) -> Result<Option<Export>, Halt> {
        let found = store::load(&self.control, owner, &previous.export_id).await?;
        let export = found.map(|(export, _)| export);
        Ok(export.filter(|export| !matches!(export.status, Status::Failed | Status::Cancelled)))
    }

    /// Counts on to the end of the kind (`true`) or until time is up.
    async fn count_kind(
        &self,
        export: &Export,
        kind: Kind,
        previous: &PastRun,
        counting: &mut Counting,
        clock: &Clock<impl Fn() -> i64>,
    ) -> Result<bool, Halt> {
        let wrong = |id: &String| StepError::Invalid(format!("{id} is no activity's id"));
        let after = counting.after.as_ref().map(|(at, id)| id.parse().map(|id| (*at, id)).map_err(|_| wrong(id)));
        let shards = largest_shards(&self.control).await?;
        let erased = Erased::load(&self.control, &export.owner).await?;
        let read = export.selection(kind, shards, after.transpose()?, &erased);
        let selection = Selection { from: previous.from, to: previous.to, ..read };
        let mut reader = Reader::new(&self.pages, selection);
        while !clock.is_over() {
            let Some(minute) = reader.next().await.map_err(StepError::from)? else { return Ok(true) };
            for activity in minute.iter() {
                let activity = activity.map_err(StepError::from)?;
                counting.after = Some((activity.created_at, activity.activity_id.to_string()));
                if export.filters.take(&activity) {
                    counting.all += 1;
                    counting.rows += u64::from(activity.received_at > previous.as_of);
                }
            }
        }
        Ok(false)
    }

    async fn leave_off_counting(&self, held: &mut Held, counting: Counting) -> Result<(), Halt> {
        let Some(run) = &mut held.export.run else { return Ok(()) };
        if run.counting == counting {
            return self.count_idle_step(held).await;
        }
        run.counting = counting;
        held.export.idle_steps = 0;
        self.save(held).await
    }

    /// Records that counting is over: so many rows came late for this run's file, or there is none.
    async fn settle_late(&self, held: &mut Held, counted: Option<(PastRun, u64)>) -> Result<(), Halt> {
        let Some(run) = &mut held.export.run else { return Ok(()) };
        run.counting = Counting::default();
        held.has_moved |= counted.is_some();
        (run.previous, run.late) = counted.unzip();
        held.export.idle_steps = 0;
        self.save(held).await
    }
}

/// How many rows there are now that the previous file lacks. Where that is still being written, or retention has hidden rows of it since, the rows that
/// came after its `as_of` at least.
fn missing(past: &Export, counting: &Counting) -> u64 {
    let is_written = matches!(past.status, Status::Done | Status::Empty);
    let lacks = if is_written { counting.all.saturating_sub(past.rows()) } else { 0 };
    lacks.max(counting.rows)
}
