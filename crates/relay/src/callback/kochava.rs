//! Kochava's custom postbacks: a URL, or a body, that the advertiser writes with Kochava's macros. Our template gives them the canonical names; what
//! Kochava itself calls them is understood, too.

use crate::activity::{Kind, Provider};
use crate::callback::{Mapping, Trigger, trigger};
use crate::field::Field;

/// How Kochava's callbacks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Kochava,
    triggers: &[],
    kinds: &[
        // An install that a campaign for old users brought is one of an old user.
        Trigger { word: "_install", only_if: Some(("attribution_type", "reengagement")), kind: Kind::Reattribution },
        trigger("_install", Kind::Install),
        trigger("install", Kind::Install),
        trigger("_reinstall", Kind::Reattribution),
        trigger("reinstall", Kind::Reattribution),
        trigger("_reengagement", Kind::Reattribution),
        trigger("reengagement", Kind::Reattribution),
        trigger("re-engagement", Kind::Reattribution),
        trigger("reattribution", Kind::Reattribution),
        trigger("reattribution_reinstall", Kind::Reattribution),
    ],
    in_app_event: "event",
    by_name: true,
    created_at: &["created_at", "event_time", "event_timestamp", "timestamp"],
    own_ids: &["nonce"],
    app_ids: &["app_id", "kochava_app_id", "app_guid"],
    aliases: &[
        ("kochava_app_id", Field::AppId),
        ("app_guid", Field::AppId),
        ("network", Field::NetworkName),
        ("campaign", Field::CampaignName),
        ("creative", Field::CreativeName),
        ("tracker", Field::TrackerName),
        ("matched_by", Field::MatchType),
        ("click_date", Field::ClickTime),
        ("install_time", Field::InstalledAt),
        ("install_date", Field::InstalledAt),
        ("install_referrer", Field::Referrer),
        ("kochava_device_id", Field::Adid),
        ("gaid", Field::GpsAdid),
        ("region", Field::CountrySubdivision),
        ("state", Field::CountrySubdivision),
        ("device_model", Field::DeviceName),
        ("platform", Field::OsName),
        ("ip", Field::IpAddress),
        ("origination_ip", Field::IpAddress),
        ("device_ua", Field::UserAgent),
        ("price", Field::Revenue),
    ],
    aliases_if: &[],
};

#[cfg(test)]
mod tests {
    use crate::activity::{Activity, Kind, Provider};
    use crate::callback::{Callback, parse};
    use crate::discard::{Discard, Reason};
    use crate::field::Field;

    const NOW: i64 = 1_700_000_000_000;
    const BASE: &str = "key=k&app_token=app&created_at=1699999999";

    fn at(query: &str, received_at: i64) -> Result<Activity<'static>, Discard> {
        let (provider, method, content_type) = (Provider::Kochava, "GET", "");
        parse(&Callback { provider, method, query, content_type, body: b"", received_at }).map(Activity::into_owned)
    }

    fn get(query: &str) -> Activity<'static> {
        at(query, NOW).unwrap()
    }

    #[test]
    fn names_of_events_are_kinds() {
        let cases = [
            ("event_name=_install", Kind::Install),
            ("event_name=_install&attribution_type=install", Kind::Install),
            ("event_name=_install&attribution_type=reengagement", Kind::Reattribution),
            ("event_name=Purchase&attribution_type=reengagement", Kind::Event),
            ("activity_kind=reattribution&event_name=Welcome+Back", Kind::Reattribution),
            ("event_name=reinstall", Kind::Reattribution),
            ("event_name=SessionBegin", Kind::Event),
            ("event_name=%EA%B5%AC%EB%A7%A4+%F0%9F%8E%AE", Kind::Event),
        ];
        for (query, kind) in cases {
            assert_eq!(get(&format!("{BASE}&{query}")).kind, kind, "{query}");
        }
        let korean = get(&format!("{BASE}&event_name=%EA%B5%AC%EB%A7%A4+%F0%9F%8E%AE"));
        assert_eq!(korean.fields.text(Field::EventName), Some("구매 🎮"));
        let nothing = at(&format!("{BASE}&event_name={{event_name}}"), NOW).unwrap_err();
        assert_eq!(nothing.reason, Reason::BadKind);
    }

    #[test]
    fn times_are_exact_and_the_canonical_name_goes_first() {
        let at = |query: &str| get(&format!("key=k&app_token=app&event_name=x&{query}")).created_at;
        assert_eq!(at("created_at=1699999999"), 1_699_999_999_000);
        assert_eq!(at("event_time=2023-11-14+22:13:19"), 1_699_999_999_000);
        assert_eq!(at("event_time=1699999999123"), 1_699_999_999_123);
        assert_eq!(at("event_time=1699999000&created_at=1699999999"), 1_699_999_999_000);
    }

    #[test]
    fn kochavas_own_names_are_understood_and_canonical_ones_go_before_them() {
        let activity = get(&format!("{BASE}&event_name=x&adid=a&kochava_device_id=KA1&ip=203.0.113.7&platform=iOS"));
        assert_eq!(activity.fields.text(Field::Adid), Some("a"));
        assert_eq!(activity.fields.text(Field::IpAddress), Some("203.0.113.7"));
        assert_eq!(activity.fields.text(Field::OsName), Some("ios"));
        assert_eq!(activity.extra.get("kochava_device_id").map(AsRef::as_ref), Some("KA1"));
    }

    #[test]
    fn a_retry_is_the_same_activity_and_another_purchase_of_the_second_is_not() {
        let bought = |tail: &str, received_at: i64| {
            at(&format!("{BASE}&event_name=Purchase&revenue=1.00&adid=KA1{tail}"), received_at).unwrap().activity_id
        };
        assert_eq!(bought("&nonce=n1", NOW), bought("&nonce=n1", NOW + 600_000));
        assert_ne!(bought("&nonce=n1", NOW), bought("&nonce=n2", NOW));
        assert_eq!(bought("&nonce={nonce}", NOW), bought("", NOW + 600_000), "without one every parameter counts");
        assert_ne!(bought("&order=1", NOW), bought("&order=2", NOW));
    }
}
