//! Every answer of the contract, provoked at the real handlers: each is as documented, and each that is documented comes.

use std::collections::BTreeSet;
use std::io::Write as _;

use relay::access::Network;
use relay::activity::Provider;
use relay::arrival::{Arrivals, Whose};
use relay::callback::MAX_CALLBACK_BYTES;
use relay::export::Status;
use relay::fault::FaultKind;
use relay::http::Request;
use relay::port::ControlTable;
use relay::signature::SigningSecret;
use serde_json::{Value, json};

use super::document::{Document, Operation};
use super::ledger::Ledger;
use super::world::{APP, NO_EXPORT, NOW, Sent, World, asking, request, request_by, with_body};
use super::{schedules, summary, tree};

#[tokio::test(start_paused = true)]
async fn every_answer_is_as_documented_and_every_documented_one_is_given() {
    let document = Document::load();
    let mut ledger = Ledger::new(&document);
    for operation in document.operations() {
        keys(&document, operation, &mut ledger).await;
        sources(&document, operation, &mut ledger).await;
        methods(&document, operation, &mut ledger).await;
        faults(&document, operation, &mut ledger).await;
    }
    for id in ["getCallback", "postCallback"] {
        callbacks(&document, operation(&document, id), &mut ledger).await;
    }
    batches(&document, &mut ledger).await;
    signatures(&document, &mut ledger).await;
    arrivals(&document, &mut ledger).await;
    summary::answers(&document, &mut ledger).await;
    refused_batches(&document, &mut ledger).await;
    exports(&document, &mut ledger).await;
    for id in ["createExport", "previewExport"] {
        refused_exports(&document, operation(&document, id), &mut ledger).await;
    }
    full_queue(&document, &mut ledger).await;
    lives(&document, &mut ledger).await;
    schedules::answers(&document, &mut ledger).await;
    for id in ["getAccount", "getHealth", "getContract"] {
        let operation = operation(&document, id);
        let response = World::new().await.answer(&request(&document, operation, Sent::Right)).await;
        assert_eq!(response.status, 200, "{id}");
        assert!(id != "getContract" || response.body == tree::read("docs/openapi.yaml"), "the document itself");
        ledger.note(operation, &response);
    }
    ledger.settle();
}

pub(crate) fn operation<'a>(document: &'a Document, id: &str) -> Operation<'a> {
    document.operations().into_iter().find(|operation| operation.id == id).unwrap()
}

/// A key in each of the ways that the contract names opens the door; no other key does.
async fn keys(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let mut world = World::with_activities().await;
    for way in operation.security() {
        for (key, is_let_in) in
            [(Sent::None, false), (Sent::Unknown, false), (Sent::OfTheOtherKind, false), (Sent::Right, true)]
        {
            let response = world.answer(&request_by(document, operation, way, key)).await;
            assert_eq!(response.status != 401, is_let_in, "{} {way}: {}", operation.id, response.body);
            ledger.note(operation, &response);
        }
    }
}

/// Behind the door of an owner who has named networks.
async fn sources(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let network: BTreeSet<Network> = ["203.0.113.0/24".parse().unwrap()].into();
    let mut world = World::owned(|owner| {
        owner.access.callback_sources.clone_from(&network);
        owner.access.activity_sources = network;
    })
    .await;
    let mut request = request(document, operation, Sent::Right);
    for (source_ip, is_let_in) in [("203.0.113.7", true), ("198.51.100.7", false)] {
        source_ip.clone_into(&mut request.source_ip);
        let response = world.answer(&request).await;
        let is_open = is_let_in || !operation.security().contains(&"ingestKeyHeader");
        assert_eq!(response.status != 403, is_open, "{} {source_ip}: {}", operation.id, response.body);
        ledger.note(operation, &response);
    }
}

/// The path takes the methods of the contract and says so to every other.
async fn methods(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let documented: BTreeSet<&str> = document
        .operations()
        .into_iter()
        .filter(|other| other.path == operation.path)
        .map(|other| other.method)
        .collect();
    let mut refused = request(document, operation, Sent::Right);
    "PATCH".clone_into(&mut refused.method);
    let response = World::new().await.answer(&refused).await;
    let allow = response.headers.iter().find(|(name, _)| *name == "allow").map(|(_, value)| value.as_str());
    let allowed: BTreeSet<&str> = allow.unwrap_or_default().split(", ").collect();
    assert_eq!((response.status, allowed), (405, documented), "{}", operation.path);
    ledger.note(operation, &response);
}

/// What stands behind does not answer.
async fn faults(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let mut world = World::new().await;
    world.door.tenants.control.script.refuse("get", 1, FaultKind::Unavailable);
    world.api.control.script.refuse("get", 1, FaultKind::Unavailable);
    let response = world.answer(&request(document, operation, Sent::Right)).await;
    let needs_a_key = !operation.security().is_empty();
    assert_eq!(response.status == 503, needs_a_key, "{}: {}", operation.id, response.body);
    ledger.note(operation, &response);
}

async fn callbacks(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let mut world = World::owned(|owner| owner.event_tokens = ["abc123".to_owned()].into()).await;
    let changed = |from: &str, to: &str| {
        let mut changed = request(document, operation, Sent::Right);
        changed.query = changed.query.replace(from, to);
        changed
    };
    let [larger, oversize] = [2, 1].map(|part| format!("adid={}", "x".repeat(MAX_CALLBACK_BYTES / part)));
    let mut nobody = changed("", "");
    "/v1/callbacks/nobody".clone_into(&mut nobody.path);
    for (request, status, said) in [
        (changed("", ""), 200, "accepted"),
        (changed("activity_kind=install", "activity_kind=event&event_token=zzz999"), 200, "not_allowed"),
        (changed("activity_kind=install", ""), 200, "bad_kind"),
        (changed("app_token=acme-app", ""), 200, "bad_app_token"),
        (changed("acme-app", "no-such-app"), 200, "unknown_app"),
        (changed("acme-app", "other-app"), 200, "foreign_app"),
        (changed("created_at=1794735000", "created_at=never"), 200, "bad_time"),
        (changed("adid=18546f61", &larger), 200, "too_large"),
        (changed("adid=18546f61", &oversize), 413, "too-large"),
        (nobody, 404, "unknown-provider"),
        (changed("nonce=n1", "nonce=n1&dry_run=1"), 200, "activity"),
        (changed("nonce=n1", "click_time=1794734000&dry_run=true"), 200, "click_time"),
        (changed("adid=18546f61", &format!("{larger}&dry_run=1")), 200, "detail"),
        (changed("activity_kind=install", "activity_kind=event&event_token=zzz999&dry_run=1"), 200, "not_allowed"),
        (changed("nonce=n1", "dry_run=yes"), 422, "invalid-request"),
    ] {
        expect(&mut world, operation, &request, (status, said), ledger).await;
    }
    if operation.method == "POST" {
        let broken = with_body(changed("", ""), "application/json", b"[");
        expect(&mut world, operation, &broken, (200, "malformed"), ledger).await;
    }
    for (content_type, _, example) in document.examples(operation.request_body()) {
        let mut request = with_body(changed("", ""), content_type, text(content_type, example).as_bytes());
        request.query = request.query.replace("activity_kind=install&created_at=1794735000&", "");
        expect(&mut world, operation, &request, (200, "accepted"), ledger).await;
    }
}

/// One answer of this status that says this.
pub(crate) async fn expect(
    world: &mut World,
    operation: Operation<'_>,
    request: &Request,
    (status, said): (u16, &str),
    ledger: &mut Ledger<'_>,
) {
    let response = world.answer(request).await;
    assert_eq!(response.status, status, "{}: {said}: {}", operation.id, response.body);
    assert!(response.body.contains(&format!("{said}\"")), "{}: {said}: {}", operation.id, response.body);
    ledger.note(operation, &response);
}

async fn batches(document: &Document, ledger: &mut Ledger<'_>) {
    let operation = operation(document, "postActivities");
    let mut world = World::owned(|owner| owner.event_tokens = ["abc123".to_owned()].into()).await;
    let plain = request(document, operation, Sent::Right);
    let good = json!({"kind": "event", "app_token": APP, "created_at": NOW, "event_id": "e1", "event_token": "abc123"});
    let changed = |name: &str, value: Value| {
        let mut item = good.clone();
        item[name] = value;
        item
    };
    let batch = json!([
        good,
        7,
        changed("kind", json!("click")),
        changed("app_token", json!("?")),
        changed("app_token", json!("no-such-app")),
        changed("app_token", json!("other-app")),
        changed("created_at", json!("yesterday")),
        changed("event_id", json!("x".repeat(129))),
        changed("adid", json!("x".repeat(70_000))),
        changed("event_token", json!("zzz999")),
    ]);
    let response = world.answer(&with_body(plain.clone(), "application/json", batch.to_string().as_bytes())).await;
    ledger.note(operation, &response);
    let body: Value = serde_json::from_str(&response.body).unwrap();
    let rejected = body["rejected"].as_array().unwrap();
    let told: BTreeSet<&str> = rejected.iter().filter_map(|one| one["code"].as_str()).collect();
    let codes = document.schema("ItemCode")["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((&body["accepted"], told), (&json!(1), codes));
    for (content_type, _, example) in document.examples(operation.request_body()) {
        let request = with_body(plain.clone(), content_type, text(content_type, example).as_bytes());
        expect(&mut world, operation, &request, (200, "accepted"), ledger).await;
    }
}

async fn signatures(document: &Document, ledger: &mut Ledger<'_>) {
    let operation = operation(document, "postActivities");
    let secret = SigningSecret::of("relay_signing_1", 0);
    let plain = request(document, operation, Sent::Right);
    let signed = |at: i64| {
        let mut signed = plain.clone();
        signed.headers.push(("x-relay-signature".to_owned(), secret.sign(&plain.body, at)));
        signed
    };
    let mut world = World::owned(|owner| {
        owner.access.signing_secrets.push(secret.clone());
        owner.access.signature_required = true;
    })
    .await;
    for (request, status, code) in [
        (signed(NOW), 200, "accepted"),
        (signed(NOW - 600_000), 401, "bad-signature"),
        (plain.clone(), 401, "missing-signature"),
    ] {
        expect(&mut world, operation, &request, (status, code), ledger).await;
    }
}

async fn arrivals(document: &Document, ledger: &mut Ledger<'_>) {
    let operation = operation(document, "listArrivals");
    let mut world = World::new().await;
    for (whose, what) in [(Whose::App(APP.to_owned()), "install"), (Whose::Owner("acme".to_owned()), "unknown_app")] {
        let mut arrivals = Arrivals::default();
        arrivals.add(Provider::Adjust, what, NOW - 60_000, 5);
        world.api.control.commit(&[arrivals.write(&whose, None, NOW).unwrap()]).await.unwrap();
    }
    for (query, status, said) in [
        ("", 200, "received_24h"),
        ("app_token=acme-app", 200, "unknown_app"),
        ("app_token=", 200, "unknown_app"),
        ("app_token=other-app", 403, "foreign-app"),
        ("app_token=a%20b", 422, "invalid-request"),
    ] {
        let mut request = request(document, operation, Sent::Right);
        query.clone_into(&mut request.query);
        expect(&mut world, operation, &request, (status, said), ledger).await;
    }
}

/// An example as it is sent.
fn text(content_type: &str, example: &Value) -> String {
    let pair = |(name, value): (&String, &Value)| {
        format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    match (content_type, example) {
        ("application/x-www-form-urlencoded", Value::Object(form)) => {
            form.iter().map(pair).collect::<Vec<_>>().join("&")
        }
        (_, Value::String(text)) => text.clone(),
        _ => example.to_string(),
    }
}

async fn refused_batches(document: &Document, ledger: &mut Ledger<'_>) {
    let operation = operation(document, "postActivities");
    let plain = request(document, operation, Sent::Right);
    let sent = |content_type: &str, encoding: &str, body: &[u8]| {
        let mut request = with_body(plain.clone(), content_type, body);
        request.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
        request
    };
    let (json, lines) = ("application/json", "application/x-ndjson");
    let many = json!(vec![json!({}); 501]).to_string();
    let damaged = String::from_utf8_lossy(&gzip(b"[]")).into_owned();
    let bomb = gzip(&vec![b' '; 8 * 1024 * 1024]);
    for (request, status, code) in [
        (sent(json, "", b"[{"), 400, "malformed"),
        (sent(lines, "gzip", &bomb), 413, "too-large"),
        (sent(json, "", many.as_bytes()), 413, "too-many-items"),
        (sent("text/csv", "", b"a,b"), 415, "unsupported-media-type"),
        (sent(json, "br", b"[]"), 415, "unsupported-encoding"),
        (sent(json, "gzip", damaged.as_bytes()), 415, "damaged-body"),
    ] {
        expect(&mut World::new().await, operation, &request, (status, code), ledger).await;
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn exports(document: &Document, ledger: &mut Ledger<'_>) {
    let (create, list) = (operation(document, "createExport"), operation(document, "listExports"));
    expect(&mut World::new().await, create, &request(document, create, Sent::Right), (200, "empty"), ledger).await;
    let mut world = World::with_activities().await;
    for body in [json!({}), json!({"timezone": null, "format": null, "columns": null, "filters": null, "excel": null})]
    {
        let more: Vec<(&str, Value)> =
            body.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        expect(&mut world, create, &asking(document, create, &more), (202, "position"), ledger).await;
    }
    for (query, status, said) in [
        ("", 200, "exports"),
        ("limit=1", 200, "next"),
        ("cursor=", 200, "exports"),
        ("limit=101", 422, "limit"),
        ("cursor=abc", 422, "cursor"),
    ] {
        let mut request = request(document, list, Sent::Right);
        query.clone_into(&mut request.query);
        expect(&mut world, list, &request, (status, said), ledger).await;
    }
}

async fn refused_exports(document: &Document, operation: Operation<'_>, ledger: &mut Ledger<'_>) {
    let plain = request(document, operation, Sent::Right);
    let with = |name, value| asking(document, operation, &[(name, value)]);
    for (request, status, said) in [
        (with_body(plain.clone(), "application/json", b""), 400, "malformed"),
        (with("app_token", json!("other-app")), 403, "foreign-app"),
        (with_body(plain.clone(), "application/json", &vec![b' '; 64 * 1024 + 1]), 413, "too-large"),
        (with_body(plain.clone(), "text/plain", &plain.body), 415, "unsupported-media-type"),
        (with("end_date", json!("2026-12-31")), 422, "end_date"),
        (with("no_such_member", json!(1)), 422, "no_such_member"),
    ] {
        expect(&mut World::with_activities().await, operation, &request, (status, said), ledger).await;
    }
}

async fn full_queue(document: &Document, ledger: &mut Ledger<'_>) {
    let create = operation(document, "createExport");
    let mut world = World::with_activities().await;
    // One runs, as many wait as may.
    for _ in 0..101 {
        world.export(document).await;
    }
    expect(&mut world, create, &request(document, create, Sent::Right), (429, "too-many-exports"), ledger).await;
}

/// An export in every state, and what may be done to it there.
async fn lives(document: &Document, ledger: &mut Ledger<'_>) {
    let of_one = ["getExport", "cancelExport", "linkExport", "deleteExportFile"].map(|id| operation(document, id));
    for one in of_one {
        let response = World::new().await.answer(&request(document, one, Sent::Right)).await;
        assert_eq!(response.status, 404, "{}", one.id);
        ledger.note(one, &response);
    }
    let at = |operation: Operation<'_>, id: &str| {
        let mut request = request(document, operation, Sent::Right);
        request.path = request.path.replace(NO_EXPORT, id);
        request
    };
    let later = NOW + 15 * 86_400_000;
    let [get, cancel, link, delete] = of_one;
    for (status, now, name, linked, deleted, cancelled) in [
        (Status::Running, NOW, "running", 409, 409, 200),
        (Status::Done, NOW, "done", 200, 200, 409),
        (Status::Empty, NOW, "empty", 409, 409, 409),
        (Status::Failed, NOW, "failed", 409, 409, 409),
        (Status::Cancelled, NOW, "cancelled", 409, 409, 409),
        (Status::Done, later, "expired", 410, 200, 409),
    ] {
        let mut world = World::with_activities().await;
        let id = world.export(document).await;
        world
            .amend(&id, |export| match status {
                Status::Running | Status::Queued => {}
                Status::Failed => export.fail("interrupted", "it went wrong", NOW),
                Status::Done | Status::Empty | Status::Cancelled | Status::Expired => export.finish(status, NOW),
            })
            .await;
        for (operation, expected) in [(get, 200), (link, linked), (delete, deleted), (cancel, cancelled)] {
            let response = world.answer_at(&at(operation, &id), now).await;
            assert_eq!(response.status, expected, "{name}, {}: {}", operation.id, response.body);
            assert!(operation.id != get.id || response.body.contains(&format!("\"status\":\"{name}\"")), "{name}");
            ledger.note(operation, &response);
        }
    }
}
