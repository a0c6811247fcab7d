//! A bill and its alternatives as tables for people.

use std::fmt::Write;

use super::Cost;
use crate::bill::{Line, Purpose};
use crate::number::whole;
use crate::text::{digits, money};

/// How wide the columns are: names, quantity and price, dollars a month, dollars a million.
const NAME: usize = 38;
const MADE_OF: usize = 48;

fn title(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Take => "to take activities in",
        Purpose::Keep => "to keep them",
        Purpose::Export => "to export them",
        Purpose::Run => "to have a stack at all",
    }
}

/// The whole bill.
pub(super) fn bill(cost: &Cost) -> String {
    let mut text = head(cost);
    for purpose in Purpose::ALL {
        let name = title(purpose);
        let _infallible =
            writeln!(text, "\n{name:<NAME$}  {:<MADE_OF$}{:>12}{:>12}", "in a month", "USD a month", "a million");
        for line in cost.bill.lines.iter().filter(|line| line.purpose == purpose) {
            text.push_str(&row(cost, line));
        }
    }
    text.push('\n');
    text.push_str(&sums(cost));
    let _infallible = writeln!(
        text,
        "not counted: webhooks, the quarantine, free tiers, discounts; prices of {} in {}, times measured {}",
        cost.prices_as_of, cost.region, cost.measured
    );
    text
}

fn head(cost: &Cost) -> String {
    let load = &cost.load;
    let parameters: Vec<String> =
        cost.parameters.iter().map(|parameter| format!("{}={}", parameter.name, parameter.value)).collect();
    format!(
        "{} activities a day in requests of {}, {} apps of {} owners, kept {} days, {} exports a day\n{}\n",
        digits(load.per_day),
        load.batch,
        digits(u64::from(load.apps)),
        digits(u64::from(load.owners)),
        load.retention_days,
        digits(load.exports_per_day),
        parameters.join(" ")
    )
}

fn row(cost: &Cost, line: &Line) -> String {
    let made_of = format!("{} {} × {}", digits(whole(line.quantity)), line.unit, each(line.price));
    let name = line.item;
    let million = match line.marginal_usd() {
        // What stays, whatever comes.
        marginal if marginal <= 0.0 => "fixed".to_owned(),
        marginal => format!("{:.4}", marginal / millions(cost)),
    };
    let partly = if line.fixed_usd > 0.0 && line.marginal_usd() > 0.0 {
        format!("  {} of it fixed", money(line.fixed_usd))
    } else {
        String::new()
    };
    format!("  {name:<NAME$}{made_of:<MADE_OF$}{:>12}{million:>12}{partly}\n", money(line.usd))
}

fn sums(cost: &Cost) -> String {
    let mut text = String::new();
    let mut sum = |name: &str, usd: f64, million: &str| {
        let _infallible = writeln!(text, "{name:<NAME$}  {:<MADE_OF$}{:>12}{million:>12}", "", money(usd));
    };
    let bill = &cost.bill;
    for purpose in [Purpose::Take, Purpose::Keep, Purpose::Export] {
        let usd = bill.marginal_usd(purpose);
        sum(&format!("grows, {}", title(purpose)), usd, &format!("{:.3}", usd / millions(cost)));
    }
    sum("grows, all", bill.usd - bill.fixed_usd, &format!("{:.3}", bill.marginal_usd_per_million));
    sum("fixed", bill.fixed_usd, "");
    sum("the month", bill.usd, &format!("{:.3}", bill.usd_per_million));
    text
}

fn millions(cost: &Cost) -> f64 {
    cost.load.per_month() / 1e6
}

/// A price: of a million, where one costs next to nothing.
fn each(usd: f64) -> String {
    if usd < 0.001 { format!("{}/million", short(usd * 1e6)) } else { short(usd) }
}

/// Without zeros at its end.
fn short(figure: f64) -> String {
    let text = format!("{figure:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The designs, a part after the other; `*` stands before what is built.
pub(super) fn designs(cost: &Cost) -> String {
    let mut text = String::new();
    let mut last = None;
    for design in &cost.designs {
        if last != Some(design.part) {
            let name = design.part.title();
            let _infallible = writeln!(text, "{name:<NAME$}    {:>14}{:>20}", "USD a million", "and fixed, a month");
            last = Some(design.part);
        }
        let (mark, name) = (if design.is_ours { '*' } else { ' ' }, design.name);
        let fixed = if design.fixed_usd > 0.0 { money(design.fixed_usd) } else { String::new() };
        let _infallible = writeln!(
            text,
            "{}",
            format!("  {mark} {name:<NAME$}{:>14.3}{fixed:>20}", design.usd_per_million).trim_end()
        );
    }
    text.push_str("* as Relay is made at this load\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_well() {
        assert_eq!([1e-6, 0.000_013_333_4, 0.25, 3.0].map(each), ["1/million", "13.3334/million", "0.25", "3"]);
    }
}
