//! How many activities a second one core brings from Kinesis events into pages: JSON, base64, frames, checks, grouping, compression, digests. The table is
//! the in-memory double, so the SDK's part (signing and sending some KiB for a thousand activities) is left out.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use batch_writer::App;
use batch_writer::handler::{Event, handle};
use lambda_runtime::{Context, LambdaEvent};
use relay::activity::{Activity, Kind};
use relay::frame;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use serde_json::json;

use crate::core_time::{rate, repeat};
use crate::generator::Generator;
use crate::{Outcome, judge, say, wait};

/// 2026-11-14 08:10:00 UTC.
const START: i64 = 1_794_643_800_000;

/// Records of one invocation (template.yaml, `BatchSize`).
const BATCH_SIZE: usize = 1000;

/// The most bytes of an invocation's payload (Lambda quotas: 6 MB, synchronous).
const PAYLOAD_BYTES: usize = 6_000_000;

/// Events of different activities.
const EVENTS: usize = 20;

/// How long to measure each.
const AT_LEAST: Duration = Duration::from_secs(8);

/// Measures frames of a hundred, then of one.
pub(crate) fn run() -> Outcome {
    let of_hundred = measure(100)?;
    say(&format!("writer, frames of 100   {of_hundred:>9} activities a second a core, goal 200000"));
    let singles = measure(1)?;
    say(&format!("writer, frames of 1     {singles:>9} activities a second a core, goal 80000"));
    judge("frames of 100", of_hundred, 200_000)?;
    judge("frames of 1", singles, 80_000)
}

fn measure(per_frame: usize) -> Result<u64, String> {
    let (events, activities) = events(per_frame)?;
    let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
    let (rounds, time) = repeat(AT_LEAST, || wait(drain(&app, &events))?)?;
    Ok(rate(rounds * activities, time))
}

type Doubles = App<MemoryPages, MemoryControl, MemoryQuarantine>;

/// Brings all events into the table. The same pages again take the place of the first.
async fn drain(app: &Doubles, events: &[Vec<u8>]) -> Outcome {
    for event in events {
        let payload: Event = serde_json::from_slice(event).map_err(|error| format!("the event: {error}"))?;
        let Ok(response) = handle(app, LambdaEvent::new(payload, Context::default())).await;
        if !response.batch_item_failures.is_empty() {
            return Err("the writer did not store a batch".to_owned());
        }
    }
    if app.pages.all().is_empty() { Err("the writer stored nothing".to_owned()) } else { Ok(()) }
}

/// Invocations as large as they come, as the JSON that the runtime gets, and how many activities are in all of them.
fn events(per_frame: usize) -> Result<(Vec<Vec<u8>>, u64), String> {
    let mut generator = Generator::new(1);
    let (mut events, mut activities) = (Vec::new(), 0);
    for event in 0..EVENTS {
        let second = i64::try_from(event).unwrap_or_default() * 1000;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < BATCH_SIZE && bytes < PAYLOAD_BYTES {
            let frame: Result<Vec<Activity<'static>>, String> = (0..per_frame)
                .map(|_| {
                    let received_at = START + second + generator.below(1000);
                    generator.activity(Kind::Event, received_at - age(received_at), received_at)
                })
                .collect();
            for packed in frame::pack(90, &frame?) {
                let record = record(records.len(), &STANDARD.encode(&packed.data));
                bytes += record.to_string().len();
                records.push(record);
                activities += packed.members.len() as u64;
            }
        }
        events.push(json!({"Records": records}).to_string().into_bytes());
    }
    Ok((events, activities))
}

/// On time: up to two seconds old.
const fn age(received_at: i64) -> i64 {
    received_at % 2_000
}

fn record(n: usize, data: &str) -> serde_json::Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": format!("{n:032x}"), "sequenceNumber": format!("{n:056}"),
            "data": data, "approximateArrivalTimestamp": 1_794_643_800.987,
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000000:{n:056}"),
        "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::123456789012:role/writer",
        "awsRegion": "us-east-2", "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/activities",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activity_of_an_event_is_stored() {
        let (events, activities) = events(1).unwrap();
        assert_eq!(activities, (EVENTS * BATCH_SIZE) as u64);
        assert!(events.iter().all(|event| event.len() < PAYLOAD_BYTES));
        let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
        assert_eq!(wait(drain(&app, &events[..1])).unwrap(), Ok(()));
        assert_eq!(app.pages.all().iter().map(|page| page.n).sum::<u64>(), BATCH_SIZE as u64);
    }
}
