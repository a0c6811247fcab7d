//! `POST /v1/exports/preview` over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use relay::activity::Activity;
use relay::fault::FaultKind;
use serde_json::{Value, json};
use support::api::{Answer, World, asking};
use support::{DAY, NOW, commit, event, pages_of, request, run, store_pages};

fn preview(world: &World, more: &Value) -> Answer {
    let mut body = request(more);
    body.as_object_mut().unwrap().remove("email");
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    send(world, &body.to_string())
}

fn send(world: &World, body: &str) -> Answer {
    let mut request = asking(body);
    "/v1/exports/preview".clone_into(&mut request.path);
    world.send(&request, NOW)
}

/// So many events, one each three seconds of 2026-11-14.
fn busy(count: u32) -> World {
    let world = World::without_rows();
    let at = |n: u32| Activity { created_at: DAY + i64::from(n) * 3_000, ..event(n, 0) };
    let events: Vec<_> = (0..count).map(at).collect();
    store_pages(&world.api.pages, &pages_of(&events, 5_000, 1));
    world
}

#[test]
fn the_first_rows_are_those_of_the_file_and_few_rows_are_counted() {
    let world = World::new();
    let columns = json!(["created_at", {"column": "country", "header": "Where"}, {"value": "KR", "header": "Market"}, "network_name", "adid"]);
    let answer = preview(&world, &json!({"columns": columns, "timezone": "Asia/Seoul", "end_date": "2026-11-15"}));
    assert_eq!((answer.status, &answer.body["as_of"]), (200, &json!("2026-11-14T09:30:00Z")), "{}", answer.body);
    let one = &answer.body["previews"][0];
    assert_eq!(one["columns"], json!(["created_at", "Where", "Market", "network_name", "adid"]));
    assert_eq!(one["rows"][1], json!(["2026-11-14 09:00:00", "jp", "KR", "Organic, \"search\"", ""]));
    assert_eq!(one["rows"].as_array().unwrap().len(), 20);
    let told = json!([one["kind"], one["about_rows"], one["exact"], one["sampled_minutes"]]);
    assert_eq!(told, json!(["event", 20, true, 0]));
    assert!(
        world.items("export#demo").is_empty()
            && world.items("queue").is_empty()
            && world.items("request#demo").is_empty()
    );
}

#[test]
fn no_more_than_twenty_rows_are_shown_and_filters_hold() {
    let world = busy(100);
    let all = preview(&world, &json!({})).body["previews"][0].clone();
    assert_eq!((all["rows"].as_array().unwrap().len(), &all["about_rows"]), (20, &json!(100)));
    let some =
        preview(&world, &json!({"filters": {"country": ["jp"]}, "columns": ["country"]})).body["previews"][0].clone();
    assert_eq!((&some["about_rows"], &some["exact"]), (&json!(50), &json!(true)));
    assert!(some["rows"].as_array().unwrap().iter().all(|row| *row == json!(["jp"])));
}

#[test]
fn a_period_that_holds_nothing_has_no_rows_and_kinds_have_one_preview_each() {
    let answer = preview(&World::new(), &json!({"kind": ["install", "event"], "columns": ["kind"]}));
    let nothing = json!({"kind": "install", "columns": ["kind"], "rows": [], "about_rows": 0, "exact": true, "sampled_minutes": 0});
    assert_eq!(answer.body["previews"][0], nothing);
    assert_eq!(answer.body["previews"][1]["about_rows"], json!(20));
}

#[test]
fn of_many_rows_it_is_told_about_how_many_they_are() {
    let world = busy(28_000);
    for (more, rows) in [(json!({}), 28_000.0), (json!({"filters": {"country": ["kr"]}}), 14_000.0)] {
        let answer = preview(&world, &more);
        let one = &answer.body["previews"][0];
        assert_eq!((&one["exact"], one["rows"].as_array().unwrap().len()), (&json!(false), 20));
        assert!(one["sampled_minutes"].as_u64().unwrap() > 100, "{one}");
        let about = one["about_rows"].as_f64().unwrap();
        assert!((about / rows - 1.0).abs() < 0.05, "{about} for {rows}");
    }
}

#[test]
fn where_a_count_would_take_too_many_questions_it_is_not_called_exact() {
    let world = World::new();
    let write = run(relay::page::raise_shards(&world.api.control, 300)).unwrap().unwrap();
    commit(&world.api.control, &[write]);
    let one = preview(&world, &json!({})).body["previews"][0].clone();
    assert_eq!((&one["exact"], &one["sampled_minutes"]), (&json!(false), &json!(1)));
}

#[test]
fn addresses_are_neither_needed_nor_looked_at_and_all_else_is_refused_as_of_an_export() {
    let world = World::new();
    for email in [json!(null), json!("kim@example.com"), json!("kim@evil.test"), json!(7)] {
        assert_eq!(preview(&world, &json!({"email": email})).status, 200);
    }
    let wrong = preview(&world, &json!({"kind": "click", "columns": ["nonsense"], "start_date": "2026-02-30"}));
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["kind", "start_date", "columns"]));
    assert_eq!(preview(&world, &json!({"app_token": "rival-app"})).status, 403);
    assert_eq!(send(&world, "[").status, 400);
    let get = world.call("GET", "/v1/exports/preview");
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

#[test]
fn a_table_that_does_not_answer_is_503_and_never_nothing() {
    let world = World::new();
    world.api.pages.script.refuse("list", 1000, FaultKind::Throttled);
    assert_eq!(preview(&world, &json!({})).status, 503);
}
