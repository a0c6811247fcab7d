//! The command line.

mod access;
mod address;
mod audit;
mod buckets;
mod cost;
mod erase;
mod plan;
mod tail;
mod trace;
mod webhook;

use clap::{Args, Parser, Subcommand, ValueEnum};
use relay::owner::{DEFAULT_RETENTION_DAYS, Role};

pub(crate) use access::{SigningCommand, SourceCommand, SourceOf};
pub(crate) use address::AddressCommand;
pub(crate) use audit::AuditArgs;
pub(crate) use buckets::{FailedCommand, Page, QuarantineCommand, ReasonFilter};
pub(crate) use cost::CostArgs;
pub(crate) use erase::{EraseArgs, EraseCommand, Switch};
pub(crate) use plan::{PlanArgs, PlanError};
pub(crate) use tail::TailArgs;
pub(crate) use trace::TraceArgs;
pub(crate) use webhook::WebhookCommand;

use crate::names;

/// Manages Relay's owners, their app tokens, mail domains, event tokens and keys; replays what could not become rows; says what is wrong and what became of things.
///
/// Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong; 3 replayed, and something is still not understood; planned, and beyond a limit; or looked, and something is wrong.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Answer in JSON: one document on standard output, of a replay one a line (errors stay text on standard error)
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Who you are, for the audit record; a claim, as AWS knows whose credentials these are (default: `$USER@host`)
    #[arg(long = "as", global = true, value_name = "NAME", value_parser = names::operator)]
    pub(crate) operator: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the stack's parts are.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The stack on this machine: found by .relay/stack.json in this folder or one above
    #[arg(long, global = true, conflicts_with_all = ["stack", "control_table", "quarantine_bucket", "failed_bucket", "stream"])]
    pub(crate) local: bool,

    /// A deployed stack, whose outputs name all of its parts [default: `$RELAY_STACK`]
    #[arg(long, global = true, value_name = "NAME", value_parser = names::stack)]
    pub(crate) stack: Option<String>,

    /// The deployed stack's table `control` (its output `ControlTable`) [default: `$RELAY_CONTROL_TABLE`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) control_table: Option<String>,

    /// Its bucket of input that could not be understood (output `QuarantineBucket`) [default: `$RELAY_QUARANTINE_BUCKET`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) quarantine_bucket: Option<String>,

    /// Its bucket of batches that were given up (output `FailedBucket`) [default: `$RELAY_FAILED_BUCKET`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) failed_bucket: Option<String>,

    /// Its stream (output `StreamName`) [default: `$RELAY_STREAM`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stream: Option<String>,

    /// The deployed stack's region [default: the AWS profile's or `$AWS_REGION`]
    #[arg(long, global = true, value_name = "REGION", conflicts_with = "local")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Control(ControlCommand),
    /// The activities of a device or user: erased; `relayctl erase OWNER --adid ID`, or a verb
    Erase(EraseArgs),
    /// Input that could not be understood: listed, shown, replayed
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Batches of the stream that the writer's mapping gave up: listed, replayed
    #[command(subcommand)]
    Failed(FailedCommand),
    /// What is wrong with a stack, where, and what to do: looks at every part of it and writes nothing
    Doctor,
    /// The whole way of one callback, activity or export: by its trace id, or its own
    Trace(TraceArgs),
    /// The log lines of all functions, merged by time
    Tail(TailArgs),
    /// What a load takes on AWS: shards, partitions, quotas, the monthly bill; needs no stack and no account
    Plan(PlanArgs),
    /// What a load costs, by the month and by the million, and what other designs would; needs no stack and no account
    Cost(CostArgs),
}

/// What is done to table `control`.
#[derive(Debug, Subcommand)]
pub(crate) enum ControlCommand {
    /// Owners: advertisers
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// App tokens; each belongs to one owner
    #[command(subcommand)]
    App(AppCommand),
    /// Domains that an owner's mails may go to
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Addresses that no mail goes to, because one bounced for good or was reported as spam
    #[command(subcommand)]
    Address(AddressCommand),
    /// Event tokens that are kept; while an owner has none, every event is
    #[command(subcommand)]
    Event(EventCommand),
    /// Keys: for ingest, or for the API
    #[command(subcommand)]
    Key(KeyCommand),
    /// Networks that requests with an ingest key may come from; while a list is empty, any
    #[command(subcommand)]
    Source(SourceCommand),
    /// Secrets that sign batches to /v1/activities, and whether batches must be signed
    #[command(subcommand)]
    Signing(SigningCommand),
    /// The address that is told when an owner's exports end
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Who did what, when, of an owner's or of all: newest first
    Audit(AuditArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerCommand {
    /// Adds an owner
    Add {
        #[arg(value_parser = names::owner)]
        name: String,
        /// How long its activities are kept
        #[arg(long, value_name = "N", default_value_t = DEFAULT_RETENTION_DAYS, value_parser = clap::value_parser!(u16).range(1..=3650))]
        retention_days: u16,
    },
    /// Changes how long an owner's activities are kept: hides at once what is older, and shows again what is not yet deleted
    Retention {
        #[arg(value_parser = names::owner)]
        name: String,
        #[arg(value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
    /// Shows an owner with its apps, domains, events and keys
    Show {
        #[arg(value_parser = names::owner)]
        name: String,
    },
    /// Lists all owners
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Claims an app token for an owner
    Add(AppArgs),
    /// Gives an app token up; what was stored under it stays
    Remove(AppArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AppArgs {
    #[arg(value_parser = names::owner)]
    pub(crate) owner: String,
    #[arg(value_parser = names::app_token)]
    pub(crate) app_token: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// Registers a mail domain
    Add(DomainArgs),
    /// Removes a mail domain
    Remove(DomainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DomainArgs {
    #[arg(value_parser = names::owner)]
    pub(crate) owner: String,
    #[arg(value_parser = names::domain)]
    pub(crate) domain: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Puts an event token on the allow-list
    Add(EventArgs),
    /// Takes an event token off the allow-list; an empty list keeps every event
    Remove(EventArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    #[arg(value_parser = names::owner)]
    pub(crate) owner: String,
    #[arg(value_parser = names::event_token)]
    pub(crate) event_token: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a key and shows it, this once
    New {
        #[arg(value_parser = names::owner)]
        owner: String,
        /// What the key is for
        #[arg(long)]
        role: RoleArg,
    },
    /// Revokes a key by its id (`owner show` lists them)
    Revoke {
        #[arg(value_parser = names::owner)]
        owner: String,
        #[arg(value_parser = names::key_id)]
        key_id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleArg {
    /// Callbacks and /v1/activities
    Ingest,
    /// Exports and the account
    Api,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Ingest => Self::Ingest,
            RoleArg::Api => Self::Api,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_stand_behind_the_verb() {
        let cli = Cli::try_parse_from(["relayctl", "owner", "add", "demo", "--json", "--local"]).unwrap();
        assert!(cli.json && cli.place.local);
    }

    #[test]
    fn erase_takes_an_owner_with_ids_or_a_verb() {
        let parsed = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["relayctl", "erase"], arguments].concat()).unwrap();
            let Command::Erase(arguments) = cli.command else { panic!("it erases") };
            arguments
        };
        let EraseArgs { command, owner, ids, wait } =
            parsed(&["demo", "--idfa", "AB-1", "--user-id", "kim", "--user-id", "lee", "--wait"]);
        assert!(command.is_none() && wait);
        assert_eq!((owner.as_deref(), ids.all().len()), (Some("demo"), 3));
        assert!(matches!(parsed(&["status", "demo"]).command, Some(EraseCommand::Status { wait: false, .. })));
        assert!(matches!(parsed(&["list", "demo"]).command, Some(EraseCommand::List { .. })));
        // An owner that is called as a verb is.
        assert_eq!(parsed(&["--adid", "ab", "--", "list"]).owner.as_deref(), Some("list"));
    }

    #[test]
    fn a_wrong_command_line_exits_2_and_says_what_would_be_right() {
        for (arguments, advice) in [
            (vec!["owner", "add", "Demo!"], "[a-z0-9-]"),
            (vec!["owner", "add", "demo", "--retention-days", "0"], "1..=3650"),
            (vec!["owner", "retention", "demo", "0"], "1..=3650"),
            (vec!["audit"], "<OWNER|--all>"),
            (vec!["audit", "demo", "--all"], "cannot be used with"),
            (vec!["audit", "demo", "--since", "401d"], "400 days"),
            (vec!["audit", "demo", "--action", "nonsense"], "export.created"),
            (vec!["audit", "demo", "--before", "yesterday"], "`more`"),
            (vec!["--as", "two words", "owner", "list"], "without spaces"),
            (vec!["domain", "add", "demo", "kim@example.com"], "without what stands before the @"),
            (vec!["address", "clear", "demo", "example.com"], "name@example.com"),
            (vec!["key", "new", "demo"], "--role"),
            (vec!["source", "add", "demo", "203.0.113.7/24", "--for", "callbacks"], "did you mean `203.0.113.0/24`?"),
            (vec!["source", "add", "demo", "203.0.113.0/24"], "--for"),
            (vec!["source", "add", "demo", "203.0.113.0/24", "--for", "exports"], "callbacks, activities"),
            (vec!["webhook", "set", "demo", "http://example.com/"], "begins with https://"),
            (vec!["webhook", "set", "demo", "https://10.0.0.1/"], "reachable from the Internet"),
            (vec!["signing", "revoke", "demo", "relay_signing_00"], "12 hexadecimal digits"),
            (vec!["key", "new", "demo", "--role", "admin"], "ingest, api"),
            (vec!["erase", "demo"], "--user-id"),
            (vec!["erase", "demo", "--idfa", "00000000-0000-0000-0000-000000000000"], "only zeros"),
            (vec!["erase", "callbacks", "demo", "maybe"], "on, off"),
            (vec!["--local", "--control-table", "t", "owner", "list"], "cannot be used with"),
            (vec!["--local", "--stream", "s", "failed", "replay"], "cannot be used with"),
            (vec!["quarantine", "list", "demo/yesterday"], "yyyy-mm-dd"),
            (vec!["quarantine", "list", "--limit", "0"], "1..=1000"),
            (vec!["quarantine", "list", "--reason", "nonsense"], "unknown_app"),
            (vec!["quarantine", "show", "demo/2026-11-21"], "an object"),
            (vec!["plan", "--per-day", "many"], "30e9"),
            (vec!["plan", "--skew", "pareto"], "zipf:1.1"),
            (vec!["plan", "--batch", "501"], "1 to 500"),
            (vec!["cost", "--per-second", "1", "--per-day", "1"], "cannot be used with"),
            (vec!["cost"], "--per-second"),
        ] {
            let error = Cli::try_parse_from(["relayctl"].into_iter().chain(arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn a_look_at_the_wrong_thing_says_what_would_be_right() {
        for (arguments, advice) in [
            (vec!["trace", "1234"], "32 hexadecimal digits"),
            (vec!["trace", "0123456789abcdef0123456789abcdef", "--app", "a"], "--kind"),
            (vec!["tail", "--function", "nobody"], "export-dispatcher"),
            (vec!["tail", "--trace", "relay_ingest_1"], "32 hexadecimal digits"),
            (vec!["tail", "--level", "loud"], "debug, info, warn, error"),
            (vec!["--local", "--stack", "relay", "owner", "list"], "cannot be used with"),
            (vec!["--stack", "my_stack", "owner", "list"], "begins with a letter"),
        ] {
            let error = Cli::try_parse_from(["relayctl"].into_iter().chain(arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(advice), "{error}");
        }
    }
}
