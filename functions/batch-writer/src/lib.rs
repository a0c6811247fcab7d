//! Drains the stream, and the spill queue beside it, into pages: a batch of records in, what is not durable yet out.
//!
//! Every record ends in one of three ways: its activities are in pages, its raw bytes are in the quarantine, or it is answered as failed and
//! its source brings it again. Tenancy and the allow-list were decided at the door, never here.

mod arrivals;
pub mod batch;
pub mod config;
pub mod drain;
mod erased;
pub mod handler;
pub mod spill;
mod store;

use std::sync::Mutex;

use relay::metric::Counters;
use relay::port::{ControlTable, PageStore, Quarantine};

/// What the function needs to drain a batch.
#[derive(Debug)]
pub struct App<P, C, Q> {
    /// Table `pages`.
    pub pages: P,
    /// Table `control`: watermarks, the largest number of page shards, what arrived.
    pub control: C,
    /// The quarantine bucket.
    pub quarantine: Q,
    /// Over how many partitions the pages of one app, kind and day are spread.
    pub page_shards: u32,
    /// What was counted since the last minute.
    pub counters: Mutex<Counters>,
    /// What was counted for `GET /v1/arrivals` and is not in table `control` yet.
    untold: Mutex<arrivals::Untold>,
    /// What is known of what is erased.
    known: tokio::sync::Mutex<erased::Known>,
    /// Whether readers know of `page_shards`; asked once in a process.
    pub shards_known: tokio::sync::OnceCell<()>,
}

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// An app over these ports.
    pub fn new(pages: P, control: C, quarantine: Q, page_shards: u32) -> Self {
        let (counters, untold, known) = (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        let shards_known = tokio::sync::OnceCell::new();
        Self { pages, control, quarantine, page_shards, counters, untold, known, shards_known }
    }
}
