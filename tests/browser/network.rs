//! Slow, broken and missing networks.

use serde_json::json;

use crate::look::PLAIN;
use crate::page::{NO_ANSWER, Page};
use crate::site::{KEY, Site, Turn};
use crate::world::{self, export, page_of};

#[test]
fn while_an_answer_is_under_way_the_page_says_so_and_a_second_press_does_nothing() {
    let Some(site) = Site::start("while_an_answer_is_under_way_the_page_says_so_and_a_second_press_does_nothing")
    else {
        return;
    };
    site.script("GET /v1/exports", [Turn::Held(200, page_of(&[export(1, "done")]))]);
    let asked = json!({ "export_id": world::id(1), "status": "queued", "position": 1 });
    site.script("POST /v1/exports", [Turn::Held(202, asked)]);
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    page.submit();
    page.expect("#ask-form [type=submit][aria-disabled=true]", "");
    page.submit();
    page.go("#/exports");
    page.expect("#watch-loading", "");
    site.release();
    page.expect("#exports .card", "288,104");
    page.expect_gone("#watch-loading");
    assert_eq!(site.asked("POST /v1/exports").len(), 1);
    page.expect_clean(&[]);
}

#[test]
fn an_answer_that_nobody_can_read_is_told_as_none() {
    let Some(site) = Site::start("an_answer_that_nobody_can_read_is_told_as_none") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    let asked = json!({ "export_id": world::id(1), "status": "queued", "position": 1 });
    for (turn, number) in [Turn::Gateway(200), Turn::Half(202, asked)].into_iter().zip(1..) {
        site.script("POST /v1/exports", [turn]);
        page.submit();
        site.call("POST /v1/exports", number);
        let told = page.expect("#ask-alert", "cannot be reached");
        assert!(told.contains("may or may not"), "{told}");
        assert_eq!(page.browser.seen("#ask-answer:not(:empty)"), None);
    }
    page.expect_clean(&[]);
}

#[test]
fn who_goes_offline_is_told_and_what_was_entered_stays() {
    let Some(site) = Site::start("who_goes_offline_is_told_and_what_was_entered_stays") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    page.browser.offline(true);
    page.expect("#offline", "offline");
    page.submit();
    page.expect("#ask-alert", "offline");
    page.browser.offline(false);
    page.expect_gone("#offline:not(:empty)");
    page.browser.click("#ask-alert button");
    page.expect("#ask-answer", world::EMAIL);
    page.expect_clean(&[NO_ANSWER]);
}

#[test]
fn signing_in_survives_every_trouble() {
    let Some(site) = Site::start("signing_in_survives_every_trouble") else { return };
    let page = Page::of_site(&site, PLAIN);
    let account = "GET /v1/account";
    for (turn, text) in [(Turn::Cut, ""), (Turn::Gateway(502), "502")] {
        site.script(account, [turn]);
        page.sign_in(KEY);
        page.expect("#sign-in-alert", text);
    }
    site.refuse(account, 503);
    page.browser.click("#sign-in-alert button");
    page.expect("#sign-in-alert", world::TRACE_ID);
    site.answer(account, 200, world::account());
    page.browser.click("#sign-in-alert button");
    page.expect("#ask-title", "");

    site.script(account, [Turn::Cut]);
    page.browser.reload();
    page.expect("#sign-in-alert", "");
    site.answer(account, 200, world::account());
    page.browser.click("#sign-in-form [type=submit]");
    page.expect("#ask-title", "");
    page.expect_clean(&[502, 503, NO_ANSWER]);
}

#[test]
fn a_key_that_is_revoked_meanwhile_ends_the_session_in_words() {
    let Some(site) = Site::start("a_key_that_is_revoked_meanwhile_ends_the_session_in_words") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    site.refuse("GET /v1/schedules", 401);
    page.go("#/recurring");
    page.expect("#key-error", "");
    let kept = page.browser.script("return [sessionStorage.length, document.activeElement.id]", &json!([]));
    assert_eq!(kept, json!([0, "key"]), "the key is forgotten, and the field waits for another");
    page.expect_clean(&[401]);
}

#[test]
fn a_slow_network_shows_the_frame_before_the_data() {
    let Some(site) = Site::start("a_slow_network_shows_the_frame_before_the_data") else { return };
    let page = Page::of_site(&site, PLAIN);
    page.browser.conditions(false, 400, 50_000);
    page.browser.reload();
    page.expect("#sign-in-form", "");
    page.enter();
    page.expect("#app_token", world::APPS[0]);
    page.expect_clean(&[]);
}
