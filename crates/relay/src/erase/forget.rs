//! A provider's word that a person wants to be forgotten: Adjust's callback `gdpr_forget_device`.

use super::{Id, IdType, Mark};
use crate::activity::{Activity, Provider};

/// What Adjust's callback says in `activity_kind`, in any case.
pub const FORGET_DEVICE: &str = "gdpr_forget_device";

/// The parameter that says it; in `extra` it always stands.
const ACTIVITY_KIND: &str = "activity_kind";

/// What a callback asks to erase: every device id that it names, up to when it happened (and not behind its arrival, should the sender's clock be ahead);
/// nothing where it is no such callback. Not the user's id: a person may have other devices, and asked for this one. An id that names nobody is passed
/// over. The callback's own activity is covered with the rest: it holds the ids, too.
#[must_use]
pub fn forgotten(activity: &Activity<'_>) -> Vec<Mark> {
    let says_so = activity.extra.get(ACTIVITY_KIND).is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORGET_DEVICE));
    if activity.provider != Provider::Adjust || !says_so {
        return Vec::new();
    }
    let erased_at = activity.created_at.min(activity.received_at);
    let devices = IdType::ALL.into_iter().filter(|id_type| *id_type != IdType::UserId);
    let named = devices.filter_map(|id_type| Id::new(id_type, activity.fields.text(id_type.field())?).ok());
    named.map(|id| Mark { id, erased_at }).collect()
}
