//! SQS: the spill queue, and whether it is empty.

mod backlog;

use std::sync::OnceLock;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use relay::fault::Fault;
use relay::port::Spill;
use relay::spill::{MAX_MESSAGE_BYTES, message};

use crate::calls::{Limits, split};
use crate::config::Aws;
use crate::fault::{broken, coded, fault};

pub use backlog::{AwsSpillBacklog, Depth};

/// The action that SQS asks for is that of the single call.
const SEND_MESSAGE: &str = "sqs:SendMessage";

/// SQS API reference, `SendMessageBatch`: ten messages, and together as many bytes as one may have.
const SEND_LIMITS: Limits = Limits { items: 10, bytes: MAX_MESSAGE_BYTES };

/// How many calls run at once: the frames of the largest batch (4 MiB) are two dozen calls, and the door has seconds for them.
const CALLS_AT_ONCE: usize = 8;

/// The spill queue's entrance. Its client is made when a frame is first spilled, which is hardly ever: every cold start would pay for it.
#[derive(Clone, Debug)]
pub struct AwsSpill {
    aws: Aws,
    client: OnceLock<Client>,
    queue_url: String,
}

impl AwsSpill {
    /// The queue at this address.
    #[must_use]
    pub fn new(aws: &Aws, queue_url: &str) -> Self {
        Self { aws: aws.clone(), client: OnceLock::new(), queue_url: queue_url.to_owned() }
    }

    async fn send_call(&self, messages: Vec<String>) -> Vec<Result<(), Fault>> {
        let count = messages.len();
        let answer = self.send_entries(messages).await;
        answer.map_or_else(|fault| vec![Err(fault); count], |answer| outcomes(&answer, count))
    }

    async fn send_entries(&self, messages: Vec<String>) -> Result<SendMessageBatchOutput, Fault> {
        let entry = |(index, body): (usize, String)| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build();
            entry.map_err(|error| coded(SEND_MESSAGE, "InvalidEntry", Some(&error.to_string())))
        };
        let entries = messages.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let client = self.client.get_or_init(|| Client::new(self.aws.config()));
        let request = client.send_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        request.send().await.map_err(|error| fault(SEND_MESSAGE, &error))
    }
}

impl Spill for AwsSpill {
    async fn send(&self, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
        let messages: Vec<String> = frames.iter().map(|frame| message(frame)).collect();
        let calls: Vec<Vec<String>> =
            split(&messages, SEND_LIMITS, String::len).into_iter().map(<[String]>::to_vec).collect();
        let sent = stream::iter(calls).map(|call| self.send_call(call)).buffered(CALLS_AT_ONCE);
        sent.concat().await
    }
}

/// An answer of 200 may hold messages that were refused: only a message's own id means durable.
fn outcomes(answer: &SendMessageBatchOutput, count: usize) -> Vec<Result<(), Fault>> {
    let outcome = |index: usize| {
        let id = index.to_string();
        if answer.successful.iter().any(|sent| sent.id == id && !sent.message_id.is_empty()) {
            return Ok(());
        }
        let refused = answer.failed.iter().find(|failed| failed.id == id);
        Err(refused.map_or_else(
            || broken(SEND_MESSAGE, "neither taken nor refused"),
            |failed| coded(SEND_MESSAGE, &failed.code, failed.message.as_deref()),
        ))
    };
    (0..count).map(outcome).collect()
}
