//! A bucket in memory, as an operator reads it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Mutex;

use bytes::Bytes;

use super::{Script, lock};
use crate::fault::Fault;
use crate::port::{ObjectHead, ObjectListing, Objects};

/// The most objects that one call lists (S3 `ListObjectsV2`: 1,000).
const MAX_LISTED: usize = 1_000;

/// A bucket.
#[derive(Debug, Default)]
pub struct MemoryObjects {
    /// Calls: `list`, `folders`, `get`, `put`.
    pub script: Script,
    objects: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryObjects {
    /// Every object by key.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Bytes> {
        lock(&self.objects).clone()
    }
}

impl Objects for MemoryObjects {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ObjectListing, Fault> {
        self.script
            .single("list", || {
                let objects = lock(&self.objects);
                let start = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
                let behind = objects.range::<str, _>((start, Bound::Unbounded));
                let below = behind.take_while(|(key, _)| key.starts_with(prefix));
                let head = |(key, body): (&String, &Bytes)| ObjectHead { key: key.clone(), bytes: body.len() as u64 };
                let mut found: Vec<ObjectHead> = below.take(MAX_LISTED + 1).map(head).collect();
                let has_more = found.len() > MAX_LISTED;
                found.truncate(MAX_LISTED);
                let next = found.last().filter(|_| has_more).map(|last| last.key.clone());
                Ok(ObjectListing { objects: found, next })
            })
            .await
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        self.script
            .single("folders", || {
                let objects = lock(&self.objects);
                let below = objects.keys().filter_map(|key| key.strip_prefix(prefix)?.split_once('/'));
                let mut folders: Vec<String> = below.map(|(folder, _)| folder.to_owned()).collect();
                folders.dedup();
                Ok(folders)
            })
            .await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.script.single("get", || Ok(lock(&self.objects).get(key).cloned())).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        self.script
            .single("put", || {
                lock(&self.objects).insert(key.to_owned(), body);
                Ok(())
            })
            .await
    }
}
