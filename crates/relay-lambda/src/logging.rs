//! Logs: one JSON object a line on standard output, where Lambda takes them from.

use tracing_subscriber::filter::LevelFilter;

use crate::process;

/// Starts logging for the process. The level is Lambda's own setting (`AWS_LAMBDA_LOG_LEVEL`), else `info`.
pub fn init() {
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level(process::env("AWS_LAMBDA_LOG_LEVEL").as_deref()))
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging had been started before");
    }
}

/// Lambda's names are tracing's, save one; a name that is neither is not worth a function that does not start.
///
/// `TRACE` is as `DEBUG`: beneath, the runtime writes each event whole and the SDK each answer, and with them keys, signing secrets, addresses and device
/// ids, which nothing of ours ever logs.
fn level(name: Option<&str>) -> LevelFilter {
    match name {
        Some("FATAL") => LevelFilter::ERROR,
        Some(name) => name.parse().unwrap_or(LevelFilter::INFO).min(LevelFilter::DEBUG),
        None => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_lets_the_runtime_write_whole_events() {
        for name in ["TRACE", "trace", "5"] {
            assert_eq!(level(Some(name)), LevelFilter::DEBUG, "{name}");
        }
    }

    #[test]
    fn lambdas_level_is_taken() {
        assert_eq!(level(Some("DEBUG")), LevelFilter::DEBUG);
        assert_eq!(level(Some("FATAL")), LevelFilter::ERROR);
        assert_eq!(level(Some("OFF")), LevelFilter::OFF);
        assert_eq!(level(Some("loud")), LevelFilter::INFO);
        assert_eq!(level(None), LevelFilter::INFO);
    }
}
