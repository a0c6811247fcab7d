//! Logs: one JSON object a line on standard output, where Lambda takes them from.

use tracing_subscriber::EnvFilter;

use crate::process;

/// Starts logging for the process. The level is Lambda's own setting (`AWS_LAMBDA_LOG_LEVEL`), else `RUST_LOG`, else `info`.
pub fn init() {
    let level = process::env("AWS_LAMBDA_LOG_LEVEL").or_else(|| process::env("RUST_LOG"));
    let filter = EnvFilter::new(level.as_deref().unwrap_or("info"));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging had been started before");
    }
}
