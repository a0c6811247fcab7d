//! Webhooks in memory.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;

use super::lock;
use crate::port::{Hooks, NoAnswer};

/// A delivery as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The address.
    pub url: String,
    /// The headers besides the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

impl Delivered {
    /// A header; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| *header == name).map_or("", |(_, value)| value)
    }
}

/// Every address at once: it takes what comes, unless told otherwise.
#[derive(Debug, Default)]
pub struct MemoryHooks {
    answers: Mutex<VecDeque<Result<u16, NoAnswer>>>,
    delivered: Mutex<Vec<Delivered>>,
}

impl MemoryHooks {
    /// The next deliveries get these answers, in order.
    pub fn answer(&self, answers: impl IntoIterator<Item = Result<u16, NoAnswer>>) {
        lock(&self.answers).extend(answers);
    }

    /// Everything that came, in order.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        lock(&self.delivered).clone()
    }
}

impl Hooks for MemoryHooks {
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: Bytes) -> Result<u16, NoAnswer> {
        lock(&self.delivered).push(Delivered { url: url.to_owned(), headers: headers.to_vec(), body });
        lock(&self.answers).pop_front().unwrap_or(Ok(200))
    }
}
