//! Adjust's server callbacks. Its placeholder names are the canonical ones; what differs stands in this table.

use crate::activity::{Kind, Provider};
use crate::callback::{Mapping, trigger};
use crate::field::Field;

/// How Adjust's callbacks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Adjust,
    triggers: &[],
    kinds: &[
        trigger("install", Kind::Install),
        trigger("reattribution", Kind::Reattribution),
        trigger("reinstall", Kind::Reattribution),
        trigger("reattribution_reinstall", Kind::Reattribution),
    ],
    in_app_event: "event",
    by_name: false,
    created_at: &["created_at"],
    own_ids: &["nonce"],
    app_ids: &["app_id"],
    aliases: &[
        ("event", Field::EventToken),
        ("fb_install_referrer_publisher_platform", Field::FbRefPublisherPlatform),
        ("fb_install_referrer_ad_objective_name", Field::FbRefAdObjective),
        ("fb_install_referrer_campaign_group_name", Field::FbRefCampaignGroup),
        ("fb_install_referrer_campaign_name", Field::FbRefCampaign),
        ("fb_install_referrer_adgroup_name", Field::FbRefAdgroup),
    ],
};
