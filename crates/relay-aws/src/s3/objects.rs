//! A bucket as an operator reads it: listed, read, and marked.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::types::Object;
use bytes::Bytes;
use relay::fault::Fault;
use relay::port::{ObjectHead, ObjectListing, Objects};

use crate::config::Aws;
use crate::fault::{broken, fault};

const LIST: &str = "s3:ListObjectsV2";
const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

/// A bucket.
#[derive(Clone, Debug)]
pub struct AwsObjects {
    client: Client,
    bucket: String,
}

impl AwsObjects {
    /// The bucket of this name.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        let config =
            Builder::from(aws.config()).stalled_stream_protection(StalledStreamProtectionConfig::enabled().build());
        Self { client: Client::from_conf(config.build()), bucket: bucket.to_owned() }
    }
}

impl Objects for AwsObjects {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ObjectListing, Fault> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let answer = request.set_start_after(after.map(str::to_owned)).send().await;
        let answer = answer.map_err(|error| fault(LIST, &error))?;
        let objects: Vec<ObjectHead> = answer.contents.unwrap_or_default().into_iter().filter_map(head).collect();
        let has_more = answer.is_truncated == Some(true);
        let next = objects.last().filter(|_| has_more).map(|last| last.key.clone());
        if has_more && next.is_none() {
            return Err(broken(LIST, "a truncated listing without an object"));
        }
        Ok(ObjectListing { objects, next })
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let mut folders = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).delimiter("/");
            let answer = request.set_continuation_token(token.take()).send().await;
            let answer = answer.map_err(|error| fault(LIST, &error))?;
            let prefixes = answer.common_prefixes.unwrap_or_default().into_iter().filter_map(|common| common.prefix);
            folders.extend(prefixes.filter_map(|common| {
                let folder = common.strip_prefix(prefix)?.trim_end_matches('/');
                Some(folder.to_owned())
            }));
            token = answer.next_continuation_token;
            if answer.is_truncated != Some(true) || token.is_none() {
                return Ok(folders);
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(fault(GET, &error)),
        };
        let body = answer.body.collect().await.map_err(|error| broken(GET, &format!("the body broke off: {error}")))?;
        Ok(Some(body.into_bytes()))
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), Fault> {
        let answer = self.client.put_object().bucket(&self.bucket).key(key).body(body.into()).send().await;
        answer.map(|_| ()).map_err(|error| fault(PUT, &error))
    }
}

fn head(object: Object) -> Option<ObjectHead> {
    let bytes = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    Some(ObjectHead { key: object.key?, bytes })
}
