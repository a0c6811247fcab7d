//! Buckets in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;

use super::{Script, broken_limit, lock};
use crate::fault::Fault;
use crate::port::{ExportFiles, Quarantine, Upload, UploadState};

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
        self.script.single("put", || {
            lock(&self.objects).insert(key.to_owned(), body);
            Ok(())
        })
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
    metadata: BTreeMap<String, String>,
    parts: BTreeMap<u32, Bytes>,
}

/// The export bucket.
#[derive(Debug, Default)]
pub struct MemoryFiles {
    /// Calls: `begin`, `put_part`, `state`, `complete`.
    pub script: Script,
    bucket: Mutex<Bucket>,
}

impl MemoryFiles {
    /// Every object by key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, MemoryObject> {
        lock(&self.bucket).objects.clone()
    }

    /// How many uploads are open.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        lock(&self.bucket).uploads.len()
    }
}

fn no_such_upload(upload: &Upload) -> Fault {
    broken_limit(format!("no upload {} of {}", upload.upload_id, upload.key))
}

impl ExportFiles for MemoryFiles {
    async fn begin(&self, key: &str, metadata: &[(&str, String)]) -> Result<Upload, Fault> {
        self.script.single("begin", || {
            if let Some((name, value)) = metadata.iter().find(|(name, value)| !name.is_ascii() || !value.is_ascii()) {
                return Err(broken_limit(format!("metadata {name}: {value} is not ASCII")));
            }
            let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let mut bucket = lock(&self.bucket);
            bucket.begun += 1;
            let upload_id = format!("upload-{}", bucket.begun);
            bucket.uploads.insert(upload_id.clone(), OpenUpload { metadata, parts: BTreeMap::new() });
            Ok(Upload { key: key.to_owned(), upload_id })
        })
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<(), Fault> {
        self.script.single("put_part", || {
            if !(1..=MAX_PARTS).contains(&number) || body.is_empty() {
                return Err(broken_limit(format!("part {number} of {} bytes", body.len())));
            }
            let mut bucket = lock(&self.bucket);
            let open = bucket.uploads.get_mut(&upload.upload_id).ok_or_else(|| no_such_upload(upload))?;
            open.parts.insert(number, body);
            Ok(())
        })
    }

    async fn state(&self, upload: &Upload) -> Result<UploadState, Fault> {
        self.script.single("state", || {
            let bucket = lock(&self.bucket);
            if let Some(open) = bucket.uploads.get(&upload.upload_id) {
                return Ok(UploadState::Open(open.parts.values().map(|part| part.len() as u64).collect()));
            }
            let object = bucket.objects.get(&upload.key);
            Ok(object.map_or(UploadState::Gone, |object| UploadState::Complete(object.body.len() as u64)))
        })
    }

    async fn complete(&self, upload: &Upload, parts: u32) -> Result<(), Fault> {
        self.script.single("complete", || {
            let mut bucket = lock(&self.bucket);
            let open = bucket.uploads.get(&upload.upload_id).ok_or_else(|| no_such_upload(upload))?;
            let mut body = Vec::new();
            for number in 1..=parts {
                let part = open.parts.get(&number).ok_or_else(|| broken_limit(format!("part {number} is missing")))?;
                if number < parts && part.len() < MIN_PART_BYTES {
                    return Err(broken_limit(format!("part {number} is smaller than 5 MiB and not the last")));
                }
                body.extend_from_slice(part);
            }
            if parts == 0 {
                return Err(broken_limit("an object of no parts"));
            }
            let metadata = open.metadata.clone();
            bucket.uploads.remove(&upload.upload_id);
            bucket.objects.insert(upload.key.clone(), MemoryObject { body, metadata });
            Ok(())
        })
    }
}
