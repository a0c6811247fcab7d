//! Arrivals: what came, what was kept aside and why, and a test callback that turns green.

use serde_json::{Value, json};

use crate::look::PLAIN;
use crate::page::Page;
use crate::site::Site;
use crate::world::{self, APPS, arrivals};

const LIST: &str = "GET /v1/arrivals";
const CALLBACK: &str = "POST /v1/callbacks/{provider}";
const INGEST_KEY: &str = "rk_ingest_0123456789abcdef";

fn opened(site: &Site) -> Page {
    let page = Page::of_site(site, PLAIN).signed_in();
    page.go("#/arrivals");
    page.expect("#arrivals-inside", APPS[0]);
    page
}

/// One app's arrivals with one more install.
fn after_one_more() -> Value {
    let mut arrivals = arrivals();
    let install = &mut arrivals["apps"][0]["arrivals"][0];
    install["received_24h"] = json!(4_813);
    install["last_received_at"] = json!("2026-11-15T09:30:02.000Z");
    arrivals
}

#[test]
fn what_came_is_told_by_provider_and_kind_and_what_did_not_by_reason() {
    let Some(site) = Site::start("what_came_is_told_by_provider_and_kind_and_what_did_not_by_reason") else { return };
    let page = opened(&site);
    let app = page.expect(&format!("#arrivals-inside [data-app='{}']", APPS[0]), "4,812");
    assert!(app.contains("Adjust") && app.contains("AppsFlyer") && app.contains("91,377"), "{app}");
    let silent = page.expect(&format!("#arrivals-inside [data-app='{}']", APPS[1]), "");
    assert!(!silent.contains("4,812"), "{silent}");
    let kept = page.expect("#quarantine", "unknown_app");
    assert!(kept.contains("Branch") && kept.contains("bad_time") && kept.contains("17"), "{kept}");
    page.expect_clean(&[]);
}

#[test]
fn nothing_yet_is_said_plainly() {
    let Some(site) = Site::start("nothing_yet_is_said_plainly") else { return };
    let mut none = arrivals();
    none["apps"][0]["arrivals"] = json!([]);
    none["quarantined"] = json!([]);
    site.answer(LIST, 200, none);
    let page = opened(&site);
    page.expect("#quarantine", "");
    let tables = page.browser.script("return document.querySelectorAll('#arrivals-inside table').length", &json!([]));
    assert_eq!(tables, 0);
    page.expect_clean(&[]);
}

#[test]
fn each_provider_has_its_address_to_paste() {
    let Some(site) = Site::start("each_provider_has_its_address_to_paste") else { return };
    let page = opened(&site);
    for provider in ["adjust", "appsflyer", "branch", "airbridge", "singular", "kochava"] {
        page.choose("#connect-provider", provider);
        page.choose("#connect-app", APPS[1]);
        let url = page.browser.script("return document.querySelector('#connect-url').value", &json!([]));
        let url = url.as_str().expect("a text");
        assert!(url.contains(&format!("/v1/callbacks/{provider}?key=")) && url.contains(APPS[1]), "{url}");
        page.expect("#connect-hint", "");
    }
    page.expect_clean(&[]);
}

#[test]
fn a_test_callback_turns_green_once_it_has_arrived() {
    let Some(site) = Site::start("a_test_callback_turns_green_once_it_has_arrived") else { return };
    let page = opened(&site);
    site.answer(CALLBACK, 200, json!({ "status": "accepted" }));
    page.browser.type_into("#ingest_key", INGEST_KEY);
    page.browser.click("#test-form [type=submit]");
    page.expect("#test-result.notice", "");
    site.answer(LIST, 200, after_one_more());
    page.expect("#test-result.good", "4,813");
    let sent = site.call(CALLBACK, 1);
    assert_eq!((sent.path.as_str(), sent.query.as_str()), ("/v1/callbacks/adjust", ""), "the key stands in no address");
    let kept = "return [sessionStorage, localStorage].some((store) => JSON.stringify(store).includes(arguments[0]))";
    assert_eq!(page.browser.script(kept, &json!([INGEST_KEY])), false, "and is kept nowhere");
    page.expect_clean(&[]);
}

#[test]
fn a_test_callback_that_fails_says_why() {
    let Some(site) = Site::start("a_test_callback_that_fails_says_why") else { return };
    let page = opened(&site);
    let send = || page.browser.click("#test-form [type=submit]");
    send();
    page.expect_error_at(&["ingest_key"]);
    page.browser.type_into("#ingest_key", "키");
    send();
    page.expect_error_at(&["ingest_key"]);
    page.browser.type_into("#ingest_key", INGEST_KEY);
    site.refuse(CALLBACK, 401);
    send();
    page.expect_error_at(&["ingest_key"]);
    page.expect("#sign-out", "");
    for status in [403, 503] {
        site.refuse(CALLBACK, status);
        send();
        page.expect("#test-alert", world::TRACE_ID);
    }
    site.answer(CALLBACK, 200, json!({ "status": "quarantined", "reason": "unknown_app" }));
    send();
    page.expect("#test-result.notice", "");
    page.expect_clean(&[401, 403, 503]);
}

#[test]
fn arrivals_out_of_reach_say_so_and_come_back() {
    let Some(site) = Site::start("arrivals_out_of_reach_say_so_and_come_back") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    site.refuse(LIST, 503);
    page.go("#/arrivals");
    page.expect("#arrivals-alert", world::TRACE_ID);
    site.answer(LIST, 200, arrivals());
    page.browser.click("#arrivals-alert button");
    page.expect("#arrivals-inside", APPS[0]);
    page.expect_gone("#arrivals-alert");
    page.expect_clean(&[503]);
}
