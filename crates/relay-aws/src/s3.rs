//! S3: the quarantine bucket, the export bucket, and any bucket as an operator reads it.

mod files;
mod objects;
mod open;
mod removal;

use aws_sdk_s3::Client;
use bytes::Bytes;
use relay::fault::Fault;
use relay::port::Quarantine;

use crate::config::Aws;
use crate::fault::fault;

pub use files::AwsFiles;
pub use objects::AwsObjects;
pub use open::{AwsUploads, OpenUpload};
pub use removal::AwsRemoval;

const PUT_OBJECT: &str = "s3:PutObject";

/// The quarantine bucket.
#[derive(Clone, Debug)]
pub struct AwsQuarantine {
    client: Client,
    bucket: String,
}

impl AwsQuarantine {
    /// The bucket of this name.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { client: Client::new(aws.config()), bucket: bucket.to_owned() }
    }
}

impl Quarantine for AwsQuarantine {
    async fn put(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let answer = request.body(body.into()).send().await;
        answer.map(|_| ()).map_err(|error| fault(PUT_OBJECT, &error))
    }
}

/// The media type of a file by the end of its name.
pub(crate) fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "csv" => "text/csv; charset=utf-8",
        "gz" => "application/gzip",
        "json" => "application/json",
        "parquet" => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    }
}
