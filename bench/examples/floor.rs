//! The least that a door in Rust can be: the request's own text goes to the stream as it came, by a bare HTTP client without a signature, a time-out or a
//! second attempt. No key is looked at and nothing is understood.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

/// What of API Gateway's event is passed on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_query_string: String,
    body: Option<String>,
}

/// Where to.
struct Door {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    stream: String,
}

impl Door {
    async fn pass_on(&self, event: &Event) -> Result<Value, Error> {
        let data = STANDARD.encode(event.body.as_ref().unwrap_or(&event.raw_query_string));
        let record = json!({"StreamName": self.stream, "PartitionKey": "1", "Data": data});
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "Kinesis_20131202.PutRecord")
            .body(Full::from(record.to_string()))?;
        let answer = self.client.request(request).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(json!({"statusCode": status, "body": "{}"}))
    }
}

fn env(name: &str) -> Result<String, Error> {
    relay_lambda::process::env(name).ok_or_else(|| format!("{name} is not set").into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let door = Door { client, endpoint: env("AWS_ENDPOINT_URL")?, stream: env("STREAM_NAME")? };
    run(service_fn(async |event: LambdaEvent<Event>| door.pass_on(&event.payload).await)).await
}
