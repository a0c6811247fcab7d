//! `audit`.

use clap::Args;

use crate::names;

/// Who did what, when: newest first
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whose").args(["owner", "all"]).required(true)))]
pub(crate) struct AuditArgs {
    /// Whose records
    #[arg(value_parser = names::owner)]
    pub(crate) owner: Option<String>,
    /// Those of every owner
    #[arg(long)]
    pub(crate) all: bool,
    /// How far back: days, hours or minutes, as 7d, 12h, 30m; records are kept for 400 days
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = names::age)]
    pub(crate) since: i64,
    /// Only what was done so, as export.created
    #[arg(long, value_parser = names::action)]
    pub(crate) action: Option<String>,
    /// The most records to answer
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on behind this one, as an answer's `more` or `next` says
    #[arg(long, value_name = "RECORD", value_parser = names::record)]
    pub(crate) before: Option<String>,
}
