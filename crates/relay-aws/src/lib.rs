//! AWS behind the ports of [`relay::port`]; the only crate that names an AWS SDK.
//!
//! One file and one feature per service, one type per port. Every type is built from an [`config::Aws`] handle and the names of
//! its resources; no AWS type stands in a public signature. What AWS answers becomes a [`relay::fault::Fault`] in one place
//! (`fault.rs`), and nothing here decides or goes on trying: callers know their deadline, the ports do not.

#[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
mod calls;
#[cfg(feature = "cloudformation")]
pub mod cloudformation;
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
pub mod config;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg_attr(not(feature = "dynamodb"), allow(dead_code, reason = "each service takes its part of it"))]
mod fault;
#[cfg(feature = "kinesis")]
pub mod kinesis;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "sts")]
pub mod link;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "sesv2")]
pub mod sesv2;
#[cfg(feature = "sfn")]
pub mod sfn;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "webhook")]
pub mod webhook;
