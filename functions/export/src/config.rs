//! What the environment decides.

use relay::env::{Env, EnvError};

use crate::api::Settings;

/// The configuration of `export-api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Table `control`.
    pub control_table: String,
    /// Table `pages`.
    pub pages_table: String,
    /// The bucket of finished files.
    pub export_bucket: String,
    /// The export state machine.
    pub state_machine_arn: String,
    /// The role whose sessions sign links.
    pub link_role_arn: String,
    /// The sender of mails.
    pub mail_from: String,
    /// The configuration set under which mails go out: by it bounces and complaints come back.
    pub mail_configuration_set: String,
    /// Where the page is; `None` leaves the way back out of mails.
    pub site_url: Option<String>,
    /// The stream of activities.
    pub stream_name: String,
    /// The queue of frames that the stream did not take.
    pub spill_queue_url: String,
    /// The longest period of one export: days.
    pub max_export_days: u16,
    /// How many exports may run at a time.
    pub max_concurrent_exports: u32,
    /// How long files live: days.
    pub export_retention_days: u16,
}

impl ApiConfig {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self {
            control_table: env.text("CONTROL_TABLE"),
            pages_table: env.text("PAGES_TABLE"),
            export_bucket: env.text("EXPORT_BUCKET"),
            state_machine_arn: env.text("STATE_MACHINE_ARN"),
            link_role_arn: env.text("LINK_ROLE_ARN"),
            mail_from: env.text("MAIL_FROM"),
            mail_configuration_set: env.text("MAIL_CONFIGURATION_SET"),
            site_url: env.optional("SITE_URL"),
            stream_name: env.text("STREAM_NAME"),
            spill_queue_url: env.text("SPILL_QUEUE_URL"),
            max_export_days: env.number("MAX_EXPORT_DAYS", 1..=366),
            max_concurrent_exports: env.number("MAX_CONCURRENT_EXPORTS", 1..=100),
            export_retention_days: env.number("EXPORT_RETENTION_DAYS", 1..=3650),
        };
        env.finish().map(|()| config)
    }

    /// What of it an operator decides.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            max_export_days: self.max_export_days,
            slots: self.max_concurrent_exports,
            retention_days: self.export_retention_days,
            site_url: self.site_url.clone(),
        }
    }
}

/// The configuration of `export-worker`, as worker and as dispatcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Table `control`.
    pub control_table: String,
    /// Table `pages`.
    pub pages_table: String,
    /// The bucket of finished files.
    pub export_bucket: String,
    /// The export state machine.
    pub state_machine_arn: String,
    /// The stream of activities.
    pub stream_name: String,
    /// The queue of frames that the stream did not take.
    pub spill_queue_url: String,
    /// How many exports may run at a time.
    pub max_concurrent_exports: u32,
    /// Whether webhooks may lead anywhere, by plain HTTP too: for a stack on one machine. Otherwise to public addresses, by HTTPS.
    pub webhooks_anywhere: bool,
}

impl WorkerConfig {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self {
            control_table: env.text("CONTROL_TABLE"),
            pages_table: env.text("PAGES_TABLE"),
            export_bucket: env.text("EXPORT_BUCKET"),
            state_machine_arn: env.text("STATE_MACHINE_ARN"),
            stream_name: env.text("STREAM_NAME"),
            spill_queue_url: env.text("SPILL_QUEUE_URL"),
            max_concurrent_exports: env.number("MAX_CONCURRENT_EXPORTS", 1..=100),
            // Nothing but this very word opens the way inside.
            webhooks_anywhere: env.text("WEBHOOK_TARGETS") == "any",
        };
        env.finish().map(|()| config)
    }
}
