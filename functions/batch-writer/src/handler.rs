//! Lambda's events in and out; they stop here.

use std::convert::Infallible;
use std::time::Duration;

use aws_lambda_events::event::kinesis::KinesisEvent;
use aws_lambda_events::event::streams::KinesisEventResponse;
use lambda_runtime::LambdaEvent;
use relay::port::{ControlTable, PageStore, Quarantine};
use relay_lambda::{metrics, process};

use crate::App;
use crate::batch::Record;
use crate::drain::Clock;

/// Drains a batch. What is not durable is answered as failed from the lowest sequence number on: Lambda brings it and all behind it again
/// (`ReportBatchItemFailures`). The invocation itself never fails.
pub async fn handle<P, C, Q>(
    app: &App<P, C, Q>,
    event: LambdaEvent<KinesisEvent>,
) -> Result<KinesisEventResponse, Infallible>
where
    P: PageStore,
    C: ControlTable,
    Q: Quarantine,
{
    let clock = Invocation { deadline: i64::try_from(event.context.deadline).unwrap_or(i64::MAX) };
    let records = records(event.payload);
    let mut response = KinesisEventResponse::default();
    let failed = app.drain(&records, &clock).await;
    if let Some(record) = failed.and_then(|index| records.get(index)) {
        response.add_failure(record.sequence_number.clone());
    }
    if let Ok(mut counters) = app.counters.lock() {
        metrics::emit(&counters.flush(clock.now()));
    }
    Ok(response)
}

/// One invocation's clock: its deadline in milliseconds since the epoch.
struct Invocation {
    deadline: i64,
}

impl Clock for Invocation {
    fn remaining(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.deadline - self.now()).unwrap_or(0))
    }

    fn now(&self) -> i64 {
        process::now_ms()
    }

    fn jitter(&self) -> u32 {
        u32::from(u16::from_le_bytes(process::random()))
    }
}

fn records(event: KinesisEvent) -> Vec<Record> {
    let record = |record: aws_lambda_events::event::kinesis::KinesisEventRecord| {
        let event_id = record.event_id.unwrap_or_default();
        let shard_id = event_id.split(':').next().unwrap_or_default().to_owned();
        Record {
            sequence_number: record.kinesis.sequence_number,
            shard_id,
            arrived_at: record.kinesis.approximate_arrival_timestamp.timestamp_millis(),
            data: record.kinesis.data.0,
        }
    };
    event.records.into_iter().map(record).collect()
}
