//! What was answered, held against the contract answer by answer, and in the end the contract against what was answered.

use std::collections::BTreeSet;

use relay::http::Response;
use serde_json::Value;

use super::document::{Document, Operation};
use super::schema;

/// An answer of the contract: operation, status and, of a problem, its name.
type Answer = (String, u16, String);

pub(crate) struct Ledger<'a> {
    document: &'a Document,
    seen: BTreeSet<Answer>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self { document, seen: BTreeSet::new() }
    }

    /// Notes an answer that the contract must have: its status, its headers, its body and, of a problem, its name.
    pub(crate) fn note(&mut self, operation: Operation<'_>, response: &Response) {
        let place = format!("{}: {} {}", operation.id, response.status, response.body);
        let mut responses = self.document.responses(operation).into_iter();
        let documented = responses.find(|(status, _)| *status == response.status);
        let (_, documented) = documented.unwrap_or_else(|| panic!("{place}: no such status in the contract"));
        self.headers(documented, response, &place);
        let content_type = header(response, "content-type").unwrap_or_default();
        let schema = &documented["content"][content_type]["schema"];
        assert!(schema.is_object(), "{place}: {content_type} is not in the contract");
        let body = serde_json::from_str(&response.body).unwrap_or_else(|_| Value::from(response.body.as_str()));
        assert_eq!(schema::problems(self.document, schema, &body), [""; 0], "{place}");
        let code = body["type"].as_str().unwrap_or_default().trim_start_matches("urn:relay:problem:").to_owned();
        self.seen.insert((operation.id.to_owned(), response.status, code));
    }

    fn headers(&self, documented: &Value, response: &Response, place: &str) {
        for (name, node) in documented["headers"].as_object().expect("headers") {
            let node = self.document.follow(node);
            assert_eq!(node["required"], true, "{place}: {name}");
            let value = header(response, name).unwrap_or_else(|| panic!("{place}: no header {name}"));
            let value = match node["schema"]["type"].as_str() {
                Some("integer") => Value::from(value.parse::<u64>().unwrap_or_else(|_| panic!("{place}: {name}"))),
                _ => Value::from(value),
            };
            assert_eq!(schema::problems(self.document, &node["schema"], &value), [""; 0], "{place}: {name}");
        }
        assert!(documented["headers"]["x-relay-trace-id"].is_object(), "{place}: every answer has a trace id");
    }

    /// Everything in the contract was answered, and nothing else.
    pub(crate) fn settle(self) {
        let mut documented = BTreeSet::new();
        for operation in self.document.operations() {
            for (status, response) in self.document.responses(operation) {
                let examples = self.document.examples(response);
                let problems = examples.iter().filter(|_| status >= 400).map(|(_, name, _)| *name);
                let names: Vec<&str> = if status >= 400 { problems.collect() } else { vec![""] };
                documented.extend(names.into_iter().map(|name| (operation.id.to_owned(), status, name.to_owned())));
            }
        }
        let unseen: Vec<_> = documented.difference(&self.seen).collect();
        let undocumented: Vec<_> = self.seen.difference(&documented).collect();
        assert!(unseen.is_empty(), "in the contract, and never answered: {unseen:?}");
        assert!(undocumented.is_empty(), "answered without an example in the contract: {undocumented:?}");
    }
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}
