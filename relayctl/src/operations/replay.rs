//! What both replays share: walking over a bucket, putting entries back, and marking an object once that is durable.

mod put_back;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{ObjectHead, Objects, Stream};
use relay::replay::{Marker, marker_key};

use super::Refusal;
use crate::view::ObjectReport;
use put_back::PutBack;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the stream.
    Accepted,
    /// Its owner's allow-list leaves it out.
    Dropped,
    /// It is still not understood, or not its owner's.
    Rejected {
        /// The reason's name.
        reason: String,
        /// The same in words.
        detail: String,
    },
    /// The stream did not take it.
    Failed(Fault),
}

/// The objects below a prefix, one listing at a time.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: String,
    listed: VecDeque<ObjectHead>,
    after: Option<String>,
    is_last: bool,
}

impl Keys {
    pub(crate) fn below(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), listed: VecDeque::new(), after: None, is_last: false }
    }

    /// One object, by its key.
    pub(crate) fn one(key: String) -> Self {
        let listed = VecDeque::from([ObjectHead { key: key.clone(), bytes: 0 }]);
        Self { prefix: key, listed, after: None, is_last: true }
    }

    /// What it means that an object is not there: it was asked for by its key; or, listed a moment ago, it has reached the end of its retention.
    pub(crate) fn missing(&self, key: &str) -> Result<(), Refusal> {
        if self.prefix == key { Err(Refusal::Other(format!("there is no object `{key}`"))) } else { Ok(()) }
    }

    /// The next object; `None` at the end.
    pub(crate) async fn next(&mut self, bucket: &impl Objects) -> Result<Option<ObjectHead>, Fault> {
        while self.listed.is_empty() && !self.is_last {
            let listing = bucket.list(&self.prefix, self.after.as_deref()).await?;
            self.listed.extend(listing.objects);
            self.is_last = listing.next.is_none();
            self.after = listing.next;
        }
        Ok(self.listed.pop_front())
    }
}

/// The marker of an object; `None` for one that was never replayed.
pub(crate) async fn marker(bucket: &impl Objects, key: &str) -> Result<Option<Marker>, Fault> {
    let body = bucket.get(&marker_key(key)).await?;
    Ok(body.and_then(|body| Marker::read(&body)))
}

/// The replay of one object.
#[derive(Debug, Default)]
pub(crate) struct Run {
    outcomes: BTreeMap<usize, Outcome>,
    back: PutBack,
    entries: usize,
}

impl Run {
    /// Counts the entry of this index, whatever becomes of it.
    pub(crate) fn saw(&mut self, index: usize) {
        self.entries = self.entries.max(index + 1);
    }

    /// Nothing is put of this entry.
    pub(crate) fn settle(&mut self, index: usize, outcome: Outcome) {
        self.outcomes.insert(index, outcome);
    }

    /// The object cannot be read from here on: it never counts as done.
    pub(crate) fn is_damaged(&mut self, detail: String) {
        self.settle(self.entries, Outcome::Rejected { reason: "unreadable".to_owned(), detail });
        self.entries += 1;
    }

    /// Puts this entry's frames, together with others'.
    pub(crate) async fn put(&mut self, stream: &impl Stream, index: usize, frames: Vec<Bytes>) {
        self.outcomes.insert(index, Outcome::Accepted);
        self.back.add(stream, index, frames).await;
    }

    /// Puts what waits, then marks what is settled, in this order: a crash between the two makes the next run put it again, under the same ids.
    /// Answers what became of each entry, and the fault that should end the run.
    pub(crate) async fn finish(
        mut self,
        bucket: &impl Objects,
        stream: &impl Stream,
        key: String,
        known: &Marker,
        now: i64,
    ) -> Result<(ObjectReport, Option<Fault>), Refusal> {
        self.back.flush(stream).await;
        let failed = std::mem::take(&mut self.back.failed);
        let ended = failed.first().map(|(_, fault)| fault.clone());
        self.outcomes.extend(failed.into_iter().map(|(index, fault)| (index, Outcome::Failed(fault))));
        let marker = self.marker(known, now);
        if (&marker.accepted, &marker.dropped) != (&known.accepted, &known.dropped) {
            let broken = |error: serde_json::Error| Fault::new(FaultKind::Denied, "marker", error.to_string());
            let body = serde_json::to_vec(&marker).map_err(broken)?;
            bucket.put(&marker_key(&key), Bytes::from(body)).await?;
        }
        Ok((ObjectReport::new(key, self.outcomes), ended))
    }

    fn marker(&self, known: &Marker, now: i64) -> Marker {
        let mut marker = Marker { replayed_at: now, entries: self.entries, ..known.clone() };
        for (index, outcome) in &self.outcomes {
            match outcome {
                Outcome::Accepted => marker.accepted.insert(*index),
                Outcome::Dropped => marker.dropped.insert(*index),
                Outcome::Rejected { .. } | Outcome::Failed(_) => false,
            };
        }
        marker
    }
}
