//! Recurring exports: asked for, listed, repeated and ended.

use serde_json::json;

use crate::look::PLAIN;
use crate::page::Page;
use crate::site::Site;
use crate::world::{self, id, over, schedule};

const LIST: &str = "GET /v1/schedules";
const ASK: &str = "POST /v1/schedules";
const END: &str = "DELETE /v1/schedules/{id}";

fn list(site: &Site) -> Page {
    site.answer(LIST, 200, json!({ "schedules": [schedule(1)], "next": null }));
    let page = Page::of_site(site, PLAIN).signed_in();
    page.go("#/recurring");
    page.expect("#schedules .card", world::APPS[0]);
    page
}

fn pick(page: &Page, frequency: &str) {
    page.browser.click(&format!("#frequencies label:has([value={frequency}])"));
}

#[test]
fn a_frequency_makes_it_recurring_and_has_no_dates() {
    let Some(site) = Site::start("a_frequency_makes_it_recurring_and_has_no_dates") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    for frequency in ["hourly", "weekly", "monthly", "daily"] {
        pick(&page, frequency);
        page.expect_gone("#once");
        page.expect("#delay-hint", "");
    }
    page.choose("#delay_minutes", "180");
    page.submit();
    // 18:00 UTC is three in the morning of the next day in Seoul.
    page.expect("#ask-answer", "03:00");
    let sent = site.call(ASK, 1).body;
    let expected = json!({ "frequency": "daily", "delay_minutes": 180, "app_token": world::APPS[0], "kind": "install", "timezone": "Asia/Seoul",
        "email": world::EMAIL, "language": "en", "format": "csv", "filters": { "environment": ["production"] } });
    assert_eq!(sent, expected);
    pick(&page, "once");
    page.expect("#once", "");
    page.expect_clean(&[]);
}

#[test]
fn a_refused_schedule_is_said_beside_its_field_or_above_the_button() {
    let Some(site) = Site::start("a_refused_schedule_is_said_beside_its_field_or_above_the_button") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    pick(&page, "daily");
    site.refuse(ASK, 422);
    page.submit();
    page.expect("#frequency-error", "");
    site.refuse(ASK, 409);
    page.submit();
    page.expect("#ask-alert", world::TRACE_ID);
    page.expect_clean(&[409, 422]);
}

#[test]
fn the_list_says_what_comes_next_and_how_the_last_run_ended() {
    let Some(site) = Site::start("the_list_says_what_comes_next_and_how_the_last_run_ended") else { return };
    let wrong = json!({ "code": "past_retention", "detail": "the period lies past the retention", "at": "2026-11-13T18:00:00Z",
        "period": { "from": "2026-11-12T15:00:00Z", "to": "2026-11-13T15:00:00Z" } });
    let ended = json!({ "status": "ended", "email": [], "next_run_at": null, "next_period": null, "last_run": null, "ended_at": "2026-11-15T09:00:00Z" });
    let schedules = [
        schedule(1),
        over(schedule(2), json!({ "frequency": "hourly", "delay_minutes": 0, "last_run": null })),
        over(schedule(3), json!({ "last_error": wrong })),
        over(schedule(4), ended),
    ];
    site.answer(LIST, 200, json!({ "schedules": schedules, "next": null }));
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.go("#/recurring");
    let card = |number: usize| format!("#schedules .card[data-schedule-id='{}']", id(number));
    page.expect(&card(1), "03:00");
    let runs = page
        .browser
        .script("return document.querySelectorAll('#schedules a[href^=\"#/exports/\"]').length", &json!([]));
    assert_eq!(runs, 2, "the last run leads to its export");
    page.expect(&card(3), "Nov");
    page.expect(&format!("{}[data-status=ended]", card(4)), "18:00");
    page.expect_clean(&[]);
}

#[test]
fn ending_asks_once_more_and_may_be_thought_over() {
    let Some(site) = Site::start("ending_asks_once_more_and_may_be_thought_over") else { return };
    let page = list(&site);
    let card = "#schedules .card";
    page.press(card, "End");
    page.press(&format!("{card} .sure"), "Keep");
    page.expect_gone(&format!("{card} .sure"));
    assert_eq!(site.asked(END).len(), 0);
    page.press(card, "End");
    site.refuse(END, 503);
    page.browser.click(&format!("{card} .sure .danger"));
    page.expect(&format!("{card} .alert"), world::TRACE_ID);
    let over = over(schedule(1), json!({ "status": "ended", "ended_at": world::NOW }));
    site.answer(END, 200, over);
    site.answer(LIST, 200, json!({ "schedules": [], "next": null }));
    page.browser.click(&format!("{card} .sure .danger"));
    page.expect("#no-schedules", "");
    page.expect_gone(card);
    page.expect_clean(&[503]);
}

#[test]
fn a_schedule_is_repeated_and_a_new_one_begins_at_the_form() {
    let Some(site) = Site::start("a_schedule_is_repeated_and_a_new_one_begins_at_the_form") else { return };
    let page = list(&site);
    page.press("#schedules .card", "Repeat");
    page.expect("#again", "");
    page.submit();
    let sent = site.call(ASK, 1).body;
    let as_before = ["frequency", "delay_minutes", "app_token", "kind", "timezone", "format", "language"];
    for name in as_before {
        assert_eq!(sent[name], schedule(1)[name], "{name}");
    }
    page.go("#/recurring");
    page.browser.click("#new-schedule");
    let picked = "return document.querySelector('#frequencies :checked').value";
    page.expect("#again", "");
    assert_eq!(page.browser.script(picked, &json!([])), "daily");
    page.expect_clean(&[]);
}
