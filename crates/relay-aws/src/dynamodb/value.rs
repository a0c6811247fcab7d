//! JSON documents and whole numbers ↔ attribute values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Number, Value};

/// An item as DynamoDB sees it.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// A text attribute.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(super) fn number(value: &impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute.
pub(super) fn as_text<'a>(item: &'a Attributes, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The number of an attribute.
pub(super) fn as_number(item: &Attributes, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// A document as an attribute.
pub(super) fn from_json(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Number(value) => number(value),
        Value::String(value) => text(value),
        Value::Array(values) => AttributeValue::L(values.iter().map(from_json).collect()),
        Value::Object(members) => {
            AttributeValue::M(members.iter().map(|(name, value)| (name.clone(), from_json(value))).collect())
        }
    }
}

/// An attribute as a document; `None` for the types that no document of ours becomes (sets, binary).
pub(super) fn to_json(value: &AttributeValue) -> Option<Value> {
    Some(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::N(value) => Value::Number(value.parse::<Number>().ok()?),
        AttributeValue::S(value) => Value::String(value.clone()),
        AttributeValue::L(values) => Value::Array(values.iter().map(to_json).collect::<Option<_>>()?),
        AttributeValue::M(members) => Value::Object(
            members.iter().map(|(name, value)| Some((name.clone(), to_json(value)?))).collect::<Option<Map<_, _>>>()?,
        ),
        AttributeValue::B(_) | AttributeValue::Bs(_) | AttributeValue::Ns(_) | AttributeValue::Ss(_) | _ => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_as_it_went() {
        let doc = serde_json::json!({
            "text": "설치 ✓", "empty": "", "null": null, "yes": true,
            "least": i64::MIN, "most": u64::MAX, "list": [1, "two", {}, []], "nested": {"a": {"b": [null]}},
        });
        assert_eq!(to_json(&from_json(&doc)), Some(doc));
    }

    #[test]
    fn types_that_no_document_becomes_are_refused() {
        assert_eq!(to_json(&AttributeValue::Ss(vec!["a".into()])), None);
        assert_eq!(to_json(&AttributeValue::L(vec![AttributeValue::N("one".into())])), None);
    }
}
