//! The verbs on what could not become rows.

use clap::{Args, Subcommand};

use crate::names;

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Lists what lies there, newest first: by day, owner and reason; of one day of an owner its objects
    List {
        /// An owner, or a day of an owner: `demo`, `demo/2026-11-21` [default: all]
        #[arg(value_parser = names::place, value_name = "PLACE", default_value = "", hide_default_value = true)]
        place: names::Place,
        #[command(flatten)]
        filter: ReasonFilter,
        #[command(flatten)]
        page: Page,
    },
    /// Shows the entries of an object, without keys
    Show {
        /// An object, as `list` names it: `demo/2026-11-21/221320-….ndjson.zst`
        #[arg(value_parser = names::object)]
        object: String,
        /// Only this entry (from 0)
        #[arg(long, value_name = "N")]
        entry: Option<usize>,
    },
    /// Reads again with the present code, and puts what is understood now into the stream. Safe to repeat: a row comes once
    ///
    /// Exit codes: 0 nothing is left to do; 3 something is still not understood; 1 a fault ended it, run it again.
    Replay {
        /// An owner, a day of an owner, or an object [default: all]
        #[arg(value_parser = names::place, value_name = "PLACE", default_value = "", hide_default_value = true)]
        place: names::Place,
        #[command(flatten)]
        filter: ReasonFilter,
        /// Also what was replayed or dropped before
        #[arg(long)]
        again: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FailedCommand {
    /// Lists batches of the stream that the writer's mapping gave up, newest first
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Puts their records back into the stream. Safe to repeat: a row comes once
    ///
    /// Exit codes: 0 nothing is left to do; 3 a batch cannot be read; 1 a fault ended it, run it again.
    Replay {
        /// Only this batch, as `list` names it [default: all]
        #[arg(value_name = "BATCH")]
        batch: Option<String>,
        /// Also what was replayed before
        #[arg(long)]
        again: bool,
    },
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReasonFilter {
    /// Only entries with this reason, such as `unknown_app`
    #[arg(long, value_parser = names::reason)]
    pub(crate) reason: Option<String>,
}

impl ReasonFilter {
    pub(crate) fn takes(&self, reason: &str) -> bool {
        self.reason.as_deref().is_none_or(|wanted| wanted == reason)
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Page {
    /// At most so many lines of the list (whole days where it lists days)
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on below this, as the end of a list says
    #[arg(long, value_name = "WHERE")]
    pub(crate) before: Option<String>,
}
