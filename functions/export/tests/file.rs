//! `DELETE /v1/exports/{id}/file` over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use relay::export::{Export, Status};
use relay::fault::FaultKind;
use relay::port::ExportFiles;
use relay::port::memory::Trouble;
use serde_json::json;
use support::api::{World, asking, to};
use support::{API_KEY, NOW, request, run};

const DAY_MS: i64 = 86_400_000;

/// An export of several kinds that is done, its objects, and another's.
fn done(world: &World) -> (String, Export) {
    let answer = world.send(&asking(&request(&json!({"kind": ["event", "install"]})).to_string()), NOW);
    let path = answer.header("location").unwrap().to_owned();
    let export = world.amend(&path, |export| {
        let name = |kind: &str| format!("demo-app_{kind}_20261114_20261114_UTC.csv");
        let file =
            |kind| json!({"name": name(kind), "kind": kind, "rows": 1, "bytes": 4, "totals": export.checkpoint.totals});
        let files = [file("event"), file("install")].map(|file| serde_json::from_value(file).unwrap());
        export.checkpoint.files = files.into();
        export.checkpoint.kind = 2;
        export.finish(Status::Done, NOW);
    });
    for key in export.object_keys().into_iter().chain([format!("exports/demo/{}/file.csv", "0".repeat(32))]) {
        store(world, &key);
    }
    assert_eq!(world.api.files.objects().len(), 4);
    (path, export)
}

fn store(world: &World, key: &str) {
    run(async {
        let upload = world.api.files.begin(key, &[]).await.unwrap();
        let part = world.api.files.put_part(&upload, 1, Bytes::from_static(b"rows")).await.unwrap();
        world.api.files.complete(&upload, &[part], Duration::ZERO).await.unwrap();
    });
}

#[test]
fn every_object_of_an_export_is_deleted_and_no_other() {
    let world = World::new();
    let (path, _) = done(&world);
    let answer = world.send(&to("DELETE", &format!("{path}/file"), API_KEY), NOW + 60_000);
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("expired")), "{}", answer.body);
    assert_eq!(answer.body["file_deleted_at"], json!("2026-11-14T09:31:00Z"));
    let left: Vec<_> = world.api.files.objects().into_keys().collect();
    assert_eq!(left, [format!("exports/demo/{}/file.csv", "0".repeat(32))]);
    assert_eq!(world.call("GET", &path).body["status"], json!("expired"));
    let link = world.call("POST", &format!("{path}/link"));
    assert_eq!((link.status, link.code()), (410, "expired"));
    assert!(link.body["detail"].as_str().unwrap().contains("on request at 2026-11-14T09:31:00Z"), "{}", link.body);
    assert!(world.api.mailer.sent().is_empty());
}

#[test]
fn deleting_again_is_the_same_answer() {
    let world = World::new();
    let (path, _) = done(&world);
    let delete = to("DELETE", &format!("{path}/file"), API_KEY);
    let first = world.send(&delete, NOW + 1);
    assert_eq!((first.status, world.send(&delete, NOW + 60_000).body), (200, first.body));
    // When its days are over there may be something left all the same: the bucket deletes once a day.
    let world = World::new();
    let (path, _) = done(&world);
    let answer = world.send(&to("DELETE", &format!("{path}/file"), API_KEY), NOW + 15 * DAY_MS);
    assert_eq!((answer.status, world.api.files.objects().len()), (200, 1));
}

#[test]
fn a_deletion_that_broke_off_is_brought_to_its_end_by_the_next_call() {
    for trouble in
        [Trouble::Refused(FaultKind::Unavailable), Trouble::Partial(vec![1], FaultKind::Throttled), Trouble::AnswerLost]
    {
        let world = World::new();
        let (path, export) = done(&world);
        world.api.files.script.add("remove", [trouble]);
        assert_eq!(world.call("DELETE", &format!("{path}/file")).status, 503);
        // Some may be gone: there is no link to any.
        assert_eq!(world.call("POST", &format!("{path}/link")).status, 410);
        assert_eq!(world.call("DELETE", &format!("{path}/file")).status, 200);
        let objects = world.api.files.objects();
        assert!(export.object_keys().iter().all(|key| !objects.contains_key(key)));
    }
    let world = World::new();
    let (path, _) = done(&world);
    world.api.control.script.refuse("commit", 1, FaultKind::Throttled);
    assert_eq!(world.call("DELETE", &format!("{path}/file")).status, 503);
    assert_eq!(world.api.files.objects().len(), 4, "nothing is deleted before it is said");
    assert_eq!(world.call("POST", &format!("{path}/link")).status, 200);
}

#[test]
fn where_there_is_no_file_there_is_nothing_to_delete() {
    for status in [Status::Queued, Status::Running, Status::Empty, Status::Failed, Status::Cancelled] {
        let world = World::new();
        let path = world.asked();
        world.amend(&path, |export| export.status = status);
        let answer = world.call("DELETE", &format!("{path}/file"));
        assert_eq!((answer.status, answer.code()), (409, "no-file"), "{status:?}");
        assert_eq!(world.call("GET", &path).body["file_deleted_at"], json!(null));
    }
    let world = World::new();
    let (path, _) = done(&world);
    let foreign = world.send(&to("DELETE", &format!("{path}/file"), "rival_key"), NOW);
    assert_eq!((foreign.status, world.api.files.objects().len()), (404, 4));
    let wrong = world.call("POST", &format!("{path}/file"));
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("DELETE")));
}

#[test]
fn what_was_deleted_is_asked_for_anew() {
    let world = World::new();
    let (path, export) = done(&world);
    let again = || world.send(&asking(&request(&json!({"kind": ["event", "install"]})).to_string()), NOW + 2);
    assert_eq!(again().body["export_id"], json!(export.export_id));
    assert_eq!(world.call("DELETE", &format!("{path}/file")).status, 200);
    assert_ne!(again().body["export_id"], json!(export.export_id));
}
