//! Files written in parts: S3 multipart uploads, and what is left of them. Uploads that nobody completes or aborts end by the bucket's lifecycle rule.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Part};
use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{ExportFiles, Leavings, StoredPart, Tails, Upload, UploadState};

use super::media_type;
use crate::config::{Aws, OPERATION_TIMEOUT, timeouts};
use crate::fault::{broken, fault};

/// How long one attempt to upload a part may take. It is the one call with a large body, 16 MiB and more: on a slow day nearly all of a call's time.
const PART_TIMEOUT: Duration = Duration::from_secs(18);

const CREATE: &str = "s3:CreateMultipartUpload";
const UPLOAD_PART: &str = "s3:UploadPart";
const LIST_PARTS: &str = "s3:ListParts";
const HEAD_OBJECT: &str = "s3:HeadObject";
const COMPLETE: &str = "s3:CompleteMultipartUpload";
const PUT_OBJECT: &str = "s3:PutObject";
const GET_OBJECT: &str = "s3:GetObject";
const LIST_UPLOADS: &str = "s3:ListMultipartUploads";
const ABORT: &str = "s3:AbortMultipartUpload";
const LIST_OBJECTS: &str = "s3:ListObjectsV2";
const DELETE_OBJECT: &str = "s3:DeleteObject";

/// The export bucket.
#[derive(Clone, Debug)]
pub struct AwsFiles {
    client: Client,
    bucket: String,
}

impl AwsFiles {
    /// The bucket of this name.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { client: Client::new(aws.config()), bucket: bucket.to_owned() }
    }

    /// All parts in order of their numbers; `None` when no such upload is open.
    async fn parts(&self, upload: &Upload) -> Result<Option<Vec<Part>>, Fault> {
        let mut parts = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let request = self.client.list_parts().bucket(&self.bucket).key(&upload.key);
            let request = request.upload_id(&upload.upload_id).set_part_number_marker(after.take());
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if error.as_service_error().is_some_and(no_such_upload) => return Ok(None),
                Err(error) => return Err(fault(LIST_PARTS, &error)),
            };
            parts.extend(answer.parts.unwrap_or_default());
            after = answer.next_part_number_marker;
            if answer.is_truncated != Some(true) || after.is_none() {
                return Ok(Some(parts));
            }
        }
    }

    async fn object_size(&self, key: &str) -> Result<UploadState, Fault> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        match request.send().await {
            Ok(answer) => Ok(UploadState::Complete(size(answer.content_length))),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(UploadState::Gone),
            Err(error) => Err(fault(HEAD_OBJECT, &error)),
        }
    }
}

impl ExportFiles for AwsFiles {
    async fn begin(&self, key: &str, metadata: &[(&str, String)]) -> Result<Upload, Fault> {
        let mut request = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        for (name, value) in metadata {
            request = request.metadata(*name, value);
        }
        // Named here because S3 takes a part's checksum only in an upload that was begun with its algorithm.
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let answer = request.content_type(media_type(key)).send().await;
        let answer = answer.map_err(|error| fault(CREATE, &error))?;
        let upload_id = answer.upload_id.ok_or_else(|| broken(CREATE, "an answer without upload id"))?;
        Ok(Upload { key: key.to_owned(), upload_id })
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<StoredPart, Fault> {
        let bytes = body.len() as u64;
        let request = self.client.upload_part().bucket(&self.bucket).key(&upload.key);
        let request = request.upload_id(&upload.upload_id).part_number(part_number(number));
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32).body(body.into());
        let config = Builder::new().timeout_config(timeouts(PART_TIMEOUT, OPERATION_TIMEOUT));
        // TLS keeps the bytes on their way, and S3 compares the CRC-32 before it answers: a SHA-256 of each part for the signature would be an eighth of
        // an export's work. The SDKs for Java and Go leave it out, too.
        let answer = request.customize().config_override(config).disable_payload_signing().send().await;
        let answer = answer.map_err(|error| interrupted(fault(UPLOAD_PART, &error), &error))?;
        let tag = answer.e_tag.ok_or_else(|| broken(UPLOAD_PART, "an answer without ETag"))?;
        Ok(StoredPart { bytes, tag, checksum: answer.checksum_crc32 })
    }

    async fn state(&self, upload: &Upload) -> Result<UploadState, Fault> {
        match self.parts(upload).await? {
            Some(parts) => Ok(UploadState::Open(consecutive(parts).map(stored_part).collect())),
            None => self.object_size(&upload.key).await,
        }
    }

    async fn complete(&self, upload: &Upload, parts: &[StoredPart], within: Duration) -> Result<(), Fault> {
        let parts = (1..).zip(parts).map(|(number, part)| completed_part(number, part)).collect();
        let completed = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket);
        let request = request.key(&upload.key).upload_id(&upload.upload_id).multipart_upload(completed);
        let config = Builder::new().timeout_config(timeouts(within, within));
        let answer = request.customize().config_override(config).send().await;
        answer.map(|_| ()).map_err(|error| interrupted(fault(COMPLETE, &error), &error))
    }
}

impl Tails for AwsFiles {
    async fn keep(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let answer = request.body(body.into()).send().await;
        answer.map(|_| ()).map_err(|error| fault(PUT_OBJECT, &error))
    }

    async fn fetch(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(fault(GET_OBJECT, &error)),
        };
        // The body comes behind the answer: a connection that is cut in it is one more way of having no answer.
        let body = answer.body.collect().await;
        let body = body.map_err(|error| broken(GET_OBJECT, &format!("the body was cut off: {error}")))?;
        Ok(Some(body.into_bytes()))
    }
}

impl Leavings for AwsFiles {
    async fn uploads(&self, prefix: &str) -> Result<Vec<Upload>, Fault> {
        let mut uploads = Vec::new();
        let (mut key, mut id): (Option<String>, Option<String>) = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
            let request = request.set_key_marker(key.take()).set_upload_id_marker(id.take());
            let answer = request.send().await.map_err(|error| fault(LIST_UPLOADS, &error))?;
            let open = answer.uploads.unwrap_or_default().into_iter();
            uploads.extend(open.filter_map(|open| Some(Upload { key: open.key?, upload_id: open.upload_id? })));
            (key, id) = (answer.next_key_marker, answer.next_upload_id_marker);
            if answer.is_truncated != Some(true) || key.is_none() {
                return Ok(uploads);
            }
        }
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(&upload.key);
        match request.upload_id(&upload.upload_id).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(no_such_upload) => Ok(()),
            Err(error) => Err(fault(ABORT, &error)),
        }
    }

    async fn clear(&self, prefix: &str) -> Result<usize, Fault> {
        let mut removed = 0;
        loop {
            // From the beginning each time: what was listed is gone by then.
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let answer = request.send().await.map_err(|error| fault(LIST_OBJECTS, &error))?;
            let keys: Vec<String> = answer.contents.into_iter().flatten().filter_map(|object| object.key).collect();
            for key in &keys {
                let request = self.client.delete_object().bucket(&self.bucket).key(key);
                request.send().await.map_err(|error| fault(DELETE_OBJECT, &error))?;
            }
            removed += keys.len();
            if keys.is_empty() || answer.is_truncated != Some(true) {
                return Ok(removed);
            }
        }
    }
}

/// The parts from number 1 to the first gap.
fn consecutive(parts: Vec<Part>) -> impl Iterator<Item = Part> {
    (1..).zip(parts).take_while(|(number, part)| part.part_number == Some(*number)).map(|(_, part)| part)
}

fn stored_part(part: Part) -> StoredPart {
    StoredPart { bytes: size(part.size), tag: part.e_tag.unwrap_or_default(), checksum: part.checksum_crc32 }
}

/// An upload begun with a checksum algorithm wants the checksum of each part again at the end.
fn completed_part(number: u32, part: &StoredPart) -> CompletedPart {
    CompletedPart::builder()
        .part_number(part_number(number))
        .e_tag(&part.tag)
        .set_checksum_crc32(part.checksum.clone())
        .build()
}

fn no_such_upload(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("NoSuchUpload")
}

/// An upload that was aborted, or a part that was written over, under the caller's hands: nobody is to blame. Whoever looks at the upload again
/// finds it out and begins anew.
fn interrupted(fault: Fault, error: &impl ProvideErrorMetadata) -> Fault {
    let is_interrupted = no_such_upload(error) || error.code() == Some("InvalidPart");
    if is_interrupted { Fault { kind: FaultKind::Unavailable, ..fault } } else { fault }
}

fn part_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn size(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}
