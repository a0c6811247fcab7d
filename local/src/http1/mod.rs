//! A small HTTP/1.1 server that keeps the request target exactly as it was sent.
//!
//! Attribution providers send raw `{}|[]^<>"` and bytes beyond ASCII in URLs, and API Gateway's `rawQueryString` shows
//! what was sent. General HTTP libraries parse the target into a URI type that refuses some of these, or alters them.

mod body;
mod connection;
mod head;
mod message;
mod serve;

pub use message::{Reply, Request};
pub use serve::{Handler, Limits, serve};

#[cfg(test)]
mod tests;
