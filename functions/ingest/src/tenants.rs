//! Who may come in and whose app it is: table `control` behind a short memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use relay::control::Key;
use relay::fault::{Fault, FaultKind};
use relay::owner::{App, KeyRecord, Owner, secret_hash};
use relay::port::ControlTable;
use tokio::time::timeout;

use crate::config::LOOK_UP_WITHIN;

/// How long what was read is believed: milliseconds. A revoked key or a changed allow-list takes effect within this.
const BELIEVED_MS: i64 = 5_000;

/// The most entries that are remembered of each sort; bounds the memory of a process that sees very many apps.
const MAX_REMEMBERED: usize = 10_000;

/// Keys, apps and owners as table `control` has them. Only what exists is remembered: a new key or app works at once.
#[derive(Debug)]
pub struct Tenants<C> {
    /// Table `control`.
    pub control: C,
    keys: Memory<KeyRecord>,
    apps: Memory<App>,
    owners: Memory<Owner>,
}

impl<C: ControlTable> Tenants<C> {
    /// Knows nothing yet.
    pub fn new(control: C) -> Self {
        Self { control, keys: Memory::default(), apps: Memory::default(), owners: Memory::default() }
    }

    /// The record of the key with this secret; `None` for one that was never made, or is revoked.
    pub async fn key(&self, secret: &str, now: i64) -> Result<Option<Arc<KeyRecord>>, Fault> {
        let hash = secret_hash(secret);
        Ok(self.read(&self.keys, &[&hash], KeyRecord::key, now).await?.remove(&hash))
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
        memory: &Memory<T>,
        names: &[&str],
        key: fn(&str) -> Key,
        now: i64,
    ) -> Result<BTreeMap<String, Arc<T>>, Fault> {
        let mut found = memory.recall(names, now);
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
                memory.remember(name, Arc::clone(&value), now);
                found.insert(name.to_owned(), value);
            }
        }
        Ok(found)
    }
}

/// What was read lately, by name.
#[derive(Debug)]
struct Memory<T>(Mutex<HashMap<String, (i64, Arc<T>)>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Memory<T> {
    fn recall(&self, names: &[&str], now: i64) -> BTreeMap<String, Arc<T>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |name: &&str| {
            let (read_at, value) = entries.get(*name)?;
            is_believed(*read_at, now).then(|| ((*name).to_owned(), Arc::clone(value)))
        };
        names.iter().filter_map(fresh).collect()
    }

    fn remember(&self, name: &str, value: Arc<T>, now: i64) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_REMEMBERED {
            entries.retain(|_, (read_at, _)| is_believed(*read_at, now));
        }
        if entries.len() >= MAX_REMEMBERED {
            entries.clear();
        }
        entries.insert(name.to_owned(), (now, value));
    }
}

/// A clock that was set back makes nothing fresh for ever.
fn is_believed(read_at: i64, now: i64) -> bool {
    (0..BELIEVED_MS).contains(&now.saturating_sub(read_at))
}
