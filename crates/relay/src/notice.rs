//! Mails: what an advertiser is told about an export.

/// A mail without its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain-text part, saying the same.
    pub text: String,
}
