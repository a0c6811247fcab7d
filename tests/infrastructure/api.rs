//! The door and the site: which path reaches whom, and what must not be logged, cached or throttled.

use std::collections::BTreeMap;

use super::template::{Template, name};

/// Every route and the function behind it.
const ROUTES: [(&str, &str); 21] = [
    ("$default", "ExportApiFunction"),
    ("ANY /v1/activities", "IngestFunction"),
    ("ANY /v1/callbacks/{provider}", "IngestFunction"),
    ("ANY /v1/health", "IngestFunction"),
    ("DELETE /v1/exports/{id}", "ExportApiFunction"),
    ("DELETE /v1/exports/{id}/file", "ExportApiFunction"),
    ("DELETE /v1/schedules/{id}", "ExportApiFunction"),
    ("GET /v1/account", "ExportApiFunction"),
    ("GET /v1/activities/summary", "ExportApiFunction"),
    ("GET /v1/arrivals", "ExportApiFunction"),
    ("GET /v1/exports", "ExportApiFunction"),
    ("GET /v1/exports/{id}", "ExportApiFunction"),
    ("GET /v1/openapi.yaml", "ExportApiFunction"),
    ("GET /v1/schedules", "ExportApiFunction"),
    ("GET /v1/schedules/{id}", "ExportApiFunction"),
    ("GET /v1/unsubscribe/{token}", "ExportApiFunction"),
    ("POST /v1/exports", "ExportApiFunction"),
    ("POST /v1/exports/preview", "ExportApiFunction"),
    ("POST /v1/exports/{id}/link", "ExportApiFunction"),
    ("POST /v1/schedules", "ExportApiFunction"),
    ("POST /v1/unsubscribe/{token}", "ExportApiFunction"),
];

/// Managed policies of CloudFront, by id (CloudFront developer guide, "Use managed cache policies" and "… origin request policies").
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST_HEADER: &str = "b689b0a8-53d0-40ab-baf2-38738e2966ac";

#[test]
fn every_route_is_there_and_no_other() {
    let template = Template::load();
    let mut routes = BTreeMap::new();
    for (function, properties) in template.of_type("AWS::Serverless::Function") {
        for event in properties["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            let http = &event["Properties"];
            if event["Type"] != "HttpApi" {
                continue;
            }
            assert_eq!(name(&http["ApiId"]), "Api", "{function}");
            let route = match (http["Method"].as_str(), http["Path"].as_str()) {
                (Some(method), Some(path)) => format!("{method} {path}"),
                _ => "$default".to_owned(),
            };
            assert_eq!(routes.insert(route.clone(), function), None, "{route} twice");
        }
    }
    let expected = ROUTES.map(|(route, function)| (route.to_owned(), function));
    assert_eq!(routes, BTreeMap::from(expected));
}

#[test]
fn callbacks_meet_no_throttle_of_ours() {
    let template = Template::load();
    for setting in ["DefaultRouteSettings", "RouteSettings", "Auth", "CorsConfiguration"] {
        assert!(template.property("Api", &format!("/{setting}")).is_null(), "{setting}");
    }
}

#[test]
fn access_logs_hold_no_key_address_or_device() {
    let template = Template::load();
    let settings = template.property("Api", "/AccessLogSettings/Fn::If");
    assert_eq!(settings[0], "KeepAccessLogs");
    let format = settings[1]["Format"].as_str().expect("a format");
    let logged: Vec<&str> = format.split("$context.").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    // `path`, `identity.*` and the query would bring `?key=`, device ids and addresses.
    let harmless = [
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "responseLatency",
        "responseLength",
        "integrationErrorMessage",
    ];
    assert_eq!(logged, harmless);
}

#[test]
fn nothing_else_on_the_way_logs_or_traces_a_request() {
    let template = Template::load();
    // CloudFront's logs hold the query string, and X-Ray's segments may hold the path.
    assert!(template.property("SiteDistribution", "/DistributionConfig/Logging").is_null());
    let newer = template.section("Resources").into_iter().find(|(_, one)| one["Type"] == "AWS::Logs::DeliverySource");
    assert_eq!(newer.map(|(name, _)| name), None, "CloudFront's newer logs are delivered by these");
    for function in ["IngestFunction", "ExportApiFunction"] {
        assert_eq!(*template.property(function, "/Tracing"), "PassThrough", "{function}");
    }
    // The other functions, which see no request, are traced where somebody asks for it.
    let asked = serde_json::json!({"Fn::If": ["Trace", "Active", "PassThrough"]});
    assert_eq!(*template.at("/Globals/Function/Tracing"), asked);
    assert_eq!(template.at("/Parameters/Tracing/Default"), "disabled");
    assert!(template.at("/Globals/HttpApi").is_null());
}

#[test]
fn one_origin_serves_the_page_and_the_calls() {
    let template = Template::load();
    let distribution = |pointer: &str| template.property("SiteDistribution", &format!("/DistributionConfig{pointer}"));
    assert_eq!(distribution("/DefaultCacheBehavior/TargetOriginId"), "site");
    assert_eq!(distribution("/DefaultRootObject"), "index.html");
    assert_eq!(distribution("/Origins/0/Id"), "site");
    assert_eq!(name(distribution("/Origins/0/OriginAccessControlId")), "SiteAccess");
    assert_eq!(distribution("/Origins/1/Id"), "api");
    assert_eq!(distribution("/Origins/1/CustomOriginConfig/OriginProtocolPolicy"), "https-only");
    assert_eq!(distribution("/CacheBehaviors/0/PathPattern"), "/v1/*");
    assert_eq!(distribution("/CacheBehaviors/0/TargetOriginId"), "api");
    assert_eq!(distribution("/CacheBehaviors/0/CachePolicyId"), CACHING_DISABLED);
    assert_eq!(distribution("/CacheBehaviors/0/OriginRequestPolicyId"), ALL_VIEWER_EXCEPT_HOST_HEADER);
    assert_eq!(distribution("/CacheBehaviors/0/ViewerProtocolPolicy"), "https-only");
    for behaviour in ["/DefaultCacheBehavior", "/CacheBehaviors/0"] {
        assert_eq!(name(distribution(&format!("{behaviour}/ResponseHeadersPolicyId"))), "SiteHeaders");
    }
}

#[test]
fn the_page_runs_nothing_that_is_not_its_own() {
    let template = Template::load();
    let headers = template.property("SiteHeaders", "/ResponseHeadersPolicyConfig/SecurityHeadersConfig");
    let policy = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"].as_str().expect("a policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    assert_eq!(headers["FrameOptions"]["FrameOption"], "DENY");
    assert_eq!(headers["ReferrerPolicy"]["ReferrerPolicy"], "no-referrer");
    assert!(headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"].as_u64() >= Some(31_536_000));
    assert_eq!(headers["ContentTypeOptions"]["Override"], true);
}
