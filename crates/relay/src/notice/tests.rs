use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::export::{Amount, Asked, ExportRequest, export_id};
use crate::owner::Owner;

const NOW: i64 = 1_794_648_600_000; // 2026-11-14T09:30:00Z

const AROUND: Surroundings<'_> = Surroundings { site_url: Some("https://relay.example"), retention_days: 14 };

fn export(filters: &serde_json::Value) -> Export {
    let owner = Owner {
        owner: "demo".into(),
        mail_domains: ["example.com".into()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: crate::access::Access::default(),
        created_at: 0,
    };
    let body = json!({
        "app_token": "demo-app", "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-13", "timezone": "Asia/Seoul",
        "email": "kim@example.com", "filters": filters,
    });
    let request = ExportRequest::parse(body.to_string().as_bytes(), &owner, 14).unwrap();
    let asked = Asked {
        owner: "demo".into(),
        retention_days: 90,
        now: NOW,
        export_id: export_id(NOW, [0xab; 10]),
        trace_id: "0123456789abcdef".repeat(2),
    };
    let mut export = Export::new(request, asked);
    export.complete_until = Some(NOW);
    export.checkpoint.rows = 1_204_567;
    export.checkpoint.bytes = 734_003_200;
    export.checkpoint.totals = Totals {
        rows_by_day: BTreeMap::from([(20_758, 1_000_000), (20_759, 204_567)]),
        revenue: BTreeMap::from([
            ("EUR".into(), Amount::parse("1203.5").unwrap()),
            ("KRW".into(), Amount::parse("99000").unwrap()),
        ]),
        revenue_by_day: BTreeMap::new(),
        unsummed: 3,
    };
    export
}

fn link() -> Link {
    Link { url: "https://files.example/demo?name=\"a\"&signature=<x>".into(), expires_at: NOW + 3_600_000 }
}

fn both(mail: &Mail) -> String {
    format!("Subject: {}\n\n{}\n--------\n{}", mail.subject, mail.text, mail.html)
}

#[test]
fn a_ready_file() {
    let mail = ready(&export(&json!({})), &link(), AROUND);
    assert_eq!(mail.subject, "[Relay] install activities of demo-app, 2026-11-01 to 2026-11-13");
    insta::assert_snapshot!(both(&mail));
}

#[test]
fn a_ready_file_that_is_not_the_whole_truth() {
    let mut export = export(&json!({"country": ["KR", "jp"], "campaign_name": ["<script>alert(1)</script> & \"co\""]}));
    export.complete_until = Some(NOW - 120_000);
    export.to = NOW + 1;
    export.kept_since = export.from + 1;
    export.received_since = export.from + 86_400_000;
    export.columns = Some(["created_at", "revenue"].map(|name| ColumnSpec::Name(name.into())).to_vec());
    insta::assert_snapshot!(both(&ready(&export, &link(), Surroundings { site_url: None, ..AROUND })));
}

#[test]
fn a_ready_file_of_which_it_is_not_known_whether_it_is_complete() {
    let export = Export { complete_until: None, ..export(&json!({})) };
    let text = ready(&export, &link(), AROUND).text;
    assert!(text.contains("Up to when this is complete could not be found out."), "{text}");
    assert!(text.contains("on their way when the file was written is not known"), "{text}");
}

#[test]
fn nothing_found() {
    insta::assert_snapshot!(both(&empty(&export(&json!({})), AROUND)));
}

#[test]
fn a_failure() {
    let mut export = export(&json!({}));
    export.fail("unavailable", "The storage did not answer for several minutes. Ask again.", NOW);
    insta::assert_snapshot!(both(&failed(&export, AROUND)));
}

#[test]
fn nothing_remote_is_loaded_and_nothing_foreign_is_markup() {
    let export = export(&json!({"campaign_name": ["<img src=x onerror=alert(1)>", "' onmouseover='x"]}));
    let html = ready(
        &export,
        &link(),
        Surroundings { site_url: Some("https://relay.example/?a=\"><script>"), retention_days: 14 },
    )
    .html;
    for forbidden in ["<img", "<script", "<link", "src=", "url(", "' onmouseover='", "@import"] {
        let found = html.find(forbidden).map(|at| &html[at.saturating_sub(20)..(at + 40).min(html.len())]);
        let escaped = found.is_some_and(|found| found.contains("&lt;img src=x"));
        assert!(found.is_none() || escaped, "{forbidden} in {found:?}");
    }
}

#[test]
fn thousands_of_values_do_not_fill_a_mail() {
    let values: Vec<_> = (0..1000).map(|n| format!("캠페인{n}")).collect();
    let text = empty(&export(&json!({"campaign_name": values})), AROUND).text;
    assert!(text.contains("캠페인10 or") && text.contains('…') && text.len() < 4000, "{text}");
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(size(999), "999 bytes");
    assert_eq!(size(1_999), "1.9 kB (1,999 bytes)");
    assert_eq!(size(16 * 1024 * 1024), "16.7 MB (16,777,216 bytes)");
}
