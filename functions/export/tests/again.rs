//! The same request within a minute is the same export.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use export::api::{Api, Call, Settings};
use proptest::prelude::*;
use relay::export::Status;
use relay::fault::FaultKind;
use relay::http::Response;
use relay::metric::Metric;
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryMailer, MemoryPages, MemorySigner, MemoryStream, Trouble,
};
use serde_json::{Value, json};
use support::api::{Answer, World, asking, to};
use support::{NOW, Shared, event, pages_of, register, request, store_pages};

/// Sends exactly this, so much later than the first.
fn again(world: &World, later: i64) -> Answer {
    world.send(&asking(&request(&json!({})).to_string()), NOW + later)
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = answer.body["export_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(format!("/v1/exports/{id}").as_str()));
    id
}

#[test]
fn the_same_request_within_a_minute_is_answered_with_the_same_export() {
    let world = World::new();
    world.asked();
    let first = id(&again(&world, 0));
    let second = again(&world, 59_999);
    assert_eq!(
        (id(&second), &second.body),
        (first.clone(), &json!({"export_id": first, "status": "queued", "position": 1}))
    );
    // As a client with another JSON library writes it.
    let body = r#"{"email":"kim@example.com",  "timezone": "UTC", "end_date":"2026-11-14","start_date":"2026-11-14","kind":"event","app_token":"demo-app"}"#;
    assert_eq!(id(&world.send(&asking(body), NOW + 1)), first);
    assert_eq!(
        (world.items("export#demo").len(), world.items("queue").len(), world.items("seat#demo").len()),
        (2, 1, 1)
    );
    assert_eq!(world.api.counters.lock().unwrap().total(Metric::ExportsRequested), 2);
    let other = again(&world, 60_000);
    assert_eq!((id(&other) == first, &other.body["position"]), (false, &json!(2)), "a minute later it is another");
    assert_eq!(id(&again(&world, 119_999)), id(&other), "whose minute begins anew");
}

#[test]
fn anothers_request_and_another_request_are_other_exports() {
    let world = World::new();
    let first = id(&again(&world, 0));
    for more in [json!({"timezone": "Asia/Seoul"}), json!({"excel": true}), json!({"columns": ["adid"]})] {
        let other = world.send(&asking(&request(&more).to_string()), NOW);
        assert_ne!(id(&other), first, "{more}");
    }
    let mut foreign = asking(&request(&json!({"app_token": "rival-app"})).to_string());
    foreign.headers[0].1 = "Bearer rival_key".to_owned();
    assert_ne!(world.send(&foreign, NOW).body["export_id"], json!(first));
}

#[test]
fn it_is_answered_as_it_is_now() {
    for (status, shown) in [(Status::Running, "running"), (Status::Done, "done"), (Status::Empty, "empty")] {
        let world = World::new();
        let first = id(&again(&world, 0));
        world.amend(&format!("/v1/exports/{first}"), |export| export.status = status);
        let second = again(&world, 30_000);
        assert_eq!(second.body, json!({"export_id": first, "status": shown, "position": null}));
    }
}

#[test]
fn what_is_of_no_use_any_more_is_made_anew() {
    for status in [Status::Failed, Status::Cancelled] {
        let world = World::new();
        let first = id(&again(&world, 0));
        world.amend(&format!("/v1/exports/{first}"), |export| export.finish(status, NOW));
        let second = id(&again(&world, 1));
        assert_ne!(second, first, "{status:?}");
        assert_eq!(id(&again(&world, 2)), second);
    }
    let world = World::new();
    let first = id(&again(&world, 0));
    assert_eq!(world.send(&to("DELETE", &format!("/v1/exports/{first}"), support::API_KEY), NOW + 1).status, 200);
    assert_ne!(id(&again(&world, 2)), first);
}

#[test]
fn where_as_many_wait_as_may_the_same_request_is_no_further_one() {
    let world = World::new();
    world.asked();
    let first = id(&again(&world, 0));
    for _ in 1..100 {
        world.asked();
    }
    assert_eq!(world.ask(&json!({})).status, 429);
    assert_eq!(id(&again(&world, 1)), first);
}

#[test]
fn a_period_that_has_become_known_to_be_empty_is_the_export_that_waits() {
    let world = World::without_rows();
    world.api.backlog.script.refuse("look", 1, FaultKind::Unavailable);
    let first = id(&again(&world, 0));
    assert_eq!(id(&again(&world, 1)), first);
    assert_eq!(world.ask(&json!({})).body, json!({"status": "empty"}));
    assert_eq!(again(&world, 60_000).body, json!({"status": "empty"}));
}

#[test]
fn what_was_stored_without_an_answer_is_found_by_the_clients_next_try() {
    let world = World::new();
    // The commit is carried out, and its answer lost.
    world.api.control.script.add("commit", [Trouble::AnswerLost]);
    assert_eq!(again(&world, 0).status, 503);
    let first = id(&again(&world, 5_000));
    assert_eq!(world.items("export#demo").len(), 1);
    assert_eq!(world.items("request#demo").len(), 1);
    assert_eq!(id(&again(&world, 6_000)), first);
}

type Together = Api<(Shared, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

fn together(control: &Shared) -> Together {
    let pages = MemoryPages::default();
    store_pages(&pages, &pages_of(&[event(1, 64)], 1, 1));
    let settings = Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None };
    let (executions, signer, mailer) = (MemoryExecutions::default(), MemorySigner::default(), MemoryMailer::default());
    let files = MemoryFiles::default();
    Api::new((control.clone(), pages, MemoryStream::new(1), executions, files, signer, mailer), settings)
}

/// Carries on the calls by turns as `turns` says, then each to its end.
fn interleaved(mut calls: Vec<Pin<Box<dyn Future<Output = Response> + '_>>>, turns: &[usize]) -> Vec<Value> {
    let mut answers: Vec<Option<Response>> = calls.iter().map(|_| None).collect();
    let rest = (0..calls.len()).cycle().take(calls.len() * 1000);
    for turn in turns.iter().copied().chain(rest) {
        let at = turn % calls.len();
        if answers[at].is_none()
            && let Poll::Ready(response) = calls[at].as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            answers[at] = Some(response);
        }
    }
    answers.into_iter().map(|answer| serde_json::from_str(&answer.unwrap().body).unwrap()).collect()
}

proptest! {
    #[test]
    fn the_same_request_many_times_at_once_is_one_export(turns in prop::collection::vec(0..3_usize, 0..80)) {
        let control = Shared(Arc::new(MemoryControl::default()));
        register(&*control.0);
        let api = together(&control);
        let request = asking(&request(&json!({})).to_string());
        let call = |n: u8| Call { request: &request, now: NOW + i64::from(n), random: [n; 10], secret: [0; 32], trace_id: "ab".repeat(16) };
        let asked = [call(1), call(2), call(3)];
        let calls = asked.iter().map(|call| Box::pin(api.answer(call)) as Pin<Box<dyn Future<Output = Response>>>).collect();
        let answers = interleaved(calls, &turns);
        let ids: BTreeSet<&str> = answers.iter().map(|answer| answer["export_id"].as_str().unwrap()).collect();
        prop_assert_eq!(ids.len(), 1, "{:?}", answers);
        let exports = control.0.all().into_iter().filter(|item| item.key.pk == "export#demo").count();
        prop_assert_eq!(exports, 1);
    }
}
