//! What an owner asks of requests beside the key: networks they come from, secrets that sign batches.

use std::collections::BTreeSet;

use relay::access::{Access, MAX_SIGNING_SECRETS, MAX_SOURCES, Network};
use relay::audit::Actor;
use relay::owner::Owner;
use relay::port::ControlTable;
use relay::signature::SigningSecret;

use super::Refusal;
use super::owner::{Change, change_owner};
use crate::cli::SourceOf;
use crate::view::NewSecretView;

/// Makes a signing secret of these random bits.
pub(crate) async fn new_signing_secret(
    control: &impl ControlTable,
    owner: &str,
    random: [u8; 32],
    actor: &Actor,
) -> Result<NewSecretView, Refusal> {
    let text = SigningSecret::new_text(random);
    let secret = SigningSecret::of(&text, actor.at);
    let view = NewSecretView::new(owner, &secret, text);
    change_owner(control, owner, &Change::AddSecret(secret), actor).await?;
    Ok(view)
}

pub(super) fn add_source(owner: &mut Owner, of: SourceOf, network: Network) -> Result<(), Refusal> {
    let sources = sources(&mut owner.access, of);
    if sources.len() >= MAX_SOURCES && !sources.contains(&network) {
        return Err(Refusal::other(format!(
            "owner `{}` has {MAX_SOURCES} networks of {}, which is the most; remove some, or join neighbours to larger ones",
            owner.owner,
            name(of)
        )));
    }
    if sources.insert(network) {
        return Ok(());
    }
    Err(Refusal::other(format!(
        "network `{network}` is on the list of {} of owner `{}` already",
        name(of),
        owner.owner
    )))
}

pub(super) fn remove_source(owner: &mut Owner, of: SourceOf, network: Network) -> Result<(), Refusal> {
    if sources(&mut owner.access, of).remove(&network) {
        return Ok(());
    }
    Err(Refusal::other(format!("network `{network}` is not on the list of {} of owner `{}`", name(of), owner.owner)))
}

pub(super) fn add_secret(owner: &mut Owner, secret: &SigningSecret) -> Result<(), Refusal> {
    let secrets = &mut owner.access.signing_secrets;
    if secrets.len() >= MAX_SIGNING_SECRETS {
        let (owner, most) = (&owner.owner, MAX_SIGNING_SECRETS);
        let advice = format!("revoke one that is not used any more: `relayctl signing revoke {owner} ID`");
        return Err(Refusal::other(format!("owner `{owner}` has {most} signing secrets, which is the most; {advice}")));
    }
    secrets.push(secret.clone());
    Ok(())
}

pub(super) fn revoke_secret(owner: &mut Owner, secret_id: &str) -> Result<(), Refusal> {
    let access = &mut owner.access;
    let Some(place) = access.signing_secrets.iter().position(|secret| secret.secret_id == secret_id) else {
        let owner = &owner.owner;
        let advice = format!("`relayctl owner show {owner}` lists its secrets");
        return Err(Refusal::other(format!("owner `{owner}` has no signing secret `{secret_id}`; {advice}")));
    };
    if access.signature_required && access.signing_secrets.len() == 1 {
        let owner = &owner.owner;
        return Err(Refusal::other(format!(
            "batches of owner `{owner}` must be signed, and this is its last signing secret: make another first (`relayctl signing new {owner}`), or let batches be unsigned (`relayctl signing relax {owner}`)"
        )));
    }
    access.signing_secrets.remove(place);
    Ok(())
}

pub(super) fn require_signature(owner: &mut Owner, required: bool) -> Result<(), Refusal> {
    let name = &owner.owner;
    if required && owner.access.signing_secrets.is_empty() {
        let advice = format!("make one with `relayctl signing new {name}`, and have the senders sign with it");
        return Err(Refusal::other(format!("owner `{name}` has no signing secret: {advice}; then require it")));
    }
    if owner.access.signature_required == required {
        let state = if required { "must be signed already" } else { "need not be signed" };
        return Err(Refusal::other(format!("batches of owner `{name}` {state}")));
    }
    owner.access.signature_required = required;
    Ok(())
}

fn sources(access: &mut Access, of: SourceOf) -> &mut BTreeSet<Network> {
    match of {
        SourceOf::Callbacks => &mut access.callback_sources,
        SourceOf::Activities => &mut access.activity_sources,
    }
}

pub(super) const fn name(of: SourceOf) -> &'static str {
    match of {
        SourceOf::Callbacks => "callbacks",
        SourceOf::Activities => "activities",
    }
}
