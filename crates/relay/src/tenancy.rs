//! Whose an activity is: owners, apps and keys from table `control`, and the rule by which the door and a replay both admit.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use crate::activity::Activity;
use crate::control::{Item, Key, Query};
use crate::discard::{Discard, Reason};
use crate::fault::{Fault, FaultKind};
use crate::field::Field;
use crate::owner::{App, FormerClaim, KeyRecord, OWNERS, Owner, Tenure, partition, secret_hash};
use crate::port::ControlTable;

/// How many items a listing asks for at a time.
const LISTING_LIMIT: usize = 100;

/// Whether this owner may bring this activity, and wants it.
pub fn admit(owner: &Owner, app: Option<&App>, activity: &Activity<'_>) -> Result<(), Discard> {
    let token = &activity.app_token;
    let Some(app) = app else {
        let detail = format!("app token {token} is not registered; register it, then replay");
        return Err(Discard::new(Reason::UnknownApp, detail));
    };
    if app.owner != owner.owner {
        let detail = format!("app token {token} is not one of owner {}", owner.owner);
        return Err(Discard::new(Reason::ForeignApp, detail));
    }
    if owner.keeps(activity.fields.text(Field::EventToken)) {
        return Ok(());
    }
    Err(Discard::new(Reason::NotAllowed, "the event token is not on the owner's allow-list"))
}

/// The item at `key` with its version; `None` where none stands.
pub async fn find<T: DeserializeOwned>(control: &impl ControlTable, key: Key) -> Result<Option<(T, u64)>, Fault> {
    let result = control.get(&[key]).await.pop();
    let unanswered = || Err(Fault::new(FaultKind::Unavailable, "control:Get", "no result for the key"));
    let item = result.unwrap_or_else(unanswered)?;
    item.map(|item| Ok((item.read()?, item.version))).transpose()
}

/// The record of the key with this secret; `None` for one that was never made or is revoked.
pub async fn key_record(control: &impl ControlTable, secret: &str) -> Result<Option<KeyRecord>, Fault> {
    let found = find(control, KeyRecord::key(&secret_hash(secret))).await?;
    Ok(found.map(|(record, _)| record))
}

/// The profile of the owner of this name.
pub async fn owner(control: &impl ControlTable, name: &str) -> Result<Option<Owner>, Fault> {
    Ok(find(control, Owner::key(name)).await?.map(|(owner, _)| owner))
}

/// The claim on an app token.
pub async fn app(control: &impl ControlTable, app_token: &str) -> Result<Option<App>, Fault> {
    Ok(find(control, App::key(app_token)).await?.map(|(app, _)| app))
}

/// Since when activities received under a token are those of `owner`, who has it: milliseconds since the epoch; 0 where nobody had it before.
pub async fn received_since(control: &impl ControlTable, app_token: &str, owner: &str) -> Result<i64, Fault> {
    let former = find::<FormerClaim>(control, FormerClaim::key(app_token)).await?;
    Ok(former.map_or(0, |(former, _)| former.received_since(owner)))
}

/// Who has and had an app token, in no order. What was received under it at some moment was one owner's, or nobody's.
pub async fn tenures(control: &impl ControlTable, app_token: &str) -> Result<Vec<Tenure>, Fault> {
    let (mut now, mut former, mut tenures) = (None, None, Vec::new());
    for item in items(control, App::key(app_token).pk, "").await? {
        match item.key.sk.as_str() {
            "app" => now = Some(item.read::<App>()?),
            "former" => former = Some(item.read::<FormerClaim>()?),
            sk if sk.starts_with(Tenure::PREFIX) => tenures.push(item.read()?),
            // A later release's.
            _ => {}
        }
    }
    if let Some(App { app_token, owner, .. }) = now {
        let since = former.as_ref().map_or(0, |former| former.received_since(&owner));
        tenures.push(Tenure { app_token, owner, since, until: i64::MAX });
    }
    // One that a release gave up which wrote no tenures.
    tenures.extend(former.map(|former| former.tenure(app_token)));
    Ok(tenures)
}

/// The tokens that an owner has or had, each with when it was this owner's; by token.
pub async fn tenures_of(control: &impl ControlTable, owner: &str) -> Result<BTreeMap<String, Vec<Tenure>>, Fault> {
    let former: Vec<Tenure> = read_all(control, partition(owner), Tenure::LISTING_PREFIX).await?;
    let apps = apps(control, owner).await?.into_iter().map(|app| app.app_token);
    let tokens: BTreeSet<String> = former.into_iter().map(|tenure| tenure.app_token).chain(apps).collect();
    let mut held = BTreeMap::new();
    for app_token in tokens {
        let mut tenures = tenures(control, &app_token).await?;
        tenures.retain(|tenure| tenure.owner == owner);
        held.insert(app_token, tenures);
    }
    Ok(held)
}

/// The owner's apps, by token.
pub async fn apps(control: &impl ControlTable, owner: &str) -> Result<Vec<App>, Fault> {
    read_all(control, partition(owner), "app#").await
}

/// The owner's keys, by id.
pub async fn keys(control: &impl ControlTable, owner: &str) -> Result<Vec<KeyRecord>, Fault> {
    read_all(control, partition(owner), "key#").await
}

/// The names of all owners, in order.
pub async fn owner_names(control: &impl ControlTable) -> Result<Vec<String>, Fault> {
    let items = items(control, OWNERS.to_owned(), "").await?;
    Ok(items.into_iter().map(|item| item.key.sk).collect())
}

pub(crate) async fn read_all<T: DeserializeOwned>(
    control: &impl ControlTable,
    pk: String,
    prefix: &str,
) -> Result<Vec<T>, Fault> {
    items(control, pk, prefix).await?.iter().map(Item::read).collect()
}

async fn items(control: &impl ControlTable, pk: String, prefix: &str) -> Result<Vec<Item>, Fault> {
    let mut query = Query { pk, prefix: prefix.to_owned(), after: None, descending: false, limit: LISTING_LIMIT };
    let mut found = Vec::new();
    loop {
        let listing = control.query(&query).await?;
        found.extend(listing.items);
        match listing.next {
            None => return Ok(found),
            after => query.after = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Expect, Write};
    use crate::owner::Role;
    use crate::port::memory::MemoryControl;

    async fn put<T: serde::Serialize>(control: &MemoryControl, key: Key, value: &T) {
        control.commit(&[Write::put(key, value, Expect::Absent).unwrap()]).await.unwrap();
    }

    #[tokio::test]
    async fn a_key_is_found_by_its_secret_alone() {
        let control = MemoryControl::default();
        let record = KeyRecord::of("secret", "demo", Role::Api, 1);
        put(&control, KeyRecord::key(&record.sha256), &record).await;
        assert_eq!(key_record(&control, "secret").await, Ok(Some(record)));
        assert_eq!(key_record(&control, "Secret").await, Ok(None));
    }

    #[tokio::test]
    async fn an_owners_apps_are_its_own_however_many() {
        let control = MemoryControl::default();
        let app = |app_token: String, owner: &str| App { app_token, owner: owner.to_owned(), created_at: 1 };
        let mine: Vec<App> = (0..=LISTING_LIMIT).map(|number| app(format!("a{number:03}"), "demo")).collect();
        for app in mine.iter().chain([&app("b".to_owned(), "other")]) {
            put(&control, App::listing_key(&app.owner, &app.app_token), app).await;
        }
        assert_eq!(apps(&control, "demo").await, Ok(mine));
        assert_eq!(keys(&control, "demo").await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_fault_is_not_an_unknown_key() {
        let control = MemoryControl::default();
        control.script.refuse("get", 1, FaultKind::Throttled);
        assert_eq!(key_record(&control, "secret").await.unwrap_err().kind, FaultKind::Throttled);
    }
}
