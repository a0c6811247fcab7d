use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::activity::Kind;
use crate::export::{Amount, Asked, ExportRequest, Totals, export_id};
use crate::owner::Owner;
use crate::period::Frequency;
use crate::schedule::{Counting, Run};

const NOW: i64 = 1_794_648_600_000; // 2026-11-14T09:30:00Z

const AROUND: Surroundings<'_> =
    Surroundings { site_url: Some("https://relay.example"), retention_days: 14, unsubscribe: None };

fn asked(more: &serde_json::Value) -> Export {
    let owner = Owner {
        owner: "demo".into(),
        mail_domains: ["example.com".into()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: crate::access::Access::default(),
        created_at: 0,
    };
    let mut body = json!({
        "app_token": "demo-app", "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-13", "timezone": "Asia/Seoul",
        "email": "kim@example.com",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request = ExportRequest::parse(body.to_string().as_bytes(), &owner, 366).unwrap();
    let asked = Asked {
        owner: "demo".into(),
        retention_days: 90,
        now: NOW,
        export_id: export_id(NOW, [0xab; 10]),
        trace_id: "0123456789abcdef".repeat(2),
    };
    let mut export = Export::new(request, asked);
    export.complete_until = Some(NOW);
    export
}

fn amounts(sums: &[(&str, &str)]) -> BTreeMap<String, Amount> {
    sums.iter().map(|(currency, sum)| ((*currency).to_owned(), Amount::parse(sum).unwrap())).collect()
}

fn totals(first: u64, second: u64) -> Totals {
    Totals {
        rows_by_day: BTreeMap::from([(20_758, first), (20_759, second)]),
        revenue: amounts(&[("EUR", "1203.5"), ("KRW", "99000")]),
        revenue_by_day: BTreeMap::from([
            (20_758, amounts(&[("EUR", "1200"), ("KRW", "99000")])),
            (20_759, amounts(&[("EUR", "3.5")])),
        ]),
        unsummed: 3,
    }
}

fn export(more: &serde_json::Value) -> Export {
    let mut export = asked(more);
    export.checkpoint.rows = 1_204_567;
    export.checkpoint.bytes = 734_003_200;
    export.checkpoint.totals = totals(1_000_000, 204_567);
    export
}

/// Two kinds, each in a file of its own, and the manifest behind them.
fn several(more: &serde_json::Value) -> Export {
    let mut export = asked(more);
    export.kinds = vec![Kind::Install, Kind::Event];
    let file = |kind: Kind, rows, totals| FinishedFile {
        name: format!("demo-app_{kind}_20261101_20261113_Asia_Seoul.csv.gz"),
        kind,
        rows,
        bytes: rows * 97,
        totals,
    };
    let installs = Totals { rows_by_day: BTreeMap::from([(20_758, 1)]), ..Totals::default() };
    export.checkpoint.files =
        vec![file(Kind::Install, 1, installs), file(Kind::Event, 1_204_567, totals(7, 1_204_560))];
    export.checkpoint.kind = 2;
    export
}

fn links(export: &Export) -> Vec<Download> {
    let link = |name: String| {
        let url = format!("https://files.example/{name}?name=\"a\"&signature=<x>");
        Download { link: Link { url, expires_at: NOW + 3_600_000 }, name }
    };
    downloads(export).into_iter().map(link).collect()
}

fn both(mail: &Mail) -> String {
    let headers: Vec<_> = mail.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("Subject: {}\n{}\n{}\n--------\n{}", mail.subject, headers.concat(), mail.text, mail.html)
}

/// One state in every language.
fn snapshots(name: &str, mail: impl Fn(&serde_json::Value) -> Mail) {
    for language in Language::ALL {
        let mail = mail(&json!({"language": language}));
        insta::assert_snapshot!(format!("{name}_{}", language.tag()), both(&mail));
        assert!(mail.html.len() <= MAX_HTML_BYTES);
    }
}

#[test]
fn a_ready_file() {
    snapshots("ready", |more| {
        let export = export(more);
        ready(&export, &links(&export), AROUND)
    });
}

#[test]
fn several_files_of_a_schedule() {
    snapshots("several", |more| {
        let export = several(more);
        ready(&export, &links(&export), Surroundings { unsubscribe: Some("a1b2"), ..AROUND })
    });
}

#[test]
fn a_ready_file_that_is_not_the_whole_truth() {
    snapshots("warned", |more| {
        let mut more = more.clone();
        more["filters"] = json!({"country": ["KR", "jp"], "campaign_name": ["<script>alert(1)</script> & \"co\""]});
        more["columns"] = json!(["created_at", {"column": "revenue", "header": "Revenue, gross"}]);
        let mut export = export(&more);
        export.complete_until = Some(NOW - 120_000);
        export.to = NOW + 1;
        export.kept_since = export.from + 1;
        export.received_since = export.from + 86_400_000;
        ready(&export, &links(&export), Surroundings { site_url: None, ..AROUND })
    });
}

#[test]
fn nothing_found() {
    snapshots("empty", |more| empty(&asked(more), AROUND));
}

#[test]
fn a_failure() {
    snapshots("failed", |more| {
        let mut export = asked(more);
        export.fail("unavailable", "The storage did not answer for several minutes. Ask again.", NOW);
        failed(&export, AROUND)
    });
}

#[test]
fn the_subject_says_how_it_ended() {
    let export = export(&json!({}));
    let subjects = [ready(&export, &links(&export), AROUND), empty(&export, AROUND), failed(&export, AROUND)];
    assert_eq!(
        subjects.map(|mail| mail.subject),
        [
            "[Relay] Ready: install activities of demo-app, 2026-11-01 to 2026-11-13",
            "[Relay] Nothing found: install activities of demo-app, 2026-11-01 to 2026-11-13",
            "[Relay] Failed: install activities of demo-app, 2026-11-01 to 2026-11-13",
        ]
    );
}

#[test]
fn every_failure_has_words_in_every_language() {
    for language in Language::ALL {
        for code in ["unavailable", "denied", "unreadable", "no_progress", "interrupted", "internal"] {
            assert!(failure(language, code).is_some(), "{code}");
        }
    }
    let mut export = asked(&json!({"language": "ko"}));
    export.fail("another_release", "What another release said.", NOW);
    assert!(failed(&export, AROUND).text.contains("What another release said."));
}

#[test]
fn a_ready_file_of_which_it_is_not_known_whether_it_is_complete() {
    let export = Export { complete_until: None, ..export(&json!({})) };
    let text = ready(&export, &links(&export), AROUND).text;
    assert!(text.contains("Up to when this is complete could not be found out."), "{text}");
    assert!(text.contains("on their way when the file was written is not known"), "{text}");
}

#[test]
fn the_period_of_an_hour_has_its_clocks() {
    let mut export = export(&json!({"start_date": "2026-11-13", "end_date": "2026-11-13"}));
    export.from += 13 * 3_600_000;
    export.to = export.from + 3_600_000;
    let mail = empty(&export, AROUND);
    assert!(mail.text.contains("Period: 2026-11-13, 13:00 to 14:00"), "{}", mail.text);
    assert_eq!(mail.subject, "[Relay] Nothing found: install activities of demo-app, 2026-11-13, 13:00 to 14:00");
    export.language = Language::Ko;
    assert!(empty(&export, AROUND).subject.ends_with("(2026-11-13 13:00 ~ 14:00)"));
}

#[test]
fn nothing_remote_is_loaded_and_nothing_foreign_is_markup() {
    let export = export(&json!({"filters": {"campaign_name": ["<img src=x onerror=alert(1)>", "' onmouseover='x"]}}));
    let around = Surroundings { site_url: Some("https://relay.example/?a=\"><script>"), ..AROUND };
    let html = ready(&export, &links(&export), around).html;
    for forbidden in ["<img", "<script", "<link", "src=", "url(", "' onmouseover='", "@import"] {
        let found = html.find(forbidden).map(|at| &html[at.saturating_sub(20)..(at + 40).min(html.len())]);
        let escaped = found.is_some_and(|found| found.contains("&lt;img src=x"));
        assert!(found.is_none() || escaped, "{forbidden} in {found:?}");
    }
}

#[test]
fn thousands_of_values_do_not_fill_a_mail() {
    let values: Vec<_> = (0..1000).map(|n| format!("캠페인{n}")).collect();
    let text = empty(&export(&json!({"filters": {"campaign_name": values}})), AROUND).text;
    assert!(text.contains("캠페인10 or") && text.contains('…') && text.len() < 4000, "{text}");
}

/// Everything that makes a mail long at once: a year of days, every currency, a hundred files, long links.
#[test]
fn the_longest_mail_is_not_cut_off() {
    for language in Language::ALL {
        let mut export = several(&json!({"language": language}));
        export.kinds = vec![Kind::Install, Kind::Reattribution, Kind::Event];
        export.checkpoint.kind = 3;
        let all: Vec<_> = (b'A'..=b'Z')
            .flat_map(|a| (b'A'..=b'G').map(move |b| format!("X{}{}", char::from(a), char::from(b))))
            .collect();
        let long = |currency: &String| (currency.clone(), Amount::parse("123456789012345678.123456789").unwrap());
        let revenue: BTreeMap<_, _> = all.iter().map(long).collect();
        let file = &mut export.checkpoint.files[1];
        file.totals.rows_by_day = (20_000..20_366).map(|day| (day, 123_456_789)).collect();
        file.totals.revenue_by_day = (20_000..20_366).map(|day| (day, revenue.clone())).collect();
        file.totals.revenue = revenue;
        let file = file.clone();
        export.checkpoint.files.extend(std::iter::repeat_n(file, 100));
        let mut links = links(&export);
        // As long as one of S3 under a role's session gets: the token alone has more than a thousand characters.
        let query = format!("{}&", "x%2F".repeat(60)).repeat(8);
        for download in &mut links {
            download.link.url = format!("https://files.example/?{query}");
        }
        let mail = ready(&export, &links, AROUND);
        assert!(mail.html.len() <= MAX_HTML_BYTES, "{} bytes", mail.html.len());
        let (days, files) = (export.totals().rows_by_day.len() - 62, export.files().len() - 15);
        let (days, files) = (days.to_string(), files.to_string());
        assert!(mail.text.contains(&days) && mail.text.contains(&files), "{days} days, {files} files: {}", mail.text);
    }
}

#[test]
fn a_run_says_how_many_rows_came_too_late_for_the_file_before() {
    let late = |language: &str, late: Option<u64>| {
        let mut export = export(&json!({"language": language}));
        export.run = Some(Run {
            schedule_id: "0".repeat(32),
            frequency: Frequency::Daily,
            previous: None,
            late,
            counting: Counting::default(),
            subscribers: Vec::new(),
        });
        [ready(&export, &links(&export), AROUND), empty(&export, AROUND)].map(|mail| mail.text)
    };
    for text in late("en", Some(1_234)) {
        assert!(text.contains("In neither file: 1,234 rows of the period before"), "{text}");
    }
    assert!(late("ko", Some(7)).iter().all(|text| text.contains("직전 기간의 데이터 7행이")));
    assert!(late("en", Some(0)).iter().all(|text| text.contains("No row of the period before came too late")));
    assert!(late("en", None).iter().all(|text| !text.contains("the period before")));
}

#[test]
fn a_mail_of_a_schedule_can_be_left_with_one_click() {
    let export = export(&json!({}));
    let once = ready(&export, &links(&export), AROUND);
    assert!(once.headers.iter().all(|(name, _)| !name.starts_with("List-")), "{:?}", once.headers);
    let around = Surroundings { unsubscribe: Some("a1b2"), ..AROUND };
    let again = ready(&export, &links(&export), around);
    let url = "https://relay.example/v1/unsubscribe/a1b2";
    assert!(again.headers.contains(&("List-Unsubscribe", format!("<{url}>"))));
    assert!(again.headers.contains(&("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())));
    assert!(again.text.contains(url) && again.html.contains(url));
    // Without a page there is nowhere to go, and a header that leads nowhere would be worse than none.
    let homeless = ready(&export, &links(&export), Surroundings { site_url: None, ..around });
    assert!(homeless.headers.iter().all(|(name, _)| !name.starts_with("List-")));
}

/// SES `MessageHeader` and `MessageTag`.
#[test]
fn headers_and_tags_are_what_the_mail_service_takes() {
    let around = Surroundings { unsubscribe: Some("a1b2"), ..AROUND };
    let mail = empty(&export(&json!({"language": "ko"})), around);
    for (name, value) in &mail.headers {
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') && value.len() + name.len() <= 996);
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{value}");
    }
    for (name, value) in &mail.tags {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        assert!(plain(name) && plain(value) && value.len() <= 256, "{name} {value}");
    }
}
