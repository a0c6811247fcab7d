//! What an activity is: the words of the product, their codecs, and the ports to the world.
//!
//! Pure: no AWS, no async runtime, no clock, no randomness, no I/O. Time, ids and randomness are arguments.
//!
//! # Path of an activity
//!
//! [`callback`] (what a provider sent, untrusted) → [`activity::Activity`] (a checked fact) → [`frame`] (the payload of one
//! stream record) → [`page`] (one table item: the activities of one app, kind and minute that one write brought) →
//! [`row`] (an activity in a file) → [`link`] (a signed, expiring address of a finished export).
//!
//! A refusal is either the input's fault ([`discard::Discard`], kept raw and never retried) or the world's
//! ([`fault::Fault`], retried and answered 503).

pub mod access;
pub mod activity;
pub mod address;
pub mod agenda;
#[cfg(any(test, feature = "testing"))]
pub mod arbitrary;
pub mod arrival;
pub mod audit;
pub mod avro;
pub mod backlog;
pub mod batch;
pub mod callback;
mod compression;
pub mod control;
pub mod discard;
pub mod env;
pub mod erase;
pub mod export;
pub mod fault;
pub mod field;
pub mod frame;
pub mod http;
pub mod language;
pub mod link;
pub mod metric;
pub mod notice;
pub mod owner;
pub mod page;
pub mod period;
pub mod port;
pub mod problem;
pub mod quarantine;
pub mod reader;
pub mod replay;
pub mod row;
pub mod schedule;
pub mod signature;
pub mod spill;
pub mod tenancy;
pub mod time;
pub mod webhook;
