//! API Gateway's payload 2.0 ↔ [`relay::http`].

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use relay::http::{Body, Request, Response};

/// The request of an event.
#[must_use]
pub fn request(event: ApiGatewayV2httpRequest) -> Request {
    let names = event.headers.keys();
    let headers = names
        .map(|name| {
            let values = event.headers.get_all(name).iter();
            let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            (name.as_str().to_owned(), values.join(","))
        })
        .collect();
    let http = event.request_context.http;
    Request {
        method: http.method.as_str().to_ascii_uppercase(),
        path: event.raw_path.or(http.path).unwrap_or_default(),
        query: event.raw_query_string.unwrap_or_default(),
        headers,
        body: body(event.body.unwrap_or_default(), event.is_base64_encoded),
        source_ip: http.source_ip.unwrap_or_default(),
    }
}

/// A body that says it is base64 and is not stands for itself: the function's parsers refuse it in their own words.
fn body(text: String, is_base64: bool) -> Body {
    if is_base64 {
        return Body::Bytes(STANDARD.decode(&text).unwrap_or_else(|_| text.into_bytes()));
    }
    // A body that is not there was not damaged either.
    if text.is_empty() { Body::default() } else { Body::Text(text) }
}

/// The event's answer. A header that HTTP cannot carry is left out.
#[must_use]
pub fn response(response: Response) -> ApiGatewayV2httpResponse {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(response.status);
    answer.body = Some(aws_lambda_events::encodings::Body::Text(response.body));
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            answer.headers.append(name, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(extra: &serde_json::Value) -> ApiGatewayV2httpRequest {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/v1/callbacks/adjust",
            "rawQueryString": "key=k&name=%ED%95%9C&raw={}|[]^<>\"&bad=%zz",
            "headers": {"Content-Type": "text/plain", "x-forwarded-for": "192.0.2.7"},
            "requestContext": {
                "http": {"method": "POST", "path": "/v1/callbacks/adjust", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"},
                "timeEpoch": 1,
            },
        });
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_request_is_handed_on_as_it_was_sent() {
        let request = request(event(&json!({"body": "한", "isBase64Encoded": false})));
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/v1/callbacks/adjust");
        assert_eq!(request.query, "key=k&name=%ED%95%9C&raw={}|[]^<>\"&bad=%zz");
        assert_eq!(request.header("content-type"), Some("text/plain"));
        assert!(request.body == Body::Text("한".to_owned()));
        assert_eq!(request.source_ip, "192.0.2.7");
    }

    #[test]
    fn a_binary_body_comes_as_its_bytes() {
        let request = request(event(&json!({"body": "H4sIAP8=", "isBase64Encoded": true})));
        assert!(request.body == Body::Bytes(vec![0x1f, 0x8b, 0x08, 0x00, 0xff]));
    }

    #[test]
    fn no_body_is_neither_text_nor_damaged() {
        let request = request(event(&json!({"isBase64Encoded": false})));
        assert!(request.body == Body::Bytes(Vec::new()));
    }

    #[test]
    fn an_answer_keeps_status_headers_and_text() {
        let answer = response(Response::json(200, &json!({"ok": true})).with_header("x-relay-trace-id", "ab"));
        assert_eq!(answer.status_code, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["x-relay-trace-id"], "ab");
        assert_eq!(answer.body, Some(aws_lambda_events::encodings::Body::Text("{\"ok\":true}".to_owned())));
        assert!(!answer.is_base64_encoded);
    }
}
