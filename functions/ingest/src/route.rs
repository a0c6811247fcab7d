//! Which of the door's calls a request is.

use relay::activity::Provider;
use relay::callback;
use relay::http::Request;

use crate::respond::Refusal;

/// A call of the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET|POST /v1/callbacks/{provider}`
    Callback(Provider),
    /// `POST /v1/activities`
    Activities,
    /// `GET /v1/health`
    Health,
}

impl Route {
    /// The call that a request is, by its path and method.
    pub fn of(request: &Request) -> Result<Self, Refusal> {
        let (route, allowed): (_, &[&str]) = match request.path.as_str() {
            "/v1/activities" => (Self::Activities, &["POST"]),
            "/v1/health" => (Self::Health, &["GET"]),
            path => (Self::Callback(provider(path)?), &["GET", "POST"]),
        };
        if allowed.contains(&request.method.as_str()) {
            return Ok(route);
        }
        Err(Refusal::MethodNotAllowed { method: request.method.clone(), allow: allowed.join(", ") })
    }
}

fn provider(path: &str) -> Result<Provider, Refusal> {
    let name = path.strip_prefix("/v1/callbacks/").filter(|name| !name.contains('/')).ok_or(Refusal::NotFound)?;
    let provider = Provider::from_name(name).filter(|provider| callback::providers().any(|known| known == *provider));
    provider.ok_or_else(|| Refusal::UnknownProvider(name.chars().take(40).collect()))
}
