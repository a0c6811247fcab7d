//! JSON Schema as far as the contract uses it. A keyword that is not known here fails: nothing is passed over in silence. schemathesis checks the same
//! answers at the running stack with a whole implementation.

use regex_lite::Regex;
use serde_json::Value;

use super::document::Document;

/// What is wrong with a value, each as `path: what`. A member that the schema does not name is wrong unless it says what else there may be.
pub(crate) fn problems(document: &Document, schema: &Value, value: &Value) -> Vec<String> {
    let mut checker = Checker { document, problems: Vec::new() };
    checker.value("", schema, value);
    checker.problems
}

struct Checker<'a> {
    document: &'a Document,
    problems: Vec<String>,
}

impl Checker<'_> {
    fn value(&mut self, at: &str, schema: &Value, value: &Value) {
        for (keyword, rule) in schema.as_object().expect("a schema is an object") {
            let holds = match keyword.as_str() {
                "$ref" => return self.value(at, self.document.follow(schema), value),
                "description" | "default" | "properties" | "additionalProperties" => true,
                "type" => one_or_more(rule).iter().any(|name| is_of_type(name, value)),
                "enum" => one_or_more(rule).contains(&value),
                "const" => rule == value,
                "anyOf" => one_or_more(rule).iter().any(|one| self.fits(one, value)),
                "oneOf" => one_or_more(rule).iter().filter(|one| self.fits(one, value)).count() == 1,
                "required" => has_all(rule, value),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(&format!("{at}/{index}"), rule, item);
                    }
                    true
                }
                _ => is_within(keyword, rule, value),
            };
            if !holds {
                self.problems.push(format!("{at}: {value} breaks {keyword}: {rule}"));
            }
        }
        self.members(at, schema, value);
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        problems(self.document, schema, value).is_empty()
    }

    fn members(&mut self, at: &str, schema: &Value, value: &Value) {
        let (known, others) = (schema.get("properties"), schema.get("additionalProperties"));
        if known.is_none() && others.is_none() {
            return;
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match known.and_then(|known| known.get(name)).or(others) {
                Some(Value::Bool(true)) => {}
                Some(schema @ Value::Object(_)) => self.value(&at, schema, member),
                _ => self.problems.push(format!("{at} is not in the contract")),
            }
        }
    }
}

fn has_all(required: &Value, value: &Value) -> bool {
    let is_there = |name: &&Value| value.get(name.as_str().expect("a name")).is_some();
    !value.is_object() || one_or_more(required).iter().all(is_there)
}

/// The keywords that bound one plain value; they say nothing about values of other types.
fn is_within(keyword: &str, rule: &Value, value: &Value) -> bool {
    let (text, items) = (value.as_str(), value.as_array());
    let bound = || usize::try_from(rule.as_u64().expect("a count")).expect("a small count");
    match keyword {
        "pattern" => text.is_none_or(|text| Regex::new(rule.as_str().expect("a pattern")).unwrap().is_match(text)),
        "format" => text.is_none_or(|text| is_of_format(rule.as_str().expect("a format"), text)),
        "minLength" => text.is_none_or(|text| text.chars().count() >= bound()),
        "maxLength" => text.is_none_or(|text| text.chars().count() <= bound()),
        "minimum" => value.as_f64().is_none_or(|number| Some(number) >= rule.as_f64()),
        "maximum" => value.as_f64().is_none_or(|number| Some(number) <= rule.as_f64()),
        "minItems" => items.is_none_or(|items| items.len() >= bound()),
        "maxItems" => items.is_none_or(|items| items.len() <= bound()),
        "uniqueItems" => items.is_none_or(|items| (1..items.len()).all(|at| !items[..at].contains(&items[at]))),
        other => panic!("the contract uses `{other}`, which is not checked here"),
    }
}

fn one_or_more(rule: &Value) -> Vec<&Value> {
    rule.as_array().map_or_else(|| vec![rule], |rules| rules.iter().collect())
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}

fn is_of_format(name: &str, text: &str) -> bool {
    let pattern = match name {
        "date" => "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "date-time" => "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "email" => "^[^@ ]+@[^@ ]+$",
        "uri" => "^[a-z][a-z0-9+.-]*:",
        other => panic!("format {other} is not checked here"),
    };
    Regex::new(pattern).unwrap().is_match(text)
}

mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_breaks_a_schema_is_told_with_its_place() {
        let document = Document::load();
        let schema = json!({
            "type": "object", "required": ["a"],
            "properties": {
                "a": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^x", "maxLength": 3}]},
                "b": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Kind"}, "uniqueItems": true, "minItems": 1},
                "c": {"type": "object", "additionalProperties": {"const": true}},
                "d": {"format": "date-time"},
            },
        });
        for fits in [
            json!({"a": 1}),
            json!({"a": "xy", "b": null, "c": {"any": true}, "d": "2026-11-15T09:30:00Z"}),
            json!({"a": 2, "b": ["event", "install"]}),
        ] {
            assert_eq!(problems(&document, &schema, &fits), [""; 0], "{fits}");
        }
        for (breaks, place) in [
            (json!([]), ":"),
            (json!({}), ":"),
            (json!({"a": 0}), "/a:"),
            (json!({"a": "xxxx"}), "/a:"),
            (json!({"a": "y"}), "/a:"),
            (json!({"a": 1, "b": ["click"]}), "/b/0:"),
            (json!({"a": 1, "b": ["event", "event"]}), "/b:"),
            (json!({"a": 1, "b": []}), "/b:"),
            (json!({"a": 1, "c": {"any": false}}), "/c/any:"),
            (json!({"a": 1, "d": "2026-11-14 09:30"}), "/d:"),
            (json!({"a": 1, "e": 1}), "/e is not"),
        ] {
            let told = problems(&document, &schema, &breaks);
            assert!(told.len() == 1 && told[0].starts_with(place), "{breaks}: {told:?}");
        }
    }
}
