//! `relayctl plan`.

use clap::Args;
use relay::owner::DEFAULT_RETENTION_DAYS;
use relay_plan::load::{Load, LoadError, USUAL_KINDS};
use relay_plan::{Skew, price};

/// Apps of an owner where no owners are named.
pub(super) const APPS_OF_AN_OWNER: u32 = 10;

/// The most apps or owners that a plan tells apart.
pub(super) const MOST_APPS: i64 = 100_000;

/// A load; its rates are activities.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Activities in a day, as in 30e9
    #[arg(long, value_name = "N", value_parser = count)]
    per_day: Option<u64>,
    /// Activities a second in the busiest minutes [default: the day's average times --peak-factor]
    #[arg(long, value_name = "N", value_parser = count)]
    per_second: Option<u64>,
    /// How many averages the peak is
    #[arg(long, value_name = "F", default_value_t = 2.0, value_parser = factor)]
    peak_factor: f64,
    /// App tokens
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=MOST_APPS))]
    apps: u32,
    /// Owners [default: one for ten apps]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_APPS))]
    owners: Option<u32>,
    /// How busy the apps are beside each other: even, or zipf:S
    #[arg(long, value_name = "SKEW", default_value = "zipf:1.1")]
    skew: Skew,
    /// Activities of one request: single for callbacks, or a number for an SDK's batches
    #[arg(long, value_name = "N", default_value = "single", value_parser = batch)]
    batch: u32,
    /// How long owners keep activities
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RETENTION_DAYS, value_parser = clap::value_parser!(u16).range(1..=3650))]
    retention_days: u16,
    /// `BatchWindowSeconds` [default: 5, or longer where partitions are too hot]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=300))]
    window: Option<u32>,
    /// Activities in a hundred that come late: two thirds of them by up to ten minutes, a third by up to two days
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    late: u32,
    /// Exports in a day [default: one an owner]
    #[arg(long, value_name = "N", value_parser = count)]
    exports_per_day: Option<u64>,
    /// The simulation's; another one shows what is chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The numbers do not fit together.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Prices of elsewhere.
    #[error("prices are known for {known} only, not for {asked}; plan there, and look up what differs", known = price::REGION)]
    Region {
        /// The region that was named.
        asked: String,
    },
}

impl PlanArgs {
    /// The load that was described; `region` as the command line names it.
    pub(crate) fn load(&self, region: Option<&str>) -> Result<Load, PlanError> {
        known(region)?;
        let (per_day, per_second) = Load::rates(self.per_day, self.per_second, self.peak_factor)?;
        let owners = self.owners.unwrap_or_else(|| self.apps.div_ceil(APPS_OF_AN_OWNER)).min(self.apps);
        Ok(Load {
            per_day,
            per_second,
            apps: self.apps,
            owners,
            skew: self.skew,
            batch: self.batch,
            retention_days: self.retention_days,
            window: self.window,
            kinds: USUAL_KINDS,
            late_percent: self.late,
            exports_per_day: self.exports_per_day.unwrap_or_else(|| u64::from(owners)),
            seed: self.seed,
        })
    }
}

/// Whether prices are known there; where none is named, they are.
pub(super) fn known(region: Option<&str>) -> Result<(), PlanError> {
    let other = region.filter(|region| *region != price::REGION);
    other.map_or(Ok(()), |other| Err(PlanError::Region { asked: other.to_owned() }))
}

/// A whole number, also as in 30e9.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let (digits, zeros) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let digits: Option<u64> = digits.replace('_', "").parse().ok();
    let power = zeros.parse().ok().and_then(|zeros| 10_u64.checked_pow(zeros));
    let number = digits.zip(power).and_then(|(digits, power)| digits.checked_mul(power)).filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{text}` is no whole number from 1 on; write 30000000000, 30_000_000_000 or 30e9"))
}

pub(super) fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (1.0..=1_000.0).contains(factor));
    factor.ok_or_else(|| format!("`{text}` is no factor from 1 to 1000; the peak is never less than the average"))
}

pub(super) fn batch(text: &str) -> Result<u32, String> {
    let most = u32::try_from(relay::batch::MAX_ITEMS).unwrap_or(u32::MAX);
    let number = if text == "single" { Some(1) } else { text.parse().ok() };
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is no batch; one is `single`, or 1 to {most} activities"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        plan: PlanArgs,
    }

    fn load(arguments: &str) -> Result<Load, PlanError> {
        let line = Line::try_parse_from(["plan"].into_iter().chain(arguments.split_whitespace()));
        line.unwrap().plan.load(None)
    }

    #[test]
    fn a_load_is_read_as_it_is_said() {
        let load = load("--per-day 30e9 --apps 1000 --skew zipf:1.1").unwrap();
        assert_eq!((load.per_day, load.per_second, load.owners, load.batch), (30_000_000_000, 694_445, 100, 1));
        assert_eq!((load.exports_per_day, load.retention_days, load.window), (100, DEFAULT_RETENTION_DAYS, None));
    }

    #[test]
    fn what_does_not_fit_together_says_why() {
        assert!(load("").unwrap_err().to_string().contains("--per-day N"));
        assert!(load("--per-day 1e9 --per-second 10").unwrap_err().to_string().contains("more than the peak"));
        let line = Line::try_parse_from(["plan", "--per-day", "1e6"]).unwrap();
        assert!(line.plan.load(Some("us-east-1")).is_ok());
        assert!(line.plan.load(Some("eu-west-1")).unwrap_err().to_string().contains("us-east-1 only"));
    }

    #[test]
    fn numbers_say_what_they_may_be() {
        assert_eq!(count("30e9"), Ok(30_000_000_000));
        assert_eq!(count("1_000"), Ok(1_000));
        for wrong in ["0", "-1", "1.5", "3e99", "e9", ""] {
            assert!(count(wrong).unwrap_err().contains("30e9"), "{wrong}");
        }
        assert!(batch("501").is_err() && batch("0").is_err() && batch("500") == Ok(500));
        assert!(factor("0.5").is_err() && factor("nan").is_err());
    }
}
