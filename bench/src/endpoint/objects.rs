//! The calls of S3. Of what is uploaded in parts only the size and the digest stay, so that a file of any size takes no memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use local::http1::{Reply, Request};
use sha2::{Digest, Sha256};

/// An object as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its bytes.
    pub(crate) bytes: u64,
    /// Their SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
    /// What was put whole.
    body: Bytes,
}

/// What was stored, by path: `/{bucket}/{key}`.
#[derive(Default)]
pub(super) struct Objects(Mutex<State>);

#[derive(Default)]
struct State {
    /// How many uploads were begun.
    begun: u64,
    uploads: BTreeMap<String, Upload>,
    objects: BTreeMap<String, Object>,
}

#[derive(Default)]
struct Upload {
    /// Size and checksum of each part.
    parts: BTreeMap<u32, (u64, Option<String>)>,
    /// Parts that came before one with a lower number.
    waiting: BTreeMap<u32, Bytes>,
    /// How many parts the digest holds.
    digested: u32,
    digest: Sha256,
}

impl Upload {
    /// Takes a part; `false` for another one than the digest holds already.
    fn take(&mut self, number: u32, body: Bytes, checksum: Option<&str>) -> bool {
        let part = (body.len() as u64, checksum.map(str::to_owned));
        if number <= self.digested {
            return self.parts.get(&number) == Some(&part);
        }
        self.parts.insert(number, part);
        self.waiting.insert(number, body);
        while let Some(body) = self.waiting.remove(&(self.digested + 1)) {
            self.digest.update(&body);
            self.digested += 1;
        }
        true
    }

    fn list(&self) -> String {
        let mut xml = "<ListPartsResult><IsTruncated>false</IsTruncated>".to_owned();
        for (number, (bytes, checksum)) in &self.parts {
            let checksum = checksum.as_deref().unwrap_or_default();
            let part = format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>\"{number}\"</ETag><Size>{bytes}</Size>\
                 <ChecksumCRC32>{checksum}</ChecksumCRC32></Part>"
            );
            xml.push_str(&part);
        }
        xml + "</ListPartsResult>"
    }

    fn complete(self) -> Object {
        let bytes = self.parts.values().map(|(bytes, _)| bytes).sum();
        Object { bytes, sha256: hex::encode(self.digest.finalize()), body: Bytes::new() }
    }
}

impl Objects {
    pub(super) fn get(&self, path: &str) -> Option<Object> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).objects.get(path).cloned()
    }

    /// What S3 answers.
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parameter = |name: &str| {
            let mut pairs = request.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let (path, upload_id) = (request.path.as_str(), parameter("uploadId"));
        match (request.method.as_str(), upload_id) {
            ("POST", None) if parameter("uploads").is_some() => state.begin(),
            ("POST", Some(id)) => state.complete(id, path),
            ("PUT", Some(id)) => state.put_part(id, parameter("partNumber"), request),
            ("GET", Some(id)) => state.uploads.get(id).map_or_else(no_such_upload, |upload| xml(&upload.list())),
            ("DELETE", Some(id)) => state.uploads.remove(id).map_or_else(no_such_upload, |_| Reply::new(204, "")),
            ("PUT", None) => state.put(path, &request.body),
            ("GET" | "HEAD", None) => state.read(path, request.method == "HEAD"),
            ("DELETE", None) => {
                state.objects.remove(path);
                Reply::new(204, "")
            }
            (method, _) => Reply::message(400, &format!("the stand-in does not understand this {method}")),
        }
    }
}

impl State {
    fn begin(&mut self) -> Reply {
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        let reply = format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
        self.uploads.insert(id, Upload::default());
        xml(&reply)
    }

    fn put_part(&mut self, id: &str, number: Option<&str>, request: &Request) -> Reply {
        let Some(upload) = self.uploads.get_mut(id) else { return no_such_upload() };
        let number = number.and_then(|number| number.parse().ok()).unwrap_or(0);
        let checksum = request.header("x-amz-checksum-crc32");
        if !upload.take(number, request.body.clone(), checksum) {
            return Reply::message(400, "the stand-in keeps no part that could be written over");
        }
        let reply = Reply::new(200, "").with("etag", format!("\"{number}\""));
        checksum.map_or(reply.clone(), |checksum| reply.with("x-amz-checksum-crc32", checksum))
    }

    fn complete(&mut self, id: &str, path: &str) -> Reply {
        let Some(upload) = self.uploads.remove(id) else { return no_such_upload() };
        self.objects.insert(path.to_owned(), upload.complete());
        xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
    }

    fn put(&mut self, path: &str, body: &Bytes) -> Reply {
        let sha256 = hex::encode(Sha256::digest(body));
        self.objects.insert(path.to_owned(), Object { bytes: body.len() as u64, sha256, body: body.clone() });
        Reply::new(200, "").with("etag", "\"whole\"")
    }

    fn read(&self, path: &str, head_only: bool) -> Reply {
        match self.objects.get(path) {
            Some(object) if head_only => Reply::new(200, "").with("content-length", object.bytes.to_string()),
            Some(object) => Reply::new(200, object.body.clone()),
            None => Reply { status: 404, ..xml("<Error><Code>NoSuchKey</Code></Error>") },
        }
    }
}

fn xml(text: &str) -> Reply {
    Reply::new(200, text.to_owned()).with("content-type", "application/xml")
}

fn no_such_upload() -> Reply {
    Reply { status: 404, ..xml("<Error><Code>NoSuchUpload</Code></Error>") }
}
