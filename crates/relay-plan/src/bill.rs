//! The monthly bill of a load, item by item.

mod export;
mod keep;
mod run;
pub(crate) mod stream;
pub(crate) mod take;

use serde::Serialize;

use crate::heat::Heat;
use crate::load::{Load, MONTH_HOURS};
use crate::number::float;
use crate::price::Price;
use crate::stream::Stream;

/// A month: seconds.
const MONTH_SECONDS: f64 = MONTH_HOURS * 3_600.0;

/// What an item of the bill is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// To take activities in, down to pages.
    Take,
    /// To keep them.
    Keep,
    /// To export them.
    Export,
    /// To have a stack at all.
    Run,
}

impl Purpose {
    /// All of them, in the order of an activity's path.
    pub const ALL: [Self; 4] = [Self::Take, Self::Keep, Self::Export, Self::Run];
}

/// An item of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What for.
    pub purpose: Purpose,
    /// What is paid for.
    pub item: &'static str,
    /// How much of it in a month.
    pub quantity: f64,
    /// Of what.
    pub unit: &'static str,
    /// What one costs: US dollars.
    pub price: f64,
    /// All of them: US dollars.
    pub usd: f64,
    /// What of it does not grow with what comes in: US dollars.
    pub fixed_usd: f64,
}

impl Line {
    fn new(purpose: Purpose, item: &'static str, quantity: f64, price: Price) -> Self {
        let Price { usd, unit, .. } = price;
        Self { purpose, item, quantity, unit, price: usd, usd: quantity * usd, fixed_usd: 0.0 }
    }

    /// So much of it is there without any activity.
    fn fixed(self, quantity: f64) -> Self {
        Self { fixed_usd: quantity.min(self.quantity) * self.price, ..self }
    }

    /// What grows with what comes in: US dollars.
    #[must_use]
    pub fn marginal_usd(&self) -> f64 {
        self.usd - self.fixed_usd
    }
}

/// What is paid for beside what the load asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spending {
    /// `AccessLogs`; `None` lets the plan choose.
    pub access_log: Option<bool>,
    /// Rows of one export; `None`: each activity is exported once.
    pub rows_per_export: Option<u64>,
    /// Whether stream, tables and buckets are encrypted with a key of one's own.
    pub own_key: bool,
}

impl Spending {
    /// Rows that are exported in a month.
    fn rows(&self, load: &Load) -> f64 {
        let exports = float(load.exports_per_day) * crate::load::MONTH_DAYS;
        self.rows_per_export.map_or_else(|| load.per_month(), |rows| float(rows) * exports)
    }
}

/// What a bill is made of.
pub(crate) struct Month<'a> {
    pub(crate) load: &'a Load,
    pub(crate) stream: &'a Stream,
    /// That of an average minute, since a month is made of those.
    pub(crate) heat: &'a Heat,
    /// What the table holds in the end.
    pub(crate) storage_gb: f64,
    pub(crate) has_access_log: bool,
    pub(crate) spending: &'a Spending,
}

/// The bill of a month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bill {
    /// Its items.
    pub lines: Vec<Line>,
    /// All of them: US dollars.
    pub usd: f64,
    /// What of it does not grow with what comes in.
    pub fixed_usd: f64,
    /// All of it for a million activities.
    pub usd_per_million: f64,
    /// What a million activities more cost at this load.
    pub marginal_usd_per_million: f64,
}

impl Bill {
    /// What the load costs.
    pub(crate) fn of(month: &Month<'_>) -> Self {
        let parts = [take::lines(month), keep::lines(month), export::lines(month), run::lines(month)];
        let lines: Vec<Line> = parts.into_iter().flatten().filter(|line| line.quantity > 0.0).collect();
        let usd: f64 = lines.iter().map(|line| line.usd).sum();
        let fixed_usd: f64 = lines.iter().map(|line| line.fixed_usd).sum();
        let millions = month.load.per_month() / 1e6;
        let (usd_per_million, marginal_usd_per_million) = (usd / millions, (usd - fixed_usd) / millions);
        Self { lines, usd, fixed_usd, usd_per_million, marginal_usd_per_million }
    }

    /// What of the bill grows with what comes in, by purpose: US dollars.
    #[must_use]
    pub fn marginal_usd(&self, purpose: Purpose) -> f64 {
        self.lines.iter().filter(|line| line.purpose == purpose).map(Line::marginal_usd).sum()
    }
}
