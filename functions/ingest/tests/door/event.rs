//! Lambda's own event and answer.

use ingest::handler::handle;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_event_of_api_gateway_is_answered_as_one() {
    let door = Door::open().await;
    let created_at = relay_lambda::process::now_ms() / 1000;
    let event = json!({
        "version": "2.0",
        "routeKey": "GET /v1/callbacks/{provider}",
        "rawPath": "/v1/callbacks/adjust",
        "rawQueryString": format!("key=relay_ingest_1&activity_kind=install&app_token=app&created_at={created_at}&raw={{x}}|[]^<>\"&bad=%zz"),
        "headers": {"host": "api.example.com"},
        "requestContext": {
            "http": {"method": "GET", "path": "/v1/callbacks/adjust", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"},
            "timeEpoch": 1,
        },
        "isBase64Encoded": false,
    });
    let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
    let answer = serde_json::to_value(handle(&door.app, event).await.unwrap()).unwrap();
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["body"], r#"{"status":"accepted"}"#);
    let trace_id = answer["headers"]["x-relay-trace-id"].as_str().unwrap();
    assert!(trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{trace_id}");
    assert_eq!(door.ids().len(), 1);
    assert_eq!(door.total(Metric::Received), 0, "the first counts left with the first invocation");
}
