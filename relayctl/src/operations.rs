//! What the verbs do. On table `control` each is one commit under conditions, so that two operators at once cannot undo each other; on the
//! buckets nothing is ever deleted, and everything may be done twice.

mod access;
mod address;
mod app;
mod audit;
mod erase;
pub(crate) mod failed;
mod key;
mod owner;
pub(crate) mod quarantine;
pub(crate) mod replay;
mod webhook;

pub(crate) use access::new_signing_secret;
pub(crate) use address::{clear_address, list_addresses};
pub(crate) use app::{add_app, remove_app};
pub(crate) use audit::{Asked, audit_all, audit_owner};
pub(crate) use erase::{erase, erase_again, erase_by_callbacks, erase_status, list_erased};
pub(crate) use key::{new_key, revoke_key};
pub(crate) use owner::{Change, add_owner, change_owner, list_owners, show_owner};
pub(crate) use webhook::{remove_webhook, set_webhook, show_webhook};

use relay::control::CommitError;
use relay::fault::Fault;
use relay::owner::Owner;
use relay::port::ControlTable;
use relay::tenancy;

/// How often a verb starts over because somebody else wrote first.
const MAX_TRIES: usize = 5;

/// How many owners' names an error lists.
const NAMES_SHOWN: usize = 10;

/// Why a verb did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The world's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No such owner.
    #[error("owner `{owner}` does not exist{}; add it with `relayctl owner add {owner}`", existing(names))]
    UnknownOwner {
        /// The one asked for.
        owner: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// It is there already, or is not there, or is somebody else's.
    #[error("{0}")]
    Other(String),
    /// Others kept writing.
    #[error("the item was changed by somebody else {MAX_TRIES} times in a row: try again")]
    Busy,
}

impl Refusal {
    fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }
}

/// The error of a commit whose conflict the verb does not tell apart.
fn unexpected(error: CommitError) -> Refusal {
    match error {
        CommitError::Fault(fault) => Refusal::Fault(fault),
        CommitError::Conflict(_) => Refusal::Busy,
    }
}

async fn unknown_owner(control: &impl ControlTable, owner: &str) -> Refusal {
    match tenancy::owner_names(control).await {
        Ok(names) => Refusal::UnknownOwner { owner: owner.to_owned(), names },
        Err(fault) => fault.into(),
    }
}

async fn known_owner(control: &impl ControlTable, owner: &str) -> Result<Owner, Refusal> {
    match tenancy::owner(control, owner).await? {
        Some(owner) => Ok(owner),
        None => Err(unknown_owner(control, owner).await),
    }
}

fn existing(names: &[String]) -> String {
    if names.is_empty() {
        return " (there are none yet)".to_owned();
    }
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
    let more =
        if names.len() > NAMES_SHOWN { format!(" and {} more", names.len() - NAMES_SHOWN) } else { String::new() };
    format!(" (there are: {}{more})", shown.join(", "))
}

#[cfg(test)]
mod tests;
