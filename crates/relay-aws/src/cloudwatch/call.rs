//! One signed call of CloudWatch's JSON protocol.

use std::time::{Duration, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::{DateTime, Format};
use relay::fault::{Fault, FaultKind};
use serde_json::Value;
use tokio::time::timeout;

use crate::config::{Aws, OPERATION_TIMEOUT};
use crate::fault::{broken, coded};

/// CloudWatch's API as its protocol names it (botocore's model of `monitoring-2010-08-01`).
const TARGET: &str = "GraniteServiceVersion20100801";

/// Makes the calls. One attempt each: who asks looks again.
#[derive(Debug)]
pub(super) struct Caller {
    config: SdkConfig,
    connector: Connector,
}

impl Caller {
    pub(super) fn new(aws: &Aws) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
        Self { config: aws.config().clone(), connector }
    }

    /// The answer of a call, `cloudwatch:DescribeAlarms`.
    pub(super) async fn call(&self, name: &'static str, input: &Value, now: i64) -> Result<Value, Fault> {
        let answer = self.send(name, input, now).await?;
        let status = answer.status();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| broken(name, &format!("the answer broke off: {error}")))?.into_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let code = text("__type").and_then(|code| code.rsplit('#').next());
        match code {
            Some(code) => Err(coded(name, code, text("message").or_else(|| text("Message")))),
            None => Err(broken(name, &format!("an answer of {} without an error code", status.as_u16()))),
        }
    }

    /// What the answer's `Date` says, whatever else it says: milliseconds since the epoch.
    pub(super) async fn clock(&self, name: &'static str, input: &Value, now: i64) -> Result<i64, Fault> {
        let answer = self.send(name, input, now).await?;
        let date = answer.headers().get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let millis = date.and_then(|date| date.to_millis().ok());
        millis.ok_or_else(|| broken(name, "an answer without a date"))
    }

    async fn send(&self, name: &'static str, input: &Value, now: i64) -> Result<HttpResponse, Fault> {
        let request = self.request(name, input, now).await?;
        let unreachable = |detail: String| Fault::new(FaultKind::Unavailable, name, detail);
        let within = self.config.timeout_config().and_then(TimeoutConfig::operation_timeout);
        let answer = timeout(within.unwrap_or(OPERATION_TIMEOUT), self.connector.call(request)).await;
        let answer = answer.map_err(|_| Fault::new(FaultKind::TimedOut, name, "no answer"))?;
        answer.map_err(|error| unreachable(error.to_string()))
    }

    async fn request(&self, name: &'static str, input: &Value, now: i64) -> Result<HttpRequest, Fault> {
        let denied = |detail: String| Fault::new(FaultKind::Denied, name, detail);
        let url = self.endpoint().ok_or_else(|| denied("no region: say --region or AWS_REGION".to_owned()))?;
        let body = input.to_string();
        let target = format!("{TARGET}.{}", name.rsplit(':').next().unwrap_or(name));
        let mut request = HttpRequest::new(SdkBody::from(body.as_str()));
        request.set_method("POST").map_err(|error| denied(error.to_string()))?;
        request.set_uri(url.as_str()).map_err(|error| denied(error.to_string()))?;
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", &target)];
        let signature = self.signature(&url, headers, &body, now).await.map_err(denied)?;
        let usual = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in usual.into_iter().chain(signature) {
            request.headers_mut().try_insert(name, value).map_err(|error| denied(error.to_string()))?;
        }
        Ok(request)
    }

    /// The headers that sign a request.
    async fn signature(
        &self,
        url: &str,
        headers: [(&str, &str); 2],
        body: &str,
        now: i64,
    ) -> Result<Vec<(String, String)>, String> {
        let words = |error: &dyn std::error::Error| error.to_string();
        let provider = self.config.credentials_provider().ok_or("no credentials")?;
        let credentials = provider.provide_credentials().await.map_err(|error| words(&error))?;
        let identity: Identity = credentials.into();
        let region = self.config.region().map_or("", |region| region.as_ref());
        let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
        let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("monitoring").time(time);
        let parameters = parameters.settings(SigningSettings::default()).build().map_err(|error| words(&error))?;
        let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
        let request = request.map_err(|error| words(&error))?;
        let signed = sign(request, &parameters.into()).map_err(|error| words(&error))?;
        let (instructions, _) = signed.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The emulator's address where there is one; in China AWS has another domain (AWS general reference, "CloudWatch endpoints and quotas").
    fn endpoint(&self) -> Option<String> {
        let region = self.config.region()?;
        let given = self.config.endpoint_url().map(|url| format!("{}/", url.trim_end_matches('/')));
        let domain = if region.as_ref().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Some(given.unwrap_or_else(|| format!("https://monitoring.{region}.{domain}/")))
    }
}
