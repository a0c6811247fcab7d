//! The contract as the source of what the scripted API says: its examples are the answers, and no answer may be other than it says.

use std::sync::OnceLock;

use local::door::{Route, Routes};
use serde_json::Value;

use crate::document::{Document, Operation};
use crate::schema;

/// `docs/openapi.yaml`, read once.
pub(crate) struct Contract {
    document: Document,
    routes: Routes,
}

/// The contract.
pub(crate) fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let document = Document::load();
        let route = |one: Operation<'_>| Route {
            method: one.method.to_owned(),
            path: one.path.to_owned(),
            function: one.id.to_owned(),
        };
        let routes = Routes::new(document.operations().into_iter().map(route).collect());
        Contract { document, routes }
    })
}

impl Contract {
    /// The operation's route of a request, such as `GET /v1/exports/{id}`.
    pub(crate) fn route(&self, method: &str, path: &str) -> Option<String> {
        self.routes.find(method, path).map(|found| found.key)
    }

    /// The contract's own example of an answer: the first one, or the one of this name.
    pub(crate) fn example(&self, route: &str, status: u16, name: Option<&str>) -> Value {
        let response = self.response(route, status);
        let mut examples = self.document.examples(response).into_iter();
        let found = examples.find(|(_, known, _)| name.is_none_or(|name| name == *known));
        found.unwrap_or_else(|| panic!("{route} has no example {name:?} for {status}")).2.clone()
    }

    /// Panics where the API cannot give this answer.
    pub(crate) fn hold(&self, route: &str, status: u16, body: &Value) {
        let response = self.response(route, status);
        let content = response["content"].as_object().and_then(|content| content.values().next());
        let content = content.unwrap_or_else(|| panic!("{route} has no body for {status}"));
        let problems = schema::problems(&self.document, &content["schema"], body);
        assert!(problems.is_empty(), "{route} never answers {status} with this: {problems:#?}");
    }

    fn response(&self, route: &str, status: u16) -> &Value {
        let is_it = |one: &Operation<'_>| format!("{} {}", one.method, one.path) == route;
        let operation = self.document.operations().into_iter().find(is_it);
        let operation = operation.unwrap_or_else(|| panic!("the contract has no {route}"));
        let found = self.document.responses(operation).into_iter().find(|(known, _)| *known == status);
        found.unwrap_or_else(|| panic!("the contract has no {status} at {route}")).1
    }
}
