//! Replaying the quarantine, object by object.

use bytes::Bytes;
use relay::fault::Fault;
use relay::port::{ControlTable, ObjectHead, Objects, Stream};
use relay::quarantine;
use relay::replay::Marker;

use super::decide::{Decision, Judge};
use crate::cli::ReasonFilter;
use crate::names::Place;
use crate::operations::Refusal;
use crate::operations::replay::{Keys, Run, marker};
use crate::view::ObjectReport;

/// What is replayed.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where.
    pub(crate) place: Place,
    /// Only entries with this reason.
    pub(crate) filter: ReasonFilter,
    /// Also what is settled already.
    pub(crate) again: bool,
    /// Milliseconds since the epoch, UTC.
    pub(crate) now: i64,
}

/// A run over the quarantine, an owner after the other, oldest object first. One object is in memory at a time, and of that one entry.
#[derive(Debug)]
pub(crate) struct Replay<'a, O, C, S> {
    bucket: &'a O,
    control: &'a C,
    stream: &'a S,
    options: Options,
    keys: Keys,
    /// The fault that ended the run.
    ended: Option<Fault>,
}

impl<'a, O: Objects, C: ControlTable, S: Stream> Replay<'a, O, C, S> {
    /// A run that has not begun.
    pub(crate) fn new(bucket: &'a O, control: &'a C, stream: &'a S, options: Options) -> Self {
        let keys = match &options.place {
            Place::Object(key) => Keys::one(key.clone()),
            Place::Days { .. } | Place::Day { .. } => Keys::below(options.place.prefix()),
        };
        Self { bucket, control, stream, options, keys, ended: None }
    }

    /// Replays the next object that has something left; `None` at the end. A fault ends the run: what is done is marked, and another run goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<ObjectReport>, Refusal> {
        if let Some(fault) = self.ended.take() {
            return Err(fault.into());
        }
        while let Some(ObjectHead { key, .. }) = self.keys.next(self.bucket).await? {
            let known = marker(self.bucket, &key).await?;
            if !self.options.again && known.as_ref().is_some_and(Marker::is_complete) {
                continue;
            }
            let Some(body) = self.bucket.get(&key).await? else {
                self.keys.missing(&key)?;
                continue;
            };
            let known = known.unwrap_or_default();
            let run = self.object(&key, &body, &known).await?;
            let (report, ended) = run.finish(self.bucket, self.stream, key, &known, self.options.now).await?;
            self.ended = ended;
            if !report.is_empty() {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }

    async fn object(&self, key: &str, body: &Bytes, known: &Marker) -> Result<Run, Fault> {
        let owner = key.split('/').nth(1).unwrap_or_default();
        let mut judge = Judge::new(self.control, owner);
        let mut run = Run::default();
        let entries = match quarantine::entries(body) {
            Ok(entries) => entries,
            Err(error) => {
                run.is_damaged(error.to_string());
                return Ok(run);
            }
        };
        for (index, entry) in entries.enumerate() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    // What stands behind cannot be told apart; what stood before is replayed.
                    run.is_damaged(error.to_string());
                    break;
                }
            };
            run.saw(index);
            let is_done = !self.options.again && known.is_settled(index);
            if is_done || !self.options.filter.takes(&entry.reason) {
                continue;
            }
            match judge.decide(&entry).await? {
                Decision::Nothing(outcome) => run.settle(index, outcome),
                Decision::Put(frames) => run.put(self.stream, index, frames).await,
            }
        }
        Ok(run)
    }
}
