//! Invocations as the stream brings them, as large as they come.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relay::activity::{Activity, Kind};
use relay::frame;
use relay_plan::generator::Generator;
use serde_json::json;

use crate::requests;

/// 2026-11-14 08:10:00 UTC.
const START: i64 = 1_794_643_800_000;

/// Records of one invocation (template.yaml, `BatchSize`).
pub(super) const BATCH_SIZE: usize = 1000;

/// The most bytes of an invocation's payload (Lambda quotas: 6 MB, synchronous).
pub(super) const PAYLOAD_BYTES: usize = 6_000_000;

/// Digits of a sequence number (Kinesis).
const SEQUENCE_DIGITS: usize = 56;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A frame of ours.
    Frame,
    /// What the peers' doors put: a JSON array of activities.
    Text,
}

impl Form {
    /// The records' data that hold these activities.
    fn pack(self, activities: &[Activity<'_>]) -> Vec<Vec<u8>> {
        match self {
            Self::Frame => frame::pack(90, activities).iter().map(|frame| frame.data.to_vec()).collect(),
            Self::Text => {
                let items = activities.iter().map(|activity| {
                    let mut item = requests::item(activity);
                    if let Some(item) = item.as_object_mut() {
                        item.insert("id".to_owned(), hex::encode(activity.activity_id.0).into());
                        item.insert("received_at".to_owned(), activity.received_at.into());
                    }
                    item
                });
                vec![items.collect::<serde_json::Value>().to_string().into_bytes()]
            }
        }
    }
}

/// Invocations of different activities.
pub(super) struct Load {
    /// The JSON that the runtime gets.
    pub(super) invocations: Vec<Invocation>,
    /// How many activities are in all of them.
    pub(super) activities: u64,
    /// The next sequence number: a shard's only grow, and so does its watermark.
    next: u64,
}

/// How large they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Activities of a record.
    pub(super) per_record: usize,
    /// The most records of an invocation.
    pub(super) records: usize,
    /// How many invocations.
    pub(super) invocations: usize,
}

impl Load {
    pub(super) fn new(form: Form, size: Size) -> Result<Self, String> {
        let mut generator = Generator::new(1);
        let mut load = Self { invocations: Vec::new(), activities: 0, next: 0 };
        for second in (0..).step_by(1000).take(size.invocations) {
            let (mut records, mut bytes) = (Vec::new(), 0);
            while records.len() < size.records && bytes < PAYLOAD_BYTES {
                let activities: Result<Vec<Activity<'static>>, String> = (0..size.per_record)
                    .map(|_| {
                        let received_at = START + second + generator.below(1000);
                        generator.activity(Kind::Event, received_at - age(received_at), received_at)
                    })
                    .collect();
                for data in form.pack(&activities?) {
                    let record = record(&STANDARD.encode(data));
                    bytes += record.to_string().len();
                    records.push(record);
                }
                load.activities += size.per_record as u64;
            }
            load.invocations.push(Invocation::of(&json!({"Records": records}))?);
        }
        Ok(load)
    }

    /// The payloads, with sequence numbers that were not there before.
    pub(super) fn payloads(&mut self) -> impl Iterator<Item = &[u8]> {
        let first = self.next;
        self.next += self.invocations.len() as u64;
        self.invocations.iter_mut().zip(first + 1..).map(|(invocation, next)| {
            invocation.set_last(next);
            invocation.payload.as_slice()
        })
    }
}

/// An event's JSON.
pub(super) struct Invocation {
    pub(super) payload: Vec<u8>,
    /// Where the sequence number of its last record stands.
    last: usize,
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

pub(super) fn digits_of(sequence_number: u64) -> String {
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
