//! Keys: made, shown once, stored as a hash, revoked.

use relay::audit::{Action, Actor};
use relay::control::{Expect, Write};
use relay::owner::{KeyRecord, Role, new_secret};
use relay::port::ControlTable;
use relay::tenancy;

use super::{Refusal, known_owner, unexpected};
use crate::view::{NewKeyView, RevokedKeyView};

/// Makes a key of these random bits.
pub(crate) async fn new_key(
    control: &impl ControlTable,
    owner: &str,
    role: Role,
    random: [u8; 32],
    actor: &Actor,
) -> Result<NewKeyView, Refusal> {
    known_owner(control, owner).await?;
    let secret = new_secret(role, random);
    let record = KeyRecord::of(&secret, owner, role, actor.at);
    let writes = [
        Write::put(KeyRecord::key(&record.sha256), &record, Expect::Absent)?,
        Write::put(KeyRecord::listing_key(owner, &record.key_id), &record, Expect::Absent)?,
        actor.did(Action::KeyMade, owner, &record.key_id).with("role", role.name()).write()?,
    ];
    control.commit(&writes).await.map_err(unexpected)?;
    Ok(NewKeyView::new(record, secret))
}

/// Revokes the key of this id: the doors refuse it from then on, once what they remember of it is forgotten.
pub(crate) async fn revoke_key(
    control: &impl ControlTable,
    owner: &str,
    key_id: &str,
    actor: &Actor,
) -> Result<RevokedKeyView, Refusal> {
    known_owner(control, owner).await?;
    let listed = tenancy::find::<KeyRecord>(control, KeyRecord::listing_key(owner, key_id)).await?;
    let Some((record, version)) = listed else {
        let advice = format!("owner `{owner}` has no key `{key_id}`; `relayctl owner show {owner}` lists its keys");
        return Err(Refusal::Other(advice));
    };
    let writes = [
        Write::Delete { key: KeyRecord::key(&record.sha256), expect: Expect::Any },
        Write::Delete { key: KeyRecord::listing_key(owner, key_id), expect: Expect::Version(version) },
        actor.did(Action::KeyRevoked, owner, key_id).with("role", record.role.name()).write()?,
    ];
    control.commit(&writes).await.map_err(unexpected)?;
    Ok(RevokedKeyView::new(record))
}
