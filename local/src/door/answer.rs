//! What API Gateway makes of a function's answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use crate::http1::Reply;

/// The reply of a function's answer in payload 2.0; an answer without `statusCode` is a JSON body itself. What makes no sense
/// is API Gateway's 500.
pub(super) fn reply(document: &[u8]) -> Reply {
    let Ok(answer) = serde_json::from_slice::<Value>(document) else {
        return malformed();
    };
    match answer.get("statusCode") {
        None => inferred(&answer),
        Some(status) => stated(&answer, status).unwrap_or_else(malformed),
    }
}

fn malformed() -> Reply {
    Reply::message(500, "Internal Server Error")
}

fn inferred(answer: &Value) -> Reply {
    let body = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Reply::new(200, body).with("content-type", "application/json")
}

fn stated(answer: &Value, status: &Value) -> Option<Reply> {
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = u16::try_from(status).ok().filter(|status| (100..=599).contains(status))?;
    let mut reply = Reply::new(status, body(answer)?);
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        reply.headers.push((name.to_ascii_lowercase(), text(value)?));
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        reply.headers.push(("set-cookie".to_owned(), text(cookie)?));
    }
    // The server writes these itself.
    reply.headers.retain(|(name, _)| !matches!(name.as_str(), "content-length" | "connection" | "transfer-encoding"));
    if !reply.headers.iter().any(|(name, _)| name == "content-type") {
        reply = reply.with("content-type", "text/plain;charset=UTF-8");
    }
    Some(reply)
}

fn body(answer: &Value) -> Option<Bytes> {
    let body = match answer.get("body") {
        None | Some(Value::Null) => return Some(Bytes::new()),
        Some(body) => body.as_str()?,
    };
    if answer.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        return STANDARD.decode(body).ok().map(Bytes::from);
    }
    Some(Bytes::from(body.to_owned()))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_answer_becomes_status_headers_cookies_and_body() {
        let document = br#"{"statusCode":202,"headers":{"Content-Type":"application/json","X-A":"1"},"body":"{}","cookies":["a=1","b=2"]}"#;
        let reply = reply(document);
        assert_eq!((reply.status, reply.body.as_ref()), (202, b"{}".as_slice()));
        let headers: Vec<_> = reply.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(headers, ["content-type=application/json", "x-a=1", "set-cookie=a=1", "set-cookie=b=2"]);
    }

    #[test]
    fn a_base64_body_is_decoded() {
        let reply = reply(br#"{"statusCode":200,"body":"/wA=","isBase64Encoded":true}"#);
        assert_eq!(reply.body.as_ref(), [0xff, 0x00]);
    }

    #[test]
    fn an_answer_without_a_status_is_a_body() {
        let reply = reply(br#"{"ok":true}"#);
        assert_eq!((reply.status, reply.body.as_ref()), (200, br#"{"ok":true}"#.as_slice()));
    }

    #[test]
    fn nonsense_is_an_internal_server_error() {
        for document in [
            "{\"statusCode\":99}",
            "{\"statusCode\":\"x\"}",
            "{\"statusCode\":200,\"body\":1}",
            "{\"statusCode\":200,\"body\":\"*\",\"isBase64Encoded\":true}",
            "no json",
        ] {
            let reply = reply(document.as_bytes());
            assert_eq!(
                (reply.status, reply.body.as_ref()),
                (500, br#"{"message":"Internal Server Error"}"#.as_slice())
            );
        }
    }
}
