//! The door over the in-memory doubles, for events of API Gateway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ingest::{App, Visit};
use relay::access::Access;
use relay::avro;
use relay::callback::{self, DRY_RUN_PARAMETER, query};
use relay::control::{Expect, Write};
use relay::frame::{self, Frame, MAX_FRAME_BYTES};
use relay::http::{Request, Response};
use relay::owner::{self, KeyRecord, Owner, Role};
use relay::port::ControlTable as _;
use relay::port::memory::{MemoryControl, MemorySpill, MemoryStream};
use relay_lambda::gateway;
use serde_json::{Value, json};

use crate::target::NOW;

const KEY: &str = "relay_ingest_1";

/// What API Gateway takes of request line and headers together ("Quotas for HTTP APIs"): what is longer never comes.
const MAX_HEAD_BYTES: usize = 10_240;

type Door = App<MemoryStream, MemorySpill, MemoryControl>;

async fn open() -> Door {
    let door = App::new(MemoryStream::new(1), MemorySpill::default(), MemoryControl::default());
    let owner = Owner {
        owner: "demo".to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 30,
        access: Access::default(),
        created_at: 0,
    };
    let app = owner::App { app_token: "app".to_owned(), owner: "demo".to_owned(), created_at: 0 };
    let key = KeyRecord::of(KEY, "demo", Role::Ingest, 0);
    let writes = [
        Write::put(Owner::key("demo"), &owner, Expect::Any).unwrap(),
        Write::put(owner::App::key("app"), &app, Expect::Any).unwrap(),
        Write::put(KeyRecord::key(&key.sha256), &key, Expect::Any).unwrap(),
    ];
    door.tenants.control.commit(&writes).await.unwrap();
    door
}

/// Hands events to one door, one after the other, and checks each answer against what became durable.
fn hand_in(events: impl IntoIterator<Item = Value>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let door = open().await;
        for event in events {
            let Ok(event) = serde_json::from_value(event) else { continue };
            let request = gateway::request(event);
            let before = door.stream.all().len();
            let response = door.answer(Visit { request: &request, now: NOW, trace_id: "ab" }).await;
            let frames =
                door.stream.all().into_iter().skip(before).map(|record| record.data.to_vec()).collect::<Vec<_>>();
            assert_kept(&request, &response, &frames);
            drop(gateway::response(response));
        }
    });
}

/// 200 means that whatever was taken is durable and decodes; anything else that nothing is.
fn assert_kept(request: &Request, response: &Response, frames: &[Vec<u8>]) {
    let known = [200, 400, 401, 403, 404, 405, 413, 415, 422];
    assert!(known.contains(&response.status), "{} {}", response.status, response.body);
    let body: Value = serde_json::from_str(&response.body).expect("every answer is JSON");
    let decode = |frame: &Vec<u8>| frame::decode(frame).expect("what is acknowledged decodes");
    let decoded: Vec<_> = frames.iter().map(decode).collect();
    if response.status == 200 && request.path == "/v1/activities" {
        let kept: usize = decoded.iter().map(activities).sum();
        assert_eq!(body["accepted"], kept, "{}", response.body);
    } else {
        let is_kept = response.status == 200 && request.path.starts_with("/v1/callbacks/") && !is_trial(request);
        assert_eq!(decoded.len(), usize::from(is_kept), "{} {}", response.status, response.body);
    }
    let largest = frames.iter().map(Vec::len).max().unwrap_or_default();
    let head = request.query.len() + request.header("content-type").map_or(0, str::len);
    assert!(largest <= MAX_FRAME_BYTES || head > MAX_HEAD_BYTES, "a frame of {largest} bytes");
}

fn is_trial(request: &Request) -> bool {
    let pairs = query::parse(request.query.as_bytes());
    pairs.iter().any(|(name, value)| name == DRY_RUN_PARAMETER && ["1", "true"].contains(&value.as_ref()))
}

fn activities(frame: &Frame) -> usize {
    match frame {
        Frame::Activities(activities) => {
            activities.datums().for_each(|datum| drop(avro::decode(datum).expect("each activity decodes")));
            activities.len()
        }
        Frame::Raw(_) => 0,
    }
}

/// An input that is an event comes as it is, and as a callback of every provider by both methods.
pub(crate) fn event(input: &[u8]) {
    let event = serde_json::from_slice(input).unwrap_or_else(|_| as_callback(input));
    let templates = callback::providers().flat_map(|provider| ["GET", "POST"].map(|method| (provider, method)));
    let filled = templates.map(|(provider, method)| {
        let mut event = event.clone();
        if event["rawPath"] == "/v1/callbacks/{provider}" {
            event["rawPath"] = json!(format!("/v1/callbacks/{provider}"));
            event["requestContext"]["http"]["method"] = json!(method);
        }
        with_defaults(event)
    });
    hand_in(filled);
}

/// Bytes that are no event: a callback with them as query and as body.
fn as_callback(input: &[u8]) -> Value {
    json!({
        "rawPath": "/v1/callbacks/{provider}",
        "rawQueryString": format!("key={KEY}&{}", String::from_utf8_lossy(input)),
        "headers": {"content-type": "application/json"},
        "body": STANDARD.encode(input),
        "isBase64Encoded": true,
    })
}

/// What every event of the gateway has.
fn with_defaults(mut event: Value) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.entry("version").or_insert(json!("2.0"));
        members.entry("headers").or_insert(json!({}));
        members.entry("isBase64Encoded").or_insert(json!(false));
        let context = members.entry("requestContext").or_insert(json!({}));
        if let Some(context) = context.as_object_mut() {
            context.entry("timeEpoch").or_insert(json!(NOW));
            context.entry("http").or_insert(json!({"method": "GET"}));
        }
    }
    event
}

/// A body of `/v1/activities` under every encoding and as either sort of body.
pub(crate) fn activities_body(input: &[u8]) {
    let forms = ["application/json", "application/x-ndjson"].into_iter();
    let coded = forms.flat_map(|form| ["", "gzip", "zstd"].map(|encoding| (form, encoding)));
    let sent = coded.flat_map(|(form, encoding)| [true, false].map(|is_text| (form, encoding, is_text)));
    let events = sent.map(|(form, encoding, is_text)| {
        let body = if is_text { String::from_utf8_lossy(input).into_owned() } else { STANDARD.encode(input) };
        with_defaults(json!({
            "rawPath": "/v1/activities",
            "rawQueryString": format!("key={KEY}"),
            "headers": {"content-type": form, "content-encoding": encoding},
            "body": body,
            "isBase64Encoded": !is_text,
            "requestContext": {"http": {"method": "POST"}},
        }))
    });
    hand_in(events);
}
