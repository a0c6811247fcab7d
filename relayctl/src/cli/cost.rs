//! `relayctl cost`.

use clap::{ArgGroup, Args};
use relay::owner::DEFAULT_RETENTION_DAYS;
use relay_plan::load::{Load, USUAL_KINDS};
use relay_plan::{Skew, Spending};

use super::Switch;
use super::plan::{APPS_OF_AN_OWNER, MOST_APPS, PlanError, batch, count, factor, known};

/// A load; its rates are activities, on average over the month.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("rate").required(true).args(["per_second", "per_day"])))]
pub(crate) struct CostArgs {
    /// Activities a second, on average
    #[arg(long, value_name = "N", value_parser = count)]
    per_second: Option<u64>,
    /// Activities in a day, as in 30e9
    #[arg(long, value_name = "N", value_parser = count)]
    per_day: Option<u64>,
    /// How many averages the peak is, for which shards are there
    #[arg(long, value_name = "F", default_value_t = 2.0, value_parser = factor)]
    peak_factor: f64,
    /// Activities of one request: single for callbacks, or a number for an SDK's batches
    #[arg(long, value_name = "N", default_value = "single", value_parser = batch)]
    batch: u32,
    /// App tokens
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=MOST_APPS))]
    apps: u32,
    /// How busy the apps are beside each other: even, or zipf:S
    #[arg(long, value_name = "SKEW", default_value = "zipf:1.1")]
    skew: Skew,
    /// How long owners keep activities
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RETENTION_DAYS, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Exports in a day [default: one an app]
    #[arg(long, value_name = "N", value_parser = count)]
    exports_per_day: Option<u64>,
    /// Rows of an export [default: each activity is exported once]
    #[arg(long, value_name = "N", value_parser = count)]
    rows_per_export: Option<u64>,
    /// `BatchWindowSeconds` [default: 5, or longer where partitions are too hot]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=300))]
    window: Option<u32>,
    /// `AccessLogs`
    #[arg(long, value_name = "SWITCH", default_value = "on")]
    access_log: Switch,
    /// Encrypted with a key of one's own
    #[arg(long)]
    own_key: bool,
    /// What other designs of each part would cost, in place of the bill; with --json both are told
    #[arg(long)]
    pub(crate) designs: bool,
    /// The simulation's; another one shows what is chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl CostArgs {
    /// The load that was described; `region` as the command line names it.
    pub(crate) fn load(&self, region: Option<&str>) -> Result<Load, PlanError> {
        known(region)?;
        let per_day = self.per_day.or_else(|| self.per_second.map(|per_second| per_second.saturating_mul(86_400)));
        let (per_day, per_second) = Load::rates(per_day, None, self.peak_factor)?;
        Ok(Load {
            per_day,
            per_second,
            apps: self.apps,
            owners: self.apps.div_ceil(APPS_OF_AN_OWNER),
            skew: self.skew,
            batch: self.batch,
            retention_days: self.days,
            window: self.window,
            kinds: USUAL_KINDS,
            late_percent: 10,
            exports_per_day: self.exports_per_day.unwrap_or_else(|| u64::from(self.apps)),
            seed: self.seed,
        })
    }

    /// What else is paid for.
    pub(crate) fn spending(&self) -> Spending {
        let access_log = Some(matches!(self.access_log, Switch::On));
        Spending { access_log, rows_per_export: self.rows_per_export, own_key: self.own_key }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        cost: CostArgs,
    }

    fn parsed(arguments: &str) -> CostArgs {
        Line::try_parse_from(["cost"].into_iter().chain(arguments.split_whitespace())).unwrap().cost
    }

    #[test]
    fn a_load_is_the_month_on_average_and_its_peak() {
        let arguments = parsed("--per-second 1000 --batch 100 --apps 20 --days 30 --rows-per-export 1e6");
        let load = arguments.load(None).unwrap();
        assert_eq!((load.per_day, load.per_second, load.batch), (86_400_000, 2_000, 100));
        assert_eq!((load.owners, load.exports_per_day, load.retention_days), (2, 20, 30));
        let logs = Spending { access_log: Some(true), rows_per_export: Some(1_000_000), own_key: false };
        assert_eq!(arguments.spending(), logs);
        assert_eq!(parsed("--per-day 1e6 --access-log off").spending().access_log, Some(false));
    }

    #[test]
    fn prices_of_elsewhere_are_not_known() {
        assert!(parsed("--per-second 1").load(Some("eu-west-1")).unwrap_err().to_string().contains("us-east-1 only"));
        assert!(parsed("--per-second 1e9").load(None).unwrap_err().to_string().contains("can be planned"));
    }
}
