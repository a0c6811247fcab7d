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

impl SpillBacklog for AwsSpillBacklog {
    async fn is_empty(&self) -> Result<bool, Fault> {
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let answer = request.set_attribute_names(Some(COUNTS.to_vec())).send().await;
        let answer = answer.map_err(|error| fault(GET_QUEUE_ATTRIBUTES, &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let mut is_empty = true;
        for name in &COUNTS {
            let count = attributes.get(name).and_then(|count| count.parse::<u64>().ok());
            let count =
                count.ok_or_else(|| broken(GET_QUEUE_ATTRIBUTES, &format!("no {} in the answer", name.as_str())))?;
            is_empty &= count == 0;
        }
        Ok(is_empty)
    }
}
