//! Every answer about recurring exports.

use relay::fault::FaultKind;
use relay::http::Request;
use relay::schedule::MAX_SCHEDULES;
use serde_json::{Value, json};

use super::answers::{expect, operation};
use super::document::Document;
use super::ledger::Ledger;
use super::world::{NO_EXPORT, Sent, World, asking, request, with_body};

pub(crate) async fn answers(document: &Document, ledger: &mut Ledger<'_>) {
    lives(document, ledger).await;
    refused(document, ledger).await;
    unsubscribed(document, ledger).await;
    let create = operation(document, "createSchedule");
    let mut world = World::new().await;
    let wanted = request(document, create, Sent::Right);
    for _ in 0..MAX_SCHEDULES {
        assert_eq!(world.answer(&wanted).await.status, 201);
    }
    expect(&mut world, create, &wanted, (409, "too-many-schedules"), ledger).await;
}

async fn lives(document: &Document, ledger: &mut Ledger<'_>) {
    let [create, list, get, delete] =
        ["createSchedule", "listSchedules", "getSchedule", "deleteSchedule"].map(|id| operation(document, id));
    let mut world = World::new().await;
    let wanted = request(document, create, Sent::Right);
    expect(&mut world, create, &wanted, (201, "next_run_at"), ledger).await;
    for (query, status, said) in [("", 200, "schedules"), ("limit=1", 200, "next"), ("limit=101", 422, "limit")] {
        let mut request = request(document, list, Sent::Right);
        query.clone_into(&mut request.query);
        expect(&mut world, list, &request, (status, said), ledger).await;
    }
    let body: Value = serde_json::from_str(&world.answer(&wanted).await.body).unwrap();
    let id = body["schedule_id"].as_str().unwrap();
    for operation in [get, delete] {
        let mut request = request(document, operation, Sent::Right);
        expect(&mut world, operation, &request, (404, "not-found"), ledger).await;
        request.path = request.path.replace(NO_EXPORT, id);
        expect(&mut world, operation, &request, (200, "schedule_id"), ledger).await;
    }
}

async fn refused(document: &Document, ledger: &mut Ledger<'_>) {
    let create = operation(document, "createSchedule");
    let plain = request(document, create, Sent::Right);
    let with = |name, value| asking(document, create, &[(name, value)]);
    for (request, status, said) in [
        (with_body(plain.clone(), "application/json", b"[]"), 400, "malformed"),
        (with("app_token", json!("other-app")), 403, "foreign-app"),
        (with_body(plain.clone(), "application/json", &vec![b' '; 64 * 1024 + 1]), 413, "too-large"),
        (with_body(plain.clone(), "text/plain", &plain.body), 415, "unsupported-media-type"),
        (with("frequency", json!("yearly")), 422, "frequency"),
        (with("start_date", json!("2026-11-01")), 422, "start_date"),
    ] {
        expect(&mut World::new().await, create, &request, (status, said), ledger).await;
    }
}

/// Without a key: the token says it all.
async fn unsubscribed(document: &Document, ledger: &mut Ledger<'_>) {
    let mut world = World::new().await;
    world.answer(&request(document, operation(document, "createSchedule"), Sent::Right)).await;
    let items = world.api.control.all();
    let token = items.iter().find_map(|item| item.key.pk.strip_prefix("unsubscribe#")).unwrap();
    for (id, has_button) in [("askToUnsubscribe", true), ("unsubscribe", false), ("askToUnsubscribe", false)] {
        let operation = operation(document, id);
        let at = |token: &str| Request {
            path: operation.path.replace("{token}", token),
            ..request(document, operation, Sent::None)
        };
        let response = world.answer(&at(token)).await;
        assert_eq!((response.status, response.body.contains("<form")), (200, has_button), "{id}");
        ledger.note(operation, &response);
        expect(&mut world, operation, &at(NO_EXPORT), (404, "not-found"), ledger).await;
        world.api.control.script.refuse("get", 1, FaultKind::Unavailable);
        expect(&mut world, operation, &at(token), (503, "unavailable"), ledger).await;
    }
}
