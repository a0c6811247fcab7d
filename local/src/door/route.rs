//! Which function answers a request: API Gateway's order of routes.

use serde::Deserialize;

/// A route of the API as the template has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Route {
    /// A method, or `ANY`.
    pub method: String,
    /// `/v1/exports/{id}`, a greedy `/files/{name+}`, or `$default`.
    pub path: String,
    /// The function's logical id.
    pub function: String,
}

/// All routes.
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<Route>);

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// `GET /v1/exports/{id}` or `$default`.
    pub key: String,
    /// The function's logical id.
    pub function: &'a str,
    /// What stood for the names in braces, still percent-encoded as in the path.
    pub parameters: Vec<(&'a str, String)>,
}

impl Routes {
    /// The routes of a stack.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The route with the longest literal match; the method itself before `ANY`; `$default` last (API Gateway, "Routing API
    /// requests").
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Found<'_>> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let of_method = self.0.iter().filter(|route| route.method == method || route.method == "ANY");
        let best = of_method
            .filter_map(|route| matched(&route.path, path).map(|parameters| (route, parameters)))
            .max_by_key(|(route, _)| (rank(&route.path), route.method != "ANY"));
        let (route, parameters) = best?;
        let key = match route.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", route.method),
        };
        Some(Found { key, function: &route.function, parameters })
    }
}

/// Compares as literal before `{name}` before `{name+}`, segment by segment; `$default` is below all.
fn rank(pattern: &str) -> Vec<u8> {
    if pattern == "$default" {
        return Vec::new();
    }
    let worth = |segment: &str| match name(segment) {
        None => 3,
        Some(name) if name.ends_with('+') => 1,
        Some(_) => 2,
    };
    pattern.split('/').map(worth).collect()
}

fn name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn matched<'a>(pattern: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    if pattern == "$default" {
        return Some(Vec::new());
    }
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        match name(part) {
            None => segments.next().filter(|segment| *segment == part).map(drop)?,
            Some(name) => {
                let greedy = name.strip_suffix('+');
                let value = match greedy {
                    Some(_) => segments.by_ref().collect::<Vec<_>>().join("/"),
                    None => segments.next()?.to_owned(),
                };
                parameters.push((greedy.unwrap_or(name), Some(value).filter(|value| !value.is_empty())?));
            }
        }
    }
    segments.next().is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[&str]) -> Routes {
        let route = |text: &&str| {
            let (method, path) = text.split_once(' ').unwrap_or(("ANY", text));
            Route { method: method.to_owned(), path: path.to_owned(), function: format!("fn of {text}") }
        };
        Routes::new(list.iter().map(route).collect())
    }

    fn key(routes: &Routes, method: &str, path: &str) -> String {
        routes.find(method, path).map_or_else(|| "none".to_owned(), |found| found.key)
    }

    #[test]
    fn the_most_literal_route_wins() {
        let routes = routes(&[
            "GET /v1/{any+}",
            "GET /v1/exports/{id}",
            "GET /v1/exports/new",
            "ANY /v1/exports/{id}",
            "$default",
        ]);
        assert_eq!(key(&routes, "GET", "/v1/exports/new"), "GET /v1/exports/new");
        assert_eq!(key(&routes, "GET", "/v1/exports/7"), "GET /v1/exports/{id}");
        assert_eq!(key(&routes, "PUT", "/v1/exports/7"), "ANY /v1/exports/{id}");
        assert_eq!(key(&routes, "GET", "/v1/exports/7/link"), "GET /v1/{any+}");
        assert_eq!(key(&routes, "PUT", "/v1/elsewhere"), "$default");
    }

    #[test]
    fn without_a_default_an_unknown_path_has_no_route() {
        let routes = routes(&["GET /v1/health", "POST /v1/exports/{id}/link"]);
        assert_eq!(key(&routes, "GET", "/v1/nothing"), "none");
        assert_eq!(key(&routes, "POST", "/v1/health"), "none");
        assert_eq!(key(&routes, "POST", "/v1/exports//link"), "none");
        assert_eq!(key(&routes, "GET", "/v1/health/"), "GET /v1/health");
    }

    #[test]
    fn parameters_carry_what_stood_in_the_path() {
        let routes = routes(&["GET /v1/exports/{id}", "GET /files/{name+}"]);
        let found = routes.find("GET", "/v1/exports/a%20b").unwrap();
        assert_eq!(found.parameters, [("id", "a%20b".to_owned())]);
        let found = routes.find("GET", "/files/a/b").unwrap();
        assert_eq!(found.parameters, [("name", "a/b".to_owned())]);
    }
}
