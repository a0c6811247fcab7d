//! What arrived lately: of an app by provider and kind, of an owner's callbacks that went to the quarantine by provider and reason. A small document each in table
//! `control`, to which the writer adds what it has made durable. Deliveries, not rows: a provider's retry counts again (ADR 0007).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::activity::Provider;
use crate::control::{Expect, Item, Key, Write};
use crate::fault::Fault;
use crate::period::{rfc3339, rfc3339_millis};

/// The hours that a view counts: those of a day and the one in which it begins.
const HOURS: usize = 25;

/// How long it is remembered when the last one came: seconds. Days later a silent provider must still be told from one that never sent.
const REMEMBERED_SECONDS: i64 = 30 * 24 * 3600;

/// Arrivals are counted by the hour: milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// What telling the arrivals of one app costs a writer, in what an activity earns. A write is two units (a transaction of one), so counting costs at most 20
/// units for 1,000 activities…
pub const WRITE_COST: i64 = 100;

/// … and what a second earns: a write each five seconds. Little traffic shows at once, and what stops suddenly is seconds behind at most.
pub const SECOND_EARNS: i64 = 20;

/// The most that is saved up, sixty writes: a burst shows to the last, and one invocation never has many to make.
pub const MOST_CREDIT: i64 = 60 * WRITE_COST;

/// How often a document is written again that another writer changed in between.
pub const ATTEMPTS: u32 = 4;

/// Whose arrivals a document counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// An app's, by its token: activities, by provider and kind.
    App(String),
    /// An owner's: callbacks in the quarantine, by provider and reason. They have no app that could be relied on.
    Owner(String),
}

impl Whose {
    /// Where the document stands.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::App(app_token) => Key::new(format!("arrival#{app_token}"), "app"),
            Self::Owner(owner) => Key::new(format!("reject#{owner}"), "owner"),
        }
    }
}

/// What arrived: a tally for each `{provider}/{kind}` or `{provider}/{reason}`. Both come from fixed lists, so a document stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    tallies: BTreeMap<String, Tally>,
}

/// The arrivals of one sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    /// When the last one reached the door: milliseconds since the epoch.
    last_received_at: i64,
    /// The newest hour that is counted: hours since the epoch.
    hour: i64,
    /// How many came in that hour, in the one before, and so on: at most [`HOURS`].
    counts: Vec<u64>,
}

/// What of the arrivals is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Milliseconds since the epoch.
    pub now: i64,
    /// What came before was somebody else's: milliseconds since the epoch. The hour in which it lies is not counted, because nobody knows what of it is whose.
    pub received_since: i64,
}

impl Window {
    /// The first hour that counts: the one in which the last 24 hours begin. Milliseconds since the epoch.
    #[must_use]
    pub const fn start(&self) -> i64 {
        (self.now.div_euclid(HOUR_MS) - 24) * HOUR_MS
    }
}

impl Arrivals {
    /// Counts `n` more that reached the door within one hour, the last of them at this moment (milliseconds since the epoch). `what` is a kind's
    /// or a reason's name.
    pub fn add(&mut self, provider: Provider, what: &'static str, received_at: i64, n: u64) {
        let hour = received_at.div_euclid(HOUR_MS);
        self.merge_one(&format!("{provider}/{what}"), &Tally { last_received_at: received_at, hour, counts: vec![n] });
    }

    /// Counts what another one counts, too.
    pub fn merge(&mut self, other: &Self) {
        for (sort, tally) in &other.tallies {
            self.merge_one(sort, tally);
        }
    }

    fn merge_one(&mut self, sort: &str, tally: &Tally) {
        match self.tallies.get_mut(sort) {
            Some(known) => known.merge(tally),
            None => {
                self.tallies.insert(sort.to_owned(), tally.clone());
            }
        }
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }

    /// The document as read; nothing where none stands.
    pub fn read(item: Option<&Item>) -> Result<Self, Fault> {
        item.map_or_else(|| Ok(Self::default()), Item::read)
    }

    /// The write that adds these arrivals to a document as it was read. It holds only if nobody else has written since. What came more than 30 days
    /// before `now` is forgotten.
    pub fn write(&self, whose: &Whose, found: Option<&Item>, now: i64) -> Result<Write, Fault> {
        let mut all = Self::read(found)?;
        all.merge(self);
        all.tallies.retain(|_, tally| tally.forgotten_at() > now / 1000);
        let last = all.tallies.values().map(Tally::forgotten_at).max();
        let expect = found.map_or(Expect::Absent, |item| Expect::Version(item.version));
        Write::put_until(whose.key(), &all, expect, Some(last.unwrap_or(now / 1000)))
    }

    /// As the API shows them, in order; `what` is the name under which a kind or reason stands.
    #[must_use]
    pub fn view(&self, what: &str, window: Window) -> Vec<Value> {
        let shown = self.tallies.iter().filter(|(_, tally)| {
            tally.last_received_at >= window.received_since && tally.forgotten_at() > window.now / 1000
        });
        let view = |(sort, tally): (&String, &Tally)| {
            let (provider, named) = sort.split_once('/')?;
            let hours = tally.hours(window);
            let hour = |(at, n): &(i64, u64)| json!({"hour": rfc3339(*at), "received": n});
            Some(json!({
                "provider": provider,
                what: named,
                "last_received_at": rfc3339_millis(tally.last_received_at),
                "received_24h": hours.iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n)),
                "hours": hours.iter().map(hour).collect::<Vec<_>>(),
            }))
        };
        shown.filter_map(view).collect()
    }
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.last_received_at = self.last_received_at.max(other.last_received_at);
        if other.hour > self.hour {
            let hours = usize::try_from(other.hour.saturating_sub(self.hour)).unwrap_or(HOURS).min(HOURS);
            self.counts.splice(0..0, std::iter::repeat_n(0, hours));
            self.hour = other.hour;
        }
        let behind = usize::try_from(self.hour.saturating_sub(other.hour)).unwrap_or(HOURS).min(HOURS);
        if self.counts.len() < behind + other.counts.len() {
            self.counts.resize(behind + other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().skip(behind).zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.counts.truncate(HOURS);
        let filled = self.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        self.counts.truncate(filled);
    }

    /// The hours of the window in which something came, oldest first, with how much.
    fn hours(&self, window: Window) -> Vec<(i64, u64)> {
        let from = window.start().max(window.received_since);
        let hours =
            (0..).zip(&self.counts).map(|(back, n)| (self.hour.saturating_sub(back).saturating_mul(HOUR_MS), *n));
        let mut hours: Vec<_> = hours.filter(|(at, n)| *at >= from && *n > 0).collect();
        hours.reverse();
        hours
    }

    /// Seconds since the epoch.
    const fn forgotten_at(&self) -> i64 {
        self.last_received_at / 1000 + REMEMBERED_SECONDS
    }
}

#[cfg(test)]
mod tests;
