//! An event source mapping's settings, as Lambda's API gives them.

use serde::Deserialize;

use super::batch::Limits;
use super::decide::Rules;

/// A mapping of a Kinesis stream to a function. Times are in seconds, −1 means without bound.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mapping {
    /// Its id.
    #[serde(rename = "UUID")]
    pub uuid: String,
    /// The stream's ARN.
    pub event_source_arn: String,
    /// The function's ARN.
    pub function_arn: String,
    /// Where a shard without a checkpoint begins.
    #[serde(default)]
    pub starting_position: Start,
    /// Most records of a batch.
    #[serde(default = "hundred")]
    pub batch_size: usize,
    /// How long a batch may fill.
    #[serde(default)]
    pub maximum_batching_window_in_seconds: i64,
    /// Batches of one shard at the same time.
    #[serde(default = "one")]
    pub parallelization_factor: usize,
    /// Retries of a failed batch.
    #[serde(default = "without_bound")]
    pub maximum_retry_attempts: i64,
    /// Records older than this are given up.
    #[serde(default = "without_bound")]
    pub maximum_record_age_in_seconds: i64,
    /// Whether a failed batch is halved.
    #[serde(default)]
    pub bisect_batch_on_function_error: bool,
    /// `ReportBatchItemFailures`, or nothing.
    #[serde(default)]
    pub function_response_types: Vec<String>,
    /// Where batches go that were given up.
    #[serde(default)]
    pub destination_config: Option<DestinationConfig>,
}

/// Lambda's nesting around one ARN.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationConfig {
    /// Where failures go.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// Lambda's nesting around one ARN.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnFailure {
    /// The bucket's or the queue's ARN.
    pub destination: Option<String>,
}

/// Where a shard without a checkpoint begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Start {
    /// With the oldest record.
    #[default]
    TrimHorizon,
    /// With the next record.
    Latest,
}

impl Start {
    /// Kinesis's word for it.
    #[must_use]
    pub fn iterator_type(self) -> &'static str {
        match self {
            Self::TrimHorizon => "TRIM_HORIZON",
            Self::Latest => "LATEST",
        }
    }
}

impl Mapping {
    /// The stream's name.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        self.event_source_arn.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            reports_failures: self.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures"),
            bisect: self.bisect_batch_on_function_error,
            retries: u32::try_from(self.maximum_retry_attempts).ok(),
            record_age_ms: u32::try_from(self.maximum_record_age_in_seconds).ok().map(|age| i64::from(age) * 1_000),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            records: self.batch_size.max(1),
            window_ms: self.maximum_batching_window_in_seconds.max(0).saturating_mul(1_000),
        }
    }

    pub(super) fn destination(&self) -> Option<&str> {
        let config = self.destination_config.as_ref()?;
        config.on_failure.destination.as_deref()
    }
}

fn hundred() -> usize {
    100
}

fn one() -> usize {
    1
}

fn without_bound() -> i64 {
    -1
}
