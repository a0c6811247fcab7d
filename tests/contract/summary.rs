//! The answers of a summary.

use relay::fault::FaultKind;

use super::answers::{expect, operation};
use super::document::Document;
use super::ledger::Ledger;
use super::world::{Sent, World, request};

pub(crate) async fn answers(document: &Document, ledger: &mut Ledger<'_>) {
    let operation = operation(document, "summarizeActivities");
    let mut world = World::new().await;
    let days = "start_date=2026-11-01&end_date=2026-11-14";
    for (query, status, said) in [
        (format!("app_token=acme-app&{days}"), 200, "reattribution"),
        (format!("app_token=acme-app&{days}&kind=event&kind=install&timezone=Asia/Seoul"), 200, "Asia/Seoul"),
        (format!("app_token=other-app&{days}"), 403, "foreign-app"),
        (format!("app_token=acme-app&{days}&kind=event&kind=event"), 422, "name each once"),
        ("end_date=2026-11-15&start_date=2026-11-01&app_token=acme-app".to_owned(), 422, "end_date"),
        (String::new(), 422, "start_date"),
    ] {
        let mut request = request(document, operation, Sent::Right);
        request.query = query;
        expect(&mut world, operation, &request, (status, said), ledger).await;
    }
    // What cannot be looked at is told as null, or not at all.
    world.api.backlog.script.refuse("look", 1, FaultKind::Throttled);
    let unknown = request(document, operation, Sent::Right);
    expect(&mut world, operation, &unknown, (200, "\"complete_to\":null,"), ledger).await;
    world.api.pages.script.refuse("list", 10_000, FaultKind::Throttled);
    expect(&mut world, operation, &unknown, (503, "unavailable"), ledger).await;
}
