//! Signing in and out, and where the key is kept.

use serde_json::json;

use relay_tests::stack::Stack;

use crate::look::PLAIN;
use crate::page::Page;
use crate::site::{KEY, Site};
use crate::world::{self, over};

#[test]
fn a_wrong_key_is_refused_in_words() {
    let Some(stack) = Stack::running("a_wrong_key_is_refused_in_words") else { return };
    let page = Page::of_stack(&stack);
    for key in ["no-such-key", stack.get("ingest_key")] {
        page.sign_in(key);
        page.expect("#key-error", "not accepted");
        let kept = page.browser.script("return [sessionStorage.length, document.activeElement.id]", &json!([]));
        assert_eq!(kept, json!([0, "key"]), "a refused key is forgotten, and the field waits for another");
        page.browser.reload();
    }
    page.expect_clean(&[401]);
}

#[test]
fn a_key_that_can_be_none_is_refused_before_it_is_sent() {
    let Some(site) = Site::start("a_key_that_can_be_none_is_refused_before_it_is_sent") else { return };
    let page = Page::of_site(&site, PLAIN);
    for key in ["", "키", "two words"] {
        page.sign_in(key);
        page.expect_error_at(&["key"]);
    }
    assert!(site.asked("GET /v1/account").is_empty());
    page.sign_in(&format!("  {KEY} "));
    page.expect("#ask-title", "");
    page.expect_clean(&[]);
}

#[test]
fn the_key_lives_in_its_tab_only() {
    let Some(site) = Site::start("the_key_lives_in_its_tab_only") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.browser.reload();
    page.expect("#ask-title", "");
    let elsewhere = "return [JSON.stringify(localStorage).includes(arguments[0]), document.cookie, location.href.includes(arguments[0])]";
    assert_eq!(page.browser.script(elsewhere, &json!([KEY])), json!([false, "", false]));
    page.browser.click("#sign-out");
    page.expect("#sign-in-form", "API key");
    assert_eq!(page.browser.script("return sessionStorage.length", &json!([])), 0);
    page.expect_gone("#views");
    page.browser.reload();
    page.expect("#sign-in-form", "API key");
    page.expect_clean(&[]);
}

#[test]
fn an_owner_with_nothing_is_told_what_is_missing() {
    let Some(site) = Site::start("an_owner_with_nothing_is_told_what_is_missing") else { return };
    site.answer("GET /v1/account", 200, over(world::account(), json!({ "apps": [], "mail_domains": [] })));
    let mut none = world::arrivals();
    none["apps"] = json!([]);
    site.answer("GET /v1/arrivals", 200, none);
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.expect("#app-hint", "No app");
    page.expect("#email-hint", "No mail domain");
    let disabled = page.browser.script("return document.querySelector('#submit').disabled", &json!([]));
    assert_eq!(disabled, true);
    for (view, shown) in [("#/exports", "#no-exports"), ("#/recurring", "#no-schedules"), ("#/arrivals", "#connect")] {
        page.go(view);
        page.expect(shown, "");
    }
    page.expect_clean(&[]);
}

#[test]
fn an_address_that_bounced_is_named() {
    let Some(site) = Site::start("an_address_that_bounced_is_named") else { return };
    let lost = json!([{ "email": "lee@acme.example", "reason": "bounced", "since": "2026-11-14T09:30:00Z" }]);
    site.answer("GET /v1/account", 200, over(world::account(), json!({ "unreachable": lost })));
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.expect("#email-hint", "lee@acme.example");
    page.expect_clean(&[]);
}
