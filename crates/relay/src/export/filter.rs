//! Which rows of a period an export takes: equality lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::activity::Activity;
use crate::field::Field;

/// The fields that an export can be filtered by.
pub const FILTERS: [Field; 7] = [
    Field::NetworkName,
    Field::CampaignName,
    Field::Country,
    Field::OsName,
    Field::EventName,
    Field::EventToken,
    Field::Environment,
];

/// Field name → values that are taken. A row must have one of them in every field named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filters(BTreeMap<String, BTreeSet<String>>);

impl Filters {
    /// Takes only rows with one of `values` in `field`. Values of fields that are stored in lower case are compared so.
    pub fn insert(&mut self, field: Field, values: impl IntoIterator<Item = String>) {
        let lower = matches!(field, Field::Country | Field::OsName);
        let values = values.into_iter().map(|value| if lower { value.to_lowercase() } else { value });
        self.0.insert(field.name().to_owned(), values.collect());
    }

    /// Whether every row is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.0.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// Whether this row is taken. A row without a value in a field named is not.
    #[must_use]
    pub fn take(&self, activity: &Activity<'_>) -> bool {
        self.0.iter().all(|(name, values)| {
            let text = Field::from_name(name).and_then(|field| activity.fields.text(field));
            text.is_some_and(|text| values.contains(text))
        })
    }
}
