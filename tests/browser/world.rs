//! What the scripted API has to tell: one advertiser's apps, exports, schedules and arrivals at a moment that never changes.
//!
//! Each document is the contract's example with what matters here laid over it.

use serde_json::{Value, json};

use crate::contract::contract;
use crate::site::Site;

/// The page's clock begins here: a Sunday evening in Seoul.
pub(crate) const NOW: &str = "2026-11-15T09:30:00Z";
/// The trace id of every scripted answer.
pub(crate) const TRACE_ID: &str = "6f1c0e5b7a3d4f2e8c9b0a1d2e3f4a5b";
/// The advertiser's apps.
pub(crate) const APPS: [&str; 2] = ["acme-app", "acme-shop"];
/// Where mails go.
pub(crate) const EMAIL: &str = "kim@acme.example";

/// Everything that the page may ask for, with good answers.
pub(crate) fn set_up(site: &Site) {
    site.answer("GET /v1/account", 200, account());
    site.answer("GET /v1/exports", 200, page_of(&[]));
    site.answer("GET /v1/activities/summary", 200, summary());
    site.answer("POST /v1/exports", 202, json!({ "export_id": id(1), "status": "queued", "position": 2 }));
    site.answer("POST /v1/exports/preview", 200, preview());
    site.answer("POST /v1/exports/{id}/link", 200, link(&site.url, 1));
    site.answer("DELETE /v1/exports/{id}", 200, export(1, "cancelled"));
    site.answer("DELETE /v1/exports/{id}/file", 200, export(1, "expired"));
    site.answer("GET /v1/exports/{id}", 200, export(1, "queued"));
    site.answer("GET /v1/schedules", 200, json!({ "schedules": [], "next": null }));
    site.answer("POST /v1/schedules", 201, schedule(1));
    site.answer("DELETE /v1/schedules/{id}", 200, over(schedule(1), json!({ "status": "ended", "ended_at": NOW })));
    site.answer("GET /v1/arrivals", 200, arrivals());
}

/// An object with members laid over it.
pub(crate) fn over(mut base: Value, members: Value) -> Value {
    let (Some(object), Value::Object(members)) = (base.as_object_mut(), members) else { panic!("two objects") };
    object.extend(members);
    base
}

/// An id that sorts by its number.
pub(crate) fn id(number: usize) -> String {
    format!("019a7b2c3d4e5f6071829300{number:08x}")
}

/// The account: two apps, every format, a domain.
pub(crate) fn account() -> Value {
    let example = contract().example("GET /v1/account", 200, None);
    let formats = ["csv", "csv.gz", "jsonl.gz", "parquet"];
    let common = ["created_at", "kind", "app_token", "network_name", "campaign_name", "country", "os_name", "adid"];
    let event = [&common[..], &["event_name", "revenue", "currency", "environment"]].concat();
    let members = json!({
        "apps": APPS.map(|app| json!({ "app_token": app })),
        "unreachable": [],
        "formats": formats,
        "columns": { "install": common, "reattribution": common, "event": event },
    });
    over(example, members)
}

/// A page of the list, and no further one.
pub(crate) fn page_of(exports: &[Value]) -> Value {
    json!({ "exports": exports, "next": null })
}

/// An export of a status, as the API would tell it.
pub(crate) fn export(number: usize, status: &str) -> Value {
    let example = contract().example("GET /v1/exports/{id}", 200, None);
    let totals = json!({ "rows_by_day": {}, "revenue_by_day": {}, "revenue": {}, "unsummed": 0 });
    let waiting = json!({
        "export_id": id(number), "status": status, "position": null, "progress": 0, "rows": 0, "bytes": 0,
        "start_date": "2026-11-01", "end_date": "2026-11-14", "files": [], "totals": totals, "email": EMAIL,
        "requested_at": "2026-11-15T09:28:00Z", "as_of": "2026-11-15T09:28:00Z", "complete_until": null, "started_at": null, "finished_at": null,
        "link_expires_at": null, "error": null,
    });
    over(over(example, waiting), in_state(status))
}

fn in_state(status: &str) -> Value {
    let started = "2026-11-15T09:28:30Z";
    let ended = "2026-11-15T09:29:10Z";
    match status {
        "queued" => json!({ "position": 2 }),
        "running" => {
            json!({ "progress": 0.417, "rows": 120_000, "bytes": 41_200_345, "started_at": started, "complete_until": "2026-11-15T09:28:00Z" })
        }
        "done" => json!({
            "progress": 1, "rows": 288_104, "bytes": 98_800_120, "started_at": started, "finished_at": ended,
            "complete_until": "2026-11-15T09:28:00Z",
            "link_expires_at": "2026-11-15T10:29:12Z", "files": [file("acme-app_event_20261101_20261114_Asia_Seoul.csv")],
            "totals": totals(),
        }),
        "empty" => json!({ "progress": 1, "started_at": started, "finished_at": ended }),
        "failed" => json!({
            "progress": 0.2, "started_at": started, "finished_at": ended,
            "error": { "code": "storage_unavailable", "detail": "the file could not be written: the bucket did not answer" },
        }),
        "expired" => json!({
            "progress": 1, "rows": 288_104, "bytes": 98_800_120, "requested_at": "2026-10-30T08:00:00Z", "as_of": "2026-10-30T08:00:00Z",
            "started_at": "2026-10-30T08:00:05Z", "finished_at": "2026-10-30T08:00:50Z", "link_expires_at": "2026-10-30T09:00:50Z",
            "start_date": "2026-10-16", "end_date": "2026-10-29", "complete_until": "2026-10-30T08:00:00Z",
        }),
        _ => json!({ "finished_at": ended }),
    }
}

fn totals() -> Value {
    json!({
        "rows_by_day": { "2026-11-01": 140_234, "2026-11-02": 147_870 },
        "revenue_by_day": { "2026-11-01": { "USD": "1203.50" }, "2026-11-02": { "USD": "980.00", "KRW": "1290000.00" } },
        "revenue": { "USD": "2183.50", "KRW": "1290000.00" }, "unsummed": 2,
    })
}

fn file(name: &str) -> Value {
    json!({ "name": name, "kind": "event", "rows": 288_104, "bytes": 98_800_120, "totals": totals() })
}

/// One export in each state, newest first.
pub(crate) fn one_of_each() -> Vec<Value> {
    let states = ["queued", "running", "done", "empty", "failed", "cancelled", "expired"];
    let count = states.len();
    states.iter().enumerate().map(|(index, status)| export(count - index, status)).collect()
}

/// A daily schedule that has run once.
pub(crate) fn schedule(number: usize) -> Value {
    let example = contract().example("POST /v1/schedules", 201, None);
    let day = |day: u32| json!({ "from": format!("2026-11-{day}T15:00:00Z"), "to": format!("2026-11-{}T15:00:00Z", day + 1) });
    let members = json!({
        "schedule_id": id(number), "email": [EMAIL],
        "next_run_at": "2026-11-15T18:00:00Z", "next_period": day(14),
        "last_run": { "export_id": id(90), "as_of": "2026-11-14T18:00:00Z", "period": day(13) },
    });
    over(example, members)
}

/// Two providers and an SDK that arrive, one that was heard long ago, and what could not be understood.
pub(crate) fn arrivals() -> Value {
    let hours = |counts: &[(u32, u64)]| -> Value {
        counts
            .iter()
            .map(|(hour, count)| json!({ "hour": format!("2026-11-15T{hour:02}:00:00Z"), "received": count }))
            .collect()
    };
    let of = |provider: &str, kind: &str, last: &str, count: u64| {
        json!({
            "provider": provider, "kind": kind, "last_received_at": last, "received_24h": count,
            "hours": hours(&[(6, count / 4), (7, count / 4), (8, count - count / 4 * 2)]),
        })
    };
    let acme = [
        of("adjust", "install", "2026-11-15T09:29:59.975Z", 4_812),
        of("adjust", "event", "2026-11-15T09:29:58.120Z", 91_377),
        of("appsflyer", "install", "2026-11-15T08:41:12.000Z", 640),
        of("sdk", "event", "2026-11-15T09:29:40.000Z", 12_004),
    ];
    json!({
        "as_of": "2026-11-15T09:30:00.000Z", "since": "2026-11-14T09:00:00Z", "window_hours": 24,
        "apps": [{ "app_token": APPS[0], "arrivals": acme }, { "app_token": APPS[1], "arrivals": [] }],
        "quarantined": [
            { "provider": "branch", "reason": "unknown_app", "last_received_at": "2026-11-15T09:29:00.000Z", "received_24h": 4,
              "hours": hours(&[(9, 4)]) },
            { "provider": "adjust", "reason": "bad_time", "last_received_at": "2026-11-15T07:02:00.000Z", "received_24h": 17,
              "hours": hours(&[(7, 17)]) },
        ],
    })
}

/// The first rows of a long period, its count an estimate.
pub(crate) fn preview() -> Value {
    let columns = ["created_at", "kind", "app_token", "network_name", "campaign_name", "country", "os_name", "adid"];
    let countries = ["kr", "jp", "us"];
    let row = |index: usize| {
        json!([
            format!("2026-11-01 00:00:{index:02}"),
            "event",
            APPS[0],
            "Google Ads ACI",
            "여름 세일 ☀️ (18273645)",
            countries[index % countries.len()],
            "android",
            format!("18546f6171f67e29d1cb983322ad13{index:02}"),
        ])
    };
    let rows: Vec<Value> = (0..20).map(row).collect();
    json!({ "as_of": NOW, "previews": [{
        "kind": "event", "columns": columns, "rows": rows, "about_rows": 1_840_000, "exact": false, "sampled_minutes": 192,
    }] })
}

/// What every scripted file holds.
pub(crate) const FILE: &str = "created_at,kind\n2026-11-01 00:00:03,install\n";

/// Links to so many files of the site.
pub(crate) fn link(site: &str, count: usize) -> Value {
    let expires_at = "2026-11-15T10:30:00Z";
    let file = |index: usize| {
        let name = format!("file-{index}.csv");
        json!({ "name": name, "url": format!("{site}/exports/{name}"), "expires_at": expires_at })
    };
    let files: Vec<Value> = (0..count).map(file).collect();
    json!({ "url": files[0]["url"], "expires_at": expires_at, "mailed": false, "files": files })
}

/// A week of installs, with a hole, and days that are estimated.
pub(crate) fn summary() -> Value {
    let day = |date: &str, rows: Option<u64>, exact: bool| json!({ "date": date, "rows": rows, "exact": exact });
    let days = [
        day("2026-11-08", Some(4_480), true),
        day("2026-11-09", Some(5_120), true),
        day("2026-11-10", Some(5_760), true),
        day("2026-11-11", Some(6_400), true),
        day("2026-11-12", Some(0), true),
        day("2026-11-13", Some(5_120), false),
        day("2026-11-14", Some(5_760), false),
    ];
    let kinds = json!([{ "kind": "install", "rows": 32_640, "exact": false, "days": days }]);
    let example = contract().example("GET /v1/activities/summary", 200, None);
    over(
        example,
        json!({ "start_date": "2026-11-08", "end_date": "2026-11-14", "complete_to": "2026-11-15T09:29:00Z", "kinds": kinds }),
    )
}

/// The same of a stack that had no time for some days, and does not know how far its pages are.
pub(crate) fn unfinished_summary() -> Value {
    let mut summary = over(summary(), json!({ "complete_to": null }));
    summary["kinds"][0]["rows"] = Value::Null;
    for day in 2..5 {
        summary["kinds"][0]["days"][day]["rows"] = Value::Null;
        summary["kinds"][0]["days"][day]["exact"] = json!(false);
    }
    summary
}
