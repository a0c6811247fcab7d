//! `GET /v1/openapi.yaml`: what the whole API takes and answers, as of the release that is asked.

use relay::http::Response;

/// The document. Its `servers` name no host, so it holds wherever it is read from.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.yaml");

/// For how long a copy may be used: a new release is seen within minutes.
const CACHE_CONTROL: &str = "public, max-age=300";

pub(super) fn document() -> Response {
    // RFC 9512.
    let headers = vec![("content-type", "application/yaml".to_owned()), ("cache-control", CACHE_CONTROL.to_owned())];
    Response { status: 200, headers, body: DOCUMENT.to_owned() }
}
