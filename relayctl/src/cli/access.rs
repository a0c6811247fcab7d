//! What an owner asks of requests beside the key.

use clap::{Args, Subcommand, ValueEnum};
use relay::access::Network;

use crate::names;

#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Lets requests in from a network; from others no more, once the list has one
    Add(SourceArgs),
    /// Takes a network off the list; an empty list lets requests in from anywhere
    Remove(SourceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    #[arg(value_parser = names::owner)]
    pub(crate) owner: String,
    /// `203.0.113.0/24`, `2001:db8::/32`, or an address alone
    pub(crate) network: Network,
    /// Which requests
    #[arg(long = "for", value_name = "WHAT")]
    pub(crate) whom: SourceOf,
}

/// Which requests a list of networks is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceOf {
    /// Providers' callbacks
    Callbacks,
    /// Batches to /v1/activities
    Activities,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SigningCommand {
    /// Makes a signing secret and shows it, this once
    New {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
    /// Revokes a signing secret by its id (`owner show` lists them)
    Revoke {
        #[arg(value_parser = names::owner)]
        owner: String,
        #[arg(value_parser = names::key_id)]
        secret_id: String,
    },
    /// From now on batches must be signed
    Require {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
    /// Batches need not be signed; a signature that is sent must hold
    Relax {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
}
