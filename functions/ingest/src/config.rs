//! What the environment decides.

use std::time::Duration;

use relay::env::{Env, EnvError};

/// The time of a request's three look-ups (key, owner, apps), each: a batch may name 500 apps, and a slow table must not use up the function's time.
pub const LOOK_UP_WITHIN: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a call may take, its second attempt included.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(4_200);

/// The function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The stream that makes activities durable.
    pub stream_name: String,
    /// Table `control`: keys, apps, owners.
    pub control_table: String,
}

impl Config {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self { stream_name: env.text("STREAM_NAME"), control_table: env.text("CONTROL_TABLE") };
        env.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_environment_is_read_and_an_empty_one_is_told_in_full() {
        let config = Config::from_env(|name| Some(name.to_lowercase())).unwrap();
        let (stream_name, control_table) = ("stream_name".to_owned(), "control_table".to_owned());
        assert_eq!(config, Config { stream_name, control_table });
        let message = Config::from_env(|_| None).unwrap_err().to_string();
        assert!(message.contains("STREAM_NAME") && message.contains("CONTROL_TABLE"), "{message}");
    }
}
