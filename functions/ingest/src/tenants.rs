//! Who may come in and whose app it is: table `control` behind a short memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use relay::control::Key;
use relay::fault::{Fault, FaultKind};
use relay::owner::{App, KeyRecord, Owner, secret_hash};
use relay::port::ControlTable;
use tokio::time::timeout;

use crate::config::LOOK_UP_WITHIN;
use crate::recent::Recent;

/// Keys, apps and owners as table `control` has them. Of apps and owners only what exists is remembered: what is registered works at once.
#[derive(Debug)]
pub struct Tenants<C> {
    /// Table `control`.
    pub control: C,
    keys: Recent<Arc<KeyRecord>>,
    /// Hashes that no key has. Apart from those that one has: whoever tries very many keys pushes no good one out.
    unknown_keys: Recent<()>,
    apps: Recent<Arc<App>>,
    owners: Recent<Arc<Owner>>,
}

impl<C: ControlTable> Tenants<C> {
    /// Knows nothing yet.
    pub fn new(control: C) -> Self {
        let (keys, unknown_keys) = (Recent::default(), Recent::default());
        Self { control, keys, unknown_keys, apps: Recent::default(), owners: Recent::default() }
    }

    /// The record of the key with this secret; `None` for one that was never made, or is revoked. That there is none is remembered, too: a sender
    /// with a wrong key costs one read in a while. It locks out no new key, whose secret nobody can have sent before it was made.
    pub async fn key(&self, secret: &str, now: i64) -> Result<Option<Arc<KeyRecord>>, Fault> {
        let hash = secret_hash(secret);
        if self.unknown_keys.recall(&hash, now).is_some() {
            return Ok(None);
        }
        let found = self.read(&self.keys, &[&hash], KeyRecord::key, now).await?.remove(&hash);
        if found.is_none() {
            self.unknown_keys.remember(&hash, (), now);
        }
        Ok(found)
    }

    /// The profile of an owner that a key names. Without one the key is an operator's mistake, and the callback must come again.
    pub async fn owner(&self, name: &str, now: i64) -> Result<Arc<Owner>, Fault> {
        let found = self.read(&self.owners, &[name], Owner::key, now).await?.remove(name);
        found.ok_or_else(|| {
            Fault::new(FaultKind::Denied, "control:Get", format!("owner {name} has keys but no profile"))
        })
    }

    /// The registered ones of these apps, by token.
    pub async fn apps(&self, tokens: &[&str], now: i64) -> Result<BTreeMap<String, Arc<App>>, Fault> {
        self.read(&self.apps, tokens, App::key, now).await
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        recent: &Recent<Arc<T>>,
        names: &[&str],
        key: fn(&str) -> Key,
        now: i64,
    ) -> Result<BTreeMap<String, Arc<T>>, Fault> {
        let recalled = names.iter().filter_map(|name| Some(((*name).to_owned(), recent.recall(name, now)?)));
        let mut found: BTreeMap<String, Arc<T>> = recalled.collect();
        let unknown: Vec<&str> = names.iter().copied().filter(|name| !found.contains_key(*name)).collect();
        if unknown.is_empty() {
            return Ok(found);
        }
        let keys: Vec<Key> = unknown.iter().map(|name| key(name)).collect();
        let results = timeout(LOOK_UP_WITHIN, self.control.get(&keys)).await.map_err(|_| {
            let detail = format!("{} items were not read within {LOOK_UP_WITHIN:?}", keys.len());
            Fault::new(FaultKind::TimedOut, "control:Get", detail)
        })?;
        if results.len() != keys.len() {
            let detail = format!("{} results for {} keys", results.len(), keys.len());
            return Err(Fault::new(FaultKind::Unavailable, "control:Get", detail));
        }
        for (name, result) in unknown.into_iter().zip(results) {
            if let Some(item) = result? {
                let value = Arc::new(item.read()?);
                recent.remember(name, Arc::clone(&value), now);
                found.insert(name.to_owned(), value);
            }
        }
        Ok(found)
    }
}
