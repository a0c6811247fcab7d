//! An owner's webhook.

use clap::Subcommand;

use crate::names;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Has an address told when an export ends; makes a new secret and shows it, this once
    Set {
        #[arg(value_parser = names::owner)]
        owner: String,
        /// `https://…`, reachable from the Internet; of the stack on this machine `http://127.0.0.1:…`, too
        #[arg(value_parser = names::webhook_url)]
        url: String,
    },
    /// Shows the address
    Show {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
    /// Removes the webhook; what was not delivered yet is not any more
    #[command(alias = "remove")]
    Rm {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
}
