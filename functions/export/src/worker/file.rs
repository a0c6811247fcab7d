//! The file: parts of an upload, and what they become.

use std::time::Duration;

use relay::export::{Checkpoint, Status};
use relay::port::{Backlog, ControlTable, ExportFiles, PageStore, StoredPart, Upload, UploadState};

use super::part::Part;
use super::{Clock, Halt, Held, StepStatus, Worker};

/// The least bytes of a part that is not the last (S3 multipart upload: 5 MiB).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// How long making a file of its parts may take: S3 speaks of several minutes (S3 API reference, `CompleteMultipartUpload`).
const LONGEST_COMPLETION: Duration = Duration::from_mins(5);

impl<C: ControlTable, P: PageStore, F: ExportFiles, B: Backlog> Worker<C, P, F, B> {
    /// The upload's parts that earlier steps recorded; `None` where they are no longer what they were: the upload was aborted from outside,
    /// or a rival step wrote over one.
    pub(super) async fn recorded_parts(&self, held: &Held) -> Result<Option<Vec<StoredPart>>, Halt> {
        let checkpoint = &held.export.checkpoint;
        let Some(upload) = &checkpoint.upload else { return Ok(Some(Vec::new())) };
        let UploadState::Open(parts) = self.files.state(upload).await? else { return Ok(None) };
        Ok(checkpoint.recorded(&parts).map(<[_]>::to_vec))
    }

    /// Gives up what was written for a new upload.
    pub(super) async fn start_over(&self, held: &mut Held) -> Result<(), Halt> {
        tracing::warn!(export_id = held.export.export_id, "the upload is not what the checkpoint says: starting over");
        held.export.checkpoint = Checkpoint::default();
        self.count_idle_step(held).await
    }

    /// Keeps what can be kept of a part that time has cut short: S3 takes no small part that is not the last, so its rows are read again.
    pub(super) async fn leave_off(&self, held: &mut Held, part: Part) -> Result<(), Halt> {
        let before = &held.export.checkpoint;
        let is_large = part.bytes.len() >= MIN_PART_BYTES;
        let only_skipped_rows = part.checkpoint.rows == before.rows && part.checkpoint.after != before.after;
        if is_large || only_skipped_rows { self.store(held, Some(part)).await } else { Ok(()) }
    }

    /// Uploads a part, then records that it is there.
    pub(super) async fn store(&self, held: &mut Held, part: Option<Part>) -> Result<(), Halt> {
        let Some(part) = part else { return Ok(()) };
        let before = held.export.checkpoint.clone();
        let mut checkpoint =
            Checkpoint { upload: before.upload, parts: before.parts, digest: before.digest, ..part.checkpoint };
        // A part without a row is a header alone, or nothing: the checkpoint moves, the next step writes the header again.
        if checkpoint.rows > before.rows {
            let upload = match checkpoint.upload.take() {
                Some(upload) => upload,
                None => self.begin(held).await?,
            };
            let stored = self.files.put_part(&upload, checkpoint.parts + 1, part.bytes).await?;
            checkpoint.add(&stored);
            checkpoint.upload = Some(upload);
        } else {
            checkpoint.bytes = before.bytes;
        }
        self.record(held, checkpoint).await
    }

    /// Records how far the export has come.
    async fn record(&self, held: &mut Held, checkpoint: Checkpoint) -> Result<(), Halt> {
        held.export.checkpoint = checkpoint;
        held.export.idle_steps = 0;
        self.save(held).await
    }

    /// Begins the upload and records it at once, so that the next step goes on with it.
    async fn begin(&self, held: &mut Held) -> Result<Upload, Halt> {
        let upload = self.files.begin(&held.export.object_key(), &held.export.object_metadata()).await?;
        held.export.checkpoint.upload = Some(upload.clone());
        self.save(held).await?;
        Ok(upload)
    }

    /// Everything is in the parts: makes the file of them, if no earlier step has.
    pub(super) async fn finish(&self, held: &mut Held, clock: &Clock<impl Fn() -> i64>) -> Result<StepStatus, Halt> {
        let checkpoint = &held.export.checkpoint;
        let Some(upload) = checkpoint.upload.as_ref().filter(|_| checkpoint.rows > 0) else {
            return self.end(&held.export, Status::Empty, clock.now()).await;
        };
        let is_sound = match self.files.state(upload).await? {
            UploadState::Complete(bytes) => bytes == checkpoint.bytes,
            UploadState::Gone => false,
            UploadState::Open(parts) => match checkpoint.recorded(&parts) {
                // Of these very parts: one that a rival writes over from now on is refused by the service.
                Some(parts) => self.files.complete(upload, parts, LONGEST_COMPLETION).await.map(|()| true)?,
                None => false,
            },
        };
        if is_sound {
            return self.end(&held.export, Status::Done, clock.now()).await;
        }
        self.start_over(held).await?;
        Ok(StepStatus::Running)
    }
}
