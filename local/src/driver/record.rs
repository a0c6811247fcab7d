//! A record of the stream and the event that Lambda makes of it.

use serde_json::{Value, json};

use super::mapping::Mapping;
use crate::time;

/// A record as `GetRecords` gives it; the data stays base64, as the event needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the shard: digits.
    pub sequence_number: String,
    /// What decided its shard.
    pub partition_key: String,
    /// Base64.
    pub data: String,
    /// Milliseconds since the epoch, UTC.
    pub arrived_ms: i64,
}

impl Record {
    /// Reads one element of `GetRecords`' answer.
    #[must_use]
    pub fn of(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let arrived = answer.get("ApproximateArrivalTimestamp")?.as_f64()?;
        Some(Self {
            sequence_number: text("SequenceNumber")?,
            partition_key: text("PartitionKey")?,
            data: text("Data")?,
            arrived_ms: time::milliseconds(arrived),
        })
    }

    /// Bytes it takes in an event, at most: its texts and the fixed fields around them.
    #[must_use]
    pub fn event_bytes(&self) -> usize {
        const FIXED: usize = 700; // names, ARNs of at most 140 and 200 characters, ids
        self.data.len() + self.partition_key.len() * 2 + self.sequence_number.len() * 2 + FIXED
    }

    fn event(&self, shard: &str, mapping: &Mapping, role: &str, region: &str) -> Value {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": self.partition_key,
                "sequenceNumber": self.sequence_number,
                "data": self.data,
                "approximateArrivalTimestamp": time::seconds(self.arrived_ms),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("{shard}:{}", self.sequence_number),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": region,
            "eventSourceARN": mapping.event_source_arn,
        })
    }
}

/// The event of a batch, exactly as AWS sends it.
#[must_use]
pub fn event(records: &[Record], shard: &str, mapping: &Mapping, role: &str, region: &str) -> Value {
    let records = records.iter().map(|record| record.event(shard, mapping, role, region));
    json!({ "Records": records.collect::<Vec<_>>() })
}
