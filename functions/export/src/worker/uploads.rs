//! Parts on their way to the bucket, several at a time.

use std::pin::Pin;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use relay::export::Checkpoint;
use relay::fault::Fault;
use relay::port::{ExportFiles, StoredPart, Upload};

use super::part::Part;

/// The most parts on their way at a time, besides the one that fills: 16 MiB of memory each.
pub(super) const PARTS_AT_ONCE: usize = 2;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Stored, Fault>> + Send + 'a>>;

/// A part that is there, and the checkpoint that may now be recorded.
pub(super) struct Stored {
    pub(super) part: StoredPart,
    pub(super) checkpoint: Checkpoint,
}

/// Parts on their way. Their answers come in the order of the parts.
pub(super) struct Uploads<'a, F> {
    files: &'a F,
    /// The parts that have been sent off or are there.
    parts: u32,
    on_their_way: FuturesOrdered<Answer<'a>>,
}

impl<'a, F: ExportFiles> Uploads<'a, F> {
    /// Behind so many parts that are there.
    pub(super) fn behind(files: &'a F, parts: u32) -> Self {
        Self { files, parts, on_their_way: FuturesOrdered::new() }
    }

    /// Sends a part off.
    pub(super) fn send(&mut self, upload: Upload, part: Part) {
        self.parts += 1;
        let (files, number) = (self.files, self.parts);
        self.on_their_way.push_back(Box::pin(async move {
            let stored = files.put_part(&upload, number, part.bytes).await?;
            Ok(Stored { part: stored, checkpoint: part.checkpoint })
        }));
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.on_their_way.len()
    }

    /// The next one that is there; `None` when none is on its way.
    pub(super) async fn next(&mut self) -> Option<Result<Stored, Fault>> {
        self.on_their_way.next().await
    }
}
