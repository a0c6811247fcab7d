//! AppsFlyer's Push API: what its SDK saw, of users, and what Apple's ad networks told it, of nobody in particular (`SKAdNetwork`).

use crate::activity::{Kind, Provider};
use crate::callback::{ANY, AliasIf, Condition, Mapping, Trigger, trigger};
use crate::field::Field;

/// How AppsFlyer's messages are understood. Times are UTC, `yyyy-mm-dd hh:mm:ss.sss`; those in the zone of the app have names of their own.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Appsflyer,
    triggers: &["event_type"],
    kinds: &[
        // Apple's postbacks speak of no user: an install of theirs is none of an app's users.
        only_if("install", ("skad_ad_network_id", ANY), Kind::Event),
        only_if("install", ("skad_transaction_id", ANY), Kind::Event),
        only_if("install", ("skad_version", ANY), Kind::Event),
        trigger("af_skad_install", Kind::Event),
        trigger("af_skad_redownload", Kind::Event),
        // Without `event_type`, name and conversion type together say what happened.
        only_if("install", ("conversion_type", "reinstall"), Kind::Reattribution),
        trigger("install", Kind::Install),
        trigger("organic-install", Kind::Install),
        trigger("reinstall", Kind::Reattribution),
        trigger("organic-reinstall", Kind::Reattribution),
        trigger("re-attribution", Kind::Reattribution),
        trigger("re-engagement", Kind::Event),
        // An event of the advertiser's may be called `install`: its type says that it is none.
        trigger("install-in-app-event", Kind::Event),
        trigger("organic-install-in-app-event", Kind::Event),
        trigger("re-engagement-in-app-event", Kind::Event),
        trigger("re-attribution-in-app-event", Kind::Event),
        trigger("in-app-event", Kind::Event),
        trigger("re-download", Kind::Event),
        trigger("postback", Kind::Event),
        trigger("postbacks-copy", Kind::Event),
    ],
    in_app_event: "in-app-event",
    by_name: true,
    created_at: &["event_time", "timestamp"],
    // Nothing names a delivery: all of a message together does.
    own_ids: &[],
    app_ids: &["app_id", "skad_app_id"],
    aliases: &[
        ("event_uuid", Field::EventId),
        ("install_app_store", Field::Store),
        ("media_source", Field::NetworkName),
        ("campaign", Field::CampaignName),
        ("ad_network_campaign_name", Field::CampaignName),
        ("af_adset", Field::AdgroupName),
        ("ad_network_adset_name", Field::AdgroupName),
        ("af_ad", Field::CreativeName),
        ("ad_network_ad_name", Field::CreativeName),
        ("install_time", Field::InstalledAt),
        ("gp_install_begin", Field::InstallBeginTime),
        ("gp_referrer", Field::Referrer),
        ("appsflyer_id", Field::Adid),
        ("advertising_id", Field::GpsAdid),
        ("customer_user_id", Field::UserId),
        ("country_code", Field::Country),
        ("state", Field::CountrySubdivision),
        ("device_model", Field::DeviceName),
        ("device_category", Field::DeviceType),
        ("platform", Field::OsName),
        ("att", Field::AttStatus),
        ("ip", Field::IpAddress),
        ("event_revenue", Field::Revenue),
        ("event_revenue_currency", Field::Currency),
    ],
    aliases_if: &[
        AliasIf { name: "attributed_touch_time", only_if: CLICK, field: Field::ClickTime },
        AliasIf { name: "attributed_touch_time", only_if: IMPRESSION, field: Field::ImpressionTime },
        AliasIf { name: "af_attribution_lookback", only_if: CLICK, field: Field::ClickAttributionWindow },
        AliasIf { name: "af_attribution_lookback", only_if: IMPRESSION, field: Field::ImpressionAttributionWindow },
    ],
};

const CLICK: Condition = ("attributed_touch_type", "click");
const IMPRESSION: Condition = ("attributed_touch_type", "impression");

const fn only_if(word: &'static str, condition: Condition, kind: Kind) -> Trigger {
    Trigger { word, only_if: Some(condition), kind }
}
