//! Table `control` in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::Value;

use super::{Script, Trouble, broken_limit, lock, scripted};
use crate::control::{CommitError, Expect, Item, Key, Listing, Query, Write};
use crate::fault::{Fault, FaultKind};
use crate::port::ControlTable;

/// The most writes of a transaction (DynamoDB `TransactWriteItems`).
const MAX_WRITES: usize = 100;

/// The most bytes of an item (DynamoDB: 400 KB).
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// Table `control`.
#[derive(Debug, Default)]
pub struct MemoryControl {
    /// Calls: `get`, `query`, `commit`.
    pub script: Script,
    items: Mutex<BTreeMap<Key, (u64, Value)>>,
}

impl MemoryControl {
    /// Every item, in key order.
    #[must_use]
    pub fn all(&self) -> Vec<Item> {
        let item = |(key, (version, doc)): (&Key, &(u64, Value))| Item {
            key: key.clone(),
            version: *version,
            doc: doc.clone(),
        };
        lock(&self.items).iter().map(item).collect()
    }

    fn apply(&self, writes: &[Write]) -> Result<(), CommitError> {
        check_limits(writes)?;
        let mut items = lock(&self.items);
        for (index, write) in writes.iter().enumerate() {
            let (Write::Put { key, expect, .. } | Write::Delete { key, expect }) = write;
            let version = items.get(key).map(|(version, _)| *version);
            let holds = match expect {
                Expect::Any => true,
                Expect::Absent => version.is_none(),
                Expect::Version(expected) => version == Some(*expected),
            };
            if !holds {
                return Err(CommitError::Conflict(index));
            }
        }
        for write in writes {
            match write {
                Write::Put { key, doc, expect, .. } => {
                    items.insert(key.clone(), (expect.next_version(), doc.clone()));
                }
                Write::Delete { key, .. } => {
                    items.remove(key);
                }
            }
        }
        Ok(())
    }
}

fn check_limits(writes: &[Write]) -> Result<(), Fault> {
    if !(1..=MAX_WRITES).contains(&writes.len()) {
        return Err(broken_limit(format!("a commit of {} writes; 1 to {MAX_WRITES} are allowed", writes.len())));
    }
    let keys: BTreeSet<&Key> = writes.iter().map(Write::key).collect();
    if keys.len() != writes.len() {
        return Err(broken_limit("a commit that writes one item twice"));
    }
    for write in writes {
        if let Write::Put { key, doc, .. } = write {
            if !doc.is_object() {
                return Err(broken_limit(format!("the document of {}/{} is no object", key.pk, key.sk)));
            }
            let bytes = doc.to_string().len();
            if bytes > MAX_ITEM_BYTES {
                return Err(broken_limit(format!("an item of {bytes} bytes; at most {MAX_ITEM_BYTES} are allowed")));
            }
        }
    }
    Ok(())
}

impl ControlTable for MemoryControl {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        self.script
            .batch("get", keys, |key| {
                let items = lock(&self.items);
                let item =
                    items.get(key).map(|(version, doc)| Item { key: key.clone(), version: *version, doc: doc.clone() });
                Ok(item)
            })
            .await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        self.script
            .single("query", || {
                let mut items: Vec<Item> = self.all().into_iter().filter(|item| item.key.pk == query.pk).collect();
                items.retain(|item| item.key.sk.starts_with(&query.prefix));
                if query.descending {
                    items.reverse();
                }
                if let Some(after) = &query.after {
                    items.retain(|item| if query.descending { item.key.sk < *after } else { item.key.sk > *after });
                }
                let has_more = items.len() > query.limit;
                items.truncate(query.limit);
                let next = items.last().filter(|_| has_more).map(|item| item.key.sk.clone());
                Ok(Listing { items, next })
            })
            .await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        match self.script.next("commit").await {
            Trouble::Refused(kind) | Trouble::Partial(_, kind) => Err(scripted(kind).into()),
            Trouble::AnswerLost => self.apply(writes).and(Err(scripted(FaultKind::TimedOut).into())),
            Trouble::None => self.apply(writes),
        }
    }
}
