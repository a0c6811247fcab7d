//! API Gateway's payload 2.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relay_lambda::process;
use serde_json::{Map, Value, json};

use super::route::Found;
use crate::http1::Request;
use crate::time;

/// The event of a request.
pub(super) fn event(request: &Request, found: &Found<'_>) -> Value {
    let mut headers = headers(request);
    let text = is_text(request.header("content-type"));
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("version", "2.0".into());
    put("routeKey", found.key.as_str().into());
    put("rawPath", request.path.as_str().into());
    put("rawQueryString", request.query.as_str().into());
    if let Some(Value::String(cookies)) = headers.remove("cookie") {
        put("cookies", cookies.split(';').map(str::trim).collect());
    }
    put("headers", headers.into());
    if !request.query.is_empty() {
        put("queryStringParameters", parameters(&request.query));
    }
    put("requestContext", context(request, found));
    if !found.parameters.is_empty() {
        let parameters = found.parameters.iter();
        let decoded = parameters.map(|(name, value)| ((*name).to_owned(), Value::from(decode(value, false))));
        put("pathParameters", Value::Object(decoded.collect()));
    }
    if !request.body.is_empty() {
        put(
            "body",
            if text { String::from_utf8_lossy(&request.body).into() } else { STANDARD.encode(&request.body).into() },
        );
    }
    put("isBase64Encoded", (!text && !request.body.is_empty()).into());
    Value::Object(event)
}

/// The types that arrive as text; everything else, a form and a body without a type too, arrives as base64. AWS's pages do
/// not list them; measured by others on AWS (github.com/ministackorg/ministack/pull/766).
fn is_text(content_type: Option<&str>) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/xml" | "application/javascript")
}

/// Names in lower case; values of one name are joined with commas. What API Gateway adds is added.
fn headers(request: &Request) -> Map<String, Value> {
    let mut headers: Map<String, Value> = Map::new();
    let hop = ["connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect", "proxy-connection"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str())) {
        let separator = if name == "cookie" { "; " } else { "," };
        match headers.get_mut(name) {
            Some(Value::String(known)) => *known = format!("{known}{separator}{value}"),
            _ => drop(headers.insert(name.clone(), value.as_str().into())),
        }
    }
    let peer = request.peer.ip().to_string();
    let forwarded = match request.header("x-forwarded-for") {
        Some(known) => format!("{known}, {peer}"),
        None => peer,
    };
    headers.insert("x-forwarded-for".to_owned(), forwarded.into());
    headers.insert("x-forwarded-proto".to_owned(), "http".into());
    headers.insert("content-length".to_owned(), request.body.len().to_string().into());
    headers
}

fn context(request: &Request, found: &Found<'_>) -> Value {
    let now_ms = process::now_ms();
    let host = request.header("host").unwrap_or_default();
    json!({
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": host,
        "domainPrefix": host.split(['.', ':']).next(),
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer.ip().to_string(),
            "userAgent": request.header("user-agent").unwrap_or_default(),
        },
        "requestId": process::trace_id(),
        "routeKey": found.key,
        "stage": "$default",
        "time": time::utc(now_ms).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": now_ms,
    })
}

/// Decoded; values of one name are joined with commas.
fn parameters(query: &str) -> Value {
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name, true), decode(value, true));
        match parameters.get_mut(&name) {
            Some(Value::String(known)) => *known = format!("{known},{value}"),
            _ => drop(parameters.insert(name, value.into())),
        }
    }
    Value::Object(parameters)
}

/// Percent-decoding that leaves broken escapes as they are.
fn decode(text: &str, plus_is_space: bool) -> String {
    let text = if plus_is_space { text.replace('+', " ") } else { text.to_owned() };
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
