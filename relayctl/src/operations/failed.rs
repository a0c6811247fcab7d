//! Batches of the stream that the writer's mapping gave up: what Lambda wrote into the on-failure bucket, listed and put back.

mod invocation;

use futures::{StreamExt, TryStreamExt, stream};
use relay::fault::Fault;
use relay::port::{ObjectHead, Objects, Stream};
use relay::replay::Marker;

use super::Refusal;
use super::replay::{Keys, Run, marker};
use crate::cli::Page;
use crate::view::{BatchRow, Batches, ObjectReport};
use invocation::Invocation;

/// Where Lambda writes: `aws/lambda/{mapping}/{shard}/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-{uuid}` (Lambda developer guide, "Retain discarded batch
/// records for a Kinesis Data Streams event source").
const ROOT: &str = "aws/lambda/";

/// How many batches are read at the same time: each has at most the 6 MB of an event, its text escaped.
const AT_ONCE: usize = 4;

/// The batches, newest first.
pub(crate) async fn list_batches(bucket: &impl Objects, page: &Page) -> Result<Batches, Refusal> {
    let mut keys = Keys::below(ROOT);
    let mut heads = Vec::new();
    while let Some(head) = keys.next(bucket).await? {
        heads.push(head);
    }
    heads.sort_unstable_by(|left, right| place(&right.key).cmp(&place(&left.key)));
    heads.retain(|head| page.before.as_ref().is_none_or(|before| place(&head.key) < place(before)));
    let limit = usize::from(page.limit);
    let has_more = heads.len() > limit;
    heads.truncate(limit);
    let batches: Vec<BatchRow> =
        stream::iter(heads).map(|head| batch(bucket, head)).buffered(AT_ONCE).try_collect().await?;
    let next = batches.last().filter(|_| has_more).map(|last| last.batch.clone());
    Ok(Batches { batches, next })
}

/// What orders batches of all shards by time: the name, which begins with it; then the key.
fn place(key: &str) -> (&str, &str) {
    (key.rsplit('/').next().unwrap_or(key), key)
}

async fn batch(bucket: &impl Objects, head: ObjectHead) -> Result<BatchRow, Refusal> {
    let body = bucket.get(&head.key).await?.unwrap_or_default();
    let marker = marker(bucket, &head.key).await?;
    let invocation = Invocation::read(&body).unwrap_or_default();
    let info = invocation.batch.unwrap_or_default();
    Ok(BatchRow {
        batch: head.key,
        bytes: head.bytes,
        given_up_at: invocation.timestamp,
        condition: invocation.request.condition,
        shard_id: info.shard_id,
        first_sequence_number: info.first,
        last_sequence_number: info.last,
        records: info.size,
        replayed: marker.is_some_and(|marker| marker.is_complete()),
    })
}

/// A run over the batches, one in memory at a time.
#[derive(Debug)]
pub(crate) struct ReplayBatches<'a, O, S> {
    bucket: &'a O,
    stream: &'a S,
    again: bool,
    now: i64,
    keys: Keys,
    /// The fault that ended the run.
    ended: Option<Fault>,
}

impl<'a, O: Objects, S: Stream> ReplayBatches<'a, O, S> {
    /// A run over all batches, or the one of this key; `now` in milliseconds since the epoch.
    pub(crate) fn new(bucket: &'a O, stream: &'a S, only: Option<String>, again: bool, now: i64) -> Self {
        let keys = only.map_or_else(|| Keys::below(ROOT), Keys::one);
        Self { bucket, stream, again, now, keys, ended: None }
    }

    /// Puts the records of the next batch that has something left back into the stream; `None` at the end. A fault ends the run: what is done is
    /// marked, and another run goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<ObjectReport>, Refusal> {
        if let Some(fault) = self.ended.take() {
            return Err(fault.into());
        }
        while let Some(ObjectHead { key, .. }) = self.keys.next(self.bucket).await? {
            let known = marker(self.bucket, &key).await?;
            if !self.again && known.as_ref().is_some_and(Marker::is_complete) {
                continue;
            }
            let Some(body) = self.bucket.get(&key).await? else {
                self.keys.missing(&key)?;
                continue;
            };
            let known = known.unwrap_or_default();
            let run = self.batch(&body, &known).await;
            let (report, ended) = run.finish(self.bucket, self.stream, key, &known, self.now).await?;
            self.ended = ended;
            return Ok(Some(report));
        }
        Ok(None)
    }

    /// Every record goes back as it was: what a frame is, the writer decides, and puts into the quarantine what is none.
    async fn batch(&self, body: &[u8], known: &Marker) -> Run {
        let mut run = Run::default();
        let records = match Invocation::read(body).and_then(Invocation::records) {
            Ok(records) => records,
            Err(problem) => {
                run.is_damaged(problem);
                return run;
            }
        };
        for (index, record) in records.into_iter().enumerate() {
            run.saw(index);
            if self.again || !known.is_settled(index) {
                run.put(self.stream, index, vec![record]).await;
            }
        }
        run
    }
}

#[cfg(test)]
mod tests;
