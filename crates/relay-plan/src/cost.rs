//! What a load costs: by the month and by the million, what grows with it told apart from what does not; and what other designs would cost.

mod designs;
mod text;

use serde::Serialize;

pub use designs::{Design, Part};

use crate::bill::{Bill, Purpose, Spending};
use crate::figures::{MEASURED, Unmeasured};
use crate::load::Load;
use crate::plan::{Parameter, plan_and_spend};
use crate::price;

/// What a load costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The load.
    pub load: Load,
    /// What else was asked for.
    pub spending: Spending,
    /// Of where the prices are.
    pub region: &'static str,
    /// Of when.
    pub prices_as_of: &'static str,
    /// When the times behind the quantities were measured.
    pub measured: &'static str,
    /// What the stack is deployed with: `plan`'s choice for this load.
    pub parameters: Vec<Parameter>,
    /// The bill of a month.
    pub bill: Bill,
    /// What a million more cost by purpose: US dollars.
    pub million: Million,
    /// The same in other designs, part by part.
    pub designs: Vec<Design>,
}

/// What a million activities more cost at this load: US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Million {
    /// To take them in, down to pages.
    pub take: f64,
    /// To keep them as long as their owners want.
    pub keep: f64,
    /// To export them.
    pub export: f64,
}

impl Million {
    fn of(bill: &Bill, load: &Load) -> Self {
        let of = |purpose| bill.marginal_usd(purpose) / load.per_month() * 1e6;
        Self { take: of(Purpose::Take), keep: of(Purpose::Keep), export: of(Purpose::Export) }
    }
}

impl Cost {
    /// The bill as a table for people.
    #[must_use]
    pub fn text(&self) -> String {
        text::bill(self)
    }

    /// The designs as a table for people.
    #[must_use]
    pub fn designs_text(&self) -> String {
        text::designs(self)
    }
}

/// Adds up what a load costs. `progress` hears how far a simulation is; there may be several.
pub fn cost(load: &Load, spending: &Spending, progress: &mut dyn FnMut(u32, u32)) -> Result<Cost, Unmeasured> {
    let (plan, heat) = plan_and_spend(load, spending, progress)?;
    let designs = designs::of(load, &plan, &heat);
    Ok(Cost {
        load: load.clone(),
        spending: *spending,
        region: price::REGION,
        prices_as_of: price::AS_OF,
        measured: MEASURED,
        parameters: plan.parameters,
        million: Million::of(&plan.bill, load),
        bill: plan.bill,
        designs,
    })
}

#[cfg(test)]
mod tests;
