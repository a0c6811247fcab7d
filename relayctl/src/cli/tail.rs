//! `tail`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::logs::{FUNCTIONS, Level};
use crate::names;

/// The log lines of all functions, merged by time
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// How far back: days, hours or minutes, as 2d, 12h, 30m
    #[arg(long, value_name = "AGE", default_value = "10m", value_parser = names::age)]
    pub(crate) since: i64,
    /// Only of this function; may be said several times
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(FUNCTIONS.map(|(name, _)| name)))]
    pub(crate) function: Vec<String>,
    /// Only lines of this level or a worse one
    #[arg(long)]
    pub(crate) level: Option<Level>,
    /// Only lines with this id: a trace id, an export's; may be said several times
    #[arg(long, value_name = "ID", value_parser = names::id)]
    pub(crate) trace: Vec<String>,
    /// With the lines that are counts for CloudWatch, too
    #[arg(long)]
    pub(crate) counts: bool,
    /// At most so many lines: the newest
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) limit: u32,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
}
