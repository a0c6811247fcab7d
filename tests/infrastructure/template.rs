//! `template.yaml` as plain JSON: `!Ref X` reads as `{"Ref": "X"}`, `!GetAtt X.Arn` as `{"Fn::GetAtt": "X.Arn"}`.

use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;

use super::tree;

/// The template.
pub(crate) struct Template(Value);

impl Template {
    pub(crate) fn load() -> Self {
        Self::of("template.yaml")
    }

    /// Another template of the repository.
    pub(crate) fn of(path: &str) -> Self {
        let text = tree::read(path);
        Self(plain(serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path} is no YAML: {error}"))))
    }

    /// What stands at this JSON pointer; null where nothing does.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// What stands at this JSON pointer below a resource's properties; null where nothing does.
    pub(crate) fn property(&self, resource: &str, pointer: &str) -> &Value {
        self.at(&format!("/Resources/{resource}/Properties{pointer}"))
    }

    /// The entries of a section: name and value.
    pub(crate) fn section(&self, name: &str) -> Vec<(&str, &Value)> {
        let section = self.at(&format!("/{name}")).as_object().unwrap_or_else(|| panic!("a section {name}"));
        section.iter().map(|(name, value)| (name.as_str(), value)).collect()
    }

    /// The resources of a type: name and properties. There is at least one.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        let resources = self.section("Resources").into_iter().filter(|(_, resource)| resource["Type"] == kind);
        let found: Vec<_> = resources.map(|(name, resource)| (name, &resource["Properties"])).collect();
        assert!(!found.is_empty(), "no resource of type {kind}");
        found
    }
}

/// The text of a reference: `X` of `!Ref X`, `X.Arn` of `!GetAtt X.Arn`, the pattern of a `!Sub`, a plain text as it is; of a table that may be a
/// restored one, the stack's own; of an address whose place a domain may take, the address.
pub(crate) fn name(value: &Value) -> &str {
    let condition = value["Fn::If"][0].as_str();
    if condition.is_some_and(|condition| condition.starts_with("Restored") || condition == "HasSiteDomain") {
        return name(&value["Fn::If"][2]);
    }
    let sub = &value["Fn::Sub"];
    let texts = [&value["Ref"], &value["Fn::GetAtt"], sub, &sub[0], value];
    texts.iter().find_map(|text| text.as_str()).unwrap_or_else(|| panic!("not a name: {value}"))
}

/// One or several, as a list.
pub(crate) fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

/// A whole number.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let key = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({key: plain(tagged.value)})
        }
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value): (Yaml, Yaml)| (key.as_str().expect("a text as key").to_owned(), plain(value));
            Value::Object(entries.into_iter().map(entry).collect())
        }
        scalar @ (Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::String(_)) => {
            serde_json::to_value(scalar).expect("a scalar")
        }
    }
}
