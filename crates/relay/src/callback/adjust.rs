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
    created_at: &["created_at", "created_at_milli"],
    own_ids: &["nonce"],
    app_ids: &["app_id"],
    aliases: &[
        ("event", Field::EventToken),
        // `{revenue}` is in cents, `{revenue_float}` in whole units: where a template has both, `revenue` is what it calls so.
        ("revenue_float", Field::Revenue),
        // Adjust's newer word for a tracker.
        ("link_name", Field::TrackerName),
        ("fb_install_referrer_publisher_platform", Field::FbRefPublisherPlatform),
        ("fb_install_referrer_ad_objective_name", Field::FbRefAdObjective),
        ("fb_install_referrer_campaign_group_name", Field::FbRefCampaignGroup),
        ("fb_install_referrer_campaign_name", Field::FbRefCampaign),
        ("fb_install_referrer_adgroup_name", Field::FbRefAdgroup),
    ],
    aliases_if: &[],
};
