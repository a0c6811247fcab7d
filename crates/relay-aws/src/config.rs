//! One handle for all clients of a process: credentials, region, time-outs, retries and one pool of connections.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;

/// How long opening a connection may take: seconds. Inside a region it takes milliseconds; a lost SYN is sent again after one second.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one attempt may take, from the first byte sent to the last received. Calls take milliseconds; only
/// uploading a part and making a file of the parts may take longer, and have time-outs of their own.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a call may take with its second attempt. Function time-outs lie above it, so that a slow service becomes a
/// [`relay::fault::FaultKind::TimedOut`] and not a killed process; API Gateway gives an integration 30 s.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Attempts per call: the second one mends a pooled connection that was closed while the function was frozen, and a single
/// answer of 5xx or throttling. More is the callers' matter. What may be sent twice: records and pages are idempotent by content,
/// conditional writes carry the SDK's client request token, executions are named. A mail is none of these: see `Aws::one_attempt`.
pub const MAX_ATTEMPTS: u32 = 2;

/// The longest pause before the second attempt; the SDK takes a random part of it.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What every client of the process shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// A deployed function: region, credentials and `AWS_ENDPOINT_URL` are in its environment, where Lambda puts them (developer guide, "Using Lambda
    /// environment variables"). The SDK's default chain would look for them in files and ask other services, too: code that every program carried
    /// and none ran. In the partition `aws` it trusts Amazon's own roots alone (`AMAZON_ROOTS`): to read and parse a machine's some 150 is most of a
    /// cold start; but an endpoint of somebody's own has a certificate of their own.
    #[must_use]
    pub fn deployed(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let (region, endpoint) = (lookup("AWS_REGION"), lookup("AWS_ENDPOINT_URL"));
        let is_amazons = endpoint.as_ref().is_none_or(|url| url.starts_with("http:"));
        let amazon_alone = is_amazons && region.as_deref().is_some_and(is_of_partition_aws);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()));
        config.set_endpoint_url(endpoint);
        Self::of(config.build(), if amazon_alone { amazon_roots() } else { TrustStore::default() })
    }

    /// An operator's machine: region, credentials, `AWS_ENDPOINT_URL` and roots are the machine's.
    pub async fn load() -> Self {
        Self::loaded(aws_config::defaults(BehaviorVersion::latest())).await
    }

    /// As [`Aws::load`], in this region.
    pub async fn load_in(region: &str) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned()));
        Self::loaded(loader).await
    }

    /// An emulator at this address, which believes any credentials.
    pub async fn at(endpoint: &str, region: &str) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "emulator");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials);
        Self::loaded(loader).await
    }

    /// With other time-outs for an attempt and for a call.
    #[must_use]
    pub fn with_timeouts(self, attempt: Duration, operation: Duration) -> Self {
        let config = self.config.into_builder();
        Self { config: config.timeout_config(timeouts(attempt, operation)).build() }
    }

    /// The region's name; empty where none is known.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    async fn loaded(loader: ConfigLoader) -> Self {
        Self::of(loader.load().await, TrustStore::default())
    }

    fn of(config: SdkConfig, roots: TrustStore) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(RETRY_PAUSE);
        let config = config
            .into_builder()
            .http_client(http_client(roots))
            .retry_config(retries)
            .timeout_config(timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            // An attempt's time-out covers it, save where a body is read after the answer: `s3::AwsObjects`.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self { config: config.build() }
    }

    /// For calls that must not be sent twice: one attempt, which may take as long as a whole call.
    #[cfg_attr(not(feature = "sesv2"), allow(dead_code, reason = "mails alone are such calls"))]
    pub(crate) fn one_attempt(&self) -> (RetryConfig, TimeoutConfig) {
        let operation = self.config.timeout_config().and_then(TimeoutConfig::operation_timeout);
        let operation = operation.unwrap_or(OPERATION_TIMEOUT);
        (RetryConfig::disabled(), timeouts(operation, operation))
    }

    pub(crate) const fn config(&self) -> &SdkConfig {
        &self.config
    }
}

/// The SDK gives each client connections and a copy of the root certificates of its own; here all share one.
fn http_client(roots: TrustStore) -> SharedHttpClient {
    // It fails for alternative server names alone, of which there are none; then the machine's roots hold.
    let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_default();
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https()
}

/// The roots of Amazon Trust Services, which sign every endpoint of AWS in the partition `aws` (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &[u8] = include_bytes!("../roots/amazon.pem");

fn amazon_roots() -> TrustStore {
    TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
}

/// Whether a region is neither China's, a government's, a secret one nor the European sovereign cloud's, whose endpoints others may sign.
fn is_of_partition_aws(region: &str) -> bool {
    !["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"].iter().any(|prefix| region.starts_with(prefix))
}

/// The time-outs of a client, or of one call of it.
pub(crate) fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_roots_are_the_five_of_its_repository() {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 5);
        assert_eq!(text.lines().filter(|line| line.starts_with("# ") && line.contains("SHA-256")).count(), 5);
    }

    /// A certificate that does not parse would panic when the first connection is made.
    #[cfg(feature = "dynamodb")]
    #[tokio::test]
    async fn a_client_that_trusts_amazon_alone_can_be_made() {
        use relay::port::ControlTable;
        let aws = Aws::deployed(|name| (name == "AWS_REGION").then(|| "eu-west-1".to_owned()));
        let endpoint = aws.config.into_builder().endpoint_url("https://127.0.0.1:1");
        let credentials = SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test"));
        let aws = Aws { config: endpoint.credentials_provider(credentials).build() };
        let found =
            crate::dynamodb::AwsControl::new(&aws, "control").get(&[relay::control::Key::new("pk", "sk")]).await;
        assert!(found.first().is_some_and(Result::is_err), "nothing listens there");
    }

    #[test]
    fn a_deployed_function_takes_region_and_endpoint_from_its_environment() {
        let environment = |name: &str| match name {
            "AWS_REGION" => Some("ap-northeast-2".to_owned()),
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
            _ => None,
        };
        let aws = Aws::deployed(environment);
        assert_eq!((aws.region(), aws.config().endpoint_url()), ("ap-northeast-2", Some("http://127.0.0.1:1")));
        let aws = Aws::deployed(|_| None);
        assert_eq!((aws.region(), aws.config().endpoint_url()), ("", None));
    }

    #[test]
    fn other_partitions_are_told_by_their_regions() {
        assert!(
            ["us-east-1", "eu-west-1", "ap-northeast-2", "il-central-1"]
                .iter()
                .all(|region| is_of_partition_aws(region))
        );
        assert!(
            ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"]
                .iter()
                .all(|region| !is_of_partition_aws(region))
        );
    }
}
