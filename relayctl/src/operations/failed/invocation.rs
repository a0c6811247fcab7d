//! Lambda's invocation record: what an on-failure destination receives of a stream's mapping.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

/// The document. Everything but the payload is only shown, so nothing of it must be there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invocation {
    #[serde(rename = "requestContext")]
    pub(super) request: Request,
    /// When it was given up, in RFC 3339.
    pub(super) timestamp: Option<String>,
    #[serde(rename = "KinesisBatchInfo")]
    pub(super) batch: Option<BatchInfo>,
    payload: Option<Payload>,
}

/// Why it was given up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    /// `RetryAttemptsExhausted`, `RecordAgeExceeded`…
    pub(super) condition: Option<String>,
}

/// Which records.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BatchInfo {
    #[serde(rename = "shardId")]
    pub(super) shard_id: Option<String>,
    #[serde(rename = "startSequenceNumber")]
    pub(super) first: Option<String>,
    #[serde(rename = "endSequenceNumber")]
    pub(super) last: Option<String>,
    #[serde(rename = "batchSize")]
    pub(super) size: Option<u64>,
}

/// The event that the function was called with: a text within the document, as S3 receives it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Payload {
    Text(String),
    Event(Event),
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    kinesis: Kinesis,
}

#[derive(Debug, Deserialize)]
struct Kinesis {
    data: String,
}

impl Invocation {
    /// Reads the document.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|error| format!("it is no invocation record: {error}"))
    }

    /// The data of all records, in order.
    pub(super) fn records(self) -> Result<Vec<Bytes>, String> {
        let event = match self.payload {
            None => return Err("it holds no payload: only an S3 destination receives the records".to_owned()),
            Some(Payload::Event(event)) => event,
            Some(Payload::Text(text)) => {
                serde_json::from_str(&text).map_err(|error| format!("its payload is no event of a stream: {error}"))?
            }
        };
        let decode = |(index, record): (usize, Record)| {
            let data = STANDARD.decode(record.kinesis.data);
            data.map(Bytes::from).map_err(|error| format!("record {index} is no base64: {error}"))
        };
        event.records.into_iter().enumerate().map(decode).collect()
    }
}
