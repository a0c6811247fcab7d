//! The door over the in-memory doubles: every answer it gives, and what became durable when it gave it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: what does not hold fails the test"
)]

mod access;
mod activities;
mod callbacks;
mod dry_run;
mod event;
mod faults;
mod keys;
mod logs;
mod total;

use ingest::{App, Visit};
use relay::avro;
use relay::control::{Expect, Key, Write};
use relay::discard::Reason;
use relay::frame::{self, Frame, Raw};
use relay::http::{Body, Request, Response};
use relay::metric::Metric;
use relay::owner::{self, KeyRecord, Owner, Role};
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemorySpill, MemoryStream};
use serde_json::Value;

const NOW: i64 = 1_700_000_000_000;
const TRACE: &str = "0123456789abcdef0123456789abcdef";
const INGEST_KEY: &str = "relay_ingest_1";
const API_KEY: &str = "relay_api_1";

/// A door with owner `demo` (app `app`, keys of both roles) and owner `other` (app `others`).
struct Door {
    app: App<MemoryStream, MemorySpill, MemoryControl>,
}

impl Door {
    async fn open() -> Self {
        let door = Self { app: App::new(MemoryStream::new(2), MemorySpill::default(), MemoryControl::default()) };
        door.put_owner("demo", &[]).await;
        door.put_owner("other", &[]).await;
        door.put_app("app", "demo").await;
        door.put_app("others", "other").await;
        for (secret, role) in [(INGEST_KEY, Role::Ingest), (API_KEY, Role::Api)] {
            let record = KeyRecord::of(secret, "demo", role, 0);
            door.put(KeyRecord::key(&record.sha256), &record).await;
        }
        door
    }

    fn stream(&self) -> &MemoryStream {
        &self.app.stream
    }

    fn spill(&self) -> &MemorySpill {
        &self.app.spill
    }

    fn control(&self) -> &MemoryControl {
        &self.app.tenants.control
    }

    async fn put<T: serde::Serialize>(&self, key: Key, value: &T) {
        self.control().commit(&[Write::put(key, value, Expect::Any).unwrap()]).await.unwrap();
    }

    async fn put_owner(&self, name: &str, event_tokens: &[&str]) {
        let profile = Owner {
            owner: name.to_owned(),
            mail_domains: ["example.com".to_owned()].into(),
            event_tokens: event_tokens.iter().map(|token| (*token).to_owned()).collect(),
            retention_days: 30,
            access: relay::access::Access::default(),
            created_at: 0,
        };
        self.put(Owner::key(name), &profile).await;
    }

    async fn put_app(&self, app_token: &str, owner: &str) {
        let claim = owner::App { app_token: app_token.to_owned(), owner: owner.to_owned(), created_at: 0 };
        self.put(owner::App::key(app_token), &claim).await;
    }

    async fn answer_at(&self, request: &Request, now: i64) -> Response {
        let response = self.app.answer(Visit { request, now, trace_id: TRACE }).await;
        assert_eq!(header(&response, "x-relay-trace-id"), Some(TRACE), "every answer carries the trace id");
        self.assert_balance();
        response
    }

    async fn answer(&self, request: &Request) -> Response {
        self.answer_at(request, NOW).await
    }

    async fn get(&self, path: &str, query: &str) -> Response {
        self.answer(&request("GET", path, query)).await
    }

    /// `received = accepted + spilled + quarantined + dropped + rejected + failed`, after every answer.
    fn assert_balance(&self) {
        let outcomes = [Metric::Accepted, Metric::Spilled, Metric::Quarantined, Metric::Dropped, Metric::Rejected];
        let sum: u64 = outcomes.iter().chain(&[Metric::Failed]).map(|metric| self.total(*metric)).sum();
        assert_eq!(self.total(Metric::Received), sum);
    }

    fn total(&self, metric: Metric) -> u64 {
        self.app.counters().total(metric)
    }

    /// The frames in the stream, then those in the spill queue.
    fn frames(&self) -> Vec<Frame> {
        let streamed = self.stream().all().into_iter().map(|record| record.data.to_vec());
        let spilled = self.spill().messages().into_iter().map(|message| relay::spill::frame(&message.body));
        streamed.chain(spilled).map(|data| frame::decode(&data).unwrap()).collect()
    }

    /// The ids of all activities that are durable, with how long they are kept.
    fn ids(&self) -> Vec<(u16, String)> {
        let mut ids = Vec::new();
        for frame in self.frames() {
            if let Frame::Activities(activities) = frame {
                let days = activities.retention_days;
                ids.extend(
                    activities.datums().map(|datum| (days, avro::decode(datum).unwrap().activity_id.to_string())),
                );
            }
        }
        ids
    }

    fn raws(&self) -> Vec<Raw> {
        let raws = self.frames().into_iter();
        raws.filter_map(|frame| if let Frame::Raw(raw) = frame { Some(raw) } else { None }).collect()
    }

    fn reasons(&self) -> Vec<Reason> {
        self.raws().into_iter().map(|raw| raw.reason).collect()
    }
}

fn request(method: &str, path: &str, query: &str) -> Request {
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Request { method, path, query, ..Request::default() }
}

/// What is UTF-8 comes as text.
fn with_body(mut request: Request, content_type: &str, body: &[u8]) -> Request {
    request.headers.push(("content-type".to_owned(), content_type.to_owned()));
    request.body = String::from_utf8(body.to_vec()).map_or_else(|binary| binary.into_bytes().into(), Body::from);
    request
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

/// A problem of this status and code, with its words.
fn assert_problem(response: &Response, status: u16, code: &str) -> String {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(header(response, "content-type"), Some("application/problem+json"));
    let body = json(response);
    assert_eq!(body["type"], format!("urn:relay:problem:{code}"));
    assert_eq!(body["status"], status);
    assert_eq!(body["trace_id"], TRACE);
    body["detail"].as_str().unwrap().to_owned()
}
