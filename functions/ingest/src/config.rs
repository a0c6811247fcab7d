//! What the environment decides.

use std::time::Duration;

use relay::env::{Env, EnvError};

// A request's time: three look-ups of 3 s, 8 s for the stream, 5 s for the spill queue are 22 s of the function's 25 s; the rest is for reading a body of
// 4 MiB and for the answer. API Gateway waits 29 s.

/// The time of a request's three look-ups (key, owner, apps), each: a batch may name 500 apps, and a slow table must not use up the function's time.
pub const LOOK_UP_WITHIN: Duration = Duration::from_secs(3);

/// How long the stream may take for a request's frames, retries included.
pub const STREAM_WITHIN: Duration = Duration::from_secs(8);

/// How long the spill queue may take for what the stream did not.
pub const SPILL_WITHIN: Duration = Duration::from_secs(5);

/// How long one attempt of a call may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a call may take, its second attempt included.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(4_200);

/// The function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The stream that makes activities durable.
    pub stream_name: String,
    /// The queue that makes them durable while the stream does not.
    pub spill_queue_url: String,
    /// Table `control`: keys, apps, owners.
    pub control_table: String,
}

impl Config {
    /// Reads it, every problem in one message.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let mut env = Env::new(lookup);
        let config = Self {
            stream_name: env.text("STREAM_NAME"),
            spill_queue_url: env.text("SPILL_QUEUE_URL"),
            control_table: env.text("CONTROL_TABLE"),
        };
        env.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_environment_is_read_and_an_empty_one_is_told_in_full() {
        let config = Config::from_env(|name| Some(name.to_lowercase())).unwrap();
        assert_eq!(config.stream_name, "stream_name");
        assert_eq!(config.spill_queue_url, "spill_queue_url");
        assert_eq!(config.control_table, "control_table");
        let message = Config::from_env(|_| None).unwrap_err().to_string();
        for name in ["STREAM_NAME", "SPILL_QUEUE_URL", "CONTROL_TABLE"] {
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn an_answer_is_there_before_the_functions_time_is_over() {
        let longest = 3 * LOOK_UP_WITHIN + STREAM_WITHIN + SPILL_WITHIN;
        assert!(longest + Duration::from_secs(3) <= Duration::from_secs(25), "{longest:?}");
        assert!(ATTEMPT_TIMEOUT < LOOK_UP_WITHIN && ATTEMPT_TIMEOUT * 2 < CALL_TIMEOUT && CALL_TIMEOUT < STREAM_WITHIN);
    }
}
