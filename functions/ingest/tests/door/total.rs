//! Whatever is sent has an answer.

use proptest::prelude::*;

use super::*;

fn requests() -> impl Strategy<Value = Request> {
    let path = prop_oneof![
        Just("/v1/callbacks/adjust".to_owned()),
        Just("/v1/activities".to_owned()),
        Just("/v1/health".to_owned()),
        "/v1/[a-z/]{0,20}",
        "\\PC{0,20}",
    ];
    let query = prop_oneof![
        Just("key=relay_ingest_1".to_owned()),
        "key=relay_ingest_1&app_token=app&created_at=1699999999&activity_kind=\\PC{0,20}",
        "\\PC{0,40}",
    ];
    let content_type = "(application/json|application/x-ndjson|application/x-www-form-urlencoded|[a-z/;]{0,10})";
    let body = prop::collection::vec(any::<u8>(), 0..100);
    let parts = ("(GET|POST|HEAD|[A-Z]{0,6})", path, query, content_type, "(gzip|zstd|)", body, any::<bool>());
    parts.prop_map(|(method, path, query, content_type, encoding, body, is_text)| {
        let body = if is_text { String::from_utf8_lossy(&body).into_owned().into_bytes() } else { body };
        let mut request = with_body(request(&method, &path, &query), &content_type, &body);
        request.headers.push(("content-encoding".to_owned(), encoding));
        request
    })
}

proptest! {
    #[test]
    fn every_request_has_an_answer_and_the_counts_balance(request in requests()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let response = runtime.block_on(async { Door::open().await.answer(&request).await });
        prop_assert!([200, 400, 401, 404, 405, 413, 415].contains(&response.status), "{}", response.status);
    }
}
