use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::activity::ActivityId;
use crate::activity::Value;
use crate::field::Field;
use crate::owner::Owner;
use crate::row::Column;

fn owner() -> Owner {
    Owner {
        owner: "demo".into(),
        mail_domains: BTreeSet::from(["example.com".into(), "example.org".into()]),
        event_tokens: BTreeSet::new(),
        retention_days: 90,
        access: crate::access::Access::default(),
        created_at: 0,
    }
}

fn body() -> serde_json::Value {
    json!({"app_token": "demo-app", "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-14", "email": "kim@example.com"})
}

fn with(field: &str, value: serde_json::Value) -> serde_json::Value {
    let mut body = body();
    body[field] = value;
    body
}

fn parse(body: &serde_json::Value) -> Result<ExportRequest, RequestError> {
    ExportRequest::parse(body.to_string().as_bytes(), &owner(), 14)
}

fn errors(body: &serde_json::Value) -> Vec<(String, String)> {
    match parse(body) {
        Err(RequestError::Invalid(errors)) => errors.into_iter().map(|error| (error.field, error.detail)).collect(),
        other => panic!("{body} gave {other:?}"),
    }
}

fn export() -> Export {
    let asked = Asked {
        owner: "demo".into(),
        retention_days: 90,
        now: 1_794_648_600_000,
        export_id: export_id(1_794_648_600_000, [0xab; 10]),
        trace_id: "7".repeat(32),
    };
    Export::new(parse(&with("timezone", json!("Asia/Seoul"))).unwrap(), asked)
}

#[test]
fn the_least_request_gets_the_documented_defaults() {
    let request = parse(&body()).unwrap();
    assert_eq!((request.kinds, request.period.zone.name(), request.excel), (vec![Kind::Install], "UTC", false));
    assert_eq!((request.columns, request.filters.is_empty()), (None, true));
    assert_eq!(parse(&with("timezone", json!(null))).unwrap().period.zone.name(), "UTC");
}

#[test]
fn a_full_request_is_kept_as_it_was_asked() {
    let mut full = with("columns", json!(["revenue", "created_at", "activity_id"]));
    full["filters"] = json!({"country": ["KR", "jp"], "network_name": ["Organic"]});
    full["format"] = json!("csv");
    full["excel"] = json!(true);
    let request = parse(&full).unwrap();
    assert_eq!(
        request.columns,
        Some([Column::Field(Field::Revenue), Column::CreatedAt, Column::ActivityId].map(FileColumn::from).to_vec())
    );
    let filters: Vec<_> = request
        .filters
        .iter()
        .map(|(name, values)| (name, values.iter().map(String::as_str).collect::<Vec<_>>().join(" ")))
        .collect();
    assert_eq!(filters, [("country", "jp kr".to_owned()), ("network_name", "Organic".to_owned())]);
    assert!(request.excel);
}

#[test]
fn every_problem_is_told_at_once() {
    let wrong = json!({
        "app_token": "no/such", "kind": "click", "start_date": "2026-02-30", "timezone": "Mars/Olympus", "email": "kim@evil.test",
        "format": "xlsx", "columns": ["adid", "adid", "nonsense"], "filters": {"adid": ["x"], "country": []}, "excel": "yes", "fromat": "csv",
    });
    let mut told = errors(&wrong);
    told.sort();
    insta::assert_snapshot!(
        told.iter().map(|(field, detail)| format!("{field}: {detail}")).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn each_wrong_field_is_named_alone() {
    for (field, value) in [
        ("app_token", json!(7)),
        ("app_token", json!("")),
        ("kind", json!("Install")),
        ("start_date", json!("2026-11-15")),
        ("end_date", json!("2026-12-01")),
        ("timezone", json!(9)),
        ("timezone", json!("KST")),
        ("email", json!("kim@mail.example.com")),
        ("email", json!("Kim <kim@example.com>")),
        ("email", json!("kim@example.com,lee@example.com")),
        ("email", json!("kim@x@example.com")),
        ("email", json!(".kim@example.com")),
        ("email", json!("kim.@example.com")),
        ("email", json!("kim..lee@example.com")),
        ("email", json!("kim@example.com.")),
        ("email", json!("kim@.example.com")),
        ("email", json!("@example.com")),
        ("email", json!("kim\r\nBcc: a@example.com")),
        ("format", json!("json")),
        ("columns", json!([])),
        ("columns", json!("adid")),
        ("columns", json!([1])),
        ("filters", json!(["country"])),
        ("filters", json!({"kind": ["install"]})),
        ("excel", json!(1)),
        ("formats", json!("csv")),
    ] {
        let told = errors(&with(field, value.clone()));
        let named = if field == "start_date" { "end_date" } else { field };
        assert_eq!(told.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), [named], "{value}");
    }
    for field in ["app_token", "kind", "start_date", "end_date", "email"] {
        assert_eq!(errors(&with(field, json!(null))), [(field.to_owned(), "is required".to_owned())]);
    }
    assert_eq!(errors(&with("filters", json!({"country": "kr"})))[0].0, "filters.country");
}

#[test]
fn what_is_no_json_object_is_malformed() {
    for body in ["", "{", "[]", "null", "\"x\"", "{\"a\":1}}", "\u{feff}{}"] {
        let result = ExportRequest::parse(body.as_bytes(), &owner(), 14);
        assert!(matches!(result, Err(RequestError::Malformed(_))), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_the_parser_fall_over(body in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
        let answered = |result: Result<ExportRequest, RequestError>| matches!(result, Ok(_) | Err(RequestError::Malformed(_) | RequestError::Invalid(_)));
        prop_assert!(answered(ExportRequest::parse(&body, &owner(), 14)));
        for field in ["app_token", "kind", "start_date", "end_date", "timezone", "email", "format", "columns", "filters"] {
            prop_assert!(answered(parse(&with(field, json!(text)))));
        }
    }

    #[test]
    fn ids_sort_by_time(a in 0i64..1 << 47, b in 0i64..1 << 47, x in any::<[u8; 10]>(), y in any::<[u8; 10]>()) {
        prop_assert!(is_export_id(&export_id(a, x)));
        if a != b {
            prop_assert_eq!(a < b, export_id(a, x) < export_id(b, y));
        }
    }
}

#[test]
fn filters_take_rows_with_one_of_the_values_in_every_field() {
    let mut activity = Activity::sample();
    let mut filters = Filters::default();
    assert!(filters.take(&activity));
    filters.insert(Field::Country, ["KR".into(), "JP".into(), "kr".into()]);
    assert!(!filters.take(&activity));
    activity.fields.set(Field::Country, Value::Text("kr".into()));
    assert!(filters.take(&activity));
    filters.insert(Field::NetworkName, ["organic".into()]);
    activity.fields.set(Field::NetworkName, Value::Text("Organic".into()));
    assert!(!filters.take(&activity));
}

type Activity = crate::activity::Activity<'static>;

trait Sample {
    fn sample() -> Self;
}

impl Sample for Activity {
    fn sample() -> Self {
        Self {
            activity_id: ActivityId([1; 16]),
            kind: Kind::Install,
            app_token: "demo-app".into(),
            created_at: 0,
            received_at: 0,
            provider: crate::activity::Provider::Adjust,
            fields: crate::activity::Fields::default(),
            extra: BTreeMap::new(),
        }
    }
}

#[test]
fn the_object_is_named_after_what_was_asked_and_leads_back_to_the_export() {
    let export = export();
    let key = export.object_key();
    assert_eq!(key, format!("exports/demo/{}/demo-app_install_20261101_20261114_Asia_Seoul.csv", export.export_id));
    assert_eq!(parse_object_key(&key), Some(("demo", export.export_id.as_str())));
    for other in
        ["exports/demo/x/y.csv", "quarantine/demo/a/b", "exports/demo", &format!("exports/demo/{}/", export.export_id)]
    {
        assert_eq!(parse_object_key(other), None);
    }
}

#[test]
fn an_export_as_the_api_shows_it() {
    let mut export = export();
    let view = View { now: export.as_of, retention_days: 14, position: Some(3) };
    insta::assert_snapshot!("queued", format!("{:#}", export.view(view)));
    export.status = Status::Running;
    export.started_at = Some(export.as_of + 1000);
    export.checkpoint.after = Some((export.from + (export.as_of - export.from) / 4, "ab".repeat(16)));
    export.checkpoint.rows = 12_000;
    let running = export.view(view);
    assert_eq!((&running["progress"], &running["position"]), (&json!(0.25), &json!(null)));
    export.fail("no_progress", "nothing moved", export.as_of + 9000);
    insta::assert_snapshot!("failed", format!("{:#}", export.view(view)));
}

#[test]
fn a_file_expires_when_its_days_are_over_and_only_a_file_does() {
    let mut export = export();
    let finished = export.as_of + 5000;
    export.finish(Status::Done, finished);
    assert_eq!(export.status_at(finished + 14 * DAY_MS - 1, 14), Status::Done);
    assert_eq!(export.status_at(finished + 14 * DAY_MS, 14), Status::Expired);
    export.status = Status::Empty;
    assert_eq!(export.status_at(finished + 15 * DAY_MS, 14), Status::Empty);
}

#[test]
fn an_export_survives_the_table() {
    let mut export = export();
    export.checkpoint.after = Some((5, "ab".repeat(16)));
    export.checkpoint.totals.rows_by_day.insert(20_771, 4);
    let stored = serde_json::to_value(&export).unwrap();
    assert_eq!(serde_json::from_value::<Export>(stored).unwrap(), export);
    assert_eq!(export.last_row(), Ok(Some((5, ActivityId([0xab; 16])))));
    assert_eq!(
        export.selection(Kind::Install, 2, None, &crate::erase::Erased::none()).kept_since,
        export.as_of - 90 * DAY_MS
    );
}

#[test]
fn the_columns_are_those_of_the_release_that_took_the_request() {
    let mut export = export();
    assert_eq!((export.columns.as_ref(), export.file_columns(0)), (None, Ok(FileColumn::defaults(Kind::Install))));
    // A newer release has another order and more.
    export.header = Header::Same(vec![ColumnSpec::Name("kind".into()), ColumnSpec::Name("created_at".into())]);
    assert_eq!(export.file_columns(0), Ok([Column::Kind, Column::CreatedAt].map(FileColumn::from).to_vec()));
}

#[test]
fn what_this_release_does_not_know_is_never_guessed() {
    let mut export = export();
    export.header = Header::Same(vec![ColumnSpec::Name("coming_soon".into())]);
    export.timezone = "Mars/Olympus".into();
    export.checkpoint.after = Some((5, "ab".into()));
    assert_eq!(export.file_columns(0).unwrap_err().what, "no column coming_soon");
    assert_eq!(export.zone().unwrap_err().what, "no zone Mars/Olympus");
    assert_eq!(export.last_row().unwrap_err().what, "ab is no activity's id");
    export.header = Header::Same(Vec::new());
    assert!(export.file_columns(0).is_err());
}

#[test]
fn a_refused_mail_is_shown_and_a_failure_comes_first() {
    let mut export = export();
    export.finish(Status::Done, 2);
    let view = View { now: 3, retention_days: 14, position: None };
    assert_eq!(export.view(view)["error"], json!(null));
    let refused = Some("the mailbox is full".to_owned());
    let email = export.emails[0].clone();
    export.set_notice(&email, NoticeState { claimed_at: 1, claimed_by: "e".into(), sent_at: None, refused });
    let error = &export.view(view)["error"];
    assert_eq!(error["code"], json!("mail_refused"));
    let told = format!(
        "The mail to {email} did not arrive: the mailbox is full. The file is there all the same; ask for a link."
    );
    assert_eq!(error["detail"], json!(told));
    export.fail("denied", "Not allowed.", 2);
    assert_eq!(export.view(view)["error"]["code"], json!("denied"));
}

#[test]
fn the_one_mail_of_an_earlier_release_is_the_mail_to_its_address() {
    let mut export = export();
    let email = export.emails[0].clone();
    let mut stored = serde_json::to_value(&export).unwrap();
    stored.as_object_mut().unwrap().remove("notices");
    stored["notice"] = json!({"claimed_at": 1, "claimed_by": "e", "sent_at": 2, "refused": null});
    let read: Export = serde_json::from_value(stored).unwrap();
    assert_eq!(read.notice_to(&email).unwrap().sent_at, Some(2));
    // One of its mails may still come back.
    export = read;
    assert!(export.amend_notice(&email, |notice| notice.refused = Some("it bounced".into())));
    assert_eq!(
        export.view(View { now: 3, retention_days: 14, position: None })["error"]["code"],
        json!("mail_refused")
    );
}

#[test]
fn a_claim_is_given_back_only_as_it_was_made() {
    let mut export = export();
    let claim = NoticeState { claimed_at: 1, claimed_by: "e".into(), sent_at: None, refused: None };
    export.set_notice("a@example.com", claim.clone());
    export.set_notice("b@example.com", NoticeState { sent_at: Some(2), ..claim.clone() });
    assert!(export.unclaim("a@example.com", &claim) && export.notice_to("a@example.com").is_none());
    assert!(!export.unclaim("b@example.com", &claim), "it is out");
    assert!(!export.unclaim("c@example.com", &claim));
}

#[test]
fn a_filter_has_so_many_values_and_no_more() {
    let of = |n: usize| with("filters", json!({"country": (0..n).map(|n| n.to_string()).collect::<Vec<_>>()}));
    assert!(parse(&of(1000)).is_ok());
    assert_eq!(errors(&of(1001))[0].0, "filters.country");
}

#[test]
fn the_files_of_the_two_hours_that_one_clock_shows_have_two_names() {
    let mut export = export();
    export.timezone = "America/New_York".into();
    export.run = Some(crate::schedule::Run {
        schedule_id: "0".repeat(32),
        frequency: crate::period::Frequency::Hourly,
        previous: None,
        late: None,
        counting: crate::schedule::Counting::default(),
        subscribers: Vec::new(),
    });
    export.start_date = "2026-11-01".into();
    let mut name = |utc: i64| {
        // 2026-11-01T00:00:00Z and so many hours.
        export.from = 1_793_491_200_000 + utc * 3_600_000;
        export.file_name()
    };
    assert_eq!(name(4), "demo-app_install_20261101T00_America_New_York.csv");
    assert_eq!(name(5), "demo-app_install_20261101T01-0400_America_New_York.csv");
    assert_eq!(name(6), "demo-app_install_20261101T01-0500_America_New_York.csv");
    assert_eq!(name(7), "demo-app_install_20261101T02_America_New_York.csv");
}
