//! The line as it stands in the table: what waits, and when each owner was last served.

use std::collections::BTreeMap;

use relay::control::{Item, Query};
use relay::export::queue::{QUEUE, TURNS, Turn, Waiting, order};
use relay::fault::Fault;
use relay::port::ControlTable;
use serde::de::DeserializeOwned;

/// How many items a listing asks for at a time.
const LISTING_LIMIT: usize = 1000;

/// Who waits. An item that cannot be read is left out and told: it stops nobody else.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Everything that waits, in the order of its keys.
    waiting: Vec<Waiting>,
    /// When each owner was last served.
    pub(super) turns: BTreeMap<String, i64>,
    /// What could not be read.
    pub(super) faults: Vec<Fault>,
}

impl Line {
    pub(crate) async fn read(control: &impl ControlTable) -> Result<Self, Fault> {
        let mut line = Self::default();
        for item in list(control, QUEUE).await? {
            line.waiting.extend(line_item(&item, &mut line.faults));
        }
        for item in list(control, TURNS).await? {
            let turn = line_item::<Turn>(&item, &mut line.faults);
            line.turns.extend(turn.map(|turn| (item.key.sk, turn.served_at)));
        }
        Ok(line)
    }

    /// What waits, in the order in which it will be served if nobody else comes.
    pub(crate) fn ordered(&self) -> Vec<Waiting> {
        order(&self.waiting, &self.turns)
    }
}

fn line_item<T: DeserializeOwned>(item: &Item, faults: &mut Vec<Fault>) -> Option<T> {
    let read = item.read();
    if let Err(fault) = &read {
        tracing::error!(%fault, "an item of the line is left out");
        faults.push(fault.clone());
    }
    read.ok()
}

/// Every item of a partition.
pub(crate) async fn list(control: &impl ControlTable, pk: &str) -> Result<Vec<Item>, Fault> {
    let mut query =
        Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit: LISTING_LIMIT };
    let mut items = Vec::new();
    loop {
        let listing = control.query(&query).await?;
        items.extend(listing.items);
        match listing.next {
            None => return Ok(items),
            after => query.after = after,
        }
    }
}
