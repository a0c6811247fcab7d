//! How far the stream is drained: what stands behind a place in each shard.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::ShardIteratorType;
use relay::fault::Fault;
use relay::port::{Backlog, Look, Position, Sight, Sights, Start};
use tokio::time::{Instant, sleep_until};

use crate::config::Aws;
use crate::fault::{broken, fault};

const LIST_SHARDS: &str = "kinesis:ListShards";
const GET_SHARD_ITERATOR: &str = "kinesis:GetShardIterator";
const GET_RECORDS: &str = "kinesis:GetRecords";

/// From one `GetRecords` on a shard to the next. A shard takes five a second from all readers together (Kinesis API reference, `GetRecords`),
/// and the writer's event source mapping takes one of them.
const PAUSE: Duration = Duration::from_millis(250);

/// The stream's backlog.
#[derive(Clone, Debug)]
pub struct AwsBacklog {
    client: Client,
    stream: String,
}

/// How far the look into a shard is.
enum State {
    /// It goes on with this iterator. Nothing arrived before `before`, as soon as that is known.
    Open { iterator: String, before: Option<i64> },
    /// It has ended.
    Settled(Result<Sight, Fault>),
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

    async fn iterator(&self, shard: &str, start: Option<&Position>) -> Result<String, Fault> {
        let request = self.client.get_shard_iterator();
        let request = request.stream_name(&self.stream).shard_id(shard);
        let request = match start {
            Some(Position::Behind(sequence_number)) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(sequence_number),
            Some(Position::From(moment)) => {
                request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(DateTime::from_millis(*moment))
            }
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        match request.send().await {
            Ok(answer) => answer.shard_iterator.ok_or_else(|| broken(GET_SHARD_ITERATOR, "an answer without iterator")),
            // The place is of an earlier stream of this name: the shard counts from its beginning.
            Err(error)
                if start.is_some()
                    && error.as_service_error().is_some_and(GetShardIteratorError::is_invalid_argument_exception) =>
            {
                Box::pin(self.iterator(shard, None)).await
            }
            Err(error) => Err(fault(GET_SHARD_ITERATOR, &error)),
        }
    }

    /// One call further. A call that fails ends the look; what it had shown before remains true.
    async fn advance(&self, iterator: String, before: Option<i64>, look: Look) -> State {
        let request = self.client.get_records().shard_iterator(iterator).limit(1);
        match request.send().await {
            Ok(answer) => seen(answer, before, look),
            Err(error) => State::Settled(before.map(Sight::NothingBefore).ok_or_else(|| fault(GET_RECORDS, &error))),
        }
    }
}

impl Backlog for AwsBacklog {
    async fn look(&self, starts: &[Start], look: Look) -> Result<Sights, Fault> {
        let end = Instant::now() + look.within;
        let mut states = Vec::new();
        for shard in self.shards().await? {
            let start = starts.iter().find(|start| start.shard_id == shard);
            let state = match self.iterator(&shard, start.map(|start| &start.at)).await {
                Ok(iterator) => State::Open { iterator, before: None },
                Err(fault) => State::Settled(Err(fault)),
            };
            states.push((shard, state));
        }
        loop {
            let next_round = Instant::now() + PAUSE;
            for (_, state) in &mut states {
                if let State::Open { iterator, before } = state {
                    *state = self.advance(std::mem::take(iterator), *before, look).await;
                }
            }
            if next_round > end || states.iter().all(|(_, state)| matches!(state, State::Settled(_))) {
                return Ok(states.into_iter().map(|(shard, state)| (shard, sight(state))).collect());
            }
            sleep_until(next_round).await;
        }
    }
}

/// `GetRecords` answers an idle stretch of a shard with no records, as often as it takes to come to the next record or to the tip (Kinesis
/// developer guide, "`GetRecords` returns an empty array"); how far behind the tip it then is says what it has seen.
fn seen(answer: GetRecordsOutput, before: Option<i64>, look: Look) -> State {
    if let Some(record) = answer.records.first() {
        let arrived_at = record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok());
        let sight = arrived_at.map(Sight::Record);
        return State::Settled(sight.ok_or_else(|| broken(GET_RECORDS, "a record without time of arrival")));
    }
    // At the tip; or the shard is closed and read to its end.
    let Some(iterator) = answer.next_shard_iterator.filter(|_| answer.millis_behind_latest != Some(0)) else {
        return State::Settled(Ok(Sight::Nothing));
    };
    let before = answer.millis_behind_latest.map(|behind| look.now.saturating_sub(behind)).or(before);
    match before.filter(|before| *before >= look.enough) {
        Some(before) => State::Settled(Ok(Sight::NothingBefore(before))),
        None => State::Open { iterator, before },
    }
}

/// What the look has shown when it must end.
fn sight(state: State) -> Result<Sight, Fault> {
    match state {
        State::Settled(sight) => sight,
        State::Open { before, .. } => before
            .map(Sight::NothingBefore)
            .ok_or_else(|| broken(GET_RECORDS, "an empty answer that does not say how far behind the tip it is")),
    }
}
