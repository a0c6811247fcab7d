//! Answers the export API, gives out run slots, streams rows to a file.
//!
//! Two binaries share it: `export-api` (HTTP) and `export-worker` (the steps of the state machine, and the dispatcher's tick).

pub mod agenda;
pub mod api;
pub mod config;
pub mod dispatch;
pub mod erase;
pub mod handler;
mod queue;
pub mod worker;
