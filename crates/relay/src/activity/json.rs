//! An activity as JSON: canonical names in schema order, only what is there; numbers that senders wrote stay text, with their digits.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Activity, Value};
use crate::period::rfc3339_millis;

impl Serialize for Activity<'_> {
    /// `activity_id, kind, app_token, created_at, received_at, provider`, the canonical fields that have a value, then `extra`, which is always there.
    /// Times are RFC 3339 with milliseconds, UTC; one outside the years 0 to 9999 is its milliseconds since the epoch, as in a file.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("activity_id", &self.activity_id.to_string())?;
        map.serialize_entry("kind", self.kind.name())?;
        map.serialize_entry("app_token", &self.app_token)?;
        map.serialize_entry("created_at", &rfc3339_millis(self.created_at))?;
        map.serialize_entry("received_at", &rfc3339_millis(self.received_at))?;
        map.serialize_entry("provider", self.provider.name())?;
        for (field, value) in self.fields.iter() {
            match value {
                Value::Text(text) => map.serialize_entry(field.name(), text)?,
                Value::Time(ms) => map.serialize_entry(field.name(), &rfc3339_millis(*ms))?,
            }
        }
        map.serialize_entry("extra", &self.extra)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::activity::{ActivityId, Fields, Kind, Provider};
    use crate::arbitrary;
    use crate::field::Field;

    #[test]
    fn an_activity_reads_as_its_canonical_names_in_order() {
        let mut fields = Fields::default();
        for (field, value) in [
            (Field::Revenue, Value::Text("0012.990".into())),
            (Field::CampaignName, Value::Text("겨울 \"세일\"\n❄".into())),
            (Field::ClickTime, Value::Time(1_794_648_600_007)),
            (Field::InstalledAt, Value::Time(i64::MAX)),
        ] {
            assert!(fields.set(field, value));
        }
        let activity = Activity {
            activity_id: ActivityId([0xab; 16]),
            kind: Kind::Event,
            app_token: "2fm9gkqubvpc".into(),
            created_at: 1_794_648_600_000,
            received_at: 1_794_648_601_250,
            provider: Provider::Adjust,
            fields,
            extra: [("activity_kind".into(), "event".into()), ("install.~id".into(), "123456789012345678".into())]
                .into(),
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&activity).unwrap());
    }

    proptest! {
        #[test]
        fn every_value_is_there_and_nothing_else(activity in arbitrary::activity()) {
            let json = serde_json::to_value(&activity).unwrap();
            let names: BTreeSet<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
            let head = ["activity_id", "app_token", "created_at", "extra", "kind", "provider", "received_at"];
            let set = activity.fields.iter().map(|(field, _)| field.name());
            prop_assert_eq!(names, head.into_iter().chain(set).collect());
            for (field, value) in activity.fields.iter() {
                if let Value::Text(text) = value {
                    prop_assert_eq!(&json[field.name()], text.as_ref());
                }
            }
            for (name, value) in &activity.extra {
                prop_assert_eq!(&json["extra"][name.as_ref()], value.as_ref());
            }
        }
    }
}
