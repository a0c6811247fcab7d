//! The worker: one step of an export's execution. It reads on from the checkpoint, writes rows into parts of a multipart upload, and either ends
//! the export or leaves the rest to the next step.
//!
//! **Invariant**: the checkpoint in the table is always behind or at what the upload's parts hold, so a step that dies costs time and
//! nothing else; the file's bytes depend only on the pages.

use std::time::Duration;

use relay::control::CommitError;
use relay::export::{Checkpoint, Export, Status, store};
use relay::page::largest_shards;
use relay::port::{Backlog, ControlTable, ExportFiles, PageStore, UploadState};
use relay::reader::Reader;

mod error;
mod fail;
mod part;
mod wait;

pub use error::StepError;
use part::{Filled, Filler, Part};

/// The most time a step keeps in hand for its last part and checkpoint: milliseconds. 16 MiB take S3 well under a second.
const MAX_MARGIN_MS: i64 = 20_000;

/// The least bytes of a part that is not the last (S3 multipart upload: 5 MiB).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

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
        self.now() >= self.stop_at
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
}

impl<C: ControlTable, P: PageStore, F: ExportFiles, B: Backlog> Worker<C, P, F, B> {
    /// Carries the export on.
    pub async fn step(&self, owner: &str, id: &str, clock: &Clock<impl Fn() -> i64>) -> Result<StepStatus, StepError> {
        let missing = || StepError::NotFound(format!("owner {owner} has no export {id}"));
        let (export, version) = store::load(&self.control, owner, id).await?.ok_or_else(missing)?;
        match self.carry_on(Held { export, version }, clock).await {
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
        if self.is_file_complete(&mut held).await? {
            return self.end(&held.export, Status::Done, clock.now()).await;
        }
        if !held.export.checkpoint.finishing && !self.write_rows(&mut held, clock).await? {
            return Ok(StepStatus::Running);
        }
        self.finish(&mut held, clock.now()).await
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

    /// Whether an earlier step has completed the file. An upload whose parts are not what the checkpoint says is given up for a new one:
    /// it was aborted from outside, or a rival step wrote a part that it never recorded.
    async fn is_file_complete(&self, held: &mut Held) -> Result<bool, Halt> {
        let checkpoint = &held.export.checkpoint;
        let Some(upload) = &checkpoint.upload else { return Ok(false) };
        match self.files.state(upload).await? {
            UploadState::Complete(bytes) if checkpoint.finishing && bytes == checkpoint.bytes => return Ok(true),
            UploadState::Open(parts) if holds(&parts, checkpoint) => return Ok(false),
            UploadState::Complete(_) | UploadState::Open(_) | UploadState::Gone => {}
        }
        tracing::warn!(export_id = held.export.export_id, "the upload is not what the checkpoint says: starting over");
        held.export.checkpoint = Checkpoint::default();
        self.count_idle_step(held).await?;
        Ok(false)
    }

    async fn count_idle_step(&self, held: &mut Held) -> Result<(), Halt> {
        held.export.idle_steps += 1;
        if held.export.idle_steps > MAX_IDLE_STEPS {
            let rows = held.export.checkpoint.rows;
            return Err(StepError::NoProgress(format!("{MAX_IDLE_STEPS} steps came no further than row {rows}")).into());
        }
        self.save(held).await
    }

    /// Writes rows until the end (`true`) or until time is up. While one part fills, the one before it is on its way.
    async fn write_rows(&self, held: &mut Held, clock: &Clock<impl Fn() -> i64>) -> Result<bool, Halt> {
        let began_after = held.export.checkpoint.after.clone();
        let selection = held.export.selection(largest_shards(&self.control).await?, held.export.last_row()?);
        let mut filler = Filler::new(&held.export, Reader::new(&self.pages, selection))?;
        let mut ready = None;
        loop {
            let (part, stored) = tokio::join!(filler.fill(clock), self.store(held, ready.take()));
            stored?;
            match part? {
                Filled::Full(part) => ready = Some(part),
                Filled::End(part) => {
                    self.store(held, Some(part)).await?;
                    return Ok(true);
                }
                Filled::TimeUp(part) => {
                    self.leave_off(held, part).await?;
                    if held.export.checkpoint.after == began_after {
                        self.count_idle_step(held).await?;
                    }
                    return Ok(false);
                }
            }
        }
    }

    /// Keeps what can be kept of a part that time has cut short: S3 takes no small part that is not the last, so its rows are read again.
    async fn leave_off(&self, held: &mut Held, part: Part) -> Result<(), Halt> {
        let before = &held.export.checkpoint;
        let is_large = part.bytes.len() >= MIN_PART_BYTES;
        let only_skipped_rows = part.checkpoint.rows == before.rows && part.checkpoint.after != before.after;
        if is_large || only_skipped_rows { self.store(held, Some(part)).await } else { Ok(()) }
    }

    /// Uploads a part, then records that it is there.
    async fn store(&self, held: &mut Held, part: Option<Part>) -> Result<(), Halt> {
        let Some(part) = part else { return Ok(()) };
        let before = &held.export.checkpoint;
        let (upload, parts) = (before.upload.clone(), before.parts);
        let mut checkpoint = Checkpoint { upload, parts, ..part.checkpoint };
        // A part without a row is a header alone, or nothing: the checkpoint moves, the next step writes the header again.
        if checkpoint.rows > before.rows {
            let upload = match &checkpoint.upload {
                Some(upload) => upload.clone(),
                None => self.begin(held).await?,
            };
            checkpoint.parts += 1;
            self.files.put_part(&upload, checkpoint.parts, part.bytes).await?;
            checkpoint.upload = Some(upload);
        } else {
            checkpoint.bytes = before.bytes;
        }
        held.export.checkpoint = checkpoint;
        held.export.idle_steps = 0;
        self.save(held).await
    }

    /// Begins the upload and records it at once, so that the next step goes on with it.
    async fn begin(&self, held: &mut Held) -> Result<relay::port::Upload, Halt> {
        let upload = self.files.begin(&held.export.object_key(), &held.export.object_metadata()).await?;
        held.export.checkpoint.upload = Some(upload.clone());
        self.save(held).await?;
        Ok(upload)
    }

    /// Everything is in the parts: makes the file of them.
    async fn finish(&self, held: &mut Held, now: i64) -> Result<StepStatus, Halt> {
        let checkpoint = &held.export.checkpoint;
        let Some(upload) = checkpoint.upload.as_ref().filter(|_| checkpoint.rows > 0) else {
            return self.end(&held.export, Status::Empty, now).await;
        };
        self.files.complete(upload, checkpoint.parts).await?;
        self.end(&held.export, Status::Done, now).await
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
        let amended = store::amend(&self.control, &export.owner, &export.export_id, finish).await?;
        let (ended, _) = amended.ok_or(Halt::Overtaken)?;
        let (rows, bytes, steps) = (ended.checkpoint.rows, ended.checkpoint.bytes, ended.steps);
        let (id, trace_id) = (&ended.export_id, &ended.trace_id);
        tracing::info!(export_id = id, trace_id, status = ended.status.name(), rows, bytes, steps, "ended");
        Ok(StepStatus::of(ended.status))
    }
}

/// Whether the upload's parts are those of the checkpoint. There may be one more: uploaded, but not recorded.
fn holds(parts: &[u64], checkpoint: &Checkpoint) -> bool {
    let recorded = usize::try_from(checkpoint.parts).unwrap_or(usize::MAX);
    parts.get(..recorded).is_some_and(|parts| parts.iter().sum::<u64>() == checkpoint.bytes)
}
