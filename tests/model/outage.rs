//! The writer is off, or its table refuses everything, for days; then all is well again. The event source mapping decides as the local
//! driver does, which decides as AWS documents it, with the template's settings.

use std::time::Duration;

use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use local::driver::decide::{Answer, Rules, Span, decide};
use relay::fault::FaultKind;
use relay::port::memory::{MemoryStream, StreamRecord};
use serde_json::json;
use tokio::time::Instant;

use super::{Machine, NOW, SHARDS};

const HOUR_MS: i64 = 3_600_000;
/// `MaximumRecordAgeInSeconds` of template.yaml: six days.
const RECORD_AGE_MS: i64 = 518_400_000;
/// `BatchSize` of template.yaml.
const BATCH: usize = 1000;

/// Half the tries that the writer may ever make: each is refused.
const REFUSALS: usize = 1_000_000;

/// As template.yaml sets them.
const RULES: Rules = Rules { reports_failures: true, bisect: true, retries: None, record_age_ms: Some(RECORD_AGE_MS) };

/// `Timeout` of the writer in template.yaml.
const INVOCATION: Duration = Duration::from_mins(1);

/// An invocation that began then; the runtime's simulated time is its time.
struct Invocation(Instant);

impl Clock for Invocation {
    fn remaining(&self) -> Duration {
        INVOCATION.saturating_sub(self.0.elapsed())
    }

    fn now(&self) -> i64 {
        NOW
    }

    fn jitter(&self) -> u32 {
        500
    }
}

/// What keeps the writer from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    /// It is not called at all.
    Off,
    /// It is called, and its table refuses every page.
    Throttled,
}

impl Machine {
    fn now(&self) -> i64 {
        NOW + self.requests
    }

    /// A shard's next batch goes to the writer, span by span, until no more comes of trying now. Answers what is given up.
    async fn drive(&mut self, shard: usize) -> Vec<StreamRecord> {
        let batch: Vec<StreamRecord> =
            self.door.stream.records(shard)[self.next[shard]..].iter().take(BATCH).cloned().collect();
        let sequence_numbers: Vec<String> = batch.iter().map(|record| record.sequence_number.clone()).collect();
        let arrived: Vec<i64> = batch.iter().map(|record| record.arrived_at).collect();
        let mut given_up = Vec::new();
        let (expired, mut span) = Span::whole(batch.len()).without_expired(&arrived, self.now(), RULES);
        if let Some(expired) = expired {
            self.next[shard] += expired.range.len();
            given_up.extend_from_slice(&batch[expired.range]);
        }
        while let Some(tried) = span.take() {
            let records: Vec<Record> = batch[tried.range.clone()].iter().map(|of| record(of, shard)).collect();
            let failed = self.writer.drain(&records, &Invocation(Instant::now())).await;
            let failures: Vec<_> =
                failed.map(|index| json!({"itemIdentifier": records[index].sequence_number})).into_iter().collect();
            let answer = Answer::Succeeded(json!({"batchItemFailures": failures}).to_string().into_bytes());
            let verdict = decide(tried, &answer, &sequence_numbers, RULES);
            self.next[shard] += verdict.done.len();
            assert_eq!(verdict.given_up, None, "retries have no bound");
            // What is left comes again with the next hour's batch.
            span = verdict.again.into_iter().next().filter(|_| !verdict.done.is_empty());
        }
        given_up
    }

    /// Activities come in each hour; the writer is kept from its work so long. Answers what the mapping gives up.
    async fn suffer(&mut self, outage: Outage, hours: i64) -> Vec<StreamRecord> {
        let mut given_up = Vec::new();
        if outage == Outage::Throttled {
            self.writer.pages.script.refuse("put", REFUSALS, FaultKind::Throttled);
        }
        for hour in 0..hours {
            self.door.stream.set_now(self.now());
            let id = u16::try_from(hour).unwrap();
            self.callback(id).await;
            self.batch(&[id, id + 1, id / 2]).await;
            if outage == Outage::Throttled {
                for shard in 0..SHARDS {
                    given_up.extend(self.drive(shard).await);
                }
            }
            self.requests = (hour + 1) * HOUR_MS;
        }
        self.writer.pages.script.clear();
        given_up
    }

    /// The writer works again. Answers what the mapping gives up all the same.
    async fn recover(&mut self) -> Vec<StreamRecord> {
        let mut given_up = Vec::new();
        for shard in 0..SHARDS {
            while self.next[shard] < self.door.stream.records(shard).len() {
                let before = self.next[shard];
                given_up.extend(self.drive(shard).await);
                assert!(self.next[shard] > before, "the writer comes on");
            }
        }
        given_up
    }

    async fn compare(&self) {
        let rows = self.rows().await;
        let lost: Vec<_> = self.acknowledged.iter().filter(|id| !rows.contains_key(*id)).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        assert!(rows.values().all(|times| *times == 1), "{rows:?}");
        assert_eq!(rows.len(), self.acknowledged.len());
        assert!(self.acknowledged.len() > 250, "enough to speak of");
    }
}

fn record(of: &StreamRecord, shard: usize) -> Record {
    Record {
        sequence_number: of.sequence_number.clone(),
        shard_id: MemoryStream::shard_id(shard),
        arrived_at: of.arrived_at,
        data: of.data.to_vec(),
    }
}

#[tokio::test(start_paused = true)]
async fn six_days_off_or_throttled_lose_and_double_nothing() {
    for outage in [Outage::Off, Outage::Throttled] {
        let mut machine = Machine::new().await;
        let given_up = machine.suffer(outage, 6 * 24).await;
        assert!(given_up.is_empty(), "{outage:?}: {} given up", given_up.len());
        assert!(machine.rows().await.is_empty(), "{outage:?}: nothing came through");
        let given_up = machine.recover().await;
        assert!(given_up.is_empty(), "{outage:?}: {} given up", given_up.len());
        machine.compare().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_after_six_days_is_whole_in_the_failed_bucket_and_replayed() {
    let mut machine = Machine::new().await;
    let mut given_up = machine.suffer(Outage::Throttled, 7 * 24).await;
    given_up.extend(machine.recover().await);
    assert!(!given_up.is_empty(), "what is older than six days goes to the on-failure destination");
    let records: Vec<Record> = given_up.iter().map(|of| record(of, 0)).collect();
    assert_eq!(machine.writer.drain(&records, &Invocation(Instant::now())).await, None);
    machine.compare().await;
}
