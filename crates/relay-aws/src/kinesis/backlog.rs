//! How far the stream is drained: the first record behind each shard's watermark.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_kinesis::types::ShardIteratorType;
use relay::fault::Fault;
use relay::port::{Backlog, Watermark};

use crate::config::Aws;
use crate::fault::{broken, fault};

const LIST_SHARDS: &str = "kinesis:ListShards";
const GET_SHARD_ITERATOR: &str = "kinesis:GetShardIterator";
const GET_RECORDS: &str = "kinesis:GetRecords";

/// How many calls may look for the next record of one shard. `GetRecords` may answer with no records before the end of the shard (Kinesis
/// developer guide, "`GetRecords` returns an empty array"), and a shard takes five calls a second from all readers together.
const MAX_LOOKS: usize = 10;

/// The stream's backlog.
#[derive(Clone, Debug)]
pub struct AwsBacklog {
    client: Client,
    stream: String,
}

/// What one look into a shard showed.
enum Look {
    /// A record stands behind the watermark, arrived at this time.
    Record(i64),
    /// None does.
    Drained,
    /// None so far; go on here.
    Further(String),
}

impl AwsBacklog {
    /// The backlog of the stream of this name.
    #[must_use]
    pub fn new(aws: &Aws, stream: &str) -> Self {
        Self { client: Client::new(aws.config()), stream: stream.to_owned() }
    }

    async fn shards(&self) -> Result<Vec<String>, Fault> {
        let mut shards = Vec::new();
        let mut next: Option<String> = None;
        loop {
            // Kinesis refuses a stream's name beside a token.
            let name = next.is_none().then(|| self.stream.clone());
            let request = self.client.list_shards().set_stream_name(name);
            let answer = request.set_next_token(next.take()).send().await;
            let answer = answer.map_err(|error| fault(LIST_SHARDS, &error))?;
            shards.extend(answer.shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id));
            next = answer.next_token;
            if next.is_none() {
                return Ok(shards);
            }
        }
    }

    /// When the first record behind the watermark arrived.
    async fn oldest_in(&self, shard: &str, watermark: Option<&str>) -> Result<Option<i64>, Fault> {
        let mut iterator = self.iterator(shard, watermark).await?;
        for _ in 0..MAX_LOOKS {
            match self.look(iterator).await? {
                Look::Record(arrived_at) => return Ok(Some(arrived_at)),
                Look::Drained => return Ok(None),
                Look::Further(next) => iterator = next,
            }
        }
        let detail = format!("neither a record nor the end of {shard} in {MAX_LOOKS} calls");
        Err(broken(GET_RECORDS, &detail))
    }

    async fn iterator(&self, shard: &str, watermark: Option<&str>) -> Result<String, Fault> {
        let request = self.client.get_shard_iterator();
        let request = request.stream_name(&self.stream).shard_id(shard);
        let request = match watermark {
            Some(sequence_number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(sequence_number),
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        match request.send().await {
            Ok(answer) => answer.shard_iterator.ok_or_else(|| broken(GET_SHARD_ITERATOR, "an answer without iterator")),
            // The watermark is of an earlier stream of this name: the shard counts from its beginning.
            Err(error)
                if watermark.is_some()
                    && error.as_service_error().is_some_and(GetShardIteratorError::is_invalid_argument_exception) =>
            {
                Box::pin(self.iterator(shard, None)).await
            }
            Err(error) => Err(fault(GET_SHARD_ITERATOR, &error)),
        }
    }

    async fn look(&self, iterator: String) -> Result<Look, Fault> {
        let request = self.client.get_records().shard_iterator(iterator).limit(1);
        let answer = request.send().await.map_err(|error| fault(GET_RECORDS, &error))?;
        seen(answer)
    }
}

impl Backlog for AwsBacklog {
    async fn oldest(&self, watermarks: &[Watermark]) -> Result<Option<i64>, Fault> {
        let mut oldest: Option<i64> = None;
        for shard in self.shards().await? {
            let watermark = watermarks.iter().find(|watermark| watermark.shard_id == shard);
            let arrived_at =
                self.oldest_in(&shard, watermark.map(|watermark| watermark.sequence_number.as_str())).await?;
            oldest = oldest.into_iter().chain(arrived_at).min();
        }
        Ok(oldest)
    }
}

fn seen(answer: GetRecordsOutput) -> Result<Look, Fault> {
    if let Some(record) = answer.records.first() {
        let arrived_at = record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok());
        return arrived_at.map(Look::Record).ok_or_else(|| broken(GET_RECORDS, "a record without time of arrival"));
    }
    Ok(match answer.next_shard_iterator {
        Some(next) if answer.millis_behind_latest != Some(0) => Look::Further(next),
        // At the tip; or the shard is closed and read to its end.
        Some(_) | None => Look::Drained,
    })
}
