//! A lane: one batch at a time, in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use relay_lambda::process;
use tokio::sync::mpsc;

use super::Running;
use super::batch::{Gathered, gather};
use super::decide::{Answer, Reason, Span, decide};
use super::destination::GivenUp;
use super::progress::Progress;
use super::record::{Record, event};
use crate::host::Outcome;
use crate::watch::Key;

/// Pause after the first failure in a row; it doubles with each further one, and is jittered. AWS does not publish its own.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

pub(super) struct Lane {
    pub(super) running: Arc<Running>,
    pub(super) shard: String,
    pub(super) progress: Arc<Mutex<Progress>>,
}

impl Lane {
    /// Works until the reader has no more or the driver stops.
    pub(super) async fn work(self, mut records: mpsc::Receiver<Record>) {
        let limits = self.running.mapping.limits();
        let mut waiting: VecDeque<Record> = VecDeque::new();
        let mut since_ms = 0;
        let mut ended = false;
        while !self.running.is_stopping() {
            let waited_ms = process::now_ms().saturating_sub(since_ms);
            match gather(waiting.iter().map(Record::event_bytes), waited_ms, ended, limits) {
                Gathered::Ready(count) => {
                    let batch: Vec<Record> = waiting.drain(..count).collect();
                    self.batch(&batch).await;
                    since_ms = process::now_ms();
                }
                Gathered::Wait(None) if ended => return,
                Gathered::Wait(left) => {
                    if waiting.is_empty() {
                        since_ms = process::now_ms();
                    }
                    ended = self.more(&mut records, &mut waiting, left, &mut since_ms).await;
                }
            }
        }
    }

    /// Takes what is there, or waits for something. Returns whether the reader has ended.
    async fn more(
        &self,
        records: &mut mpsc::Receiver<Record>,
        waiting: &mut VecDeque<Record>,
        left_ms: Option<u64>,
        since_ms: &mut i64,
    ) -> bool {
        let mut stop = self.running.stop.clone();
        let first = tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => return false,
            first = records.recv() => first,
            () = tokio::time::sleep(Duration::from_millis(left_ms.unwrap_or(0))), if left_ms.is_some() => return false,
        };
        let Some(first) = first else { return true };
        if waiting.is_empty() {
            *since_ms = process::now_ms();
        }
        waiting.push_back(first);
        while let Ok(record) = records.try_recv() {
            waiting.push_back(record);
        }
        false
    }

    /// Works a batch through until all of it is done or given up, or the driver stops: then what is left comes again.
    async fn batch(&self, batch: &[Record]) {
        let rules = self.running.mapping.rules();
        let sequence_numbers: Vec<String> = batch.iter().map(|record| record.sequence_number.clone()).collect();
        let arrived: Vec<i64> = batch.iter().map(|record| record.arrived_ms).collect();
        let mut spans = VecDeque::from([Span::whole(batch.len())]);
        let mut failures = 0;
        while let Some(span) = spans.pop_front() {
            let (expired, span) = span.without_expired(&arrived, process::now_ms(), rules);
            if let Some(expired) = expired {
                self.give_up(batch, &expired, Reason::RecordAgeExceeded).await;
            }
            let Some(span) = span else { continue };
            let answer = self.call(part(batch, &span)).await;
            let verdict = decide(span, &answer, &sequence_numbers, rules);
            failures = if verdict.done.is_empty() { failures + 1 } else { 0 };
            self.done(sequence_numbers.get(verdict.done).unwrap_or_default());
            if let Some((span, reason)) = verdict.given_up {
                self.give_up(batch, &span, reason).await;
            }
            let retry = !verdict.again.is_empty();
            for span in verdict.again.into_iter().rev() {
                spans.push_front(span);
            }
            if retry {
                self.running.pause(pause(failures)).await;
            }
            if self.running.is_stopping() {
                return;
            }
        }
    }

    async fn call(&self, records: &[Record]) -> Answer {
        self.measure_age(records);
        let payload = Bytes::from(self.event(records).to_string());
        match self.running.host.invoke(&self.running.mapping.function_arn, payload).await {
            Outcome::Answer(document) => Answer::Succeeded(document.to_vec()),
            Outcome::Failed(_) => Answer::Failed,
            Outcome::Refused(code, message) => {
                tracing::warn!(code, message, "a batch did not reach its function");
                Answer::NotInvoked
            }
        }
    }

    /// AWS's `IteratorAge`: how old the last record of a batch is when it is sent.
    fn measure_age(&self, records: &[Record]) {
        let function = self.running.host.function(&self.running.mapping.function_arn);
        let Some((last, function)) = records.last().zip(function) else { return };
        let now = process::now_ms();
        #[expect(clippy::cast_precision_loss, reason = "a stream keeps a year at most")]
        let age = now.saturating_sub(last.arrived_ms).max(0) as f64;
        let key = Key::new("AWS/Lambda", "IteratorAge", Some(("FunctionName", &function.name)));
        self.running.host.meter().record(key, age, now);
    }

    fn event(&self, records: &[Record]) -> serde_json::Value {
        let mapping = &self.running.mapping;
        let function = self.running.host.function(&mapping.function_arn);
        let role = function.map(|function| function.role.as_str()).unwrap_or_default();
        event(records, &self.shard, mapping, role, self.running.aws.region())
    }

    fn done(&self, sequence_numbers: &[String]) {
        let Ok(mut progress) = self.progress.lock() else { return };
        if let Some(checkpoint) = progress.done(sequence_numbers.iter().map(String::as_str)) {
            self.running.checkpoints.advance(&self.shard, checkpoint);
        }
    }

    /// Records count as given up only when their destination has them.
    async fn give_up(&self, batch: &[Record], span: &Span, reason: Reason) {
        let records = part(batch, span);
        let given_up = GivenUp {
            mapping: &self.running.mapping,
            shard: &self.shard,
            records,
            span,
            reason,
            event: self.event(records),
        };
        let mut failures = 1;
        while let Err(failure) = given_up.deliver(&self.running.aws).await {
            tracing::error!(%failure, "the on-failure destination did not take a batch");
            if self.running.is_stopping() {
                return;
            }
            self.running.pause(pause(failures)).await;
            failures += 1;
        }
        let mapping = Some(("EventSourceMappingUUID", self.running.mapping.uuid.as_str()));
        let key = Key::new("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", mapping);
        #[expect(clippy::cast_precision_loss, reason = "a batch has 10,000 records at most")]
        self.running.host.meter().record(key, records.len() as f64, process::now_ms());
        let sequence_numbers: Vec<String> = records.iter().map(|record| record.sequence_number.clone()).collect();
        self.done(&sequence_numbers);
    }
}

fn part<'a>(batch: &'a [Record], span: &Span) -> &'a [Record] {
    batch.get(span.range.clone()).unwrap_or_default()
}

/// Between half of the exponential pause and all of it.
fn pause(failures: u32) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1));
    let [random] = process::random::<1>();
    doubled.min(PAUSE_MAX).mul_f64(0.5 + f64::from(random) / 512.0)
}
