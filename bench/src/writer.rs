//! How many activities a second one core brings from Kinesis events into pages: JSON, base64, frames, checks, grouping, compression, digests, and the SDK's
//! signing and sending to the in-process endpoint; beside it the same with the tables in memory, without the SDK.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use batch_writer::App;
use batch_writer::handler::{Event, handle};
use lambda_runtime::{Context, LambdaEvent};
use relay::activity::{Activity, Kind};
use relay::frame;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use relay::port::{ControlTable, PageStore};
use relay_aws::config::Aws;
use relay_aws::dynamodb::{AwsControl, AwsPages};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::core_time::{Account, Effort, measure, rate};
use crate::endpoint::Endpoint;
use crate::{Outcome, Rates, runtime};
use relay_plan::generator::Generator;

/// 2026-11-14 08:10:00 UTC.
const START: i64 = 1_794_643_800_000;

/// Records of one invocation (template.yaml, `BatchSize`).
const BATCH_SIZE: usize = 1000;

/// The most bytes of an invocation's payload (Lambda quotas: 6 MB, synchronous).
const PAYLOAD_BYTES: usize = 6_000_000;

/// Events of different activities.
const EVENTS: usize = 20;

/// When invocations end, in the context of each: milliseconds since the epoch, long after any of them.
const DEADLINE: u64 = 4_000_000_000_000;

/// Digits of a sequence number (Kinesis).
const SEQUENCE_DIGITS: usize = 56;

/// Measures frames of a hundred, then of one.
pub(crate) fn run(effort: Effort) -> Outcome {
    let goals = [("frames of 100", 100, 200_000), ("frames of 1", 1, 80_000)];
    let mut reached = Ok(());
    for (what, per_frame, goal) in goals {
        let rates = Load::new(per_frame, EVENTS)?.rates(effort)?;
        rates.say(&format!("writer, {what}"), "activities", Some(goal));
        reached = reached.and(rates.judge(what, goal));
    }
    reached
}

/// Invocations as large as they come.
struct Load {
    invocations: Vec<Invocation>,
    /// How many activities are in all of them.
    activities: u64,
    /// The next sequence number: a shard's only grow, and so does its watermark.
    next: u64,
}

/// The JSON that the runtime gets.
struct Invocation {
    payload: Vec<u8>,
    /// Where the sequence number of its last record stands.
    last: usize,
}

impl Load {
    fn new(per_frame: usize, invocations: usize) -> Result<Self, String> {
        let mut generator = Generator::new(1);
        let mut load = Self { invocations: Vec::new(), activities: 0, next: 0 };
        for second in (0..).step_by(1000).take(invocations) {
            let (mut records, mut bytes) = (Vec::new(), 0);
            while records.len() < BATCH_SIZE && bytes < PAYLOAD_BYTES {
                let frame: Result<Vec<Activity<'static>>, String> = (0..per_frame)
                    .map(|_| {
                        let received_at = START + second + generator.below(1000);
                        generator.activity(Kind::Event, received_at - age(received_at), received_at)
                    })
                    .collect();
                for packed in frame::pack(90, &frame?) {
                    let record = record(&STANDARD.encode(&packed.data));
                    bytes += record.to_string().len();
                    records.push(record);
                    load.activities += packed.members.len() as u64;
                }
            }
            load.invocations.push(Invocation::of(&json!({"Records": records}))?);
        }
        Ok(load)
    }

    /// Over the SDK and over the doubles, each on this thread.
    fn rates(&mut self, effort: Effort) -> Result<Rates, String> {
        let runtime = runtime()?;
        let doubles = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
        let in_memory = self.rate(effort, &runtime, &doubles)?;
        drop(doubles);
        let endpoint = Endpoint::start()?;
        let aws = runtime.block_on(Aws::at(endpoint.url(), "eu-west-1"));
        let (pages, control) = (AwsPages::new(&aws, "pages"), AwsControl::new(&aws, "control"));
        let through_sdk = self.rate(effort, &runtime, &App::new(pages, control, MemoryQuarantine::default(), 1))?;
        Ok(Rates { through_sdk, in_memory })
    }

    fn rate(
        &mut self,
        effort: Effort,
        runtime: &Runtime,
        app: &App<impl PageStore, impl ControlTable, MemoryQuarantine>,
    ) -> Result<u64, String> {
        let cost = measure(effort, Account::ThisThread, || runtime.block_on(self.drain(app)))?;
        Ok(rate(self.activities, cost.core))
    }

    /// Brings all into the table. The same pages again take the place of the first.
    async fn drain(&mut self, app: &App<impl PageStore, impl ControlTable, MemoryQuarantine>) -> Outcome {
        for invocation in &mut self.invocations {
            self.next += 1;
            invocation.set_last(self.next);
            let payload: Event =
                serde_json::from_slice(&invocation.payload).map_err(|error| format!("the event: {error}"))?;
            let mut context = Context::default();
            context.deadline = DEADLINE;
            let Ok(response) = handle(app, LambdaEvent::new(payload, context)).await;
            if !response.batch_item_failures.is_empty() {
                return Err("the writer did not store a batch".to_owned());
            }
        }
        Ok(())
    }
}

impl Invocation {
    fn of(event: &serde_json::Value) -> Result<Self, String> {
        const NAME: &str = r#""sequenceNumber":""#;
        let payload = event.to_string();
        let last = payload.rfind(NAME).ok_or("an event without a record")? + NAME.len();
        Ok(Self { payload: payload.into_bytes(), last })
    }

    fn set_last(&mut self, sequence_number: u64) {
        if let Some(digits) = self.payload.get_mut(self.last..self.last + SEQUENCE_DIGITS) {
            digits.copy_from_slice(digits_of(sequence_number).as_bytes());
        }
    }
}

fn digits_of(sequence_number: u64) -> String {
    format!("{sequence_number:0SEQUENCE_DIGITS$}")
}

/// On time: up to two seconds old.
const fn age(received_at: i64) -> i64 {
    received_at % 2_000
}

fn record(data: &str) -> serde_json::Value {
    let sequence_number = digits_of(0);
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": format!("{:032x}", data.len()), "sequenceNumber": sequence_number,
            "data": data, "approximateArrivalTimestamp": 1_794_643_800.987,
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000000:{sequence_number}"),
        "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::123456789012:role/writer",
        "awsRegion": "us-east-2", "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    #[test]
    fn every_activity_of_an_event_is_stored_and_the_watermark_follows() {
        let mut load = Load::new(1, 2).unwrap();
        assert_eq!(load.activities, 2 * BATCH_SIZE as u64);
        assert!(load.invocations.iter().all(|invocation| invocation.payload.len() < PAYLOAD_BYTES));
        let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
        let runtime = runtime().unwrap();
        assert_eq!(runtime.block_on(load.drain(&app)), Ok(()));
        assert_eq!(app.pages.all().iter().map(|page| page.n).sum::<u64>(), load.activities);
        let watermarks = runtime.block_on(relay::backlog::watermarks(&app.control)).unwrap();
        assert_eq!(watermarks[0].sequence_number, digits_of(2));
    }

    #[test]
    fn both_ways_store_the_same_activities() {
        let rates = Load::new(1, 1).unwrap().rates(TINY).unwrap();
        assert!(rates.through_sdk > 0 && rates.in_memory > 0);
    }
}
