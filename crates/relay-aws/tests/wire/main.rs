//! What goes over the wire: the exact requests that matter, and what each answer becomes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod control;
mod fault;
mod kinesis;
mod leavings;
mod link;
mod objects;
mod operator;
mod pages;
mod s3;
mod server;
mod sesv2;
mod sfn;
mod sqs;
mod watch;
mod webhook;
