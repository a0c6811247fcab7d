//! Addresses that no mail goes to.

use clap::Subcommand;

use crate::names;

#[derive(Debug, Subcommand)]
pub(crate) enum AddressCommand {
    /// Lists an owner's addresses that get no mail, and why
    List {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
    /// Lets mails go to an address again
    Clear {
        #[arg(value_parser = names::owner)]
        owner: String,
        #[arg(value_parser = names::address)]
        address: String,
    },
}
