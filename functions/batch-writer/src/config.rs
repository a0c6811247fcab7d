//! What the environment decides.

use std::time::Duration;

use relay::env::{Env, EnvError};

/// How long one attempt of a call may take. A call holds 25 pages of what an event of 6 MB brings: well under a second on the wire.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a call may take with its second attempt: several fit into an invocation of 60 s, so that one connection that hangs does not use it up.
/// Whatever the calls do, the work ends [`crate::drain::MARGIN`] before the invocation does.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(7);

/// The function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Table `pages`.
    pub pages_table: String,
    /// Table `control`.
    pub control_table: String,
    /// The bucket for what cannot become rows.
    pub quarantine_bucket: String,
    /// Over how many partitions the pages of one app, kind and day are spread: 1 to 256.
    pub page_shards: u32,
}

impl Config {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self {
            pages_table: env.text("PAGES_TABLE"),
            control_table: env.text("CONTROL_TABLE"),
            quarantine_bucket: env.text("QUARANTINE_BUCKET"),
            page_shards: env.number("PAGE_SHARDS", 1..=256),
        };
        env.finish().map(|()| config)
    }
}
