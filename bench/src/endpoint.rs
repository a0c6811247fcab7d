//! A stand-in for AWS: the calls of DynamoDB, Kinesis, SQS and S3 that the functions make, over HTTP/1.1 on a loopback port, answered from memory by a
//! thread of its own, so that its time is not that of the code under test. It believes what it is told: no limit is enforced, no condition is looked at.

mod objects;
mod stream;
mod tables;

use std::net::TcpListener;
use std::sync::Arc;

use local::http1::{Handler, Limits, Reply, Request, serve};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) use objects::Object;
use objects::Objects;
use stream::Shards;
use tables::Tables;

use crate::rows::Rows;
use crate::runtime;

/// More than any call of a function: 25 pages as base64, 500 records, a part of a file.
const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: 128 * 1024 * 1024 };

/// A running stand-in. It ends when the last of its clones is dropped.
#[derive(Clone)]
pub(crate) struct Endpoint {
    url: String,
    services: Arc<Services>,
    _stop: watch::Sender<bool>,
}

impl Endpoint {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start() -> Result<Self, String> {
        Self::of(Rows::new(0), 0)
    }

    /// The same with a stream of so many shards, which can be read.
    pub(crate) fn streaming(shards: usize) -> Result<Self, String> {
        Self::of(Rows::new(0), shards)
    }

    /// The same with tables that hold these rows already.
    pub(crate) fn with(rows: Rows) -> Result<Self, String> {
        Self::of(rows, 0)
    }

    fn of(rows: Rows, shards: usize) -> Result<Self, String> {
        let no_port = |error| format!("no port for the stand-in of AWS: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(no_port)?;
        listener.set_nonblocking(true).map_err(no_port)?;
        let url = format!("http://{}", listener.local_addr().map_err(no_port)?);
        let (stop, stopped) = watch::channel(false);
        let runtime = runtime()?;
        let services = Arc::new(Services {
            rows,
            shards: Shards::new(shards),
            tables: Tables::default(),
            objects: Objects::default(),
        });
        let answering = Arc::clone(&services);
        std::thread::spawn(move || {
            runtime.block_on(async move {
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    serve(listener, LIMITS, stopped, answering).await;
                }
            });
        });
        Ok(Self { url, services, _stop: stop })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The object at `/{bucket}/{key}`.
    pub(crate) fn object(&self, path: &str) -> Option<Object> {
        self.services.objects.get(path)
    }
}

struct Services {
    rows: Rows,
    shards: Shards,
    tables: Tables,
    objects: Objects,
}

impl Handler for Services {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let call = request.header("x-amz-target").and_then(|target| target.split('.').nth(1));
        Some(match (call, request.path.strip_prefix("/documents/")) {
            (Some(operation), _) => self.called(operation, &request.body),
            (None, Some(minute)) => Reply::new(200, self.rows.documents(minute.parse().unwrap_or(u64::MAX))),
            (None, None) => self.objects.answer(&request),
        })
    }
}

impl Services {
    fn called(&self, operation: &str, body: &[u8]) -> Reply {
        let input = serde_json::from_slice(body).unwrap_or_default();
        let answer = match operation {
            // An empty queue: everything is in the pages.
            "GetQueueAttributes" => queue_attributes(&input),
            _ => self.shards.answer(operation, &input).or_else(|| self.tables.answer(&self.rows, operation, &input)),
        };
        let refused = || Reply::message(400, &format!("the stand-in does not understand this {operation}"));
        let reply = answer.map(|body| Reply::new(200, body));
        reply.unwrap_or_else(refused).with("content-type", "application/x-amz-json-1.0")
    }
}

fn queue_attributes(input: &Value) -> Option<String> {
    let names = input.get("AttributeNames")?.as_array()?.iter().filter_map(Value::as_str);
    let attributes: serde_json::Map<String, Value> = names.map(|name| (name.to_owned(), "0".into())).collect();
    Some(json!({"Attributes": attributes}).to_string())
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}
