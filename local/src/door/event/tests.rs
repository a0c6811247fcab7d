use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::door::{Route, Routes};

fn routes() -> Routes {
    Routes::new(vec![Route {
        method: "POST".to_owned(),
        path: "/v1/callbacks/{provider}".to_owned(),
        function: "IngestFunction".to_owned(),
    }])
}

fn of(path: &str, query: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Value {
    let request = Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Bytes::from_static(body),
        peer: ([192, 0, 2, 7], 4711).into(),
        head_bytes: 0,
    };
    let routes = routes();
    event(&request, &routes.find("POST", path).unwrap())
}

#[test]
fn path_and_query_are_as_sent() {
    let query = "a=%ED%95%9C&b={}|[]^<>\"&c=%zz&d=한&a=2+1";
    let event = of("/v1/callbacks/ad%20just", query, &[("host", "127.0.0.1:80"), ("user-agent", "u")], b"");
    assert_eq!(event["rawQueryString"], query);
    assert_eq!(event["rawPath"], "/v1/callbacks/ad%20just");
    assert_eq!(event["pathParameters"], json!({ "provider": "ad just" }));
    assert_eq!(event["queryStringParameters"], json!({ "a": "한,2 1", "b": "{}|[]^<>\"", "c": "%zz", "d": "한" }));
    let context = &event["requestContext"];
    assert_eq!(event["routeKey"], "POST /v1/callbacks/{provider}");
    assert_eq!(context["routeKey"], event["routeKey"]);
    assert_eq!(context["http"]["sourceIp"], "192.0.2.7");
    assert_eq!(context["http"]["userAgent"], "u");
    assert_eq!(context["requestId"].as_str().unwrap().len(), 32);
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(event["isBase64Encoded"], false);
    assert!(event.get("body").is_none());
}

#[test]
fn headers_of_one_name_are_joined_and_cookies_stand_apart() {
    let headers = [
        ("x-a", "1"),
        ("x-a", "2"),
        ("cookie", "a=1; b=2"),
        ("cookie", "c=3"),
        ("x-forwarded-for", "198.51.100.1"),
        ("connection", "close"),
    ];
    let event = of("/v1/callbacks/adjust", "", &headers, b"");
    assert_eq!(event["headers"]["x-a"], "1,2");
    assert_eq!(event["headers"]["x-forwarded-for"], "198.51.100.1, 192.0.2.7");
    assert!(event["headers"].get("cookie").is_none() && event["headers"].get("connection").is_none());
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
}

#[test]
fn text_types_come_as_text_and_all_else_as_base64() {
    let body = |kind: Option<&str>| {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        let event = of("/v1/callbacks/adjust", "", &headers, b"{\"\xff\"}");
        (event["isBase64Encoded"].as_bool().unwrap(), event["body"].as_str().unwrap().to_owned())
    };
    for text in ["application/json", "Application/JSON; charset=utf-8", "text/plain", "application/xml"] {
        assert_eq!(body(Some(text)), (false, "{\"\u{fffd}\"}".to_owned()), "{text}");
    }
    for binary in [
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/octet-stream",
        "application/problem+json",
    ] {
        assert_eq!(body(Some(binary)), (true, "eyL/In0=".to_owned()), "{binary}");
    }
    assert!(body(None).0);
}
