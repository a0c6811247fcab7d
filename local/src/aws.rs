//! Calls to the emulator over its public API: plain HTTP, JSON protocols, no SDK.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::failure::{Because, Failure};

/// A service's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's error code, without a namespace; empty where the emulator gave none or was not reached.
    pub code: String,
    /// What it said.
    pub message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.code, self.message)
    }
}

/// A client of the emulator.
#[derive(Clone)]
pub struct Aws {
    http: Client<HttpConnector, Full<Bytes>>,
    base: String,
    region: String,
}

impl Aws {
    /// `base` is the emulator's URL without a trailing slash.
    #[must_use]
    pub fn new(base: &str, region: &str) -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            base: base.to_owned(),
            region: region.to_owned(),
        }
    }

    /// The region the stack is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Calls an operation of a service with a JSON protocol, such as `Kinesis_20131202.GetRecords` of `kinesis`.
    pub async fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let request = http::Request::post(format!("{}/", self.base))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", operation)
            .header("authorization", self.authorization(service))
            .body(Full::from(input.to_string()));
        let (status, body) = self.send(request).await.map_err(unreachable)?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let code = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
        let message = answer.get("message").or_else(|| answer.get("Message"));
        Err(Refusal {
            code: code.split('#').next_back().unwrap_or(code).to_owned(),
            message: message.map_or_else(|| status.to_string(), |text| text.as_str().unwrap_or_default().to_owned()),
        })
    }

    /// Writes an object.
    pub async fn put_object(&self, bucket: &str, key: &str, content: Bytes) -> Result<(), Failure> {
        let request = http::Request::put(format!("{}/{bucket}/{key}", self.base))
            .header("content-type", "application/json")
            .header("authorization", self.authorization("s3"))
            .body(Full::from(content));
        let (status, body) = self.send(request).await?;
        if status.is_success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&body).into_owned();
        Err(Failure(format!("cannot write {key} to bucket {bucket}: {status} {said}")))
    }

    /// Sends a message to the queue with this ARN.
    pub async fn send_message(&self, queue_arn: &str, message: &str) -> Result<(), Failure> {
        let Some((_, name)) = queue_arn.rsplit_once(':').filter(|(head, _)| head.contains(":sqs:")) else {
            return Err(Failure(format!("{queue_arn} is not a queue: only SQS is known here")));
        };
        let queue = self.call("sqs", "AmazonSQS.GetQueueUrl", &json!({ "QueueName": name })).await;
        let queue = queue.because(format!("cannot find queue {name}"))?;
        let input = json!({ "QueueUrl": queue.get("QueueUrl"), "MessageBody": message });
        let sent = self.call("sqs", "AmazonSQS.SendMessage", &input).await;
        sent.because(format!("cannot send to queue {name}")).map(drop)
    }

    /// Reads a document of the emulator's own, such as `/_ministack/health`.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = http::Request::get(format!("{}{path}", self.base)).body(Full::default());
        let (status, body) = self.send(request).await?;
        if !status.is_success() {
            return Err(Failure(format!("{path} of the emulator answered {status}")));
        }
        serde_json::from_slice(&body).because(format!("{path} of the emulator is not JSON"))
    }

    async fn send(
        &self,
        request: Result<http::Request<Full<Bytes>>, http::Error>,
    ) -> Result<(http::StatusCode, Bytes), Failure> {
        let request = request.because("cannot make a request to the emulator")?;
        let answer = self.http.request(request).await.because("the emulator does not answer")?;
        let status = answer.status();
        let body = answer.into_body().collect().await.because("the emulator broke off")?;
        Ok((status, body.to_bytes()))
    }

    /// The emulator reads the key, region and service of a signature and does not check the rest.
    fn authorization(&self, service: &str) -> String {
        let scope = format!("test/20260101/{}/{service}/aws4_request", self.region);
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
    }
}

fn unreachable(failure: Failure) -> Refusal {
    Refusal { code: String::new(), message: failure.0 }
}
