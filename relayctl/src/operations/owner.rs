//! Owners, their mail domains and event tokens.

use std::collections::BTreeSet;

use relay::access::{Access, Network};
use relay::audit::{Action, Actor, Record};
use relay::control::{CommitError, Expect, Write};
use relay::owner::Owner;
use relay::port::ControlTable;
use relay::quarantine::UNKNOWN_OWNER;
use relay::signature::SigningSecret;
use relay::tenancy;
use serde_json::json;

use super::access::{add_secret, add_source, name as name_of, remove_source, require_signature, revoke_secret};
use super::{MAX_TRIES, Refusal, known_owner, unexpected, unknown_owner};
use crate::cli::SourceOf;
use crate::view::OwnerView;

/// One change of an owner's profile.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    AddDomain(String),
    RemoveDomain(String),
    AddEvent(String),
    RemoveEvent(String),
    AddSource(SourceOf, Network),
    RemoveSource(SourceOf, Network),
    AddSecret(SigningSecret),
    RevokeSecret(String),
    RequireSignature(bool),
    Retention(u16),
}

/// Adds an owner whose name is free.
pub(crate) async fn add_owner(
    control: &impl ControlTable,
    name: &str,
    retention_days: u16,
    actor: &Actor,
) -> Result<OwnerView, Refusal> {
    if name == UNKNOWN_OWNER {
        let why = "there the quarantine keeps what is nobody's";
        return Err(Refusal::other(format!("an owner cannot be called `{UNKNOWN_OWNER}`: {why}")));
    }
    let owner = Owner {
        owner: name.to_owned(),
        mail_domains: BTreeSet::new(),
        event_tokens: BTreeSet::new(),
        retention_days,
        access: Access::default(),
        created_at: actor.at,
    };
    let writes = [
        Write::put(Owner::key(name), &owner, Expect::Absent)?,
        Write::put(Owner::listing_key(name), &json!({}), Expect::Any)?,
        actor.did(Action::OwnerAdded, name, name).with("days", retention_days).write()?,
    ];
    match control.commit(&writes).await {
        Ok(()) => Ok(OwnerView::new(owner, vec![], vec![])),
        Err(CommitError::Conflict(_)) => {
            Err(Refusal::other(format!("owner `{name}` exists already; see `relayctl owner show {name}`")))
        }
        Err(CommitError::Fault(fault)) => Err(fault.into()),
    }
}

/// The owner with its apps and keys.
pub(crate) async fn show_owner(control: &impl ControlTable, name: &str) -> Result<OwnerView, Refusal> {
    let owner = known_owner(control, name).await?;
    let apps = tenancy::apps(control, name).await?;
    let keys = tenancy::keys(control, name).await?;
    Ok(OwnerView::new(owner, apps, keys))
}

/// All owners, by name.
pub(crate) async fn list_owners(control: &impl ControlTable) -> Result<Vec<OwnerView>, Refusal> {
    let mut owners = Vec::new();
    for name in tenancy::owner_names(control).await? {
        owners.push(show_owner(control, &name).await?);
    }
    Ok(owners)
}

/// Changes the profile as it stands; starts over where somebody else changed it in between.
pub(crate) async fn change_owner(
    control: &impl ControlTable,
    name: &str,
    change: &Change,
    actor: &Actor,
) -> Result<OwnerView, Refusal> {
    for _ in 0..MAX_TRIES {
        let Some((mut owner, version)) = tenancy::find::<Owner>(control, Owner::key(name)).await? else {
            return Err(unknown_owner(control, name).await);
        };
        let record = change.record(&owner, actor);
        apply(change, &mut owner)?;
        let write = Write::put(Owner::key(name), &owner, Expect::Version(version))?;
        match control.commit(&[write, record.write()?]).await {
            Ok(()) => return show_owner(control, name).await,
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(unexpected(error)),
        }
    }
    Err(Refusal::Busy)
}

impl Change {
    /// What is recorded of it; `before`: the owner as it still is.
    fn record(&self, before: &Owner, actor: &Actor) -> Record {
        let owner = &before.owner;
        let did = |action, subject: &str| actor.did(action, owner, subject);
        match self {
            Self::AddDomain(domain) => did(Action::DomainAdded, domain),
            Self::RemoveDomain(domain) => did(Action::DomainRemoved, domain),
            Self::AddEvent(token) => did(Action::EventAdded, token),
            Self::RemoveEvent(token) => did(Action::EventRemoved, token),
            Self::AddSource(of, network) => did(Action::SourceAdded, &network.to_string()).with("for", name_of(*of)),
            Self::RemoveSource(of, network) => {
                did(Action::SourceRemoved, &network.to_string()).with("for", name_of(*of))
            }
            Self::AddSecret(secret) => did(Action::SigningMade, &secret.secret_id),
            Self::RevokeSecret(secret_id) => did(Action::SigningRevoked, secret_id),
            Self::RequireSignature(true) => did(Action::SigningRequired, owner),
            Self::RequireSignature(false) => did(Action::SigningRelaxed, owner),
            Self::Retention(days) => {
                did(Action::RetentionChanged, owner).with("before", before.retention_days).with("days", days)
            }
        }
    }
}

fn apply(change: &Change, owner: &mut Owner) -> Result<(), Refusal> {
    let (changed, what, state) = match change {
        Change::AddDomain(domain) => {
            (owner.mail_domains.insert(domain.clone()), format!("mail domain `{domain}`"), "is registered already")
        }
        Change::RemoveDomain(domain) => {
            (owner.mail_domains.remove(domain), format!("mail domain `{domain}`"), "is not registered")
        }
        Change::AddEvent(token) => {
            (owner.event_tokens.insert(token.clone()), format!("event token `{token}`"), "is on the allow-list already")
        }
        Change::RemoveEvent(token) => {
            (owner.event_tokens.remove(token), format!("event token `{token}`"), "is not on the allow-list")
        }
        Change::AddSource(of, network) => return add_source(owner, *of, *network),
        Change::RemoveSource(of, network) => return remove_source(owner, *of, *network),
        Change::AddSecret(secret) => return add_secret(owner, secret),
        Change::RevokeSecret(secret_id) => return revoke_secret(owner, secret_id),
        Change::RequireSignature(required) => return require_signature(owner, *required),
        Change::Retention(days) => {
            let before = std::mem::replace(&mut owner.retention_days, *days);
            (before != *days, "how long activities are kept".to_owned(), "is so many days already")
        }
    };
    if changed { Ok(()) } else { Err(Refusal::other(format!("{what} {state} of owner `{}`", owner.owner))) }
}
