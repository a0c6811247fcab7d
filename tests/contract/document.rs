//! `docs/openapi.yaml` as JSON, and its operations.

use serde_json::Value;

use super::tree;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];

/// The contract.
pub(crate) struct Document(Value);

/// A method of a path.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    /// As in the template: `/v1/exports/{id}`.
    pub(crate) path: &'a str,
    /// Upper case.
    pub(crate) method: &'static str,
    /// Its name, once in the document.
    pub(crate) id: &'a str,
    node: &'a Value,
}

impl Document {
    pub(crate) fn load() -> Self {
        Self(serde_yaml_ng::from_str(&tree::read("docs/openapi.yaml")).expect("docs/openapi.yaml is YAML"))
    }

    /// What stands at this JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("docs/openapi.yaml has nothing at {pointer}"))
    }

    /// A node, or what it refers to.
    pub(crate) fn follow<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.follow(self.at(reference.trim_start_matches('#'))),
            None => node,
        }
    }

    pub(crate) fn schema(&self, name: &str) -> &Value {
        self.at(&format!("/components/schemas/{name}"))
    }

    /// Every operation.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut found = Vec::new();
        for (path, item) in self.at("/paths").as_object().expect("paths") {
            for method in METHODS {
                if let Some(node) = item.get(method.to_ascii_lowercase()) {
                    let id = node["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has a name"));
                    found.push(Operation { path, method, id, node });
                }
            }
        }
        found
    }

    /// The documented answers of an operation: status and what stands under it.
    pub(crate) fn responses<'a>(&'a self, operation: Operation<'a>) -> Vec<(u16, &'a Value)> {
        let responses = operation.node["responses"].as_object().expect("responses").iter();
        responses.map(|(status, node)| (status.parse().expect("a status"), self.follow(node))).collect()
    }

    /// The examples of a response or request body: content type, name and value.
    pub(crate) fn examples<'a>(&'a self, body: &'a Value) -> Vec<(&'a str, &'a str, &'a Value)> {
        let mut found = Vec::new();
        for (content_type, content) in body["content"].as_object().into_iter().flatten() {
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                found.push((content_type.as_str(), name.as_str(), &self.follow(example)["value"]));
            }
        }
        found
    }
}

impl<'a> Operation<'a> {
    /// The names of the security schemes of which any one serves.
    pub(crate) fn security(self) -> Vec<&'a str> {
        let schemes = self.node["security"].as_array().expect("security, be it none");
        schemes.iter().flat_map(|scheme| scheme.as_object().expect("schemes").keys()).map(String::as_str).collect()
    }

    /// What it takes as a body; null for nothing.
    pub(crate) fn request_body(self) -> &'a Value {
        self.node.get("requestBody").unwrap_or(&Value::Null)
    }
}
