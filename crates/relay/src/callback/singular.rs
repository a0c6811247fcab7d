//! Singular's internal BI postbacks: one JSON object per event, the same fields for all; what happened is the name of the event.

use crate::activity::{Kind, Provider};
use crate::callback::{AliasIf, Mapping, Trigger, trigger};
use crate::field::Field;

/// The field that says whether an ad brought an old user back.
const IS_REENGAGEMENT: &str = "is_reengagement";

/// How Singular's callbacks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Singular,
    triggers: &[],
    kinds: &[
        // The first session: of a new user, or of one whom a re-engagement ad brought back.
        re_engaged("__START__", "true"),
        re_engaged("__START__", "1"),
        trigger("__START__", Kind::Install),
        re_engaged("install", "true"),
        re_engaged("install", "1"),
        trigger("install", Kind::Install),
        trigger("__REINSTALL__", Kind::Reattribution),
        trigger("__REENGAGEMENT__", Kind::Reattribution),
        trigger("reinstall", Kind::Reattribution),
        trigger("reengagement", Kind::Reattribution),
        trigger("re-engagement", Kind::Reattribution),
        trigger("re_engagement", Kind::Reattribution),
        trigger("reattribution", Kind::Reattribution),
        trigger("reattribution_reinstall", Kind::Reattribution),
        // Singular's other built-in events.
        trigger("__SESSION__", Kind::Event),
        trigger("__UNINSTALL__", Kind::Event),
        trigger("__iap__", Kind::Event),
        trigger("__REVENUE__", Kind::Event),
        trigger("__ADMON_USER_LEVEL_REVENUE__", Kind::Event),
    ],
    in_app_event: "event",
    by_name: true,
    // Of Singular's times only those in UTC: the others are in the zone that somebody chose in its dashboard.
    created_at: &["event_utc_timestamp", "event_timestamp_unix_utc", "adjusted_timestamp_unix_utc", "created_at"],
    own_ids: &[],
    app_ids: &["longname", "app_longname", "app_id"],
    aliases: &[
        ("longname", Field::AppId),
        ("app_longname", Field::AppId),
        ("install_source", Field::Store),
        ("network", Field::NetworkName),
        ("partner", Field::NetworkName),
        ("singular_partner_name", Field::NetworkName),
        ("source", Field::NetworkName),
        ("campaign", Field::CampaignName),
        ("singular_campaign_name", Field::CampaignName),
        ("sub_campaign_name", Field::AdgroupName),
        ("sub_campaign", Field::AdgroupName),
        ("creative", Field::CreativeName),
        ("tracker", Field::TrackerName),
        ("method", Field::MatchType),
        ("install_utc_timestamp", Field::InstalledAt),
        ("install_timestamp_unix_utc", Field::InstalledAt),
        ("install_referrer", Field::Referrer),
        (IS_REENGAGEMENT, Field::IsReattributed),
        ("singular_device_id", Field::Adid),
        ("sdid", Field::Adid),
        ("singular_id", Field::Adid),
        ("aifa", Field::GpsAdid),
        ("gaid", Field::GpsAdid),
        ("custom_user_id", Field::UserId),
        ("custom_user_ids", Field::UserId),
        ("state", Field::CountrySubdivision),
        ("region", Field::CountrySubdivision),
        ("locale", Field::Language),
        ("device_model", Field::DeviceName),
        ("platform", Field::OsName),
        ("os", Field::OsName),
        ("ip", Field::IpAddress),
        ("ua", Field::UserAgent),
        ("att_authorization_status", Field::AttStatus),
        ("amount", Field::Revenue),
    ],
    aliases_if: &[
        touched_if("false", Field::ClickTime),
        touched_if("0", Field::ClickTime),
        touched_if("true", Field::ImpressionTime),
        touched_if("1", Field::ImpressionTime),
    ],
};

/// When the ad was touched: seen where `is_view_through` says so, else clicked.
const fn touched_if(viewed: &'static str, field: Field) -> AliasIf {
    AliasIf { name: "touchpoint_timestamp_unix_utc", only_if: ("is_view_through", viewed), field }
}

const fn re_engaged(word: &'static str, yes: &'static str) -> Trigger {
    Trigger { word, only_if: Some((IS_REENGAGEMENT, yes)), kind: Kind::Reattribution }
}

#[cfg(test)]
mod tests {
    use crate::activity::{Activity, Kind, Provider};
    use crate::callback::{Callback, parse};
    use crate::discard::{Discard, Reason};
    use crate::field::Field;

    const NOW: i64 = 1_700_000_000_000;

    fn post(query: &str, body: &str, received_at: i64) -> Result<Activity<'static>, Discard> {
        let (provider, method, content_type) = (Provider::Singular, "POST", "application/json");
        parse(&Callback { provider, method, query, content_type, body: body.as_bytes(), received_at })
            .map(Activity::into_owned)
    }

    fn event(members: &str) -> Activity<'static> {
        let body = format!(r#"{{"longname":"com.example.game","event_utc_timestamp":1699999999,{members}}}"#);
        post("key=k", &body, NOW).unwrap()
    }

    #[test]
    fn names_of_events_are_kinds() {
        let cases = [
            (r#""event_name":"__START__""#, Kind::Install),
            (r#""event_name":"__START__","is_reengagement":false"#, Kind::Install),
            (r#""event_name":"__START__","is_reengagement":true"#, Kind::Reattribution),
            (r#""event_name":"__START__","is_reengagement":"1""#, Kind::Reattribution),
            (r#""event_name":"__REINSTALL__""#, Kind::Reattribution),
            (r#""event_name":"__SESSION__""#, Kind::Event),
            (r#""event_name":"__SESSION__","is_reengagement":true"#, Kind::Event),
            (r#""event_name":"__UNINSTALL__""#, Kind::Event),
            (r#""event_name":"__iap__""#, Kind::Event),
            (r#""event_name":"구매 완료 🎮""#, Kind::Event),
        ];
        for (members, kind) in cases {
            let activity = event(members);
            assert_eq!(activity.kind, kind, "{members}");
            let name = members.split('"').nth(3);
            assert_eq!(activity.fields.text(Field::EventName), name, "{members}");
        }
    }

    #[test]
    fn what_happened_is_always_told() {
        let told = |name: &str| {
            let activity = event(&format!(r#""event_name":"{name}""#));
            activity.extra.get("activity_kind").map(|word| word.clone().into_owned())
        };
        for word in ["__START__", "__SESSION__", "__UNINSTALL__", "__iap__"] {
            assert_eq!(told(word).as_deref(), Some(word));
        }
        assert_eq!(told("구매").as_deref(), Some("event"));
    }

    #[test]
    fn the_url_of_a_postback_may_say_what_it_is() {
        let body = r#"{"longname":"com.example.game","event_utc_timestamp":1699999999,"event_name":"welcome back"}"#;
        let activity = post("key=k&app_token=app&activity_kind=reattribution", body, NOW).unwrap();
        assert_eq!((activity.kind, activity.app_token.as_ref()), (Kind::Reattribution, "app"));
        assert_eq!(activity.fields.text(Field::AppId), Some("com.example.game"));
    }

    #[test]
    fn the_apps_long_name_is_its_token_where_none_is_sent() {
        assert_eq!(event(r#""event_name":"__START__""#).app_token, "com.example.game");
    }

    #[test]
    fn times_are_exact_and_in_utc() {
        let at = |time: &str| {
            let body = format!(r#"{{"longname":"app","event_name":"x","event_utc_timestamp":{time}}}"#);
            post("key=k", &body, NOW).map(|activity| activity.created_at)
        };
        assert_eq!(at("1699999999").unwrap(), 1_699_999_999_000);
        assert_eq!(at("1699999999123").unwrap(), 1_699_999_999_123);
        assert_eq!(at(r#""1699999999""#).unwrap(), 1_699_999_999_000);
        assert_eq!(at(r#""2023-11-14 22:13:19""#).unwrap(), 1_699_999_999_000);
        assert_eq!(at(r#""2023-11-14T22:13:19.123Z""#).unwrap(), 1_699_999_999_123);
        let missing = at("null").unwrap_err();
        assert_eq!(missing.reason, Reason::BadTime);
    }

    #[test]
    fn of_several_fields_for_one_column_the_first_counts_and_the_others_are_kept() {
        let activity = event(
            r#""event_name":"__iap__","partner":"Unity Ads","network":"unity","amount":"9.990","revenue":"12.990","aifa":"a""#,
        );
        assert_eq!(activity.fields.text(Field::NetworkName), Some("unity"));
        assert_eq!(activity.fields.text(Field::Revenue), Some("12.990"));
        assert_eq!(activity.fields.text(Field::GpsAdid), Some("a"));
        let extra = |name: &str| activity.extra.get(name).map(AsRef::as_ref);
        assert_eq!((extra("partner"), extra("amount"), extra("aifa")), (Some("Unity Ads"), Some("9.990"), None));
    }

    #[test]
    fn a_retry_is_the_same_activity_and_another_purchase_of_the_second_is_not() {
        let bought = |order: &str, received_at: i64| {
            let body = format!(
                r#"{{"longname":"app","event_utc_timestamp":1699999999,"event_name":"__iap__","revenue":1.00,
                    "event_attributes":{{"order":"{order}"}},"aifa":"a"}}"#
            );
            post("key=k", &body, received_at).unwrap().activity_id
        };
        assert_eq!(
            bought("GPA.1", NOW),
            bought("GPA.1", NOW + 3_600_000),
            "an hour later it is tried for the last time"
        );
        assert_ne!(bought("GPA.1", NOW), bought("GPA.2", NOW));
    }
}
