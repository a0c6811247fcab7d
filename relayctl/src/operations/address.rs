//! Addresses that no mail goes to, because one bounced or was reported.

use relay::address::{Unreachable, all_unreachable, unreachable};
use relay::audit::{Action, Actor, domain};
use relay::control::{Expect, Write};
use relay::port::ControlTable;

use super::{Refusal, known_owner, unexpected};
use crate::view::AddressesView;

/// The owner's addresses that no mail goes to.
pub(crate) async fn list_addresses(control: &impl ControlTable, owner: &str) -> Result<AddressesView, Refusal> {
    known_owner(control, owner).await?;
    Ok(AddressesView::new(owner, all_unreachable(control, owner).await?))
}

/// Lets mails go to an address again; answers those that are left.
pub(crate) async fn clear_address(
    control: &impl ControlTable,
    owner: &str,
    email: &str,
    actor: &Actor,
) -> Result<AddressesView, Refusal> {
    known_owner(control, owner).await?;
    if unreachable(control, owner, email).await?.is_none() {
        let advice = format!("`relayctl address list {owner}` lists the addresses that get none");
        return Err(Refusal::other(format!("mails go to `{email}` as it is; {advice}")));
    }
    let write = Write::Delete { key: Unreachable::key(owner, email), expect: Expect::Any };
    let record = actor.did(Action::AddressCleared, owner, &domain(email));
    control.commit(&[write, record.write()?]).await.map_err(unexpected)?;
    list_addresses(control, owner).await
}
