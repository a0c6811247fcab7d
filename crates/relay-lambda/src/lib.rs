//! The edge of a process: clock, environment, randomness, logs, metrics, and API Gateway's payload 2.0.
