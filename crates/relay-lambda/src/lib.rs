//! The edge of a process: clock, environment, randomness, logs, metrics, and API Gateway's payload 2.0.

pub mod gateway;
pub mod logging;
pub mod metrics;
pub mod process;
