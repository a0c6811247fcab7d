//! An activity: a checked fact of kind install, reattribution or event; the only domain object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Field, Shape};

mod json;

/// The most bytes one encoded activity may have (product.md: activity ≤ 64 KiB).
pub const MAX_ACTIVITY_BYTES: usize = 64 * 1024;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A first install of the app.
    Install,
    /// A returning user credited to a new source: reattribution, reinstall, or both.
    Reattribution,
    /// Everything else: in-app events, sessions, ad revenue, subscriptions, uninstalls, rejected installs…
    Event,
}

impl Kind {
    /// Every kind, in schema order.
    pub const ALL: [Self; 3] = [Self::Install, Self::Reattribution, Self::Event];

    /// The canonical name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Reattribution => "reattribution",
            Self::Event => "event",
        }
    }

    /// The kind of this canonical name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who sent the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Adjust.
    Adjust,
    /// AppsFlyer.
    Appsflyer,
    /// Branch.
    Branch,
    /// Airbridge.
    Airbridge,
    /// Singular.
    Singular,
    /// Kochava.
    Kochava,
    /// An SDK or server of the advertiser's own, through `/v1/activities`.
    Sdk,
}

impl Provider {
    /// Every provider, in schema order.
    pub const ALL: [Self; 7] =
        [Self::Adjust, Self::Appsflyer, Self::Branch, Self::Airbridge, Self::Singular, Self::Kochava, Self::Sdk];

    /// The canonical name, as it stands in `/v1/callbacks/{provider}`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adjust => "adjust",
            Self::Appsflyer => "appsflyer",
            Self::Branch => "branch",
            Self::Airbridge => "airbridge",
            Self::Singular => "singular",
            Self::Kochava => "kochava",
            Self::Sdk => "sdk",
        }
    }

    /// The provider of this canonical name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// 128 bits that are the same for every delivery of one activity; written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityId(pub [u8; 16]);

impl ActivityId {
    /// As it is written.
    #[must_use]
    pub fn digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        // Two digits for each byte have room.
        hex::encode_to_slice(self.0, &mut digits).ok();
        digits
    }
}

impl fmt::Display for ActivityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for ActivityId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The value of an optional field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text exactly as sent.
    Text(Cow<'a, str>),
    /// Milliseconds since the epoch, UTC.
    Time(i64),
}

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Time(time) => Value::Time(time),
        }
    }
}

/// The optional canonical fields of one activity; what is absent takes no space in the encoding but a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a>([Option<Value<'a>>; Field::COUNT]);

impl Default for Fields<'_> {
    fn default() -> Self {
        Self([const { None }; Field::COUNT])
    }
}

impl<'a> Fields<'a> {
    /// The value of a field, where it has one.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.0.get(field as usize).and_then(Option::as_ref)
    }

    /// The text of a field of shape [`Shape::Text`], where it has one.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Time(_)) | None => None,
        }
    }

    /// Sets a field. A value of another shape than the field's is not taken: the answer is `false`.
    pub fn set(&mut self, field: Field, value: Value<'a>) -> bool {
        let fits = matches!((&value, field.shape()), (Value::Text(_), Shape::Text) | (Value::Time(_), Shape::Time));
        if fits && let Some(slot) = self.0.get_mut(field as usize) {
            *slot = Some(value);
        }
        fits
    }

    /// The fields that have a value, in schema order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value<'a>)> {
        Field::ALL.iter().zip(&self.0).filter_map(|(field, value)| value.as_ref().map(|value| (*field, value)))
    }

    /// The same for the decoder, which gives each field a value of its shape.
    pub(crate) fn slots_mut(&mut self) -> impl Iterator<Item = (Field, &mut Option<Value<'a>>)> {
        Field::ALL.iter().copied().zip(&mut self.0)
    }

    /// Every field in schema order with the value it may have: the walk of the codec.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (Field, Option<&Value<'a>>)> {
        Field::ALL.iter().zip(&self.0).map(|(field, value)| (*field, value.as_ref()))
    }
}

/// A checked fact. Borrows from the bytes it was decoded from where it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity<'a> {
    /// The same for every delivery of this activity.
    pub activity_id: ActivityId,
    /// What happened.
    pub kind: Kind,
    /// The app, as its owner registered it.
    pub app_token: Cow<'a, str>,
    /// When it happened: milliseconds since the epoch, UTC.
    pub created_at: i64,
    /// When it reached the door: milliseconds since the epoch, UTC.
    pub received_at: i64,
    /// Who sent it.
    pub provider: Provider,
    /// The optional canonical fields.
    pub fields: Fields<'a>,
    /// What has no canonical name: name → text, nested names as dotted paths.
    pub extra: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Activity<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Activity<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Activity {
            activity_id: self.activity_id,
            kind: self.kind,
            app_token: own(self.app_token),
            created_at: self.created_at,
            received_at: self.received_at,
            provider: self.provider,
            fields: Fields(self.fields.0.map(|value| value.map(Value::into_owned))),
            extra: self.extra.into_iter().map(|(name, value)| (own(name), own(value))).collect(),
        }
    }
}

/// Whether a text can be an app token: `[A-Za-z0-9._-]{1,64}`.
#[must_use]
pub fn is_app_token(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_takes_only_values_of_its_shape() {
        let mut fields = Fields::default();
        assert!(fields.set(Field::Revenue, Value::Text("12.990".into())));
        assert!(!fields.set(Field::Revenue, Value::Time(1)));
        assert!(!fields.set(Field::ClickTime, Value::Text("soon".into())));
        assert!(fields.set(Field::ClickTime, Value::Time(7)));
        assert_eq!(fields.text(Field::Revenue), Some("12.990"));
        assert_eq!(fields.iter().count(), 2);
    }

    #[test]
    fn ids_are_thirty_two_hexadecimal_digits_both_ways() {
        let id = ActivityId([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("abc".parse::<ActivityId>().is_err());
    }

    #[test]
    fn app_tokens_are_short_and_plain() {
        assert!(is_app_token("2fm9gkqubvpc"));
        assert!(is_app_token("com.example.game-1_a"));
        assert!(!is_app_token(""));
        assert!(!is_app_token("a#b"));
        assert!(!is_app_token(&"a".repeat(65)));
    }
}
