//! Names of one's own, and what stands before the page: `infra/edge.yaml` and its parameters in `template.yaml`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template::{Template, list, name};

fn edge() -> Template {
    Template::of("infra/edge.yaml")
}

/// What stands at a condition, whichever functions it is made of.
fn not_empty(parameter: &str) -> Value {
    json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": parameter }, ""] }] })
}

#[test]
fn a_domain_is_taken_only_with_its_certificate_and_never_in_the_middle_of_a_deploy() {
    let template = Template::load();
    for (domain, certificate) in [("SiteDomain", "SiteCertificateArn"), ("ApiDomain", "ApiCertificateArn")] {
        let both = json!({ "Fn::And": [not_empty(domain), not_empty(certificate)] });
        assert_eq!(*template.at(&format!("/Conditions/Has{domain}")), both);
        let rule = template.at(&format!("/Rules/{domain}HasItsCertificate"));
        assert_eq!(rule["RuleCondition"], not_empty(domain), "{domain}");
        assert_eq!(rule["Assertions"][0]["Assert"], not_empty(certificate), "{domain}");
    }
    let here = template.at("/Parameters/SiteCertificateArn/AllowedPattern").as_str().expect("a pattern");
    assert!(here.contains("acm:us-east-1:"), "CloudFront takes certificates of one region only: {here}");
}

#[test]
fn the_distribution_has_the_name_the_certificate_and_the_web_acl_or_none() {
    let template = Template::load();
    let at = |pointer: &str| template.property("SiteDistribution", &format!("/DistributionConfig{pointer}"));
    let none = json!({ "Ref": "AWS::NoValue" });
    assert_eq!(*at("/Aliases"), json!({ "Fn::If": ["HasSiteDomain", [{ "Ref": "SiteDomain" }], none] }));
    assert_eq!(*at("/WebACLId"), json!({ "Fn::If": ["HasWebAcl", { "Ref": "WebAclArn" }, none] }));
    let certificate = &at("/ViewerCertificate")["Fn::If"];
    assert_eq!(certificate[0], "HasSiteDomain");
    assert_eq!(certificate[1]["AcmCertificateArn"], json!({ "Ref": "SiteCertificateArn" }));
    assert!(certificate[1]["MinimumProtocolVersion"].as_str().is_some_and(|version| version >= "TLSv1.2_2021"));
    let mapping = |pointer: &str| template.property("ApiNameMapping", pointer);
    assert_eq!((name(mapping("/ApiId")), name(mapping("/DomainName"))), ("Api", "ApiName"));
}

#[test]
fn mails_and_tools_lead_to_the_name() {
    let template = Template::load();
    let of_domain = json!({ "Fn::Sub": "https://${SiteDomain}" });
    let address = json!({ "Fn::If": ["HasSiteDomain", of_domain, { "Ref": "SiteUrl" }] });
    for function in ["ExportApiFunction", "NotifyFunction"] {
        assert_eq!(*template.property(function, "/Environment/Variables/SITE_URL"), address, "{function}");
    }
    let output = template.at("/Outputs/SiteUrl/Value");
    assert_eq!((&output["Fn::If"][0], &output["Fn::If"][1]), (&json!("HasSiteDomain"), &of_domain));
    assert_eq!(output["Fn::If"][2]["Fn::If"][1], json!({ "Ref": "SiteUrl" }));
    assert_eq!(template.at("/Outputs/ApiUrl/Value")["Fn::If"][1], json!({ "Fn::Sub": "https://${ApiDomain}" }));
}

/// Where a rule of the web ACL looks at a path, the paths.
fn paths(rule: &Value) -> BTreeSet<(&str, &str)> {
    let statements = list(&rule["Statement"]["OrStatement"]["Statements"]);
    let matches = statements.into_iter().map(|statement| &statement["ByteMatchStatement"]);
    matches
        .map(|one| {
            assert_eq!(one["FieldToMatch"], json!({ "UriPath": {} }));
            assert_eq!(one["TextTransformations"][0]["Type"], "NONE");
            (one["PositionalConstraint"].as_str().expect("how"), one["SearchString"].as_str().expect("a path"))
        })
        .collect()
}

#[test]
fn no_rule_ever_counts_or_refuses_a_callback() {
    let edge = edge();
    assert_eq!(*edge.property("WebAcl", "/Scope"), "CLOUDFRONT");
    let mut rules = list(edge.property("WebAcl", "/Rules"));
    rules.sort_by_key(|rule| rule["Priority"].as_u64());
    // An Allow ends the evaluation: what comes after it never sees such a request.
    assert_eq!(rules[0]["Action"], json!({ "Allow": {} }));
    let through = [("STARTS_WITH", "/v1/callbacks/"), ("EXACTLY", "/v1/activities")];
    assert_eq!(paths(rules[0]), BTreeSet::from(through));
    let priorities: BTreeSet<_> = rules.iter().map(|rule| rule["Priority"].to_string()).collect();
    assert_eq!(priorities.len(), rules.len(), "an order");
    assert_eq!(rules[1]["Statement"]["RateBasedStatement"]["Limit"], json!({ "Ref": "RequestsPerFiveMinutes" }));
    // A request's headers hold its key.
    for rule in rules.iter().chain([&edge.property("WebAcl", "")]) {
        assert_eq!(rule["VisibilityConfig"]["SampledRequestsEnabled"], false, "{}", rule["Name"]);
    }
}

#[test]
fn what_the_edge_makes_is_what_the_stack_takes() {
    let (edge, template) = (edge(), Template::load());
    for (output, definition) in edge.section("Outputs") {
        assert!(!template.at(&format!("/Parameters/{output}")).is_null(), "no parameter {output}");
        assert!(definition["Description"].is_string(), "{output}");
    }
    for (parameter, definition) in edge.section("Parameters") {
        assert!(!definition["Default"].is_null(), "{parameter}: a default");
        assert!(definition["Description"].as_str().is_some_and(|text| text.len() > 20), "{parameter}");
    }
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(edge.at(&format!("/Resources/SiteCertificate/{policy}")), "Retain", "{policy}");
    }
}
