//! The spill queue: messages in memory.

use std::sync::Mutex;

use bytes::Bytes;

use super::{Script, broken_limit, lock};
use crate::fault::Fault;
use crate::port::{Spill, SpillBacklog};
use crate::spill::{MAX_MESSAGE_BYTES, message};

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpillMessage {
    /// The service's name for it.
    pub message_id: String,
    /// When it was sent: milliseconds since the epoch.
    pub sent_at: i64,
    /// A frame as text.
    pub body: String,
}

/// A standard queue: what is received stays until it is deleted.
#[derive(Debug, Default)]
pub struct MemorySpill {
    /// Calls: `send`, `is_empty`.
    pub script: Script,
    now: Mutex<i64>,
    sent: Mutex<u64>,
    messages: Mutex<Vec<SpillMessage>>,
}

impl MemorySpill {
    /// Sets the clock that stamps messages.
    pub fn set_now(&self, now: i64) {
        *lock(&self.now) = now;
    }

    /// Every message that waits, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<SpillMessage> {
        lock(&self.messages).clone()
    }

    /// Deletes the messages with these ids, as Lambda does with those that were handled.
    pub fn delete(&self, message_ids: &[String]) {
        lock(&self.messages).retain(|message| !message_ids.contains(&message.message_id));
    }

    fn push(&self, frame: &Bytes) -> Result<(), Fault> {
        let body = message(frame);
        if !(1..=MAX_MESSAGE_BYTES).contains(&body.len()) {
            let detail = format!("a message of {} bytes; 1 to {MAX_MESSAGE_BYTES} are allowed", body.len());
            return Err(broken_limit(detail));
        }
        let mut sent = lock(&self.sent);
        *sent += 1;
        let message = SpillMessage { message_id: format!("message-{sent}"), sent_at: *lock(&self.now), body };
        lock(&self.messages).push(message);
        Ok(())
    }
}

impl Spill for MemorySpill {
    async fn send(&self, frames: &[Bytes]) -> Vec<Result<(), Fault>> {
        self.script.batch("send", frames, |frame| self.push(frame)).await
    }
}

impl SpillBacklog for MemorySpill {
    async fn is_empty(&self) -> Result<bool, Fault> {
        self.script.single("is_empty", || Ok(lock(&self.messages).is_empty())).await
    }
}
