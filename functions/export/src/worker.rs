//! The worker: one step of an export's execution. It reads on from the checkpoint, writes rows into parts of a multipart upload, and either ends
//! the export or leaves the rest to the next step.
//!
//! **Invariant**: the checkpoint in the table is always behind or at what the upload's parts hold, so a step that dies costs time and
//! nothing else; the file's bytes depend only on the pages.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use relay::activity::Kind;
use relay::control::CommitError;
use relay::erase::Erased;
use relay::export::{Checkpoint, Export, Status, store};
use relay::page::largest_shards;
use relay::port::{Backlog, ControlTable, ExportFiles, Leavings, PageStore, Tails};
use relay::reader::Reader;

mod error;
mod fail;
mod file;
mod late;
mod part;
mod sheet;
mod uploads;
mod wait;

pub use error::StepError;
use file::LONGEST_COMPLETION;
use part::{Filled, Filler, Part};
use uploads::{PARTS_AT_ONCE, Uploads};

/// The most time a step keeps in hand for its last part and checkpoint: milliseconds. 16 MiB take S3 well under a second.
const MAX_MARGIN_MS: i64 = 20_000;

/// Steps that may end one after the other without having moved the checkpoint.
const MAX_IDLE_STEPS: u32 = 3;

/// What a step answers to the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// There is more to do: call again.
    Running,
    /// The stream is not drained up to `as_of`: call again in a moment.
    Waiting,
    /// The file is there.
    Done,
    /// There are no rows.
    Empty,
    /// The advertiser took it back.
    Cancelled,
    /// It has failed and says why.
    Failed,
}

impl StepStatus {
    /// The name that the state machine knows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Empty => "empty",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    const fn of(status: Status) -> Self {
        match status {
            Status::Queued | Status::Running => Self::Running,
            Status::Done | Status::Expired => Self::Done,
            Status::Empty => Self::Empty,
            Status::Cancelled => Self::Cancelled,
            Status::Failed => Self::Failed,
        }
    }
}

/// A step's time: milliseconds since the epoch.
pub struct Clock<N> {
    now: N,
    /// When the step must have answered, less what its last part takes.
    stop_at: i64,
}

impl<N: Fn() -> i64> Clock<N> {
    /// A clock that stops the work in time to answer before `deadline`: a quarter of the time given is kept in hand, at most 20 s.
    pub fn new(now: N, deadline: i64) -> Self {
        let margin = (deadline.saturating_sub(now()) / 4).clamp(0, MAX_MARGIN_MS);
        Self { now, stop_at: deadline.saturating_sub(margin) }
    }

    /// The time.
    pub fn now(&self) -> i64 {
        (self.now)()
    }

    fn is_over(&self) -> bool {
        self.is_over_at(self.now())
    }

    const fn is_over_at(&self, now: i64) -> bool {
        now >= self.stop_at
    }

    /// How long the work may still take.
    fn left(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.stop_at.saturating_sub(self.now())).unwrap_or(0))
    }
}

/// Runs steps.
#[derive(Debug)]
pub struct Worker<C, P, F, B> {
    /// Table `control`.
    pub control: C,
    /// Table `pages`.
    pub pages: P,
    /// The export bucket.
    pub files: F,
    /// The stream's backlog.
    pub backlog: B,
}

/// Why a step stops before its end.
enum Halt {
    /// Somebody else wrote the export: the API cancelled it, or a rival step went on with it.
    Overtaken,
    Error(StepError),
}

impl<E: Into<StepError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// An export that a step holds, with the version it last wrote.
struct Held {
    export: Export,
    version: u64,
    /// Whether this step has brought a file to its end.
    has_moved: bool,
}

impl<C: ControlTable, P: PageStore, F: ExportFiles + Tails + Leavings, B: Backlog> Worker<C, P, F, B> {
    /// Carries the export on.
    pub async fn step(&self, owner: &str, id: &str, clock: &Clock<impl Fn() -> i64>) -> Result<StepStatus, StepError> {
        let missing = || StepError::NotFound(format!("owner {owner} has no export {id}"));
        let (export, version) = store::load(&self.control, owner, id).await?.ok_or_else(missing)?;
        match self.carry_on(Held { export, version, has_moved: false }, clock).await {
            Ok(status) => Ok(status),
            Err(Halt::Error(error)) => Err(error),
            Err(Halt::Overtaken) => {
                let (export, _) = store::load(&self.control, owner, id).await?.ok_or_else(missing)?;
                Ok(StepStatus::of(export.status))
            }
        }
    }

    async fn carry_on(&self, mut held: Held, clock: &Clock<impl Fn() -> i64>) -> Result<StepStatus, Halt> {
        if held.export.status.is_terminal() {
            return Ok(StepStatus::of(held.export.status));
        }
        if held.export.status == Status::Queued {
            return Err(StepError::Invalid("the export has no slot yet".to_owned()).into());
        }
        if held.export.steps == 0 && !self.may_begin(&mut held.export, clock).await? {
            return Ok(StepStatus::Waiting);
        }
        // Written before anything else: a rival step that still lives loses the export with its next checkpoint.
        held.export.steps += 1;
        self.save(&mut held).await?;
        if !self.count_late(&mut held, clock).await? {
            return Ok(StepStatus::Running);
        }
        loop {
            if !held.export.checkpoint.finishing {
                // A step that has little time left leaves making the file to a fresh one, which has it all.
                if !self.write_file(&mut held, clock).await? || clock.left() < LONGEST_COMPLETION {
                    return Ok(StepStatus::Running);
                }
            }
            match self.finish(&mut held, clock).await? {
                Some(status) => return Ok(status),
                None if clock.is_over() => return Ok(StepStatus::Running),
                None => {}
            }
        }
    }

    async fn save(&self, held: &mut Held) -> Result<(), Halt> {
        let write = store::replace(&held.export, held.version)?;
        match self.control.commit(&[write]).await {
            Ok(()) => {
                held.version += 1;
                Ok(())
            }
            Err(CommitError::Conflict(_)) => Err(Halt::Overtaken),
            Err(CommitError::Fault(fault)) => Err(fault.into()),
        }
    }

    async fn count_idle_step(&self, held: &mut Held) -> Result<(), Halt> {
        held.export.idle_steps += 1;
        if held.export.idle_steps > MAX_IDLE_STEPS {
            let rows = held.export.rows();
            return Err(StepError::NoProgress(format!("{MAX_IDLE_STEPS} steps came no further than row {rows}")).into());
        }
        self.save(held).await
    }

    /// Writes the file under way to its end (`true`) or until time is up.
    async fn write_file(&self, held: &mut Held, clock: &Clock<impl Fn() -> i64>) -> Result<bool, Halt> {
        let tail = self.pick_up(held).await?;
        match held.export.kind_under_way() {
            Some(kind) => self.write_rows(held, kind, &tail, clock).await,
            None => self.write_manifest(held).await,
        }
    }

    /// Writes rows until the file's end (`true`) or until time is up. While one part fills, those before it are on their way.
    async fn write_rows(
        &self,
        held: &mut Held,
        kind: Kind,
        tail: &[u8],
        clock: &Clock<impl Fn() -> i64>,
    ) -> Result<bool, Halt> {
        let began_after = held.export.checkpoint.after.clone();
        // Read anew for each file of each step: what was erased meanwhile is in no row that is written from here on.
        let erased = Erased::load(&self.control, &held.export.owner).await?;
        let shards = largest_shards(&self.control).await?;
        let selection = held.export.selection(kind, shards, held.export.last_row()?, &erased);
        let mut filler = Filler::new(&held.export, tail, Reader::new(&self.pages, selection), held.has_moved)?;
        let mut uploads = Uploads::behind(&self.files, held.export.checkpoint.parts);
        loop {
            match self.fill(&mut filler, &mut uploads, held, clock).await? {
                Filled::Full(part) => self.send(held, &mut uploads, part).await?,
                Filled::Reached(reached) => {
                    held.export.reached = Some(reached);
                    self.save(held).await?;
                }
                Filled::End(part) => {
                    self.store_last(held, &mut uploads, part).await?;
                    held.has_moved = true;
                    return Ok(true);
                }
                Filled::TimeUp(part) => {
                    self.settle(held, &mut uploads, 0).await?;
                    self.leave_off(held, part).await?;
                    if held.export.checkpoint.after == began_after {
                        self.count_idle_step(held).await?;
                    }
                    return Ok(false);
                }
                Filled::Dropped => return Ok(false),
            }
        }
    }

    /// Fills a part, and records meanwhile which of those before it are there.
    async fn fill(
        &self,
        filler: &mut Filler<'_, P>,
        uploads: &mut Uploads<'_, F>,
        held: &mut Held,
        clock: &Clock<impl Fn() -> i64>,
    ) -> Result<Filled, Halt> {
        let mut part = pin!(filler.fill(clock));
        loop {
            tokio::select! {
                biased;
                Some(stored) = uploads.next() => self.record_part(held, stored?).await?,
                outcome = &mut part => {
                    self.settle(held, uploads, PARTS_AT_ONCE - 1).await?;
                    return Ok(outcome?);
                }
            }
        }
    }

    /// Waits until no more than so many parts are on their way.
    async fn settle(&self, held: &mut Held, uploads: &mut Uploads<'_, F>, most: usize) -> Result<(), Halt> {
        while uploads.len() > most {
            let Some(stored) = uploads.next().await else { break };
            self.record_part(held, stored?).await?;
        }
        Ok(())
    }

    /// Uploads the last part and records that everything is there. A file without rows is none.
    async fn store_last<'a>(&'a self, held: &mut Held, uploads: &mut Uploads<'a, F>, part: Part) -> Result<(), Halt> {
        if part.has_rows && !part.bytes.is_empty() {
            self.send(held, uploads, part).await?;
            return self.settle(held, uploads, 0).await;
        }
        self.settle(held, uploads, 0).await?;
        let before = held.export.checkpoint.clone();
        let bytes = if part.has_rows { part.checkpoint.bytes } else { before.bytes };
        self.record(held, Checkpoint { bytes, ..before.behind(part.checkpoint) }).await
    }

    /// Every other file is there: names them all.
    async fn write_manifest(&self, held: &mut Held) -> Result<bool, Halt> {
        let bytes = Bytes::from(format!("{:#}\n", held.export.manifest()));
        let before = held.export.checkpoint.clone();
        let checkpoint = Checkpoint { bytes: bytes.len() as u64, finishing: true, ..before };
        let part = Part { bytes, open: Bytes::new(), checkpoint, has_rows: true };
        let mut uploads = Uploads::behind(&self.files, 0);
        self.store_last(held, &mut uploads, part).await?;
        Ok(true)
    }

    /// Says how it ended, unless somebody else has. The mail's sender may write the export at the same time.
    async fn end(&self, export: &Export, status: Status, now: i64) -> Result<StepStatus, Halt> {
        let finish = |export: &mut Export| {
            let is_open = !export.status.is_terminal();
            if is_open {
                export.finish(status, now);
            }
            is_open
        };
        let amended = store::end(&self.control, &export.owner, &export.export_id, finish).await?;
        let (ended, _) = amended.ok_or(Halt::Overtaken)?;
        let (rows, bytes, steps) = (ended.rows(), ended.bytes(), ended.steps);
        let (id, trace_id) = (&ended.export_id, &ended.trace_id);
        tracing::info!(export_id = id, trace_id, status = ended.status.name(), rows, bytes, steps, "ended");
        Ok(StepStatus::of(ended.status))
    }
}
