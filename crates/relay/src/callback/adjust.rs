//! Adjust's server callbacks. Its placeholder names are the canonical ones; what differs stands in this table.

use crate::activity::{Kind, Provider};
use crate::callback::Mapping;
use crate::field::Field;

/// How Adjust's callbacks are understood.
pub(super) const MAPPING: Mapping = Mapping {
    provider: Provider::Adjust,
    trigger: "activity_kind",
    kinds: &[
        ("install", Kind::Install),
        ("reattribution", Kind::Reattribution),
        ("reinstall", Kind::Reattribution),
        ("reattribution_reinstall", Kind::Reattribution),
    ],
    in_app_event: "event",
    created_at: "created_at",
    own_id: "nonce",
    app_id: "app_id",
    aliases: &[
        ("event", Field::EventToken),
        ("fb_install_referrer_publisher_platform", Field::FbRefPublisherPlatform),
        ("fb_install_referrer_ad_objective_name", Field::FbRefAdObjective),
        ("fb_install_referrer_campaign_group_name", Field::FbRefCampaignGroup),
        ("fb_install_referrer_campaign_name", Field::FbRefCampaign),
        ("fb_install_referrer_adgroup_name", Field::FbRefAdgroup),
    ],
};
