//! Whether the spill queue still holds frames.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use relay::fault::Fault;
use relay::port::SpillBacklog;

use crate::config::Aws;
use crate::fault::{broken, fault};

const GET_QUEUE_ATTRIBUTES: &str = "sqs:GetQueueAttributes";

/// All that a queue holds: waiting, in a consumer's hands, delayed.
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// The spill queue seen from outside its consumer.
#[derive(Clone, Debug)]
pub struct AwsSpillBacklog {
    client: Client,
    queue_url: String,
}

impl AwsSpillBacklog {
    /// The queue at this address.
    #[must_use]
    pub fn new(aws: &Aws, queue_url: &str) -> Self {
        Self { client: Client::new(aws.config()), queue_url: queue_url.to_owned() }
    }
}

/// What a queue holds, approximately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait, now or delayed.
    pub waiting: u64,
    /// Messages in a consumer's hands.
    pub taken: u64,
}

impl AwsSpillBacklog {
    /// How much the queue holds; any queue, not only the spill queue.
    pub async fn depth(&self) -> Result<Depth, Fault> {
        let [visible, taken, delayed] = self.counts().await?;
        Ok(Depth { waiting: visible + delayed, taken })
    }

    /// In the order of [`COUNTS`].
    async fn counts(&self) -> Result<[u64; 3], Fault> {
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let answer = request.set_attribute_names(Some(COUNTS.to_vec())).send().await;
        let answer = answer.map_err(|error| fault(GET_QUEUE_ATTRIBUTES, &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let mut counts = [0; 3];
        for (count, name) in counts.iter_mut().zip(&COUNTS) {
            let told = attributes.get(name).and_then(|count| count.parse::<u64>().ok());
            *count =
                told.ok_or_else(|| broken(GET_QUEUE_ATTRIBUTES, &format!("no {} in the answer", name.as_str())))?;
        }
        Ok(counts)
    }
}

impl SpillBacklog for AwsSpillBacklog {
    async fn is_empty(&self) -> Result<bool, Fault> {
        Ok(self.counts().await? == [0; 3])
    }
}
