//! The file: parts of an upload, and what they become.

use std::time::Duration;

use bytes::Bytes;
use relay::export::{Checkpoint, Status, Tail};
use relay::port::{Backlog, ControlTable, ExportFiles, PageStore, Tails, Upload, UploadState};

use super::part::Part;
use super::{Clock, Halt, Held, StepStatus, Worker};

/// The least bytes of a part that is not the last (S3 multipart upload: 5 MiB).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// How long making a file of its parts may take: S3 speaks of several minutes (S3 API reference, `CompleteMultipartUpload`).
pub(super) const LONGEST_COMPLETION: Duration = Duration::from_mins(5);

impl<C: ControlTable, P: PageStore, F: ExportFiles + Tails, B: Backlog> Worker<C, P, F, B> {
    /// The tail that an earlier step left, once the upload's parts are seen to be those recorded; empty where there is none. What is no longer as
    /// it was left is given up for a new upload: that was aborted from outside, or a step that was overtaken wrote over a part.
    pub(super) async fn pick_up(&self, held: &mut Held) -> Result<Bytes, Halt> {
        if self.is_upload_sound(&held.export.checkpoint).await? {
            let Some(tail) = &held.export.checkpoint.tail else { return Ok(Bytes::new()) };
            let bytes = self.files.fetch(&tail.key).await?;
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() as u64 == tail.bytes) {
                return Ok(bytes);
            }
        }
        self.start_over(held).await?;
        Ok(Bytes::new())
    }

    async fn is_upload_sound(&self, checkpoint: &Checkpoint) -> Result<bool, Halt> {
        let Some(upload) = &checkpoint.upload else { return Ok(true) };
        let state = self.files.state(upload).await?;
        Ok(matches!(state, UploadState::Open(parts) if checkpoint.recorded(&parts).is_some()))
    }

    /// Gives up what was written for a new upload.
    pub(super) async fn start_over(&self, held: &mut Held) -> Result<(), Halt> {
        tracing::warn!(export_id = held.export.export_id, "the upload is not what the checkpoint says: starting over");
        held.export.checkpoint = Checkpoint::default();
        self.count_idle_step(held).await
    }

    /// Keeps a part that time has cut short. S3 takes no small part that is not the last, so rows too few for one wait as a tail for the next step.
    pub(super) async fn leave_off(&self, held: &mut Held, part: Part) -> Result<(), Halt> {
        let before = held.export.checkpoint.clone();
        if part.checkpoint.after == before.after {
            return Ok(());
        }
        if part.bytes.len() >= MIN_PART_BYTES {
            return self.store(held, Some(part)).await;
        }
        let tail = if part.checkpoint.rows > before.rows {
            let tail = Tail { key: held.export.tail_key(), bytes: part.bytes.len() as u64 };
            self.files.keep(&tail.key, part.bytes).await?;
            Some(tail)
        } else {
            // Rows were skipped, none was written: what waits still does.
            before.tail.clone()
        };
        // A header without rows does not count: the next step writes it again.
        let bytes = if tail.is_some() { part.checkpoint.bytes } else { before.bytes };
        self.record(held, Checkpoint { tail, bytes, ..before.behind(part.checkpoint) }).await
    }

    /// Uploads a part, then records that it is there.
    pub(super) async fn store(&self, held: &mut Held, part: Option<Part>) -> Result<(), Halt> {
        let Some(part) = part else { return Ok(()) };
        let has_rows = part.has_rows();
        let before = held.export.checkpoint.clone();
        let bytes = if has_rows { part.checkpoint.bytes } else { before.bytes };
        let mut checkpoint = Checkpoint { bytes, ..before.behind(part.checkpoint) };
        if has_rows {
            let upload = match checkpoint.upload.take() {
                Some(upload) => upload,
                None => self.begin(held).await?,
            };
            let stored = self.files.put_part(&upload, checkpoint.parts + 1, part.bytes).await?;
            checkpoint.add(&stored);
            checkpoint.upload = Some(upload);
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
                Some(parts) => {
                    self.files.complete(upload, parts, LONGEST_COMPLETION.min(clock.left())).await?;
                    true
                }
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
