//! Lambda's events in and out; they stop here.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use aws_lambda_events::event::kinesis::KinesisRecord;
use aws_lambda_events::event::streams::KinesisEventResponse;
use lambda_runtime::LambdaEvent;
use relay::port::{ControlTable, PageStore, Quarantine};
use relay::spill;
use relay_lambda::{metrics, process};
use serde::Deserialize;

use crate::App;
use crate::batch::Record;
use crate::drain::Clock;

/// A batch of the stream or of the spill queue: Lambda never mixes the two.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    records: Vec<Delivery>,
}

/// One record of either source. A type of both, because an enum that tries one after the other would hold 6 MB of event twice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    /// Of the stream: `shardId-…:sequence number`.
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    kinesis: Option<KinesisRecord>,
    /// Of the queue.
    message_id: Option<String>,
    body: Option<String>,
    #[serde(default)]
    attributes: HashMap<String, String>,
}

/// Drains a batch. What is not durable is answered as failed (`ReportBatchItemFailures`): of the stream the lowest sequence number, and Lambda brings
/// it and all behind it again; of the queue each message by its id, and only those come again. The invocation itself never fails.
pub async fn handle<P, C, Q>(app: &App<P, C, Q>, event: LambdaEvent<Event>) -> Result<KinesisEventResponse, Infallible>
where
    P: PageStore,
    C: ControlTable,
    Q: Quarantine,
{
    let clock = Invocation { deadline: i64::try_from(event.context.deadline).unwrap_or(i64::MAX) };
    // The queue's answer is the same document, with message ids.
    let mut response = KinesisEventResponse::default();
    let (records, messages) = sources(event.payload);
    let failed = app.drain(&records, &clock).await.and_then(|index| records.get(index));
    for record in failed.into_iter().chain(app.drain_spill(&messages, &clock).await) {
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

/// The records of the stream, and the messages of the queue.
fn sources(event: Event) -> (Vec<Record>, Vec<Record>) {
    let (mut records, mut messages) = (Vec::new(), Vec::new());
    for delivery in event.records {
        match delivery.kinesis {
            Some(kinesis) => {
                let event_id = delivery.event_id.unwrap_or_default();
                records.push(Record {
                    sequence_number: kinesis.sequence_number,
                    shard_id: event_id.split(':').next().unwrap_or_default().to_owned(),
                    arrived_at: kinesis.approximate_arrival_timestamp.timestamp_millis(),
                    data: kinesis.data.0,
                });
            }
            None => messages.push(Record {
                sequence_number: delivery.message_id.unwrap_or_default(),
                shard_id: String::new(),
                arrived_at: delivery.attributes.get("SentTimestamp").and_then(|at| at.parse().ok()).unwrap_or_default(),
                data: spill::frame(&delivery.body.unwrap_or_default()),
            }),
        }
    }
    (records, messages)
}
