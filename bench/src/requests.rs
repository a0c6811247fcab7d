//! Requests as the door gets them: callbacks and batches in API Gateway's events.

use bytes::Bytes;
use relay::activity::{Activity, Kind, Value};
use relay_lambda::process;
use relay_plan::generator::Generator;
use serde_json::{Map, json};

/// Different requests of each sort.
const REQUESTS: usize = 50;

/// A request holds the same callback as the one before it by so little that fewer of the largest batches say as much: items of all requests together.
const ITEMS: usize = 5_000;

/// Callbacks of the present moment, as API Gateway brings them.
pub(crate) fn singles(secret: &str) -> Vec<Bytes> {
    let (mut generator, now) = (Generator::new(1), process::now_ms() / 1000);
    (0..REQUESTS).map(|_| single(&generator.query(Kind::Event, now), secret)).collect()
}

/// One callback with this query string.
pub(crate) fn single(query: &str, secret: &str) -> Bytes {
    event("GET", "/v1/callbacks/adjust", &format!("{query}&key={secret}"), "")
}

/// Batches of so many items.
pub(crate) fn batches(secret: &str, count: usize) -> Result<Vec<Bytes>, String> {
    let (mut generator, now) = (Generator::new(1), process::now_ms());
    let query = format!("key={secret}");
    let batch = |_| {
        let body = items(&mut generator, Kind::Event, now, count)?;
        Ok(event("POST", "/v1/activities", &query, &body))
    };
    (0..(ITEMS / count.max(1)).clamp(1, REQUESTS)).map(batch).collect()
}

/// The body of an SDK's batch: the fields of callbacks, by their canonical names.
pub(crate) fn items(generator: &mut Generator, kind: Kind, created_at: i64, count: usize) -> Result<String, String> {
    let item = |_| Ok(item(&generator.activity(kind, created_at, created_at)?));
    (0..count).map(item).collect::<Result<serde_json::Value, String>>().map(|items| items.to_string())
}

/// An activity as an SDK's batch has it.
pub(crate) fn item(activity: &Activity<'_>) -> serde_json::Value {
    let mut item = Map::new();
    item.insert("kind".to_owned(), activity.kind.name().into());
    item.insert("app_token".to_owned(), activity.app_token.as_ref().into());
    item.insert("created_at".to_owned(), activity.created_at.into());
    for (field, value) in activity.fields.iter() {
        let value = match value {
            Value::Text(text) => text.as_ref().into(),
            Value::Time(time) => (*time).into(),
        };
        item.insert(field.name().to_owned(), value);
    }
    item.extend(activity.extra.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().into())));
    serde_json::Value::Object(item)
}

/// API Gateway's payload 2.0, with the headers of a usual client.
fn event(method: &str, path: &str, query: &str, body: &str) -> Bytes {
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {
            "accept": "*/*", "content-type": "application/json", "host": "api.example.com", "user-agent": "okhttp/4.12.0",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e", "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "requestId": "id", "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "okhttp/4.12.0"},
            "timeEpoch": 1,
        },
        "isBase64Encoded": false,
    });
    if let Some(event) = event.as_object_mut().filter(|_| !body.is_empty()) {
        event.insert("body".to_owned(), body.into());
    }
    Bytes::from(event.to_string())
}
