//! Files that are not to be kept any longer.

use aws_sdk_s3::Client;
use relay::fault::Fault;
use relay::port::Removal;

use crate::config::Aws;
use crate::fault::fault;

const DELETE: &str = "s3:DeleteObject";

/// The export bucket, for whoever may only delete from it.
#[derive(Clone, Debug)]
pub struct AwsRemoval {
    client: Client,
    bucket: String,
}

impl AwsRemoval {
    /// The bucket of this name.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { client: Client::new(aws.config()), bucket: bucket.to_owned() }
    }
}

impl Removal for AwsRemoval {
    async fn remove(&self, keys: &[String]) -> Vec<Result<(), Fault>> {
        let mut results = Vec::with_capacity(keys.len());
        for key in keys {
            let answer = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
            results.push(answer.map(|_| ()).map_err(|error| fault(DELETE, &error)));
        }
        results
    }
}
