//! The contract's paths against the template's routes.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Document;
use super::template::Template;

/// The methods of each path that the template routes by itself; `ANY` is whatever its function takes.
fn routed(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, properties) in template.of_type("AWS::Serverless::Function") {
        for event in properties["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            if let (Some(method), Some(path)) =
                (event["Properties"]["Method"].as_str(), event["Properties"]["Path"].as_str())
            {
                routes.entry(path.to_owned()).or_default().insert(method.to_owned());
            }
        }
    }
    routes
}

/// What the methods behind `ANY` are, the answers' tests ask the functions themselves.
#[test]
fn every_route_is_in_the_contract_and_no_other() {
    let (document, template) = (Document::load(), Template::load());
    let mut documented: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in document.operations() {
        documented.entry(operation.path.to_owned()).or_default().insert(operation.method.to_owned());
    }
    let routed = routed(&template);
    let paths = |of: &BTreeMap<String, BTreeSet<String>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&documented), paths(&routed));
    for (path, methods) in routed.iter().filter(|(_, methods)| !methods.contains("ANY")) {
        assert_eq!(documented[path], *methods, "{path}");
    }
}

#[test]
fn operations_have_names_of_their_own_and_say_which_key_they_take() {
    let document = Document::load();
    let operations = document.operations();
    let names: BTreeSet<&str> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(names.len(), operations.len());
    for operation in operations {
        let keys: Vec<&str> = match operation.path {
            "/v1/health" | "/v1/openapi.yaml" | "/v1/unsubscribe/{token}" => Vec::new(),
            path if path.starts_with("/v1/callbacks/") || path == "/v1/activities" => {
                vec!["ingestKeyQuery", "ingestKeyBearer", "ingestKeyHeader"]
            }
            _ => vec!["apiKey"],
        };
        assert_eq!(operation.security(), keys, "{}", operation.id);
    }
}
