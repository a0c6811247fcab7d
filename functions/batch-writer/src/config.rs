//! What the environment decides.

use relay::env::{Env, EnvError};

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
