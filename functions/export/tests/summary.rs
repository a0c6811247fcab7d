//! `GET /v1/activities/summary` over the in-memory doubles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use relay::activity::{Activity, ActivityId};
use relay::erase::Erased;
use relay::fault::FaultKind;
use relay::owner::FormerClaim;
use relay::page::{largest_shards, raise_shards};
use relay::period::Period;
use relay::port::memory::Trouble;
use relay::reader::{Reader, Selection};
use serde_json::{Value, json};
use support::api::{Answer, World, to};
use support::{API_KEY, DAY, NOW, commit, event, pages_of, put, run, store_pages};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

fn ask(world: &World, query: &str) -> Answer {
    world.call("GET", &format!("/v1/activities/summary?app_token=demo-app&{query}"))
}

/// The rows of each day of the only kind asked for, and whether they are exact.
fn days(answer: &Answer) -> Vec<(Option<u64>, bool)> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let days = answer.body["kinds"][0]["days"].as_array().unwrap();
    days.iter().map(|day| (day["rows"].as_u64(), day["exact"].as_bool().unwrap())).collect()
}

fn with_shards(world: &World, shards: u32) {
    let write = run(raise_shards(&world.api.control, shards)).unwrap().unwrap();
    commit(&world.api.control, &[write]);
}

/// So many events a day, evenly over it, on each of these days; each with so many bytes that do not compress.
fn store(world: &World, days: &[(i64, u32, usize)], shards: u32) {
    for (number, (day, count, bytes)) in days.iter().enumerate() {
        let at = |n: u32| {
            let created_at = day + i64::from(n) * DAY_MS / i64::from(*count);
            let mut noise = vec![0; *bytes];
            blake3::Hasher::new().update(&created_at.to_le_bytes()).finalize_xof().fill(&mut noise);
            let noise: String = noise.iter().map(|byte| char::from(byte & 0x3f | 0x40)).collect();
            let id = (u128::from(n) << 16) + number as u128;
            let mut event = Activity { created_at, activity_id: ActivityId(id.to_be_bytes()), ..event(n, 0) };
            event.extra.insert("noise".into(), noise.into());
            event
        };
        for batch in (0..*count).collect::<Vec<_>>().chunks(1_000) {
            let events: Vec<_> = batch.iter().map(|n| at(*n)).collect();
            store_pages(&world.api.pages, &pages_of(&events, 1_000, shards));
        }
    }
}

#[test]
fn every_day_of_each_kind_is_there_with_its_rows() {
    let world = World::new();
    let answer = ask(&world, "start_date=2026-11-13&end_date=2026-11-15&timezone=asia/seoul");
    let empty = |date: &str| json!({"date": date, "rows": 0, "exact": true});
    let none = |kind: &str| {
        let days = ["2026-11-13", "2026-11-14", "2026-11-15"].map(empty);
        json!({"kind": kind, "rows": 0, "exact": true, "days": days})
    };
    let day = json!({"date": "2026-11-14", "rows": 20, "exact": true});
    let events =
        json!({"kind": "event", "rows": 20, "exact": true, "days": [empty("2026-11-13"), day, empty("2026-11-15")]});
    let expected = json!({
        "as_of": "2026-11-14T09:30:00Z", "complete_to": "2026-11-14T09:30:00Z", "app_token": "demo-app",
        "start_date": "2026-11-13", "end_date": "2026-11-15", "timezone": "Asia/Seoul",
        "kinds": [none("install"), none("reattribution"), events],
    });
    assert_eq!((answer.status, answer.body), (200, expected));
    let korea = ask(&world, "start_date=2026-11-14&end_date=2026-11-14&kind=event&country=KR&country=nowhere");
    assert_eq!(days(&korea), [(Some(10), true)]);
    assert_eq!(
        days(&ask(&world, "start_date=2026-11-14&end_date=2026-11-14&kind=event&country=kr&os_name=ios")),
        [(Some(0), true)]
    );
}

#[test]
fn it_is_refused_as_an_export_is_with_everything_that_is_wrong() {
    let world = World::new();
    let wrong = ask(&world, "start_date=2026-02-30&end_date=x&timezone=Mars&kind=click&format=csv");
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["format", "kind", "start_date", "end_date", "timezone"]));
    let long = ask(&world, "start_date=2026-11-01&end_date=2026-11-15");
    assert_eq!((long.status, long.fields()), (422, vec!["end_date"]));
    for app in ["rival-app", "nobodys-app"] {
        let path = format!("/v1/activities/summary?app_token={app}&start_date=2026-11-14&end_date=2026-11-14");
        assert_eq!((world.call("GET", &path).status, world.call("GET", &path).code()), (403, "foreign-app"));
    }
    let path = "/v1/activities/summary?app_token=demo-app&start_date=2026-11-14&end_date=2026-11-14";
    assert_eq!(world.send(&to("GET", path, "rival_key"), NOW).status, 403);
    assert_eq!(world.send(&to("GET", path, support::INGEST_KEY), NOW).status, 401);
    let post = world.call("POST", path);
    assert_eq!((post.status, post.header("allow")), (405, Some("GET")));
}

#[test]
fn what_was_another_owners_is_past_retention_or_came_later_is_not_counted() {
    let world = World::new();
    let query = "start_date=2026-11-14&end_date=2026-11-14&kind=event";
    assert_eq!(days(&ask(&world, query))[0].0, Some(20));
    let path = format!("/v1/activities/summary?app_token=demo-app&{query}");
    // `event` was received a minute before NOW.
    assert_eq!(days(&world.send(&to("GET", &path, API_KEY), NOW - 61_000))[0].0, Some(0));
    assert_eq!(days(&world.send(&to("GET", &path, API_KEY), NOW + 91 * DAY_MS))[0].0, Some(0));
    let claim = FormerClaim { owner: "rival".to_owned(), received_since: 0, released_at: NOW - 1_000 };
    put(&world.api.control, FormerClaim::key("demo-app"), &claim);
    assert_eq!(days(&ask(&world, query)), [(Some(0), true)]);
}

#[test]
fn days_on_which_clocks_change_and_days_that_never_were() {
    let world = World::without_rows();
    for (query, lengths) in [
        ("start_date=2026-10-31&end_date=2026-11-02&timezone=America/New_York", vec![24, 25, 24]),
        ("start_date=2026-03-28&end_date=2026-03-30&timezone=Europe/Berlin", vec![24, 23, 24]),
    ] {
        let start = query.split(['=', '&']).nth(1).unwrap();
        let zone = query.rsplit('=').next().unwrap();
        let period = Period::parse(start, start, zone, 14).unwrap();
        let hours: i64 = lengths.iter().sum();
        let at = |hour: i64| {
            let id = ActivityId(u128::from((period.from + hour).unsigned_abs()).to_be_bytes());
            let created_at = period.from + hour * 60 * MINUTE_MS;
            Activity { created_at, received_at: NOW - 60_000, activity_id: id, ..event(0, 0) }
        };
        // One a full hour; the hours before and behind the period are not of it.
        store_pages(&world.api.pages, &pages_of(&(-1..=hours).map(at).collect::<Vec<_>>(), 7, 1));
        let counted = days(&ask_all_kept(&world, &format!("{query}&kind=event")));
        assert_eq!(
            counted,
            lengths.iter().map(|hours| (Some(hours.cast_unsigned()), true)).collect::<Vec<_>>(),
            "{query}"
        );
    }
    let skipped = ask(&world, "start_date=2011-12-29&end_date=2011-12-30&timezone=Pacific/Apia&kind=event");
    assert_eq!(days(&skipped), [(Some(0), true), (Some(0), true)]);
}

/// Of an owner who keeps everything for years.
fn ask_all_kept(world: &World, query: &str) -> Answer {
    let mut owner = support::profile("demo");
    owner.retention_days = 3_650;
    put(&world.api.control, relay::owner::Owner::key("demo"), &owner);
    ask(world, query)
}

#[test]
fn one_very_busy_day_is_estimated_beside_quiet_ones_that_are_counted() {
    for shards in [1, 16] {
        let world = World::without_rows();
        if shards > 1 {
            with_shards(&world, shards);
        }
        let quiet = |days_before: i64| (DAY - days_before * DAY_MS, 500, 10);
        store(&world, &[quiet(3), quiet(2), (DAY - DAY_MS, 16_000, 5_500), quiet(0)], shards);
        let answer = ask(&world, "start_date=2026-11-11&end_date=2026-11-14");
        let events = &answer.body["kinds"][2];
        let told: Vec<_> =
            events["days"].as_array().unwrap().iter().map(|day| (day["rows"].clone(), day["exact"].clone())).collect();
        for day in [0, 1, 3] {
            assert_eq!(told[day], (json!(500), json!(true)), "{shards} shards: {events}");
        }
        let busy = told[2].0.as_f64().unwrap();
        assert!((busy / 16_000.0 - 1.0).abs() < 0.1, "{busy} with {shards} shards");
        assert_eq!((&answer.body["kinds"][0]["exact"], &events["exact"]), (&json!(true), &json!(false)));
    }
}

#[test]
fn a_year_over_many_shards_says_what_was_not_looked_at() {
    let world = year_of_one_shard();
    with_shards(&world, 16);
    let answer = ask_all_kept(&world, "start_date=2026-01-01&end_date=2026-12-31");
    for kind in answer.body["kinds"].as_array().unwrap() {
        let days = kind["days"].as_array().unwrap();
        let seen: Vec<bool> = days.iter().map(|day| !day["rows"].is_null()).collect();
        assert!(days.iter().all(|day| day["exact"] == false), "none was looked at whole");
        assert!(kind["rows"].is_null() && kind["exact"] == false);
        // A part of every month, and of each kind alike.
        assert!(
            seen.chunks_exact(30).all(|month| (10..=22).contains(&month.iter().filter(|seen| **seen).count())),
            "{seen:?}"
        );
    }
    // Of one kind, and one shard, a year is counted.
    let world = year_of_one_shard();
    let counted = days(&ask_all_kept(&world, "start_date=2026-01-01&end_date=2026-12-31&timezone=Asia/Seoul"));
    assert!(counted.len() == 365 && counted.iter().all(|day| day.1));
}

fn year_of_one_shard() -> World {
    let mut world = World::new();
    world.api.settings.max_export_days = 366;
    world
}

#[test]
fn up_to_when_it_is_complete_is_told_where_it_is_known_and_fails_no_answer() {
    let query = "start_date=2026-11-14&end_date=2026-11-14&kind=event";
    let down = World::new();
    down.api.backlog.script.refuse("look", 1000, FaultKind::Unavailable);
    let answer = ask(&down, query);
    assert_eq!((days(&answer), &answer.body["complete_to"]), (vec![(Some(20), true)], &Value::Null));
    let hangs = World::new();
    hangs.api.backlog.script.silence(&["look"]);
    let answer = ask(&hangs, query);
    assert_eq!((days(&answer), &answer.body["complete_to"]), (vec![(Some(20), true)], &Value::Null));
}

#[test]
fn a_table_that_does_not_answer_is_503_and_a_day_of_it_is_no_zero() {
    let query = "start_date=2026-11-12&end_date=2026-11-14&kind=event";
    for kind in [FaultKind::Throttled, FaultKind::Unavailable, FaultKind::Denied] {
        let world = World::new();
        world.api.pages.script.refuse("list", 10_000, kind);
        let answer = ask(&world, query);
        assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{kind:?}");
    }
    let hangs = World::new();
    hangs.api.pages.script.silence(&["list"]);
    assert_eq!(ask(&hangs, query).status, 503);
    // The first look fails, however often it is tried; the others hold.
    let world = World::new();
    let flaky = [Trouble::Refused(FaultKind::Throttled), Trouble::None, Trouble::None];
    world.api.pages.script.add("list", flaky);
    let seen = days(&ask(&world, query));
    assert!(seen.iter().all(|(rows, is_exact)| rows.is_some() || !is_exact), "{seen:?}");
    assert_eq!(seen.iter().filter(|(_, is_exact)| *is_exact).count(), 2, "{seen:?}");
}

/// Activities of a few days with duplicates over writes and shards.
fn batches() -> impl Strategy<Value = Vec<Vec<(u8, i64, i64, bool)>>> {
    let one = (0u8..40, -30i64 * 60..30 * 60, 0i64..3, any::<bool>());
    prop::collection::vec(prop::collection::vec(one, 0..30), 0..8)
}

fn activity((id, minute, delay, is_other): (u8, i64, i64, bool)) -> Activity<'static> {
    // An id holds its moment: the same id is of the same minute.
    let created_at = DAY + minute * MINUTE_MS + i64::from(id) * 997;
    let mut digest = [id; 16];
    digest[..8].copy_from_slice(&created_at.to_be_bytes());
    let content = event(u32::from(is_other), 0);
    Activity { activity_id: ActivityId(digest), created_at, received_at: NOW - 60_000 + delay, ..content }
}

/// What the reader makes of a period of this selection: the rows of the file.
fn file_rows(world: &World, selection: Selection, country: Option<&str>) -> u64 {
    run(async {
        let mut reader = Reader::new(&world.api.pages, selection);
        let mut rows = 0;
        while let Some(minute) = reader.next().await.unwrap() {
            let wanted = |activity: &Activity<'_>| {
                country.is_none_or(|country| activity.fields.text(relay::field::Field::Country) == Some(country))
            };
            rows += minute.iter().filter(|activity| wanted(activity.as_ref().unwrap())).count() as u64;
        }
        rows
    })
}

#[test]
fn exact_days_have_the_rows_of_their_files() {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[6; 32]));
    let zones =
        prop::sample::select(vec!["UTC", "Asia/Seoul", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]);
    let country = prop::sample::select(vec![None, Some("kr"), Some("jp")]);
    let cases = (batches(), 1u32..5, zones, country);
    let checked = runner.run(&cases, |(batches, shards, zone, country)| {
        let world = World::without_rows();
        with_shards(&world, shards.max(2));
        for batch in &batches {
            let activities: Vec<_> = batch.iter().map(|one| activity(*one)).collect();
            store_pages(&world.api.pages, &pages_of(&activities, 10, shards));
        }
        let filter = country.map(|country| format!("&country={country}")).unwrap_or_default();
        let query = format!("start_date=2026-11-12&end_date=2026-11-16&timezone={zone}&kind=event{filter}");
        let counted = days(&ask(&world, &query));
        let period = Period::parse("2026-11-12", "2026-11-16", zone, 14).unwrap();
        let export = support::export_of(
            "demo",
            NOW,
            1,
            &json!({"start_date": "2026-11-12", "end_date": "2026-11-16", "timezone": zone}),
        );
        let largest = run(largest_shards(&world.api.control)).unwrap();
        for (day, counted) in period.days().iter().zip(counted) {
            let selection = Selection {
                from: day.from,
                to: day.to,
                ..export.selection(export.kinds[0], largest, None, &Erased::none())
            };
            prop_assert_eq!(counted, (Some(file_rows(&world, selection, country)), true), "{} {}", day.date, zone);
        }
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn estimates_of_steady_days_are_near_whatever_the_shards() {
    let mut told = BTreeMap::new();
    for shards in [1, 4, 16] {
        let world = World::without_rows();
        if shards > 1 {
            with_shards(&world, shards);
        }
        store(&world, &[(DAY - DAY_MS, 7_000, 5_500), (DAY, 9_000, 5_500)], shards);
        for query in ["kind=event", "kind=event&country=kr", ""] {
            let answer = ask(&world, &format!("start_date=2026-11-13&end_date=2026-11-14&{query}"));
            let kinds = answer.body["kinds"].as_array().unwrap();
            let events = &kinds[kinds.len() - 1];
            let part = if query.contains("country") { 0.5 } else { 1.0 };
            for (day, rows) in [(0, 7_000.0), (1, 9_000.0)] {
                let day = &events["days"][day];
                let off = day["rows"].as_f64().unwrap() / (rows * part) - 1.0;
                let most = if day["exact"] == true { 0.0 } else { 0.1 };
                assert!(off.abs() <= most, "{off} off with {shards} shards: {day}");
                *told.entry(day["exact"].as_bool().unwrap()).or_insert(0) += 1;
            }
        }
    }
    assert!(told.get(&false).is_some_and(|estimated| *estimated > 3), "some were too large to count: {told:?}");
}
