//! What the environment decides.

use relay::env::{Env, EnvError};

/// The function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Table `control`.
    pub control_table: String,
    /// The bucket of finished files.
    pub export_bucket: String,
    /// The role whose sessions sign links.
    pub link_role_arn: String,
    /// The sender of mails.
    pub mail_from: String,
    /// The configuration set under which mails go out: by it bounces and complaints come back.
    pub mail_configuration_set: String,
    /// Where the page is; `None` leaves the way back out of mails.
    pub site_url: Option<String>,
    /// How long files live: days.
    pub export_retention_days: u16,
}

impl Config {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self {
            control_table: env.text("CONTROL_TABLE"),
            export_bucket: env.text("EXPORT_BUCKET"),
            link_role_arn: env.text("LINK_ROLE_ARN"),
            mail_from: env.text("MAIL_FROM"),
            mail_configuration_set: env.text("MAIL_CONFIGURATION_SET"),
            site_url: env.optional("SITE_URL"),
            export_retention_days: env.number("EXPORT_RETENTION_DAYS", 1..=3650),
        };
        env.finish().map(|()| config)
    }
}
