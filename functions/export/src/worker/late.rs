//! Counts what came late: rows of the previous run's period that reached the door after its file was written. They are in no file; the mail says how
//! many there are. Counted before the file's own rows are written, and gone on with by the next step where time is up.

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
        if !self.has_file(&held.export.owner, &previous).await? {
            // Nobody shall be told what came after a file that never was.
            return self.settle_late(held, None).await.map(|()| true);
        }
        let kinds = held.export.kinds.clone();
        // Where both were written as of one moment, nothing lies between.
        let kinds: &[Kind] = if previous.as_of < held.export.as_of { &kinds } else { &[] };
        while let Some(kind) = kinds.get(counting.kind) {
            if !self.count_kind(&held.export, *kind, &previous, &mut counting, clock).await? {
                return self.leave_off_counting(held, counting).await.map(|()| false);
            }
            counting = Counting { kind: counting.kind + 1, after: None, rows: counting.rows };
        }
        self.settle_late(held, Some((previous, counting.rows))).await.map(|()| true)
    }

    async fn has_file(&self, owner: &str, previous: &PastRun) -> Result<bool, Halt> {
        let found = store::load(&self.control, owner, &previous.export_id).await?;
        Ok(found.is_some_and(|(export, _)| !matches!(export.status, Status::Failed | Status::Cancelled)))
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
                if activity.received_at > previous.as_of && export.filters.take(&activity) {
                    counting.rows += 1;
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
