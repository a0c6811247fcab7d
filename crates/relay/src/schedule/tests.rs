use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::export::RequestError;
use crate::owner::Owner;

/// 2026-11-14T09:30:00Z.
const NOW: i64 = 1_794_648_600_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn owner() -> Owner {
    serde_json::from_value(
        json!({"owner": "demo", "mail_domains": ["example.com"], "retention_days": 90, "created_at": 0}),
    )
    .unwrap()
}

fn request(more: &Value) -> Result<ScheduleRequest, RequestError> {
    let mut body = json!({"app_token": "demo-app", "kind": "event", "frequency": "daily", "email": "kim@example.com"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    ScheduleRequest::parse(body.to_string().as_bytes(), &owner())
}

fn schedule(more: &Value) -> Schedule {
    Schedule::new(request(more).unwrap(), "demo", "0".repeat(32), NOW, &[7; 32]).unwrap()
}

fn refused(more: &Value) -> Vec<(String, String)> {
    let Err(RequestError::Invalid(errors)) = request(more) else { panic!("not refused") };
    errors.into_iter().map(|error| (error.field, error.detail)).collect()
}

fn text(ms: Option<i64>) -> String {
    rfc3339(ms.unwrap())
}

/// Makes the next run as a dispatcher would.
fn make(schedule: &mut Schedule, as_of: i64) -> (String, Range<i64>) {
    let (export_id, period) = (schedule.next_export_id(), schedule.next.clone());
    schedule.made(PastRun { export_id: export_id.clone(), from: period.start, to: period.end, as_of }).unwrap();
    (export_id, period)
}

#[test]
fn the_first_run_is_the_first_that_becomes_due() {
    for (frequency, delay, at, from) in [
        ("hourly", 120, "2026-11-14T10:00:00Z", "2026-11-14T07:00:00Z"),
        ("hourly", 0, "2026-11-14T10:00:00Z", "2026-11-14T09:00:00Z"),
        ("hourly", 2880, "2026-11-14T10:00:00Z", "2026-11-12T09:00:00Z"),
        ("daily", 120, "2026-11-15T02:00:00Z", "2026-11-14T00:00:00Z"),
        ("daily", 600, "2026-11-14T10:00:00Z", "2026-11-13T00:00:00Z"),
        ("weekly", 120, "2026-11-16T02:00:00Z", "2026-11-09T00:00:00Z"),
        ("monthly", 120, "2026-12-01T02:00:00Z", "2026-11-01T00:00:00Z"),
    ] {
        let schedule = schedule(&json!({"frequency": frequency, "delay_minutes": delay}));
        assert_eq!(text(schedule.next_run_at()), at, "{frequency} + {delay}");
        assert_eq!(rfc3339(schedule.next.start), from, "{frequency} + {delay}");
    }
    let seoul = schedule(&json!({"timezone": "Asia/Seoul"}));
    assert_eq!(text(seoul.next_run_at()), "2026-11-14T17:00:00Z");
    let period = seoul.next_period().unwrap();
    assert_eq!((period.start_date.as_str(), period.end_date.as_str()), ("2026-11-14", "2026-11-14"));
}

#[test]
fn everything_wrong_with_a_request_is_told_at_once() {
    let errors = refused(
        &json!({"frequency": "yearly", "delay_minutes": 2881, "timezone": "Mars", "start_date": "2026-11-01", "kind": "x"}),
    );
    let fields: Vec<_> = errors.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["start_date", "kind", "frequency", "delay_minutes", "timezone"]);
    assert_eq!(errors[2].1, "is none of hourly, daily, weekly, monthly");
    assert_eq!(errors[3].1, "is not a whole number of minutes from 0 to 2880");
    for delay in [json!(-1), json!(1.5), json!("60"), json!(70_000)] {
        assert_eq!(refused(&json!({"delay_minutes": delay}))[0].0, "delay_minutes", "{delay}");
    }
    assert_eq!(refused(&json!({"frequency": null}))[0], ("frequency".to_owned(), "is required".to_owned()));
    assert_eq!(refused(&json!({"email": "kim@elsewhere.com"}))[0].0, "email");
    assert!(matches!(ScheduleRequest::parse(b"[]", &owner()), Err(RequestError::Malformed(_))));
}

#[test]
fn a_run_asks_for_what_the_schedule_was_asked_for() {
    let asked = json!({"kind": ["install", "event"], "timezone": "Asia/Seoul", "columns": ["adid"], "filters": {"country": ["KR"]}, "excel": true});
    let schedule = schedule(&asked);
    let request = schedule.export_request(&owner(), schedule.next_period().unwrap()).unwrap();
    assert_eq!(request.kinds.len(), 2);
    assert_eq!(
        (request.period.from..request.period.to, request.emails),
        (schedule.next, vec!["kim@example.com".to_owned()])
    );
    assert!(request.excel && request.columns.is_some() && !request.filters.is_empty());
}

#[test]
fn addresses_that_may_no_longer_be_mailed_to_are_left_out_unless_there_are_no_others() {
    let mut owner = owner();
    owner.mail_domains.insert("example.org".to_owned());
    let body = json!({"app_token": "demo-app", "kind": "event", "frequency": "daily", "email": ["kim@example.com", "lee@example.org"]});
    let request = ScheduleRequest::parse(body.to_string().as_bytes(), &owner).unwrap();
    let schedule = Schedule::new(request, "demo", "0".repeat(32), NOW, &[7; 32]).unwrap();
    let emails =
        |owner: &Owner| schedule.export_request(owner, schedule.next_period().unwrap()).map(|request| request.emails);
    assert_eq!(emails(&owner).unwrap(), ["kim@example.com", "lee@example.org"]);
    owner.mail_domains.remove("example.com");
    assert_eq!(emails(&owner).unwrap(), ["lee@example.org"]);
    owner.mail_domains.clear();
    assert!(matches!(emails(&owner), Err(RequestError::Invalid(_))));
}

#[test]
fn a_run_has_one_id_whoever_makes_it_and_no_other_run_has_it() {
    let mut schedule = schedule(&json!({}));
    let twin = schedule.clone();
    let other = Schedule { schedule_id: "1".repeat(32), ..twin.clone() };
    let id = schedule.next_export_id();
    assert!(crate::export::is_export_id(&id));
    assert_eq!(id, twin.next_export_id());
    assert_ne!(id, other.next_export_id());
    make(&mut schedule, NOW);
    assert!(id < schedule.next_export_id(), "ids sort by when runs are due");
}

#[test]
fn runs_whose_period_is_past_retention_are_skipped_and_it_is_said() {
    let mut schedule = schedule(&json!({"frequency": "monthly"}));
    assert!(!schedule.skip_past_retention(90, NOW + 100 * DAY_MS).unwrap(), "some of the month is kept");
    let first = schedule.next.clone();
    let late = NOW + 400 * DAY_MS;
    assert!(schedule.skip_past_retention(90, late).unwrap());
    let kept_since = late - 90 * DAY_MS;
    assert!(schedule.next.contains(&kept_since), "{}", rfc3339(schedule.next.start));
    let error = schedule.last_error.clone().unwrap();
    assert_eq!((error.failure.code.as_str(), error.period), ("past_retention", first.start..schedule.next.start));
    assert!(!schedule.skip_past_retention(90, late).unwrap());
}

#[test]
fn the_last_address_that_leaves_ends_it() {
    let mut schedule = schedule(&json!({"email": ["kim@example.com", "lee@example.com"]}));
    let tokens: Vec<String> = schedule.subscribers.iter().map(|one| one.token.clone()).collect();
    assert!(tokens[0] != tokens[1] && tokens.iter().all(|token| is_token(token)));
    assert!(schedule.unsubscribe(&tokens[0], NOW) && !schedule.unsubscribe(&tokens[0], NOW));
    assert_eq!((schedule.emails(), schedule.ended_at), (json!("lee@example.com"), None));
    assert!(schedule.unsubscribe(&tokens[1], NOW));
    assert_eq!((schedule.next_run_at(), schedule.view()["status"].clone()), (None, json!("ended")));
}

#[test]
fn the_view_shows_what_was_asked_and_what_comes() {
    let mut schedule = schedule(&json!({"timezone": "Asia/Seoul", "columns": ["adid"], "language": "ko"}));
    make(&mut schedule, NOW);
    schedule.fail_run("foreign_app", "The app is gone.", NOW).unwrap();
    insta::assert_snapshot!(format!("{:#}", schedule.view()));
}

#[test]
fn it_is_stored_and_read_back_whole() {
    let mut schedule = schedule(&json!({}));
    schedule.fail_run("foreign_app", "The app is gone.", NOW).unwrap();
    make(&mut schedule, NOW);
    let doc = serde_json::to_value(&schedule).unwrap();
    assert_eq!(serde_json::from_value::<Schedule>(doc).unwrap(), schedule);
}

fn a_zone() -> impl Strategy<Value = String> {
    let names: Vec<_> = jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    prop::sample::select(names).prop_filter("known", |name| Zone::named(name).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn runs_tile_time_for_years_whenever_the_ticks_come(
        zone in a_zone(), frequency in prop::sample::select(Frequency::ALL.to_vec()), delay in 0..=MAX_DELAY_MINUTES,
        pauses in prop::collection::vec(0..200i64, 1..30)
    ) {
        let mut schedule = schedule(&json!({"timezone": zone, "frequency": frequency.name(), "delay_minutes": delay}));
        let (mut now, start) = (NOW, schedule.next.start);
        let mut made: Vec<(String, Range<i64>)> = Vec::new();
        let hours = match frequency { Frequency::Hourly => 1, Frequency::Daily => 24, Frequency::Weekly => 168, Frequency::Monthly => 720 };
        for pause in pauses {
            now += pause * hours * HOUR_MS / 10;
            while schedule.next_run_at().is_some_and(|due| due <= now) {
                made.push(make(&mut schedule, now));
            }
            // Twice in the same moment makes nothing more, and what has become due is made.
            prop_assert!(schedule.next_run_at().is_some_and(|due| due > now));
            prop_assert!(schedule.next.start <= now - i64::from(delay) * MINUTE_MS);
        }
        let mut end = start;
        for (_, period) in &made {
            prop_assert_eq!(period.start, end);
            prop_assert!(period.start < period.end);
            end = period.end;
        }
        prop_assert_eq!(end, schedule.next.start);
        let ids: std::collections::BTreeSet<_> = made.iter().map(|(id, _)| id).collect();
        prop_assert_eq!(ids.len(), made.len());
    }

    #[test]
    fn what_is_skipped_leaves_no_gap_behind(zone in a_zone(), frequency in prop::sample::select(Frequency::ALL.to_vec()), days in 0..4000i64, kept in 1..400u16) {
        let mut schedule = schedule(&json!({"timezone": zone, "frequency": frequency.name()}));
        let (before, now) = (schedule.next.clone(), NOW + days * DAY_MS);
        let kept_since = now - i64::from(kept) * DAY_MS;
        let is_past = schedule.skip_past_retention(kept, now).unwrap();
        prop_assert_eq!(is_past, before.end <= kept_since);
        if let Some(error) = &schedule.last_error {
            prop_assert_eq!(error.period.clone(), before.start..schedule.next.start);
            prop_assert!(schedule.next.contains(&kept_since));
        } else {
            prop_assert_eq!(schedule.next, before);
        }
    }
}
