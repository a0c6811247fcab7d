use std::hint::black_box;
use std::path::Path;

use proptest::prelude::*;

use super::*;

mod appsflyer;

const NOW: i64 = 1_700_000_000_000;

fn get(query: &str) -> Result<Activity<'static>, Discard> {
    let (method, content_type) = ("GET", "");
    parse(&Callback { provider: Provider::Adjust, method, query, content_type, body: b"", received_at: NOW })
        .map(Activity::into_owned)
}

fn post(query: &str, content_type: &str, body: &[u8]) -> Result<Activity<'static>, Discard> {
    let method = "POST";
    parse(&Callback { provider: Provider::Adjust, method, query, content_type, body, received_at: NOW })
        .map(Activity::into_owned)
}

fn extra(activity: &Activity<'_>, name: &str) -> Option<String> {
    activity.extra.get(name).map(|value| value.clone().into_owned())
}

const BASE: &str = "key=relay_ingest_secret&app_token=app&created_at=1699999999";

#[test]
fn triggers_are_kinds() {
    let cases = [
        ("install", Kind::Install, None),
        ("Install", Kind::Install, None),
        ("reattribution", Kind::Reattribution, None),
        ("reinstall", Kind::Reattribution, None),
        ("reattribution_reinstall", Kind::Reattribution, None),
        ("event", Kind::Event, Some("event")),
    ];
    // Every other trigger of Adjust's, and any that it may yet have, is an event of its own name.
    let others = "rejected_install rejected_reattribution session click impression ad_revenue subscription subscription_renewal uninstall \
        install_update reattribution_update att_update gdpr_forget_device cost_updated san_click san_impression sk_install sk_install_direct sk_event \
        sk_cv_update sk_qualifier tomorrow";
    let others = others.split_whitespace().map(|trigger| (trigger, Kind::Event, Some(trigger)));
    for (trigger, kind, event_name) in cases.into_iter().chain(others) {
        let activity = get(&format!("{BASE}&activity_kind={trigger}")).unwrap();
        assert_eq!(activity.kind, kind, "{trigger}");
        assert_eq!(activity.fields.text(Field::EventName), event_name, "{trigger}");
        assert_eq!(extra(&activity, "activity_kind").as_deref(), Some(trigger));
    }
}

#[test]
fn an_event_keeps_its_own_name_and_a_token_is_name_enough() {
    let named = get(&format!("{BASE}&activity_kind=event&event_name=buy&event=abc123")).unwrap();
    assert_eq!(named.fields.text(Field::EventName), Some("buy"));
    assert_eq!(named.fields.text(Field::EventToken), Some("abc123"));
    let by_token = get(&format!("{BASE}&activity_kind=event&event_token=abc123")).unwrap();
    assert_eq!(by_token.fields.text(Field::EventName), None);
    let without_trigger = get(&format!("{BASE}&event_token=abc123")).unwrap();
    assert_eq!(without_trigger.kind, Kind::Event);
    assert_eq!(extra(&without_trigger, "activity_kind").as_deref(), Some("event"));
}

#[test]
fn a_trigger_that_is_no_word_is_the_name_of_an_event_or_nothing() {
    let sent = |provider, query: &str| {
        parse(&Callback { provider, method: "GET", query, content_type: "", body: b"", received_at: NOW })
            .map(Activity::into_owned)
    };
    let named = sent(Provider::Branch, &format!("{BASE}&name=설치 🎉")).unwrap();
    assert_eq!((named.kind, named.fields.text(Field::EventName)), (Kind::Event, Some("설치 🎉")));
    for (provider, query) in [
        (Provider::Appsflyer, format!("{BASE}&event_time=1699999999&event_type=설치&event_name=buy")),
        (Provider::Branch, format!("{BASE}&activity_kind=설치&name=INSTALL")),
    ] {
        let discard = sent(provider, &query).unwrap_err();
        assert_eq!(discard.reason, Reason::BadKind, "{query}");
        assert!(discard.detail.contains("`설치`, which names no trigger"), "{}", discard.detail);
    }
}

#[test]
fn what_cannot_be_understood_says_why() {
    let long = "x".repeat(65);
    let cases = [
        ("app_token=app&created_at=1699999999".to_owned(), Reason::BadKind, "activity_kind is missing: nothing says"),
        (format!("{BASE}&activity_kind=%7Bx%7D"), Reason::BadKind, "activity_kind is missing"),
        (format!("{BASE}&activity_kind={long}"), Reason::BadKind, "names no trigger"),
        ("activity_kind=install&created_at=1699999999".to_owned(), Reason::BadAppToken, "app_token is missing"),
        ("activity_kind=install&app_token=a/b&created_at=1699999999".to_owned(), Reason::BadAppToken, "`a/b`"),
        ("activity_kind=install&app_token=app".to_owned(), Reason::BadTime, "created_at is missing"),
        ("activity_kind=install&app_token=app&created_at={created_at}".to_owned(), Reason::BadTime, "missing"),
        ("activity_kind=install&app_token=app&created_at=test".to_owned(), Reason::BadTime, "`test`"),
        ("activity_kind=install&app_token=app&created_at=0".to_owned(), Reason::BadTime, "400 days"),
        ("activity_kind=install&app_token=app&created_at=1800000000".to_owned(), Reason::BadTime, "24 hours"),
        (format!("{BASE}&activity_kind=install&x={}", "y".repeat(66_000)), Reason::TooLarge, "encoded"),
    ];
    for (query, reason, words) in cases {
        let discard = get(&query).unwrap_err();
        let start: String = query.chars().take(80).collect();
        assert_eq!(discard.reason, reason, "{start}");
        assert!(discard.detail.contains(words), "{start}: {}", discard.detail);
    }
}

#[test]
fn the_app_token_of_the_url_goes_before_the_body_and_the_providers_id() {
    let trigger = "activity_kind=install&created_at=1699999999";
    let body = b"app_token=body&app_id=com.example&adid=b&key=other";
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(&format!("{trigger}&app_token=url"), form, body).unwrap().app_token, "url");
    assert_eq!(post(trigger, form, body).unwrap().app_token, "body");
    assert_eq!(get(&format!("{trigger}&app_id=com.example")).unwrap().app_token, "com.example");
    assert_eq!(get(&format!("{trigger}&app_id=com.example&app_token=a")).unwrap().app_token, "a");
}

#[test]
fn body_fields_win_over_the_query_save_key_and_app_token() {
    let query = format!("{BASE}&activity_kind=event&event=q&adid=q&city=q");
    let json = r#"{"event":"b","adid":null,"custom":{"deep":[1.0]},"key":"other","app_token":"other"}"#;
    let activity = post(&query, "application/json; charset=utf-8", json.as_bytes()).unwrap();
    assert_eq!(activity.app_token, "app");
    assert_eq!(activity.fields.text(Field::EventToken), Some("b"));
    assert_eq!(activity.fields.text(Field::Adid), Some("q"));
    assert_eq!(activity.fields.text(Field::City), Some("q"));
    assert_eq!(extra(&activity, "custom.deep.0").as_deref(), Some("1.0"));
    assert_eq!(extra(&activity, "key").as_deref(), Some("other"), "only the query's key is a key");
    assert_eq!(activity.extra.len(), 3);
}

#[test]
fn a_get_has_no_body_and_a_post_may_have_any() {
    let query = format!("{BASE}&activity_kind=install");
    let method = "GET";
    let with_body = Callback {
        provider: Provider::Adjust,
        method,
        query: &query,
        content_type: "",
        body: b"adid=x",
        received_at: NOW,
    };
    assert_eq!(parse(&with_body), get(&query));
    assert_eq!(post(&query, "", b"").unwrap().activity_id, get(&query).unwrap().activity_id);
    assert_eq!(post(&query, "", b" {\"adid\":\"x\"}").unwrap().fields.text(Field::Adid), Some("x"));
    assert_eq!(post(&query, "", "\u{feff}{\"adid\":\"x\"}".as_bytes()).unwrap().fields.text(Field::Adid), Some("x"));
    assert_eq!(post(&query, "text/plain", b"adid=x").unwrap().fields.text(Field::Adid), Some("x"));
    for (content_type, body) in [
        ("application/json", &b"{\"a\":"[..]),
        ("application/json", b"[{}]"),
        ("application/json", b"{\"a\":\"\xff\"}"),
        ("application/xml", b"<a/>"),
    ] {
        assert_eq!(post(&query, content_type, body).unwrap_err().reason, Reason::Malformed, "{content_type}");
    }
}

#[test]
fn the_key_is_nowhere_and_changes_nothing() {
    let query = |key: &str| format!("key={key}&app_token=app&created_at=1699999999&activity_kind=install&adid=a");
    let one = get(&query("first")).unwrap();
    assert_eq!(one, get(&query("second")).unwrap());
    assert!(!format!("{one:?}").contains("first"));
}

#[test]
fn a_dry_run_is_nowhere_and_changes_nothing() {
    let query = format!("{BASE}&activity_kind=install&adid=a");
    let one = get(&query).unwrap();
    for asked in ["dry_run=1", "dry_run=0", "dry%5Frun=x"] {
        assert_eq!(get(&format!("{query}&{asked}")).unwrap(), one, "{asked}");
    }
    let in_body = post(&query, "application/json", br#"{"dry_run":true}"#).unwrap();
    assert_eq!(extra(&in_body, "dry_run").as_deref(), Some("true"), "only the query's asks");
}

#[test]
fn a_retry_is_the_same_activity_and_another_purchase_is_not() {
    let query = format!("{BASE}&activity_kind=event&event=abc123&revenue=1.00&transaction_id=t1");
    let first = get(&query).unwrap();
    let later = NOW + 3_600_000;
    let retry = Callback {
        provider: Provider::Adjust,
        method: "GET",
        query: &query,
        content_type: "",
        body: b"",
        received_at: later,
    };
    assert_eq!(parse(&retry).unwrap().activity_id, first.activity_id);
    let refund = get(&query.replace("1.00", "-1.00")).unwrap();
    assert_ne!(refund.activity_id, first.activity_id, "a purchase and its refund share the order number");
    let nonce = |nonce: &str| get(&format!("{query}&nonce={nonce}")).unwrap();
    assert_eq!(nonce("n1").activity_id, nonce("n1").activity_id);
    assert_ne!(nonce("n1").activity_id, nonce("n2").activity_id);
    assert_eq!(nonce("{nonce}").activity_id, first.activity_id);
    assert_eq!(nonce("n1").fields.text(Field::EventId), Some("n1"));
}

#[test]
fn adjusts_other_words_fill_what_its_usual_ones_leave_empty() {
    let app = "app_token=app&activity_kind=event&event=abc123";
    let milli = get(&format!("{app}&created_at_milli=1699999999123")).unwrap();
    assert_eq!(milli.created_at, 1_699_999_999_123);
    let both = get(&format!("{app}&created_at_milli=1699999999123&created_at=1699999999")).unwrap();
    assert_eq!(both.created_at, 1_699_999_999_000);
    assert_eq!(extra(&both, "created_at_milli").as_deref(), Some("1699999999123"));
    let float = get(&format!("{BASE}&{app}&revenue_float=3.99&link_name=Net::Work")).unwrap();
    assert_eq!(float.fields.text(Field::Revenue), Some("3.99"));
    assert_eq!(float.fields.text(Field::TrackerName), Some("Net::Work"));
    let cents = get(&format!("{BASE}&{app}&revenue_float=3.99&revenue=399")).unwrap();
    assert_eq!(cents.fields.text(Field::Revenue), Some("399"), "the like name goes first");
    assert_eq!(extra(&cents, "revenue_float").as_deref(), Some("3.99"));
}

/// What a customer pastes into Adjust fills columns, and stays below what API Gateway takes.
#[test]
fn the_template_in_the_documentation_fills_columns() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers/adjust.md")).unwrap();
    let template = page.split("```").nth(1).unwrap().split_whitespace().collect::<String>();
    assert!(template.len() < 2_500, "{} bytes", template.len());
    let (_, query) = template.split_once('?').unwrap();
    let asked: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let resolved: Vec<_> = asked.iter().map(|(name, _)| format!("{name}=1699999999")).collect();
    let activity = get(&resolved.join("&")).unwrap();
    let kept: Vec<_> = activity.extra.keys().map(AsRef::as_ref).collect();
    assert_eq!(kept, ["activity_kind", "is_organic", "reinstalled_at", "rejection_reason", "uninstalled_at"]);
    let read_elsewhere = ["key", "app_token", "created_at"].len();
    assert_eq!(activity.fields.iter().count() + kept.len() + read_elsewhere, asked.len(), "each is a column");
    assert!(asked.iter().skip(2).all(|(_, value)| query::is_absent(value)), "every other value is a placeholder");
}

#[test]
fn a_template_may_name_a_parameter_event_id_and_users_stay_apart() {
    let level_up = |user: &str, tail: &str| {
        get(&format!("{BASE}&activity_kind=event&event=abc123&event_id=level_up&adid={user}{tail}")).unwrap()
    };
    let (kim, lee) = (level_up("kim", "&nonce=n1"), level_up("lee", "&nonce=n2"));
    assert_ne!(kim.activity_id, lee.activity_id, "two users in one second are two activities");
    assert_eq!(kim.activity_id, level_up("kim", "&nonce=n1").activity_id, "a retry is the same");
    assert_eq!(kim.fields.text(Field::EventId), Some("n1"), "the column holds the delivery's own id");
    assert_eq!(extra(&kim, "event_id").as_deref(), Some("level_up"), "and nothing sent is lost");
    assert_eq!(extra(&kim, "nonce"), None);
    let (kim, lee) = (level_up("kim", ""), level_up("lee", "&nonce={nonce}"));
    assert_ne!(kim.activity_id, lee.activity_id, "without a nonce every parameter counts");
    assert_eq!(kim.activity_id, level_up("kim", "&nonce=").activity_id);
    assert_eq!(kim.fields.text(Field::EventId), Some("level_up"));
    assert_eq!(extra(&kim, "event_id"), None);
}

/// Each sample is a query string (`.txt`) or a JSON body (`.json`), in the folder of its provider; what is understood of it is the snapshot beside it.
#[test]
fn golden_samples() {
    for provider in providers() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(provider.name());
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let mut samples = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is = |wanted: &str| path.extension().is_some_and(|extension| extension == wanted);
            if !is("txt") && !is("json") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let posted =
                ("POST", "key=relay_ingest_secret&app_token=2fm9gkqubvpc", "application/json", text.as_bytes());
            let (method, query, content_type, body) =
                if is("json") { posted } else { ("GET", text.trim_end(), "", &b""[..]) };
            let parsed = parse(&Callback { provider, method, query, content_type, body, received_at: NOW });
            let name = path.file_stem().unwrap().to_str().unwrap();
            settings.bind(|| insta::assert_snapshot!(name, describe(&parsed)));
            samples += 1;
        }
        assert!(samples > 0, "{} has no sample", folder.display());
    }
}

fn describe(parsed: &Result<Activity<'_>, Discard>) -> String {
    let activity = match parsed {
        Ok(activity) => activity,
        Err(discard) => return format!("discard {discard}"),
    };
    let mut lines = vec![
        format!("activity_id {}", activity.activity_id),
        format!("kind {}", activity.kind),
        format!("app_token {}", activity.app_token),
        format!("created_at {}", activity.created_at),
    ];
    for (field, value) in activity.fields.iter() {
        lines.push(match value {
            Value::Text(text) => format!("{} {text}", field.name()),
            Value::Time(time) => format!("{} {time}", field.name()),
        });
    }
    lines.extend(activity.extra.iter().map(|(name, value)| format!("extra {name} {value}")));
    lines.join("\n")
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(query in "\\PC{0,80}", body in prop::collection::vec(any::<u8>(), 0..120)) {
        for content_type in ["application/json", "application/x-www-form-urlencoded", ""] {
            black_box(post(&query, content_type, &body).is_ok());
            black_box(post(&format!("{BASE}&activity_kind=event&{query}"), content_type, &body).is_ok());
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_matter(
        pairs in prop::collection::vec(("(a|b|adid|event|event_token|country)", "[a-c]{0,2}"), 0..8),
        seed in any::<prop::sample::Index>(),
    ) {
        let query = |pairs: &[(String, String)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("activity_kind=event&{}&{BASE}", pairs.join("&"))
        };
        let mut turned = pairs.clone();
        turned.rotate_left(seed.index(pairs.len().max(1)).min(pairs.len()));
        prop_assert_eq!(get(&query(&pairs)), get(&query(&turned)));
    }
}
