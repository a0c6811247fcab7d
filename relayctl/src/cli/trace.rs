//! `trace`.

use clap::Args;
use relay::activity::Kind;

use crate::names;
use crate::trace::{Asked, Place};

/// The whole way of one callback, activity or export
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// A trace id (header `x-relay-trace-id` of any answer), an export's id, or an activity's
    #[arg(value_parser = names::id)]
    id: String,
    /// How far back records, log lines and the quarantine are looked through, where the id is no export's: 2d, 12h, 30m
    #[arg(long, value_name = "AGE", default_value = "1d", value_parser = names::age)]
    since: i64,
    /// The activity's app: with --kind and --at it is looked for in the pages
    #[arg(long, value_name = "TOKEN", value_parser = names::app_token, requires_all = ["kind", "at"])]
    app: Option<String>,
    /// The activity's kind: install, reattribution, event
    #[arg(long, value_name = "KIND", value_parser = names::kind, requires_all = ["app", "at"])]
    kind: Option<Kind>,
    /// The activity's `created_at`: its minute is enough, as 2026-11-29T09:00:00Z, or milliseconds since the epoch
    #[arg(long, value_name = "TIME", value_parser = names::moment, requires_all = ["app", "kind"])]
    at: Option<i64>,
}

impl TraceArgs {
    /// What is asked for; `now` in milliseconds since the epoch.
    pub(crate) fn asked(self, now: i64) -> Asked {
        let place = self.app.zip(self.kind).zip(self.at);
        let activity = place.map(|((app_token, kind), created_at)| Place { app_token, kind, created_at });
        Asked { id: self.id, since: now.saturating_sub(self.since), now, activity }
    }
}
