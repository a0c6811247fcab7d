//! What a trace tells, for people and for programs.

use std::fmt::Write;

use relay::fault::Fault;
use relay::period::rfc3339_millis;
use serde::{Serialize, Serializer};

use crate::view::plain;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Event {
    /// When: milliseconds since the epoch, told as RFC 3339.
    #[serde(serialize_with = "as_text")]
    pub(crate) at: i64,
    /// Who tells it: `export`, `execution`, `audit`, `line`, `quarantine`, `page`, or the function that logged it.
    pub(crate) source: String,
    /// What.
    pub(crate) what: String,
}

/// A place that was looked at, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Look {
    /// Where.
    pub(crate) place: String,
    /// What it showed.
    pub(crate) found: String,
}

/// The way of an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Trace {
    id: String,
    /// What it is.
    pub(crate) is: String,
    /// What happened, oldest first.
    pub(crate) events: Vec<Event>,
    /// Where it was looked for.
    pub(crate) looks: Vec<Look>,
}

impl Event {
    pub(super) fn new(at: i64, source: &str, what: String) -> Self {
        Self { at, source: source.to_owned(), what }
    }
}

impl Look {
    pub(super) fn new(place: &str, found: String) -> Self {
        Self { place: place.to_owned(), found }
    }

    pub(super) fn failed(place: &str, fault: &Fault) -> Self {
        Self::new(place, format!("not seen: {fault}"))
    }
}

impl Trace {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            is: "no export: a request's trace id, or an activity's id".to_owned(),
            events: Vec::new(),
            looks: Vec::new(),
        }
    }

    /// Whether anything is known of it.
    pub(crate) const fn is_known(&self) -> bool {
        !self.events.is_empty()
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n\n", self.id, plain(&self.is));
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let sources = width(&mut self.events.iter().map(|event| event.source.len()));
        for Event { at, source, what } in &self.events {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "{}  {source:<sources$}  {}", rfc3339_millis(*at), plain(what));
        }
        if self.events.is_empty() {
            text.push_str("nothing is known of it where it was looked for\n");
        }
        if !self.looks.is_empty() {
            text.push_str("\nlooked at\n");
        }
        let places = width(&mut self.looks.iter().map(|look| look.place.len()));
        for Look { place, found } in &self.looks {
            let _infallible = writeln!(text, "  {place:<places$}  {}", plain(found));
        }
        text
    }
}

/// What others said may quote an address.
pub(super) fn private(text: &str) -> String {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| if word.contains('@') { "<address>" } else { word }).collect();
    words.join(" ")
}

/// `1 page`, `2 pages`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn as_text<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_millis(*at))
}
