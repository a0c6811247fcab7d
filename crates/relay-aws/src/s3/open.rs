//! Uploads in parts that have begun and not ended, with their age.

use aws_sdk_s3::Client;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::fault;

const LIST_UPLOADS: &str = "s3:ListBucketMultipartUploads";

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The key of the object that it may become.
    pub key: String,
    /// When it began: milliseconds since the epoch.
    pub began_at: i64,
}

/// A bucket's open uploads.
#[derive(Clone, Debug)]
pub struct AwsUploads {
    client: Client,
    bucket: String,
}

impl AwsUploads {
    /// Those of the bucket of this name.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { client: Client::new(aws.config()), bucket: bucket.to_owned() }
    }

    /// The first of them by key, and whether there are more: one call (S3: 1,000).
    pub async fn first(&self) -> Result<(Vec<OpenUpload>, bool), Fault> {
        let answer = self.client.list_multipart_uploads().bucket(&self.bucket).send().await;
        let answer = answer.map_err(|error| fault(LIST_UPLOADS, &error))?;
        let uploads = answer.uploads.unwrap_or_default().into_iter().filter_map(|upload| {
            let began_at = upload.initiated.and_then(|time| time.to_millis().ok())?;
            Some(OpenUpload { key: upload.key?, began_at })
        });
        Ok((uploads.collect(), answer.is_truncated == Some(true)))
    }
}
