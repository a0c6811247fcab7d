//! What the API leaves in the audit record, over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use relay::audit::Record;
use relay::export::{Export, Status};
use relay::fault::FaultKind;
use relay::port::memory::Trouble;
use serde_json::json;
use support::api::{World, asking, to};
use support::{API_KEY, NOW};

/// Every record of `demo`, oldest first.
fn records(world: &World) -> Vec<Record> {
    world.items("audit#demo").iter().map(|item| item.read().unwrap()).collect()
}

fn actions(world: &World) -> Vec<String> {
    let mut records = records(world);
    records.sort_by_key(|record| record.at);
    records.into_iter().map(|record| record.action).collect()
}

fn done(world: &World) -> String {
    let path = world.asked();
    world.amend(&path, |export: &mut Export| export.finish(Status::Done, NOW));
    path
}

#[test]
fn an_export_is_recorded_once_with_what_was_asked_and_no_address() {
    let world = World::new();
    let body =
        world.unheard_of(&json!({"email": ["kim@example.com", "lee@example.com"], "kind": ["install", "event"]}));
    for _ in 0..2 {
        assert_eq!(world.send(&asking(&body), NOW).status, 202);
    }
    let [record] = records(&world).try_into().unwrap();
    assert_eq!((record.action.as_str(), record.at), ("export.created", NOW));
    assert!(record.who.starts_with("key ") && record.who.len() == 16, "{}", record.who);
    let export = world.items("export#demo").remove(0).read::<Export>().unwrap();
    assert_eq!((&record.subject, &record.trace_id), (&export.export_id, &export.trace_id));
    let details = json!({
        "app_token": "demo-app", "kind": "install,event", "domain": "example.com",
        "from": "2026-11-14T00:00:00Z", "to": "2026-11-15T00:00:00Z",
    });
    assert_eq!(json!(record.details), details);
}

#[test]
fn what_is_refused_or_changes_nothing_is_not_recorded() {
    let world = World::new();
    assert_eq!(world.ask(&json!({"kind": "nonsense"})).status, 422);
    world.call("POST", &format!("/v1/exports/{}/link", "0".repeat(32)));
    world.call("DELETE", &format!("/v1/exports/{}", "0".repeat(32)));
    world.api.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(world.ask(&json!({})).status, 503);
    assert_eq!(actions(&world), [""; 0]);
}

#[test]
fn taking_back_and_deleting_are_recorded_once() {
    let world = World::new();
    let path = world.asked();
    for (later, status) in [(1, 200), (2, 409)] {
        assert_eq!(world.send(&to("DELETE", &path, API_KEY), NOW + later).status, status);
    }
    assert_eq!(actions(&world), ["export.created", "export.cancelled"]);

    let world = World::new();
    let path = done(&world);
    for later in [1, 2] {
        assert_eq!(world.send(&to("DELETE", &format!("{path}/file"), API_KEY), NOW + later).status, 200);
    }
    assert_eq!(actions(&world), ["export.created", "file.deleted"]);
}

#[test]
fn each_link_is_recorded_and_each_mail_with_one() {
    let world = World::new();
    let path = done(&world);
    let link = to("POST", &format!("{path}/link"), API_KEY);
    for later in [1, 1, 2] {
        assert_eq!(world.send(&link, NOW + later).status, 200);
    }
    assert_eq!(world.api.mailer.sent().len(), 1);
    let mut actions = actions(&world);
    actions.sort();
    assert_eq!(actions, ["export.created", "link.made", "link.made", "link.made", "link.mailed"]);
}

#[test]
fn there_is_no_link_without_its_record() {
    let world = World::new();
    let path = done(&world);
    let link = to("POST", &format!("{path}/link"), API_KEY);
    world.api.control.script.refuse("commit", 2, FaultKind::Throttled);
    let answer = world.send(&link, NOW + 1);
    assert!(answer.status == 503 && answer.body["url"].is_null(), "{}", answer.body);
    assert!(world.api.mailer.sent().is_empty());
    // Written, and only the answer lost: the link is there, and recorded once.
    world.api.control.script.add("commit", [Trouble::AnswerLost]);
    assert_eq!(world.send(&link, NOW + 2).status, 200);
    assert_eq!(actions(&world).iter().filter(|action| *action == "link.made").count(), 1);
}
