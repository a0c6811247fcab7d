//! What AWS measures of queues and of the sender's reputation, asked of the emulator and reckoned from what was counted.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::meter::{Key, Meter};
use crate::aws::{Aws, Refusal};

/// SES reckons a sender's rates over a "representative volume" that it does not tell; here it is the last ten minutes.
const REPUTATION_MS: i64 = 10 * 60 * 1000;

/// Queues that are looked at, by address.
pub(super) struct Queues {
    /// How many messages were ever sent to each.
    sent: HashMap<String, Option<f64>>,
}

impl Queues {
    pub(super) fn new(addresses: impl IntoIterator<Item = String>) -> Self {
        Self { sent: addresses.into_iter().map(|address| (address, None)).collect() }
    }

    /// Measures each queue: how many messages wait, how old the oldest is, how many were sent since the last look.
    pub(super) async fn measure(&mut self, aws: &Aws, meter: &Meter, now: i64) -> Result<(), Refusal> {
        for (address, sent) in &mut self.sent {
            let input = json!({ "QueueUrl": address, "AttributeNames": ["All"] });
            let answer = aws.call("sqs", "AmazonSQS.GetQueueAttributes", &input).await?;
            let number = |name: &str| {
                answer.pointer(&format!("/Attributes/{name}")).and_then(Value::as_str)?.parse::<f64>().ok()
            };
            let name = address.rsplit('/').next().unwrap_or_default();
            let record = |metric: &str, value: f64| {
                meter.record(Key::new("AWS/SQS", metric, Some(("QueueName", name))), value, now);
            };
            record("ApproximateNumberOfMessagesVisible", number("ApproximateNumberOfMessages").unwrap_or_default());
            record("ApproximateAgeOfOldestMessage", number("ApproximateAgeOfOldestMessage").unwrap_or_default());
            let total = number("NumberOfMessagesSent").unwrap_or_default();
            // What was sent before the first look was another run's.
            record("NumberOfMessagesSent", sent.map_or(0.0, |before| total - before).max(0.0));
            *sent = Some(total);
        }
        Ok(())
    }
}

/// The share of mails that came back or were reported; nothing where none was sent.
pub(super) fn reputation(meter: &Meter, now: i64, pace: u32) {
    let from = now - REPUTATION_MS / i64::from(pace);
    let count = |namespace: &str, name: &str| {
        meter.between(&Key::new(namespace, name, None), from, now + 1000).map_or(0.0, |stats| stats.sum)
    };
    let sent = count("Relay", "mails_sent");
    if sent > 0.0 {
        for (rate, of) in [("Reputation.BounceRate", "Bounce"), ("Reputation.ComplaintRate", "Complaint")] {
            meter.record(Key::new("AWS/SES", rate, None), (count("AWS/SES", of) / sent).min(1.0), now);
        }
    }
}
