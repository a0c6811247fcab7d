//! The stream as an operator sees it.

use aws_sdk_kinesis::Client;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::{broken, fault};

const DESCRIBE: &str = "kinesis:DescribeStreamSummary";

/// What a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// `ACTIVE`, or on the way there or away.
    pub status: String,
    /// Shards that take records.
    pub shards: u32,
    /// How long it keeps records: hours.
    pub kept_hours: u32,
    /// `ON_DEMAND` or `PROVISIONED`.
    pub mode: String,
}

/// A stream.
#[derive(Clone, Debug)]
pub struct AwsStreamState {
    client: Client,
    stream: String,
}

impl AwsStreamState {
    /// The stream of this name.
    #[must_use]
    pub fn new(aws: &Aws, stream: &str) -> Self {
        Self { client: Client::new(aws.config()), stream: stream.to_owned() }
    }

    /// What it is now.
    pub async fn state(&self) -> Result<StreamState, Fault> {
        let answer = self.client.describe_stream_summary().stream_name(&self.stream).send().await;
        let answer = answer.map_err(|error| fault(DESCRIBE, &error))?;
        let stream = answer.stream_description_summary;
        let stream = stream.ok_or_else(|| broken(DESCRIBE, "an answer without the stream"))?;
        let number = |number: i32| u32::try_from(number).unwrap_or(0);
        let mode = stream.stream_mode_details.map(|details| details.stream_mode.as_str().to_owned());
        Ok(StreamState {
            status: stream.stream_status.as_str().to_owned(),
            shards: number(stream.open_shard_count),
            kept_hours: number(stream.retention_period_hours),
            mode: mode.unwrap_or_default(),
        })
    }
}
