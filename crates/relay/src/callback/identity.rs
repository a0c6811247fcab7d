//! The rule that makes an activity's id: the same for every delivery of one activity, another for every other.

use crate::activity::{ActivityId, Fields, Kind, Provider};
use crate::callback::query::Params;
use crate::field::Field;

/// The version of the rule. A change of the rule is a change of every id to come: never without a new version here.
const RULE: &str = "relay activity_id 1";

/// What an id is made of.
pub(crate) struct Identity<'a> {
    pub(crate) app_token: &'a str,
    pub(crate) provider: Provider,
    pub(crate) kind: Kind,
    pub(crate) created_at: i64,
    pub(crate) fields: &'a Fields<'a>,
    /// The delivery's own id, where it has one: the provider's word for it, or an SDK's `event_id`; never a parameter that only happens to be named so.
    pub(crate) own_id: Option<&'a str>,
    /// All decoded parameters, the key left out, sorted by name and value.
    pub(crate) params: &'a Params<'a>,
}

impl Identity<'_> {
    /// 128 bits of BLAKE3 over the parts, each after its length: no two lists of parts are the same bytes.
    pub(crate) fn activity_id(&self) -> ActivityId {
        // Put together first: to feed the hash part by part takes as long as to hash a short list.
        let mut parts = Vec::with_capacity(512);
        let mut part = |bytes: &[u8]| {
            parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            parts.extend_from_slice(bytes);
        };
        part(RULE.as_bytes());
        part(self.app_token.as_bytes());
        part(self.provider.name().as_bytes());
        part(self.kind.name().as_bytes());
        let (label, text) = self.label();
        part(label.as_bytes());
        part(text.as_bytes());
        part(&self.created_at.to_le_bytes());
        if let Some(own) = self.own_id {
            part(b"own id");
            part(own.as_bytes());
        } else {
            part(b"all parameters");
            for (name, value) in self.params {
                part(name.as_bytes());
                part(value.as_bytes());
            }
        }
        let mut id = [0; 16];
        blake3::Hasher::new().update(&parts).finalize_xof().fill(&mut id);
        ActivityId(id)
    }

    fn label(&self) -> (&'static str, &str) {
        let token = self.fields.text(Field::EventToken).map(|text| ("event_token", text));
        let name = || self.fields.text(Field::EventName).map(|text| ("event_name", text));
        token.or_else(name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Value;

    fn fields(pairs: &[(Field, &'static str)]) -> Fields<'static> {
        let mut fields = Fields::default();
        for (field, text) in pairs {
            fields.set(*field, Value::Text((*text).into()));
        }
        fields
    }

    fn params<'a>(pairs: &[(&'a str, &'a str)]) -> Params<'a> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn id(fields: &Fields<'_>, own_id: Option<&str>, params: &Params<'_>) -> ActivityId {
        let (app_token, provider, kind) = ("app", Provider::Adjust, Kind::Event);
        Identity { app_token, provider, kind, created_at: 1, fields, own_id, params }.activity_id()
    }

    #[test]
    fn the_rule_is_what_it_was() {
        let fields = fields(&[(Field::EventToken, "abc123"), (Field::EventId, "n0nce")]);
        assert_eq!(id(&fields, Some("n0nce"), &Vec::new()).to_string(), "a6d1da8592beccef9e853dde0ec5ec66");
    }

    #[test]
    fn an_own_id_decides_alone() {
        let none = Fields::default();
        let id = |own_id: &str, value: &str| id(&none, Some(own_id), &params(&[("a", value)]));
        assert_eq!(id("n1", "1"), id("n1", "2"));
        assert_ne!(id("n1", "1"), id("n2", "1"));
    }

    #[test]
    fn a_field_that_is_named_as_the_id_is_none() {
        let named = fields(&[(Field::EventId, "level_up")]);
        assert_ne!(id(&named, None, &params(&[("a", "1")])), id(&named, None, &params(&[("a", "2")])));
    }

    #[test]
    fn without_one_every_parameter_counts_and_parts_do_not_run_together() {
        let none = Fields::default();
        let lists = [
            params(&[]),
            params(&[("a", "1")]),
            params(&[("a", "2")]),
            params(&[("a1", "")]),
            params(&[("", "a1")]),
            params(&[("a", "1"), ("b", "2")]),
            params(&[("a", "1b2")]),
        ];
        let ids: std::collections::BTreeSet<_> = lists.iter().map(|list| id(&none, None, list)).collect();
        assert_eq!(ids.len(), lists.len());
    }

    #[test]
    fn a_token_and_a_name_of_the_same_text_differ() {
        let by_token = fields(&[(Field::EventToken, "x")]);
        let by_name = fields(&[(Field::EventName, "x")]);
        assert_ne!(id(&by_token, None, &Vec::new()), id(&by_name, None, &Vec::new()));
    }
}
