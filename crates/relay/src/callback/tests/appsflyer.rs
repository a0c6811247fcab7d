//! AppsFlyer's messages: which are installs, which id makes a message sent again harmless, and what its times become.

use super::*;

fn message(fields: &str) -> Result<Activity<'static>, Discard> {
    let body = format!(r#"{{"app_id":"id1217828636","event_time":"2023-11-14 20:00:00.898",{fields}}}"#);
    posted("", &body)
}

fn posted(query: &str, body: &str) -> Result<Activity<'static>, Discard> {
    let (provider, method, content_type) = (Provider::Appsflyer, "POST", "application/json");
    parse(&Callback { provider, method, query, content_type, body: body.as_bytes(), received_at: NOW })
        .map(Activity::into_owned)
}

fn names(activity: &Activity<'static>) -> (Kind, Option<String>, String) {
    let event_name = activity.fields.text(Field::EventName).map(str::to_owned);
    (activity.kind, event_name, extra(activity, "activity_kind").unwrap())
}

#[test]
fn event_types_are_kinds() {
    let cases = [
        ("install", Kind::Install),
        ("organic-install", Kind::Install),
        ("reinstall", Kind::Reattribution),
        ("organic-reinstall", Kind::Reattribution),
        ("re-attribution", Kind::Reattribution),
        ("re-engagement", Kind::Reattribution),
        ("install-in-app-event", Kind::Event),
        ("organic-install-in-app-event", Kind::Event),
        ("re-engagement-in-app-event", Kind::Event),
        ("re-attribution-in-app-event", Kind::Event),
        ("re-download", Kind::Event),
        ("in-app-event", Kind::Event),
        ("postback", Kind::Event),
        ("postbacks-copy", Kind::Event),
    ];
    for (event_type, kind) in cases {
        let nameless = message(&format!(r#""event_type":"{event_type}""#)).unwrap();
        let event_name = (kind == Kind::Event).then(|| event_type.to_owned());
        assert_eq!(names(&nameless), (kind, event_name, event_type.to_owned()));
        let named = message(&format!(r#""event_type":"{event_type}","event_name":"install""#)).unwrap();
        assert_eq!(names(&named), (kind, Some("install".to_owned()), event_type.to_owned()), "the type decides");
    }
}

#[test]
fn without_an_event_type_the_name_and_the_conversion_type_say_what_happened() {
    let cases = [
        ("install", "install", Kind::Install, "install"),
        ("install", "reinstall", Kind::Reattribution, "install"),
        ("install", "Reinstall", Kind::Reattribution, "install"),
        ("reinstall", "reinstall", Kind::Reattribution, "reinstall"),
        ("re-attribution", "reinstall", Kind::Reattribution, "re-attribution"),
        ("re-engagement", "re-engagement", Kind::Reattribution, "re-engagement"),
        ("af_purchase", "install", Kind::Event, "in-app-event"),
        ("af_purchase", "reinstall", Kind::Event, "in-app-event"),
        ("구매 완료 🎮", "install", Kind::Event, "in-app-event"),
        ("af_skad_install", "install", Kind::Event, "af_skad_install"),
    ];
    for (event_name, conversion_type, kind, trigger) in cases {
        let activity =
            message(&format!(r#""event_name":"{event_name}","conversion_type":"{conversion_type}""#)).unwrap();
        assert_eq!(names(&activity), (kind, Some(event_name.to_owned()), trigger.to_owned()));
    }
}

#[test]
fn an_install_that_apple_reports_is_no_users_install() {
    for sign in ["skad_ad_network_id", "skad_transaction_id", "skad_version"] {
        for trigger in [r#""event_type":"install""#, r#""event_name":"install""#, r#""activity_kind":"install""#] {
            let reported = message(&format!(r#"{trigger},"{sign}":"4.0""#)).unwrap();
            assert_eq!(names(&reported), (Kind::Event, Some("install".to_owned()), "install".to_owned()), "{sign}");
            let absent = message(&format!(r#"{trigger},"{sign}":null"#)).unwrap();
            assert_eq!(absent.kind, Kind::Install, "{sign}");
        }
    }
}

#[test]
fn a_message_sent_again_is_the_same_and_another_purchase_is_not() {
    let purchase = |order: &str| {
        message(&format!(
            r#""event_type":"install-in-app-event","event_name":"af_purchase","event_revenue":12.990,
            "appsflyer_id":"1699989000123-1046012330971770617","event_value":"{{\"af_order_id\":\"{order}\"}}""#
        ))
        .unwrap()
    };
    assert_eq!(purchase("A1").activity_id, purchase("A1").activity_id);
    assert_ne!(purchase("A1").activity_id, purchase("A2").activity_id, "of the same user in the same millisecond");
}

#[test]
fn a_get_and_a_post_of_one_message_are_one_activity() {
    let body = r#"{"app_id":"id1217828636","event_name":"구매 🎮","event_time":"2023-11-14 20:00:00.898","event_revenue":12.990,
        "customer_user_id":457624031399716729,"wifi":true,"event_value":"{\"a\":\"b&c\"}","campaign":null,"af_ad":""}"#;
    let query = "key=relay_ingest_secret&wifi=true&app_id=id1217828636&event_name=%EA%B5%AC%EB%A7%A4+%F0%9F%8E%AE&event_time=2023-11-14%2020:00:00.898\
        &event_value=%7B%22a%22:%22b%26c%22%7D&customer_user_id=457624031399716729&event_revenue=12.990";
    let (provider, method, content_type) = (Provider::Appsflyer, "GET", "");
    let got = parse(&Callback { provider, method, query, content_type, body: b"", received_at: NOW }).unwrap();
    assert_eq!(posted("", body).unwrap(), got);
    assert_eq!(got.fields.text(Field::Revenue), Some("12.990"));
    assert_eq!(got.fields.text(Field::UserId), Some("457624031399716729"));
}

#[test]
fn a_touch_is_a_click_an_impression_or_neither() {
    let touched = |touch_type: &str| {
        message(&format!(
            r#""event_type":"install","attributed_touch_type":"{touch_type}","af_attribution_lookback":"7d",
            "attributed_touch_time":"2023-11-14 18:31:00.001","install_time":"2023-11-14 18:33:20.123""#
        ))
        .unwrap()
    };
    let time = |activity: &Activity<'_>, field| match activity.fields.get(field) {
        Some(Value::Time(time)) => Some(*time),
        _ => None,
    };
    let at = Some(1_699_986_660_001);
    for (touch_type, click, impression) in [
        ("click", at, None),
        ("Click", at, None),
        ("impression", None, at),
        ("pre-installed", None, None),
        ("TV", None, None),
    ] {
        let activity = touched(touch_type);
        assert_eq!(activity.created_at, 1_699_992_000_898);
        assert_eq!(time(&activity, Field::InstalledAt), Some(1_699_986_800_123));
        assert_eq!(time(&activity, Field::ClickTime), click, "{touch_type}");
        assert_eq!(time(&activity, Field::ImpressionTime), impression, "{touch_type}");
        let kept = extra(&activity, "attributed_touch_time").is_some();
        assert_eq!(kept, click.or(impression).is_none(), "{touch_type}: it stands in one place");
        assert_eq!(extra(&activity, "af_attribution_lookback").is_some(), kept);
    }
}

#[test]
fn what_is_missing_is_told_in_appsflyers_words() {
    let told = |body: &str| posted("app_token=app", body).unwrap_err();
    let nothing = told(r#"{"event_time":"2023-11-14 20:00:00"}"#);
    assert_eq!(nothing.reason, Reason::BadKind);
    assert!(nothing.detail.contains("event_type is missing, and so is event_name"), "{}", nothing.detail);
    let timeless = told(r#"{"event_type":"install","install_time":"2023-11-14 20:00:00"}"#);
    assert_eq!(timeless.reason, Reason::BadTime, "an install's time is not taken for another's");
    let ancient = told(r#"{"event_type":"install","event_time":"2019-09-17 00:09:00.123"}"#);
    assert_eq!(ancient.reason, Reason::BadTime);
    assert!(ancient.detail.starts_with("event_time is `2019-09-17"), "{}", ancient.detail);
}
