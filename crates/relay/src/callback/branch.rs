//! Branch's webhooks: a JSON body of nested objects, or a templated URL. The template that docs/providers/branch.md gives has
//! canonical names, so this table is about the body.

use crate::activity::{Kind, Provider};
use crate::callback::{ANY, AliasIf, Condition, Mapping, trigger};
use crate::field::Field;

/// How Branch's webhooks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Branch,
    // A customer's own event may have any text for a name: then it is an event of that name.
    triggers: &["name", "event_name"],
    // `OPEN`, `PAGEVIEW`, `PURCHASE` … and the customer's own names are events.
    kinds: &[trigger("install", Kind::Install), trigger("reinstall", Kind::Reattribution)],
    in_app_event: "event",
    by_name: true,
    // `timestamp` in a body, `event_timestamp` as a macro: milliseconds.
    created_at: &["created_at", "timestamp", "event_timestamp"],
    // Assigned by Branch to the event, not to the delivery: whatever sends the event again sends this.
    own_ids: &["id"],
    app_ids: &["app_id", "organization_id"],
    aliases: &[
        ("name", Field::EventName),
        ("user_data.app_version", Field::AppVersion),
        ("user_data.installer_package_name", Field::Store),
        ("last_attributed_touch_data.~advertising_partner_name", Field::NetworkName),
        ("last_attributed_touch_data.~channel", Field::NetworkName),
        // In a templated URL beside `network_name`, as the partner's name beside the channel of a body.
        ("channel", Field::NetworkName),
        ("last_attributed_touch_data.~campaign", Field::CampaignName),
        ("last_attributed_touch_data.~customer_campaign", Field::CampaignName),
        ("last_attributed_touch_data.~ad_set_name", Field::AdgroupName),
        ("last_attributed_touch_data.~customer_ad_set_name", Field::AdgroupName),
        ("last_attributed_touch_data.~creative_name", Field::CreativeName),
        ("last_attributed_touch_data.~ad_name", Field::CreativeName),
        ("last_attributed_touch_data.~customer_ad_name", Field::CreativeName),
        ("install_activity.timestamp", Field::InstalledAt),
        ("store_install_begin_timestamp", Field::InstallBeginTime),
        ("user_data.http_referrer", Field::Referrer),
        ("user_data.aaid", Field::GpsAdid),
        ("user_data.android_id", Field::AndroidId),
        ("user_data.idfa", Field::Idfa),
        ("user_data.idfv", Field::Idfv),
        ("user_data.oaid", Field::Oaid),
        ("user_data.developer_identity", Field::UserId),
        ("user_data.geo_country_code", Field::Country),
        ("user_data.country", Field::Country),
        ("user_data.geo_region_en", Field::CountrySubdivision),
        ("user_data.geo_region_code", Field::CountrySubdivision),
        ("user_data.geo_city_en", Field::City),
        ("user_data.geo_postal_code", Field::PostalCode),
        ("user_data.language", Field::Language),
        ("user_data.model", Field::DeviceName),
        ("user_data.device_type", Field::DeviceType),
        ("user_data.os", Field::OsName),
        // On Android `os_version` is the number of the API ("27"), and this is the version of the system ("8.1.0").
        ("user_data.os_version_android", Field::OsVersion),
        ("user_data.os_version", Field::OsVersion),
        ("user_data.opted_in_status", Field::AttStatus),
        ("user_data.internet_connection_type", Field::ConnectionType),
        ("user_data.ip", Field::IpAddress),
        ("user_data.user_agent", Field::UserAgent),
        ("event_data.revenue", Field::Revenue),
        ("event_data.currency", Field::Currency),
        ("user_data.sdk_version", Field::SdkVersion),
    ],
    // The touch's time is to the millisecond, the link's own to the second.
    aliases_if: &[
        AliasIf { name: TOUCH_TIME, only_if: CLICK, field: Field::ClickTime },
        AliasIf { name: TOUCH_TIME, only_if: IMPRESSION, field: Field::ImpressionTime },
        AliasIf { name: LINK_TIME, only_if: (LINK_TIME, ANY), field: Field::ClickTime },
    ],
};

const TOUCH_TIME: &str = "last_attributed_touch_timestamp";
const LINK_TIME: &str = "last_attributed_touch_data.+click_timestamp";
const CLICK: Condition = ("last_attributed_touch_type", "click");
const IMPRESSION: Condition = ("last_attributed_touch_type", "impression");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::{Activity, Value};
    use crate::callback::{Callback, parse};
    use crate::discard::Discard;

    const NOW: i64 = 1_700_000_000_000;
    const QUERY: &str = "key=relay_ingest_secret&app_token=app";

    fn post(body: &str, received_at: i64) -> Result<Activity<'static>, Discard> {
        let (provider, method, content_type) = (Provider::Branch, "POST", "application/json");
        parse(&Callback { provider, method, query: QUERY, content_type, body: body.as_bytes(), received_at })
            .map(Activity::into_owned)
    }

    fn get(tail: &str) -> Result<Activity<'static>, Discard> {
        let (provider, method, query) = (Provider::Branch, "GET", format!("{QUERY}&{tail}"));
        parse(&Callback { provider, method, query: &query, content_type: "", body: b"", received_at: NOW })
            .map(Activity::into_owned)
    }

    fn purchase(id: &str, revenue: &str) -> String {
        format!(
            r#"{{"name":"PURCHASE",{id}"timestamp":1699995555007,"user_data":{{"aaid":"a"}},"event_data":{{"revenue":{revenue}}}}}"#
        )
    }

    #[test]
    fn installs_and_reinstalls_are_no_events() {
        for (name, kind) in [
            ("INSTALL", Kind::Install),
            ("install", Kind::Install),
            ("REINSTALL", Kind::Reattribution),
            ("OPEN", Kind::Event),
            ("WEB_SESSION_START", Kind::Event),
            ("PURCHASE", Kind::Event),
            ("installed", Kind::Event),
            ("설치 🎉", Kind::Event),
        ] {
            let activity = post(&format!(r#"{{"name":"{name}","timestamp":1699995555007}}"#), NOW).unwrap();
            assert_eq!(activity.kind, kind, "{name}");
            assert_eq!(activity.fields.text(Field::EventName), Some(name));
            let templated = get(&format!("event_name={name}&created_at=1699995555007")).unwrap();
            assert_eq!((templated.kind, templated.fields), (kind, activity.fields), "{name}");
        }
    }

    #[test]
    fn a_retry_is_the_same_row_and_two_purchases_in_one_second_are_two() {
        let body = purchase(r#""id":"1253416398120443908","#, "12.990");
        let first = post(&body, NOW).unwrap();
        assert_eq!(first.fields.text(Field::EventId), Some("1253416398120443908"));
        assert_eq!(post(&body, NOW + 3_600_000).unwrap().activity_id, first.activity_id, "a retry");
        // A second webhook for the same event, with another body, tells of the same event.
        let filtered = r#"{"name":"PURCHASE","id":1253416398120443908,"timestamp":1699995555007}"#;
        assert_eq!(post(filtered, NOW).unwrap().activity_id, first.activity_id);
        let second = post(&purchase(r#""id":"1253416398120443909","#, "12.990"), NOW).unwrap();
        assert_ne!(second.activity_id, first.activity_id, "the same purchase again, in the same millisecond");
        let templated =
            get("event_name=PURCHASE&created_at=1699995555007&id=1253416398120443908&revenue=12.990").unwrap();
        assert_eq!(templated.activity_id, first.activity_id);
    }

    #[test]
    fn without_an_id_every_parameter_counts() {
        let first = post(&purchase("", "12.990"), NOW).unwrap();
        assert_eq!(post(&purchase("", "12.990"), NOW + 1).unwrap().activity_id, first.activity_id);
        assert_ne!(post(&purchase("", "12.99"), NOW).unwrap().activity_id, first.activity_id);
    }

    #[test]
    fn times_are_exact_and_long_numbers_whole() {
        let body = r#"{"name":"OPEN","timestamp":1699995555007,"organization_id":457624031399716728,
            "last_attributed_touch_data":{"~id":457624031399716729,"+click_timestamp":1699989000},
            "last_attributed_touch_type":"CLICK","last_attributed_touch_timestamp":1699989000456,
            "install_activity":{"timestamp":1690000000123}}"#;
        let activity = post(body, NOW).unwrap();
        assert_eq!(activity.created_at, 1_699_995_555_007);
        assert_eq!(activity.fields.get(Field::ClickTime), Some(&Value::Time(1_699_989_000_456)));
        assert_eq!(activity.fields.get(Field::InstalledAt), Some(&Value::Time(1_690_000_000_123)));
        assert_eq!(activity.extra["last_attributed_touch_data.~id"], "457624031399716729");
        assert_eq!(activity.extra["organization_id"], "457624031399716728");
    }

    #[test]
    fn a_touch_was_a_click_or_an_impression() {
        let times = |touch: &str| {
            let body = format!(r#"{{"name":"OPEN","timestamp":1699995555007,{touch}}}"#);
            let fields = post(&body, NOW).unwrap().fields;
            [Field::ClickTime, Field::ImpressionTime].map(|field| fields.get(field).cloned())
        };
        let touch_time = r#""last_attributed_touch_timestamp":1699989000456"#;
        let time = |ms| Some(Value::Time(ms));
        assert_eq!(
            times(&format!(r#""last_attributed_touch_type":"CLICK",{touch_time}"#)),
            [time(1_699_989_000_456), None]
        );
        assert_eq!(
            times(&format!(r#""last_attributed_touch_type":"IMPRESSION",{touch_time}"#)),
            [None, time(1_699_989_000_456)]
        );
        assert_eq!(times(touch_time), [None, None]);
        let link = r#""last_attributed_touch_data":{"+click_timestamp":1699989000}"#;
        assert_eq!(times(&format!("{link},{touch_time}")), [time(1_699_989_000_000), None]);
    }

    #[test]
    fn the_organization_names_the_app_where_the_url_does_not() {
        let (provider, method, content_type) = (Provider::Branch, "POST", "application/json");
        let body = br#"{"name":"OPEN","timestamp":1699995555007,"organization_id":457624031399716728}"#;
        let callback = Callback { provider, method, query: "key=k", content_type, body, received_at: NOW };
        assert_eq!(parse(&callback).unwrap().app_token, "457624031399716728");
    }
}
