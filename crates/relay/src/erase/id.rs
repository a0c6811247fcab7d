//! What is erased: an id of a device or of a user, as it stands in one of seven canonical fields.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The field that an id stands in. In schema order, so that [`crate::avro::texts`] can be asked for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdType {
    /// The attribution provider's own id of a device.
    Adid,
    /// Google's advertising id.
    GpsAdid,
    /// Android's id of a device.
    AndroidId,
    /// Apple's advertising id.
    Idfa,
    /// Apple's id of a device for one vendor.
    Idfv,
    /// The advertising id of Android devices without Google's services.
    Oaid,
    /// The advertiser's own id of a user.
    UserId,
}

impl IdType {
    /// Every one, in schema order.
    pub const ALL: [Self; 7] =
        [Self::Adid, Self::GpsAdid, Self::AndroidId, Self::Idfa, Self::Idfv, Self::Oaid, Self::UserId];

    /// The field.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::Adid => Field::Adid,
            Self::GpsAdid => Field::GpsAdid,
            Self::AndroidId => Field::AndroidId,
            Self::Idfa => Field::Idfa,
            Self::Idfv => Field::Idfv,
            Self::Oaid => Field::Oaid,
            Self::UserId => Field::UserId,
        }
    }

    /// The type of the id that stands in this field; `None` for fields that hold no id of a device or user.
    #[must_use]
    pub fn of(field: Field) -> Option<Self> {
        Self::ALL.into_iter().find(|id_type| id_type.field() == field)
    }

    /// The canonical name: the field's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.field().name()
    }

    /// An id as it is compared. A device id of hexadecimal digits and hyphens (a UUID, Adjust's `adid`, an `android_id`) is one id however its letters
    /// are written: iOS writes capitals, SDKs and providers change them. Any other text is compared as it is, since there case may tell two apart;
    /// a user's id always is.
    #[must_use]
    pub fn normal(self, value: &str) -> Cow<'_, str> {
        if self == Self::UserId {
            return Cow::Borrowed(value);
        }
        let value = value.trim();
        let is_hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let has_capitals = value.bytes().any(|byte| byte.is_ascii_uppercase());
        if is_hexadecimal && has_capitals { Cow::Owned(value.to_ascii_lowercase()) } else { Cow::Borrowed(value) }
    }
}

impl fmt::Display for IdType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing stands there.
    #[error("it is empty")]
    Empty,
    /// Zeros: what systems give out where tracking is limited. Every such device has the same, and all their rows would go.
    #[error("it is only zeros, which every device has that limits tracking: no one device's id")]
    Zeros,
    /// Longer than any activity.
    #[error("it has more than {} bytes, which no activity has", crate::activity::MAX_ACTIVITY_BYTES)]
    TooLong,
}

/// One device's or user's id, as it is compared.
#[derive(Clone, PartialEq, Eq)]
pub struct Id {
    id_type: IdType,
    value: String,
}

/// What is shown of it never shows the id.
impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Id").field("id_type", &self.id_type).finish_non_exhaustive()
    }
}

impl Id {
    /// The id of this text, if it names one device or user.
    pub fn new(id_type: IdType, value: &str) -> Result<Self, IdError> {
        let value = id_type.normal(value);
        if value.is_empty() {
            return Err(IdError::Empty);
        }
        if id_type != IdType::UserId && value.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
            return Err(IdError::Zeros);
        }
        if value.len() > crate::activity::MAX_ACTIVITY_BYTES {
            return Err(IdError::TooLong);
        }
        Ok(Self { id_type, value: value.into_owned() })
    }

    /// Which field it stands in.
    #[must_use]
    pub const fn id_type(&self) -> IdType {
        self.id_type
    }

    /// Its normal text.
    pub(super) fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_device_ids_are_one_id_in_any_case_and_all_else_is_as_written() {
        let same = |id_type: IdType, one: &str, other: &str| id_type.normal(one) == id_type.normal(other);
        for id_type in IdType::ALL {
            let is_device = id_type != IdType::UserId;
            assert_eq!(same(id_type, "38400000-8CF0-11bd", "38400000-8cf0-11BD"), is_device, "{id_type}");
            assert_eq!(same(id_type, " ab ", "ab"), is_device, "{id_type}");
            assert!(!same(id_type, "KA31-xY", "ka31-xy"), "{id_type}: no hexadecimal text");
            assert!(!same(id_type, "ab", "abc"), "{id_type}");
            assert_eq!(IdType::of(id_type.field()), Some(id_type));
        }
        assert_eq!(IdType::of(Field::Country), None);
        assert!(IdType::ALL.is_sorted_by_key(|id_type| id_type.field()));
    }

    #[test]
    fn what_names_nobody_is_no_id() {
        for zeros in ["00000000-0000-0000-0000-000000000000", "0", "0000", "-"] {
            assert_eq!(Id::new(IdType::Idfa, zeros), Err(IdError::Zeros));
        }
        assert!(Id::new(IdType::UserId, "0").is_ok(), "somebody may be user 0");
        assert_eq!(Id::new(IdType::Oaid, "  "), Err(IdError::Empty));
        assert_eq!(Id::new(IdType::UserId, &"u".repeat(70_000)), Err(IdError::TooLong));
        let id = Id::new(IdType::Adid, "18546F6171F67E29").unwrap();
        assert!(!format!("{id:?}").contains("1854"), "{id:?}");
    }
}
