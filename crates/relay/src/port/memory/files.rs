//! Buckets in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;

use super::{Script, broken_limit, lock};
use crate::fault::{Fault, FaultKind};
use crate::port::{ExportFiles, Leavings, Quarantine, Removal, StoredPart, Tails, Upload, UploadState};

/// The least bytes of a part that is not the last (S3 multipart upload: 5 MiB).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// The greatest part number (S3 multipart upload).
const MAX_PARTS: u32 = 10_000;

/// The quarantine bucket.
#[derive(Debug, Default)]
pub struct MemoryQuarantine {
    /// Call: `put`.
    pub script: Script,
    objects: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryQuarantine {
    /// Every object by key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        lock(&self.objects).clone()
    }
}

impl Quarantine for MemoryQuarantine {
    async fn put(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        self.script
            .single("put", || {
                lock(&self.objects).insert(key.to_owned(), body);
                Ok(())
            })
            .await
    }
}

/// An object of the export bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryObject {
    /// All of it.
    pub body: Vec<u8>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, MemoryObject>,
    uploads: BTreeMap<String, OpenUpload>,
    begun: u64,
}

#[derive(Debug, Default)]
struct OpenUpload {
    key: String,
    metadata: BTreeMap<String, String>,
    parts: BTreeMap<u32, Bytes>,
}

/// The export bucket.
#[derive(Debug, Default)]
pub struct MemoryFiles {
    /// Calls: `begin`, `put_part`, `state`, `complete`, `keep`, `fetch`, `uploads`, `abort`, `clear`, `remove`.
    pub script: Script,
    bucket: Mutex<Bucket>,
    tails: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryFiles {
    /// Every object by key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, MemoryObject> {
        lock(&self.bucket).objects.clone()
    }

    /// Every kept tail by key.
    #[must_use]
    pub fn tails(&self) -> BTreeMap<String, Bytes> {
        lock(&self.tails).clone()
    }

    /// Forgets the tails, as the bucket does after some days.
    pub fn forget_tails(&self) {
        lock(&self.tails).clear();
    }

    /// How many uploads are open.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        lock(&self.bucket).uploads.len()
    }
}

fn no_such_upload(upload: &Upload) -> Fault {
    let detail = format!("no upload {} of {}", upload.upload_id, upload.key);
    Fault::new(FaultKind::Unavailable, "memory", detail)
}

fn stored(part: &Bytes) -> StoredPart {
    StoredPart { bytes: part.len() as u64, tag: blake3::hash(part).to_hex().to_string(), checksum: None }
}

impl OpenUpload {
    /// The object that these parts make.
    fn object(&self, parts: &[StoredPart]) -> Result<MemoryObject, Fault> {
        let mut body = Vec::new();
        for (number, wanted) in (1..).zip(parts) {
            let part = self.parts.get(&number).filter(|part| stored(part) == *wanted);
            let changed = || Fault::new(FaultKind::Unavailable, "memory", format!("part {number} is another"));
            let part = part.ok_or_else(changed)?;
            if (number as usize) < parts.len() && part.len() < MIN_PART_BYTES {
                return Err(broken_limit(format!("part {number} is smaller than 5 MiB and not the last")));
            }
            body.extend_from_slice(part);
        }
        if parts.is_empty() {
            return Err(broken_limit("an object of no parts"));
        }
        Ok(MemoryObject { body, metadata: self.metadata.clone() })
    }
}

impl ExportFiles for MemoryFiles {
    async fn begin(&self, key: &str, metadata: &[(&str, String)]) -> Result<Upload, Fault> {
        self.script
            .single("begin", || {
                if let Some((name, value)) = metadata.iter().find(|(name, value)| !name.is_ascii() || !value.is_ascii())
                {
                    return Err(broken_limit(format!("metadata {name}: {value} is not ASCII")));
                }
                let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let mut bucket = lock(&self.bucket);
                bucket.begun += 1;
                let upload_id = format!("upload-{}", bucket.begun);
                bucket
                    .uploads
                    .insert(upload_id.clone(), OpenUpload { key: key.to_owned(), metadata, parts: BTreeMap::new() });
                Ok(Upload { key: key.to_owned(), upload_id })
            })
            .await
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<StoredPart, Fault> {
        self.script
            .single("put_part", || {
                if !(1..=MAX_PARTS).contains(&number) || body.is_empty() {
                    return Err(broken_limit(format!("part {number} of {} bytes", body.len())));
                }
                let mut bucket = lock(&self.bucket);
                let open = bucket.uploads.get_mut(&upload.upload_id).ok_or_else(|| no_such_upload(upload))?;
                let part = stored(&body);
                open.parts.insert(number, body);
                Ok(part)
            })
            .await
    }

    async fn state(&self, upload: &Upload) -> Result<UploadState, Fault> {
        self.script
            .single("state", || {
                let bucket = lock(&self.bucket);
                if let Some(open) = bucket.uploads.get(&upload.upload_id) {
                    let consecutive = (1..).zip(&open.parts).take_while(|(place, (number, _))| place == *number);
                    return Ok(UploadState::Open(consecutive.map(|(_, (_, part))| stored(part)).collect()));
                }
                let object = bucket.objects.get(&upload.key);
                Ok(object.map_or(UploadState::Gone, |object| UploadState::Complete(object.body.len() as u64)))
            })
            .await
    }

    async fn complete(&self, upload: &Upload, parts: &[StoredPart], _: Duration) -> Result<(), Fault> {
        self.script
            .single("complete", || {
                let mut bucket = lock(&self.bucket);
                let open = bucket.uploads.get(&upload.upload_id).ok_or_else(|| no_such_upload(upload))?;
                let object = open.object(parts)?;
                bucket.uploads.remove(&upload.upload_id);
                bucket.objects.insert(upload.key.clone(), object);
                Ok(())
            })
            .await
    }
}

impl Tails for MemoryFiles {
    async fn keep(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        self.script
            .single("keep", || {
                lock(&self.tails).insert(key.to_owned(), body);
                Ok(())
            })
            .await
    }

    async fn fetch(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.script.single("fetch", || Ok(lock(&self.tails).get(key).cloned())).await
    }
}

impl Leavings for MemoryFiles {
    async fn uploads(&self, prefix: &str) -> Result<Vec<Upload>, Fault> {
        self.script
            .single("uploads", || {
                let bucket = lock(&self.bucket);
                let open = bucket.uploads.iter().filter(|(_, open)| open.key.starts_with(prefix));
                Ok(open.map(|(id, open)| Upload { key: open.key.clone(), upload_id: id.clone() }).collect())
            })
            .await
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        self.script
            .single("abort", || {
                lock(&self.bucket).uploads.remove(&upload.upload_id);
                Ok(())
            })
            .await
    }

    async fn clear(&self, prefix: &str) -> Result<usize, Fault> {
        self.script
            .single("clear", || {
                let (mut tails, mut bucket) = (lock(&self.tails), lock(&self.bucket));
                let before = tails.len() + bucket.objects.len();
                tails.retain(|key, _| !key.starts_with(prefix));
                bucket.objects.retain(|key, _| !key.starts_with(prefix));
                Ok(before - tails.len() - bucket.objects.len())
            })
            .await
    }
}

impl Removal for MemoryFiles {
    async fn remove(&self, keys: &[String]) -> Vec<Result<(), Fault>> {
        self.script
            .batch("remove", keys, |key| {
                lock(&self.bucket).objects.remove(key);
                Ok(())
            })
            .await
    }
}
