//! JSON objects as flat names with texts: nested names become dotted paths, numbers and booleans keep the text they were sent as.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::activity::MAX_ACTIVITY_BYTES;
use crate::callback::query::Params;
use crate::discard::{Discard, Reason};

/// How deep objects and lists may nest. Providers nest three deep; the walk's stack is bounded by this.
const MAX_DEPTH: usize = 16;

/// The most bytes of paths and values of one object, the paths of objects and lists in between among them: a path repeats its names, so a small body
/// could unfold into gigabytes. An activity that fits has half of it in names and values.
const MAX_FLAT_BYTES: usize = 4 * MAX_ACTIVITY_BYTES;

/// The pairs of a JSON object, in order. `null`s, empty objects and empty lists have none. What stands in the text as it is meant is not copied.
pub(crate) fn flatten(text: &str) -> Result<Params<'_>, Discard> {
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return flatten_members(serde_json::from_str(text).map_err(malformed)?);
    }
    let read: Result<&RawValue, _> = serde_json::from_str(text);
    Err(read.map_or_else(malformed, |_| Discard::new(Reason::Malformed, "the JSON is not an object")))
}

/// The same of an object's members.
pub(crate) fn flatten_members(members: Members<'_>) -> Result<Params<'_>, Discard> {
    let mut flat = Flat::default();
    flat.members("", members, 0)?;
    Ok(flat.pairs)
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn malformed(error: serde_json::Error) -> Discard {
    Discard::new(Reason::Malformed, format!("the JSON is broken: {error}"))
}

#[derive(Default)]
struct Flat<'a> {
    pairs: Params<'a>,
    /// What was paid for so far.
    bytes: usize,
}

impl<'a> Flat<'a> {
    /// An object or a list at a path, as JSON that was read over already and is whole.
    fn nested(&mut self, path: &str, text: &'a str, depth: usize) -> Result<(), Discard> {
        if text.starts_with('{') {
            return self.members(path, serde_json::from_str(text).map_err(malformed)?, depth);
        }
        let elements: Vec<&'a RawValue> = serde_json::from_str(text).map_err(malformed)?;
        let mut indexed = elements.into_iter().enumerate();
        indexed.try_for_each(|(index, element)| self.member(path, index.to_string().into(), element, depth + 1))
    }

    fn members(&mut self, path: &str, members: Members<'a>, depth: usize) -> Result<(), Discard> {
        self.pairs.reserve(members.0.len());
        members.0.into_iter().try_for_each(|(name, member)| self.member(path, name.0, member, depth + 1))
    }

    /// What stands under a name: its path is made only where it is paid for, and where something may come of it.
    fn member(&mut self, path: &str, name: Cow<'a, str>, value: &'a RawValue, depth: usize) -> Result<(), Discard> {
        let text = value.get();
        if text == "null" {
            return Ok(());
        }
        self.pay(path.len() + name.len() + 1)?;
        if depth > MAX_DEPTH {
            let detail = format!("the JSON nests deeper than {MAX_DEPTH} levels");
            return Err(Discard::new(Reason::Malformed, detail));
        }
        let path = if path.is_empty() { name } else { Cow::Owned(format!("{path}.{name}")) };
        if text.starts_with(['{', '[']) {
            return self.nested(&path, text, depth);
        }
        let value = if text.starts_with('"') { string(text)? } else { Cow::Borrowed(text) };
        self.pay(value.len())?;
        self.pairs.push((path, value));
        Ok(())
    }

    /// Counts bytes before they are copied.
    fn pay(&mut self, bytes: usize) -> Result<(), Discard> {
        self.bytes += bytes;
        if self.bytes > MAX_FLAT_BYTES {
            let detail = format!(
                "the names and values are over {MAX_FLAT_BYTES} bytes; an activity may have {MAX_ACTIVITY_BYTES}"
            );
            return Err(Discard::new(Reason::TooLarge, detail));
        }
        Ok(())
    }
}

/// A string of JSON. Most hold no escape.
fn string(text: &str) -> Result<Cow<'_, str>, Discard> {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| !inner.contains('\\')) {
        Some(inner) => Ok(Cow::Borrowed(inner)),
        None => serde_json::from_str(text).map(Cow::Owned).map_err(malformed),
    }
}

/// The members of an object in order, names sent twice included.
pub(crate) struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// A name; where it holds no escape it stays where it was sent.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Name<'de>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use proptest::prelude::*;

    use super::*;

    fn flat(text: &str) -> String {
        let pairs = flatten(text).unwrap();
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nested_names_are_paths_and_numbers_keep_their_digits() {
        assert_eq!(
            flat(r#"{"a":{"~id":457624031399716729,"+x":{"y":true}},"b":[1.50,{"c":"d"}]}"#),
            "a.~id=457624031399716729\na.+x.y=true\nb.0=1.50\nb.1.c=d"
        );
        assert_eq!(
            flat(r#" { "n" : -0.10e+5 , "t" : "한국\n😀", "u": null, "o": {}, "l": [] } "#),
            "n=-0.10e+5\nt=한국\n😀"
        );
        assert_eq!(flat(r#"{"a":1,"a":2,"a.b":3,"a":{"b":4}}"#), "a=1\na=2\na.b=3\na.b=4");
        assert_eq!(flat(r#"{"v":"{}"}"#), "v={}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let deep = format!("{}1{}", "{\"a\":".repeat(200_000), "}".repeat(200_000));
        let lists = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let unfolding = format!("{{\"{}\":[{}1]}}", "n".repeat(60_000), "1,".repeat(30_000));
        for (text, reason) in [
            ("", Reason::Malformed),
            ("[1]", Reason::Malformed),
            ("\"a\"", Reason::Malformed),
            ("{\"a\":1", Reason::Malformed),
            ("{\"a\":1}x", Reason::Malformed),
            (r#"{"a":"\ud800"}"#, Reason::Malformed),
            (r#"{"\ud800":1}"#, Reason::Malformed),
            ("{\"a\":NaN}", Reason::Malformed),
            (deep.as_str(), Reason::Malformed),
            (lists.as_str(), Reason::Malformed),
            (unfolding.as_str(), Reason::TooLarge),
        ] {
            let start: String = text.chars().take(20).collect();
            assert_eq!(flatten(text).unwrap_err().reason, reason, "{start}");
        }
    }

    /// The bytes that were paid for when the walk ended, and how it ended.
    fn walk(text: &str) -> (usize, Result<(), Discard>) {
        let mut flat = Flat::default();
        let result = flat.nested("", text, 0);
        (flat.bytes, result)
    }

    #[test]
    fn a_long_name_over_many_elements_is_refused_before_it_is_repeated() {
        let (name, elements) = ("n".repeat(2 * 1024 * 1024), vec!["[]"; 1_000].join(","));
        let (bytes, result) = walk(&format!("{{\"{name}\":[{elements}]}}"));
        assert_eq!(result.unwrap_err().reason, Reason::TooLarge);
        assert_eq!(bytes, name.len() + 1, "the name is counted once and never copied");
        let name = "n".repeat(60_000);
        for elements in [vec!["[]"; 1_000].join(","), vec!["{}"; 1_000].join(","), vec!["[[1]]"; 1_000].join(",")] {
            let (bytes, result) = walk(&format!("{{\"{name}\":[{elements}]}}"));
            assert_eq!(result.unwrap_err().reason, Reason::TooLarge);
            assert!(bytes <= MAX_FLAT_BYTES + name.len() + 10, "{bytes} bytes of paths");
        }
    }

    #[test]
    fn what_is_absent_costs_nothing() {
        let nulls = vec!["null"; 10_000].join(",");
        let (bytes, result) = walk(&format!("{{\"{}\":[{nulls}]}}", "n".repeat(1_000)));
        assert_eq!((bytes, result), (1_001, Ok(())));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", like in "[\\[\\]{}\",:0-9a-e\\\\u. -]{0,60}") {
            black_box((flatten(&text).is_ok(), flatten(&like).is_ok()));
        }
    }
}
