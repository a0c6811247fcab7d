//! What becomes of records that were given up.

use bytes::Bytes;
use relay_lambda::process;
use serde_json::{Value, json};

use super::decide::{Reason, Span};
use super::mapping::Mapping;
use super::record::Record;
use crate::aws::Aws;
use crate::failure::Failure;
use crate::time;

/// Records that were given up, with all that their destination is told.
pub(super) struct GivenUp<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) shard: &'a str,
    pub(super) records: &'a [Record],
    pub(super) span: &'a Span,
    pub(super) reason: Reason,
    /// The event that the function was called with.
    pub(super) event: Value,
}

impl GivenUp<'_> {
    /// Gives them to the mapping's destination. S3 receives the records too, a queue only where they are.
    pub(super) async fn deliver(&self, aws: &Aws) -> Result<(), Failure> {
        let now_ms = process::now_ms();
        let mut document = self.document(now_ms);
        let Some(target) = self.mapping.destination() else {
            tracing::error!(batch = %document, "records were lost: the mapping has no on-failure destination");
            return Ok(());
        };
        tracing::error!(batch = %document, target, "records were given up");
        let Some(bucket) = target.strip_prefix("arn:aws:s3:::") else {
            return aws.send_message(target, &document.to_string()).await;
        };
        // AWS sends the event as a text within the document.
        if let Some(document) = document.as_object_mut() {
            document.insert("payload".to_owned(), self.event.to_string().into());
        }
        let content = Bytes::from(document.to_string());
        aws.put_object(bucket, &self.key(now_ms), content).await
    }

    /// AWS's object name: `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random>`.
    fn key(&self, now_ms: i64) -> String {
        let written = time::utc(now_ms).strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S").to_string();
        format!("aws/lambda/{}/{}/{written}-{}", self.mapping.uuid, self.shard, process::trace_id())
    }

    fn document(&self, now_ms: i64) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        let number = |record: Option<&Record>| record.map(|record| record.sequence_number.clone());
        let arrived = |record: Option<&Record>| record.map(|record| time::iso(record.arrived_ms));
        json!({
            "requestContext": {
                "requestId": process::trace_id(),
                "functionArn": self.mapping.function_arn,
                "condition": self.reason.condition(),
                "approximateInvokeCount": self.span.calls,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": time::iso(now_ms),
            "KinesisBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": number(first),
                "endSequenceNumber": number(last),
                "approximateArrivalOfFirstRecord": arrived(first),
                "approximateArrivalOfLastRecord": arrived(last),
                "batchSize": self.records.len(),
                "streamArn": self.mapping.event_source_arn,
            },
        })
    }
}
