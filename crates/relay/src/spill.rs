//! A spilled frame: the text of one message of the spill queue, where frames become durable while the stream does not take them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The most bytes of a message (SQS, "Message quotas": 256 KiB was the service's limit for years and is what every region takes; the base64 of
/// [`crate::frame::MAX_FRAME_BYTES`] is 240 KiB).
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// The frame as text: SQS takes no bytes beyond XML's characters.
#[must_use]
pub fn message(frame: &[u8]) -> String {
    STANDARD.encode(frame)
}

/// The frame of a message. A text that none of our doors wrote stands for itself, so that the writer sets it aside like any frame that does not decode.
#[must_use]
pub fn frame(message: &str) -> Vec<u8> {
    STANDARD.decode(message).unwrap_or_else(|_| message.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::MAX_FRAME_BYTES;

    #[test]
    fn every_frame_fits_a_message_and_comes_back() {
        let largest: Vec<u8> = (0..=u8::MAX).cycle().take(MAX_FRAME_BYTES).collect();
        assert!(message(&largest).len() <= MAX_MESSAGE_BYTES);
        assert_eq!(frame(&message(&largest)), largest);
    }

    #[test]
    fn a_text_of_somebody_else_stands_for_itself() {
        assert_eq!(frame("not base64!"), b"not base64!");
    }
}
