//! Airbridge's advertiser postbacks: a JSON body, or the fields as parameters of a URL. Airbridge writes a field in three ways (docs/providers/airbridge.md):
//! by the key of its SDK and macros (`device.gaid`), by group and property (`touchpoint.adGroup`), and by the key of its raw data (`ad_group`).

use crate::activity::{Kind, Provider};
use crate::callback::{AliasIf, Condition, Mapping, Trigger, trigger};
use crate::field::Field;

/// Whether the device never had this event before, in the three ways.
const BY_MACRO: &str = "eventData.isFirstPerDevice";
const BY_GROUP: &str = "eventDetails.isFirstEventPerDeviceID";
const BY_RAW_KEY: &str = "is_first_event_per_device_id";

/// An install on a device that had one before is Airbridge's reinstall: it has no other word for it.
const fn again(word: &'static str, is_first: &'static str) -> Trigger {
    Trigger { word, only_if: Some((is_first, "false")), kind: Kind::Reattribution }
}

/// How Airbridge's postbacks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Airbridge,
    triggers: &[
        "eventName",
        "event_name",
        "event.eventName",
        "eventData.goal.category",
        "eventData.category",
        "event.eventCategory",
        "eventCategory",
        "event_category",
    ],
    // The event's name in reports, its key, and the numbers of the SDK's installs without and with a deep link. Opens are events.
    kinds: &[
        again("install (app)", BY_MACRO),
        again("install (app)", BY_GROUP),
        again("install (app)", BY_RAW_KEY),
        again("install", BY_MACRO),
        again("install", BY_GROUP),
        again("install", BY_RAW_KEY),
        again("app_install", BY_MACRO),
        again("app_install", BY_GROUP),
        again("app_install", BY_RAW_KEY),
        again("9161", BY_MACRO),
        again("9163", BY_MACRO),
        trigger("install (app)", Kind::Install),
        trigger("install", Kind::Install),
        trigger("app_install", Kind::Install),
        trigger("9161", Kind::Install),
        trigger("9163", Kind::Install),
    ],
    in_app_event: "event",
    by_name: true,
    // Never `eventDatetime`: it is in the zone of the app's settings, and does not say which.
    created_at: &[
        "created_at",
        "eventTimestamp",
        "event.eventTimestamp",
        "eventDatetime.eventTimestamp",
        "event_timestamp",
    ],
    // Airbridge itself tells events apart by it.
    own_ids: &["eventUUID", "event.eventUUID", "eventDetails.eventUUID", "event_uuid"],
    app_ids: &["app_id", "app.packageName", "packageName", "app.iTunesAppID", "iTunesAppID"],
    aliases: &[
        ("eventName", Field::EventName),
        ("event.eventName", Field::EventName),
        ("eventData.goal.category", Field::EventName),
        ("eventData.category", Field::EventName),
        ("event.eventCategory", Field::EventName),
        ("eventCategory", Field::EventName),
        ("event_category", Field::EventName),
        ("app.packageName", Field::AppId),
        ("packageName", Field::AppId),
        ("app.iTunesAppID", Field::AppId),
        ("iTunesAppID", Field::AppId),
        ("app.appName", Field::AppName),
        ("app.name", Field::AppName),
        ("appName", Field::AppName),
        ("app.version", Field::AppVersion),
        ("app.appVersion", Field::AppVersion),
        ("appVersion", Field::AppVersion),
        ("attributionResult.attributedChannel", Field::NetworkName),
        ("touchpoint.channel", Field::NetworkName),
        ("channel", Field::NetworkName),
        ("eventData.trackingData.channel", Field::NetworkName),
        ("attributionResult.attributedCampaign", Field::CampaignName),
        ("touchpoint.campaign", Field::CampaignName),
        ("campaign", Field::CampaignName),
        ("eventData.trackingData.params.campaign", Field::CampaignName),
        ("attributionResult.attributedAdGroup", Field::AdgroupName),
        ("touchpoint.adGroup", Field::AdgroupName),
        ("ad_group", Field::AdgroupName),
        ("eventData.trackingData.params.ad_group", Field::AdgroupName),
        ("attributionResult.attributedAdCreative", Field::CreativeName),
        ("touchpoint.adCreative", Field::CreativeName),
        ("ad_creative", Field::CreativeName),
        ("eventData.trackingData.params.ad_creative", Field::CreativeName),
        ("attributionResult.attributedMatchingType", Field::MatchType),
        ("eventData.systemInstallTimestamp", Field::InstalledAt),
        ("eventData.googleReferrer", Field::Referrer),
        ("device.deviceUUID", Field::Adid),
        ("device.airbridgeDeviceID", Field::Adid),
        ("airbridge_device_id", Field::Adid),
        ("device.gaid", Field::GpsAdid),
        ("gaid", Field::GpsAdid),
        ("device.ifa", Field::Idfa),
        ("device.idfa", Field::Idfa),
        ("device.ifv", Field::Idfv),
        ("device.idfv", Field::Idfv),
        ("device.oaid", Field::Oaid),
        ("user.externalUserID", Field::UserId),
        ("user.userID", Field::UserId),
        ("device.country", Field::Country),
        ("device.clientIPCountryCode", Field::Country),
        ("client_ip_country_code", Field::Country),
        ("device.clientIPSubdivision", Field::CountrySubdivision),
        ("client_ip_subdivision", Field::CountrySubdivision),
        ("device.clientIPCity", Field::City),
        ("client_ip_city", Field::City),
        ("device.language", Field::Language),
        ("device.locale", Field::Language),
        ("device.deviceModel", Field::DeviceName),
        ("device_model", Field::DeviceName),
        ("device.deviceType", Field::DeviceType),
        ("device.osName", Field::OsName),
        ("device.platform", Field::OsName),
        ("device.osVersion", Field::OsVersion),
        ("device.clientIP", Field::IpAddress),
        ("client_ip", Field::IpAddress),
        ("browser.userAgent", Field::UserAgent),
        // The amount as the app sent it, before Airbridge's exchange rate: that is the one the currency is of.
        ("eventData.goal.semanticAttributes.totalValue", Field::Revenue),
        ("eventData.goal.value", Field::Revenue),
        ("eventData.value", Field::Revenue),
        ("event.eventValueOriginal", Field::Revenue),
        ("event.eventValue", Field::Revenue),
        ("eventValue", Field::Revenue),
        ("event_value", Field::Revenue),
        ("eventData.goal.semanticAttributes.currency", Field::Currency),
        ("event.currency", Field::Currency),
        ("sdkVersion", Field::SdkVersion),
    ],
    aliases_if: &[
        AliasIf { name: TOUCH_TIME, only_if: CLICK, field: Field::ClickTime },
        AliasIf { name: TOUCH_TIME, only_if: IMPRESSION, field: Field::ImpressionTime },
    ],
};

const TOUCH_TIME: &str = "attributionResult.attributedTimestamp";
const CLICK: Condition = ("attributionResult.attributedActionType", "click");
const IMPRESSION: Condition = ("attributionResult.attributedActionType", "impression");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Activity;
    use crate::callback::{Callback, parse};
    use crate::discard::{Discard, Reason};

    const NOW: i64 = 1_700_000_000_000;
    const QUERY: &str = "key=relay_ingest_secret&app_token=app";

    fn post(body: &str, received_at: i64) -> Result<Activity<'static>, Discard> {
        let (provider, method, content_type) = (Provider::Airbridge, "POST", "application/json");
        parse(&Callback { provider, method, query: QUERY, content_type, body: body.as_bytes(), received_at })
            .map(Activity::into_owned)
    }

    fn get(tail: &str) -> Result<Activity<'static>, Discard> {
        let (provider, method, query) = (Provider::Airbridge, "GET", format!("{QUERY}&{tail}"));
        parse(&Callback { provider, method, query: &query, content_type: "", body: b"", received_at: NOW })
            .map(Activity::into_owned)
    }

    #[test]
    fn an_install_is_one_under_each_of_its_names_and_a_reinstall_where_the_device_had_one() {
        for name in ["Install (App)", "install", "app_install", "9161"] {
            for (first, kind) in [("null", Kind::Install), ("true", Kind::Install), ("false", Kind::Reattribution)] {
                let body = format!(
                    r#"{{"eventName":"{name}","eventTimestamp":1699995555007,"eventData":{{"isFirstPerDevice":{first}}}}}"#
                );
                assert_eq!(post(&body, NOW).unwrap().kind, kind, "{name} {first}");
                let query = format!("event_name={name}&created_at=1699995555007&{BY_MACRO}={first}");
                assert_eq!(get(&query).unwrap().kind, kind, "{name} {first}");
            }
        }
        let grouped = r#"{"event":{"eventCategory":"Install (App)","eventTimestamp":1699995555007},"eventDetails":{"isFirstEventPerDeviceID":false}}"#;
        assert_eq!(post(grouped, NOW).unwrap().kind, Kind::Reattribution);
        let raw = "event_category=app_install&event_timestamp=1699995555007&is_first_event_per_device_id=false";
        assert_eq!(get(raw).unwrap().kind, Kind::Reattribution);
    }

    #[test]
    fn every_other_event_is_one_and_keeps_its_name() {
        for name in ["Deeplink Open (App)", "app_open", "airbridge.ecommerce.order.completed", "설치 🎉", "9160"] {
            let body = format!(
                r#"{{"eventName":"{name}","eventTimestamp":1699995555007,"eventData":{{"isFirstPerDevice":false}}}}"#
            );
            let activity = post(&body, NOW).unwrap();
            assert_eq!((activity.kind, activity.fields.text(Field::EventName)), (Kind::Event, Some(name)));
            let is_word = name.is_ascii() && !name.contains('(');
            assert_eq!(activity.extra["activity_kind"], if is_word { name } else { "event" });
        }
    }

    #[test]
    fn any_of_an_events_names_may_say_that_it_is_an_install() {
        let body = r#"{"eventName":"앱 설치","eventCategory":"app_install","eventTimestamp":1699995555007}"#;
        let activity = post(body, NOW).unwrap();
        assert_eq!((activity.kind, activity.fields.text(Field::EventName)), (Kind::Install, Some("앱 설치")));
        assert_eq!(activity.extra["activity_kind"], "app_install");
        assert_eq!(activity.extra["eventCategory"], "app_install");
    }

    #[test]
    fn a_retry_is_the_same_row_and_two_purchases_in_one_second_are_two() {
        let body = |uuid: &str| {
            format!(
                r#"{{"eventUUID":"{uuid}","eventTimestamp":1699995555007,"eventCategory":"purchase","eventData":{{"goal":{{"value":12.990}}}}}}"#
            )
        };
        let first = post(&body("085334a4"), NOW).unwrap();
        assert_eq!(first.created_at, 1_699_995_555_007);
        assert_eq!(first.fields.text(Field::EventId), Some("085334a4"));
        assert_eq!(first.fields.text(Field::Revenue), Some("12.990"));
        assert_eq!(post(&body("085334a4"), NOW + 3_600_000).unwrap().activity_id, first.activity_id, "a retry");
        assert_ne!(post(&body("93ad9ec2"), NOW).unwrap().activity_id, first.activity_id, "another purchase");
        let templated = get("event_name=purchase&created_at=1699995555007&eventUUID=085334a4").unwrap();
        assert_eq!(templated.activity_id, first.activity_id);
    }

    #[test]
    fn a_time_without_its_zone_is_not_taken() {
        let body = r#"{"eventName":"app_install","eventDatetime":"2023-11-15 05:59:15"}"#;
        assert_eq!(post(body, NOW).unwrap_err().reason, Reason::BadTime);
    }

    #[test]
    fn revenue_and_currency_are_of_one_another() {
        let body = r#"{"eventCategory":"purchase","eventTimestamp":1699995555007,"eventValue":17020.5,
            "eventData":{"goal":{"semanticAttributes":{"totalValue":12.990,"currency":"USD"}}}}"#;
        let activity = post(body, NOW).unwrap();
        assert_eq!(activity.fields.text(Field::Revenue), Some("12.990"));
        assert_eq!(activity.fields.text(Field::Currency), Some("USD"));
        assert_eq!(activity.extra["eventValue"], "17020.5");
    }
}
