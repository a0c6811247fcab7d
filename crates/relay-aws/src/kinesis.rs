//! Kinesis: the stream's entrance, and its backlog seen from outside.

mod backlog;
mod stream;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use relay::fault::Fault;
use relay::port::{Record, Stream};

use crate::calls::{Limits, split};
use crate::config::Aws;
use crate::fault::{broken, coded, fault};

pub use backlog::AwsBacklog;
pub use stream::{AwsStreamState, StreamState};

const PUT_RECORDS: &str = "kinesis:PutRecords";

/// Kinesis API reference, `PutRecords`: 500 records, 10 MiB with the partition keys.
const PUT_RECORDS_LIMITS: Limits = Limits { items: 500, bytes: 10 * 1024 * 1024 };

/// The stream's entrance.
#[derive(Clone, Debug)]
pub struct AwsStream {
    client: Client,
    stream: String,
}

impl AwsStream {
    /// The stream of this name.
    #[must_use]
    pub fn new(aws: &Aws, stream: &str) -> Self {
        Self { client: Client::new(aws.config()), stream: stream.to_owned() }
    }

    async fn put_call(&self, records: &[Record]) -> Vec<Result<(), Fault>> {
        match self.put_entries(records).await {
            Ok(results) => results.iter().map(outcome).collect(),
            Err(fault) => vec![Err(fault); records.len()],
        }
    }

    async fn put_entries(&self, records: &[Record]) -> Result<Vec<PutRecordsResultEntry>, Fault> {
        let entries = records.iter().map(entry).collect::<Result<_, _>>()?;
        let request = self.client.put_records().stream_name(&self.stream);
        let answer = request.set_records(Some(entries)).send().await;
        let answer = answer.map_err(|error| fault(PUT_RECORDS, &error))?;
        if answer.records.len() == records.len() {
            Ok(answer.records)
        } else {
            let detail = format!("{} results for {} records", answer.records.len(), records.len());
            Err(broken(PUT_RECORDS, &detail))
        }
    }
}

impl Stream for AwsStream {
    async fn put(&self, records: &[Record]) -> Vec<Result<(), Fault>> {
        let size = |record: &Record| record.data.len() + record.partition_key.len();
        let mut results = Vec::with_capacity(records.len());
        for call in split(records, PUT_RECORDS_LIMITS, size) {
            results.extend(self.put_call(call).await);
        }
        results
    }
}

fn entry(record: &Record) -> Result<PutRecordsRequestEntry, Fault> {
    PutRecordsRequestEntry::builder()
        .partition_key(&record.partition_key)
        .data(Blob::new(record.data.as_ref()))
        .build()
        .map_err(|error| coded(PUT_RECORDS, "InvalidEntry", Some(&error.to_string())))
}

/// An answer of 200 may hold records that were refused: only a sequence number means durable.
fn outcome(result: &PutRecordsResultEntry) -> Result<(), Fault> {
    match (&result.error_code, &result.sequence_number) {
        (None, Some(_)) => Ok(()),
        (Some(code), _) => Err(coded(PUT_RECORDS, code, result.error_message.as_deref())),
        (None, None) => Err(broken(PUT_RECORDS, "a result with neither sequence number nor error code")),
    }
}
