//! A file: parts of an upload, and what they become.

use std::time::Duration;

use bytes::Bytes;
use relay::export::{Checkpoint, Format, Status, Tail};
use relay::port::{Backlog, ControlTable, ExportFiles, Leavings, PageStore, Tails, Upload, UploadState};

use super::part::Part;
use super::uploads::{Stored, Uploads};
use super::{Clock, Halt, Held, StepStatus, Worker};

/// The least bytes of a part that is not the last (S3 multipart upload: 5 MiB).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// How long making a file of its parts may take: S3 speaks of several minutes (S3 API reference, `CompleteMultipartUpload`).
pub(super) const LONGEST_COMPLETION: Duration = Duration::from_mins(5);

impl<C: ControlTable, P: PageStore, F: ExportFiles + Tails + Leavings, B: Backlog> Worker<C, P, F, B> {
    /// The tail that an earlier step left, once the upload's parts are seen to be those recorded; empty where there is none. What is no longer as
    /// it was left is given up for a new upload: that was aborted from outside, or a step that was overtaken wrote over a part.
    pub(super) async fn pick_up(&self, held: &mut Held) -> Result<Bytes, Halt> {
        if held.export.format == Format::Parquet && held.export.kind_under_way().is_some() {
            // What a step leaves of such a file is of no use to another: see `Filler`.
            held.export.checkpoint = std::mem::take(&mut held.export.checkpoint).file_start();
            return Ok(Bytes::new());
        }
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

    /// Gives up what was written of the file for a new upload.
    async fn start_over(&self, held: &mut Held) -> Result<(), Halt> {
        tracing::warn!(export_id = held.export.export_id, "the upload is not what the checkpoint says: starting over");
        held.export.checkpoint = std::mem::take(&mut held.export.checkpoint).file_start();
        self.count_idle_step(held).await
    }

    /// Keeps a part that time has cut short. S3 takes no small part that is not the last, so rows too few for one wait as a tail for the next step.
    pub(super) async fn leave_off(&self, held: &mut Held, mut part: Part) -> Result<(), Halt> {
        if part.checkpoint.after == held.export.checkpoint.after {
            return Ok(());
        }
        let mut sealed = std::mem::take(&mut part.bytes);
        let before = held.export.checkpoint.clone();
        if sealed.len() >= MIN_PART_BYTES {
            let open = std::mem::take(&mut part.open);
            let checkpoint = part.checkpoint.clone();
            let whole = Part { bytes: std::mem::take(&mut sealed), open: Bytes::new(), ..part };
            let mut uploads = Uploads::behind(&self.files, before.parts);
            self.send(held, &mut uploads, whole).await?;
            let Some(stored) = uploads.next().await.transpose()? else { return Ok(()) };
            if open.is_empty() {
                return self.record_part(held, stored).await;
            }
            held.export.checkpoint.add(&stored.part);
            part = Part { bytes: Bytes::new(), open, checkpoint, has_rows: true };
        }
        self.keep_tail(held, &sealed, part).await
    }

    /// Keeps what is too little for a part: as it stands in the file, then the rows of the block that is not full.
    async fn keep_tail(&self, held: &mut Held, sealed: &[u8], part: Part) -> Result<(), Halt> {
        let before = held.export.checkpoint.clone();
        let (tail, bytes) = if part.checkpoint.rows > before.rows {
            let (key, body) = (held.export.tail_key(), Bytes::from([sealed, &part.open].concat()));
            let tail = Tail { key, bytes: body.len() as u64, open: part.open.len() as u64 };
            self.files.keep(&tail.key, body).await?;
            (Some(tail), part.checkpoint.bytes)
        } else {
            // Rows were skipped, none was written: what waits still does. A header without rows does not count: the next step writes it again.
            (before.tail.clone(), before.bytes)
        };
        self.record(held, Checkpoint { tail, bytes, ..before.behind(part.checkpoint) }).await
    }

    /// Sends a part off, into an upload that is begun where there is none.
    pub(super) async fn send<'a>(
        &'a self,
        held: &mut Held,
        uploads: &mut Uploads<'a, F>,
        part: Part,
    ) -> Result<(), Halt> {
        let upload = match held.export.checkpoint.upload.clone() {
            Some(upload) => upload,
            None => self.begin(held).await?,
        };
        uploads.send(upload, part);
        Ok(())
    }

    /// Records a part that is there.
    pub(super) async fn record_part(&self, held: &mut Held, stored: Stored) -> Result<(), Halt> {
        let mut checkpoint = held.export.checkpoint.clone().behind(stored.checkpoint);
        checkpoint.add(&stored.part);
        self.record(held, checkpoint).await
    }

    /// Records how far the export has come.
    pub(super) async fn record(&self, held: &mut Held, checkpoint: Checkpoint) -> Result<(), Halt> {
        if checkpoint.after != held.export.checkpoint.after {
            held.export.idle_steps = 0;
        }
        held.export.checkpoint = checkpoint;
        self.save(held).await
    }

    /// Begins the upload and records it at once, so that the next step goes on with it.
    async fn begin(&self, held: &mut Held) -> Result<Upload, Halt> {
        let key = held.export.key_of(&held.export.name_under_way());
        let upload = self.files.begin(&key, &held.export.object_metadata()).await?;
        held.export.checkpoint.upload = Some(upload.clone());
        let saved = self.save(held).await;
        if matches!(saved, Err(Halt::Overtaken)) {
            // Whoever has the export now does not know of it.
            self.files.abort(&upload).await?;
        }
        saved.map(|()| upload)
    }

    /// Everything is in the parts: makes the file of them, if no earlier step has. The answer is how the export ended; `None` when there is more to do.
    pub(super) async fn finish(
        &self,
        held: &mut Held,
        clock: &Clock<impl Fn() -> i64>,
    ) -> Result<Option<StepStatus>, Halt> {
        let is_sound = match held.export.checkpoint.upload.clone() {
            None => true,
            Some(upload) => self.is_completed(&held.export.checkpoint, &upload, clock).await?,
        };
        if !is_sound {
            self.start_over(held).await?;
            return Ok(None);
        }
        if held.export.is_last_file() {
            let status = if held.export.rows() > 0 { Status::Done } else { Status::Empty };
            return self.end(&held.export, status, clock.now()).await.map(Some);
        }
        self.next_file(held, clock).await
    }

    /// Whether the parts have become the file, now or before.
    async fn is_completed(
        &self,
        checkpoint: &Checkpoint,
        upload: &Upload,
        clock: &Clock<impl Fn() -> i64>,
    ) -> Result<bool, Halt> {
        match self.files.state(upload).await? {
            UploadState::Complete(bytes) => Ok(bytes == checkpoint.bytes),
            UploadState::Gone => Ok(false),
            UploadState::Open(parts) => match checkpoint.recorded(&parts) {
                // Of these very parts: one that a rival writes over from now on is refused by the service.
                Some(parts) => {
                    self.files.complete(upload, parts, LONGEST_COMPLETION.min(clock.left())).await?;
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }

    /// Goes on to the next file. Where no kind held a row there is nothing to go on to.
    async fn next_file(&self, held: &mut Held, clock: &Clock<impl Fn() -> i64>) -> Result<Option<StepStatus>, Halt> {
        let finished = held.export.file_under_way();
        let has_moved = held.export.checkpoint.start != held.export.checkpoint.after || !held.export.checkpoint.more;
        held.export.checkpoint = std::mem::take(&mut held.export.checkpoint).next_file(finished);
        if held.export.kind_under_way().is_none() && held.export.rows() == 0 {
            return self.end(&held.export, Status::Empty, clock.now()).await.map(Some);
        }
        if has_moved {
            held.export.idle_steps = 0;
            self.save(held).await?;
        } else {
            self.count_idle_step(held).await?;
        }
        Ok(None)
    }
}
