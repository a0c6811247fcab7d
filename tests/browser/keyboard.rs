//! Without a pointer: every view and every step by keys alone, and the focus always to be seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::look::PLAIN;
use crate::page::Page;
use crate::site::{KEY, Site, Turn};
use crate::webdriver::key;
use crate::world::{self, export, id, page_of, schedule};

/// More presses of Tab than any view has stops.
const MOST_STOPS: usize = 150;

/// What has the focus: a selector-like name, and whether it can be told from what has not.
const FOCUSED: &str = "const one = document.activeElement;
    if (one === document.body || one === document.documentElement) return null;
    const style = getComputedStyle(one.matches('.segments input, .choice input') ? one.nextElementSibling ?? one : one);
    const own = getComputedStyle(one);
    const shown = [style, own].some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
    const seen = one.matches('.segments input') ? one.nextElementSibling : one;
    const box = seen.getBoundingClientRect();
    const there = document.elementFromPoint(Math.min(box.left + box.width / 2, innerWidth - 1), Math.max(box.top + Math.min(box.height / 2, 20), 0));
    const inside = seen.contains(there) || there?.contains(seen);
    one.dataset.stop ??= String(globalThis.stops = (globalThis.stops ?? 0) + 1);
    return [one.dataset.stop, one.id || one.textContent.trim().slice(0, 30) || one.tagName, shown && inside];";

/// Everything on the page that waits for keys: seen, enabled, and not taken out of the order. Of radio buttons one stands for its group.
const WAITING: &str =
    "const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')];
    const groups = new Set();
    return all.filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0)
        .filter((one) => one.type !== 'radio' || one.checked && !groups.has(one.name) && groups.add(one.name))
        .filter((one) => !one.dataset.stop).map((one) => one.outerHTML.slice(0, 120));";

/// Presses Tab through the whole view and back to where it began; each stop must show that it has the focus.
fn tab_through(page: &Page, view: &str) -> Vec<String> {
    page.browser
        .script("document.querySelectorAll('[data-stop]').forEach((one) => delete one.dataset.stop)", &json!([]));
    to_the_start(page);
    let (mut seen, mut names, mut last) = (BTreeSet::new(), Vec::new(), Value::Null);
    for _ in 0..MOST_STOPS {
        page.browser.press(&[key::TAB]);
        let focused = page.browser.script(FOCUSED, &json!([]));
        // A date has a stop for each of its parts.
        if !last.is_null() && focused[0] == last {
            continue;
        }
        last = focused[0].clone();
        // The end of the document: the browser's own frame would be next.
        if focused.is_null() || !seen.insert(focused[0].to_string()) {
            let left: Vec<String> = serde_json::from_value(page.browser.script(WAITING, &json!([]))).expect("elements");
            assert!(left.is_empty(), "{view}: no way by Tab to {left:#?}");
            return names;
        }
        let name = focused[1].as_str().unwrap_or_default().to_owned();
        assert_eq!(focused[2], true, "{view}: nobody can see that {name} has the focus");
        names.push(name);
    }
    panic!("{view}: {MOST_STOPS} presses of Tab lead nowhere: {names:?}")
}

/// Puts the focus where a page that was just opened has it: before everything.
fn to_the_start(page: &Page) {
    let start = "const root = document.documentElement; root.tabIndex = -1; root.focus({ preventScroll: true }); root.removeAttribute('tabindex');";
    page.browser.script(start, &json!([]));
}

/// Presses Tab until an element has the focus.
fn tab_to(page: &Page, css: &str) {
    let has = || page.browser.script("return document.activeElement.matches(arguments[0])", &json!([css])) == true;
    for _ in 0..MOST_STOPS {
        if has() {
            return;
        }
        page.browser.press(&[key::TAB]);
    }
    panic!("no way by Tab to {css}");
}

#[test]
fn tab_reaches_everything_and_its_place_is_seen() {
    let Some(site) = Site::start("tab_reaches_everything_and_its_place_is_seen") else { return };
    site.answer("GET /v1/exports", 200, page_of(&world::one_of_each()));
    site.answer("GET /v1/schedules", 200, json!({ "schedules": [schedule(1)], "next": null }));
    let page = Page::of_site(&site, PLAIN);
    // The page puts the focus there when it is ready; only then is it ours to move.
    page.until("the key has the focus", "return document.activeElement.id === 'key'");
    tab_through(&page, "sign in");
    page.enter();
    page.browser.click("#columns summary");
    page.choose("#columns-preset", "essentials");
    tab_through(&page, "ask");
    for (view, shown) in
        [("#/exports", "#exports .card"), ("#/recurring", "#schedules .card"), ("#/arrivals", "#quarantine")]
    {
        page.go(view);
        page.expect(shown, "");
        tab_through(&page, view);
    }
    page.expect_clean(&[]);
}

#[test]
fn the_first_stop_leads_past_the_bar() {
    let Some(site) = Site::start("the_first_stop_leads_past_the_bar") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    to_the_start(&page);
    page.browser.press(&[key::TAB]);
    page.expect("#skip", "");
    page.browser.press(&[key::ENTER]);
    assert_eq!(page.browser.script("return document.activeElement.id", &json!([])), "main");
    page.browser.press(&[key::TAB]);
    let next = page.browser.script("return document.activeElement.closest('#main') !== null", &json!([]));
    assert_eq!(next, true);
}

#[test]
fn from_the_key_to_the_cancelled_export_by_keys_alone() {
    let Some(site) = Site::start("from_the_key_to_the_cancelled_export_by_keys_alone") else { return };
    site.answer("GET /v1/exports", 200, page_of(&[export(1, "queued")]));
    let page = Page::of_site(&site, PLAIN);
    page.expect("#key", "");
    page.browser.type_text(KEY);
    page.browser.press(&[key::ENTER]);
    page.expect("#ask-title", "");

    tab_to(&page, "#kinds [value=event]");
    page.browser.press(&[key::SPACE]);
    tab_to(&page, "#presets [data-days='1']");
    page.browser.press(&[key::SPACE]);
    tab_to(&page, "#timezone");
    page.browser.press_with(key::CONTROL, "a");
    page.browser.type_text("angeles");
    page.browser.press(&[key::DOWN, key::ENTER]);
    tab_to(&page, "#formats input");
    page.browser.press(&[key::DOWN]);
    tab_to(&page, "#email");
    page.browser.type_text(world::EMAIL);
    page.browser.press(&[key::ENTER]);
    page.expect("#ask-answer", world::EMAIL);
    let sent = site.call("POST /v1/exports", 1).body;
    let chosen = ["kind", "start_date", "timezone", "format"].map(|name| sent[name].clone());
    assert_eq!(
        chosen,
        [json!(["install", "event"]), json!("2026-11-14"), json!("America/Los_Angeles"), json!("csv.gz")]
    );

    to_the_start(&page);
    tab_to(&page, "#views a[href='#/exports']");
    page.browser.press(&[key::ENTER]);
    page.expect("#exports .card", "");
    tab_to(&page, "#exports .card [aria-label^=Cancel]");
    // The list says nothing before the press: it is the answer to the press that shows.
    site.script("GET /v1/exports", [Turn::Held(200, page_of(&[export(1, "cancelled")]))]);
    page.browser.press(&[key::SPACE]);
    page.expect("#exports .card[data-status=cancelled]", "");
    site.release();
    assert_eq!(site.call("DELETE /v1/exports/{id}", 1).path, format!("/v1/exports/{}", id(1)));
    page.expect_clean(&[]);
}

#[test]
fn the_zones_list_opens_moves_and_closes_by_keys() {
    let Some(site) = Site::start("the_zones_list_opens_moves_and_closes_by_keys") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    let field = "const field = document.querySelector('#timezone');
        return [field.value, field.ariaExpanded, document.getElementById(field.getAttribute('aria-activedescendant') ?? 'none')?.title ?? null]";
    let is = |expected: Value| assert_eq!(page.browser.script(field, &json!([])), expected);
    tab_to(&page, "#timezone");
    page.browser.press(&[key::DOWN]);
    is(json!(["Asia/Seoul", "true", null]));
    page.browser.press(&[key::DOWN, key::DOWN]);
    is(json!(["Asia/Seoul", "true", "UTC"]));
    page.browser.press(&[key::UP]);
    is(json!(["Asia/Seoul", "true", "Asia/Seoul"]));
    page.browser.press(&[key::ESCAPE]);
    is(json!(["Asia/Seoul", "false", null]));
    page.browser.press(&[key::DOWN, key::DOWN, key::DOWN, key::ENTER]);
    is(json!(["UTC", "false", null]));
    assert!(site.asked("POST /v1/exports").is_empty(), "Enter in the list sends nothing");
    page.browser.press_with(key::SHIFT, key::TAB);
    page.expect_gone("#zones");
}

#[test]
fn columns_are_ordered_by_keys_and_said() {
    let Some(site) = Site::start("columns_are_ordered_by_keys_and_said") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.browser.click("#columns summary");
    page.choose("#columns-preset", "essentials");
    tab_to(&page, ".chosen li:nth-child(2) button");
    page.browser.press_with(key::ALT, key::UP);
    let first =
        page.browser.script("return document.querySelector('.chosen li:first-child code').innerText", &json!([]));
    assert_eq!(first, "kind");
    let said = page.browser.script(
        "return [...document.querySelectorAll('#columns [role=status]')].map((one) => one.innerText).join('')",
        &json!([]),
    );
    assert!(said.as_str().is_some_and(|said| said.contains("kind") && said.contains('1')), "{said}");
}

#[test]
fn errors_take_the_focus_and_the_focus_never_falls_off_the_page() {
    let Some(site) = Site::start("errors_take_the_focus_and_the_focus_never_falls_off_the_page") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    page.browser.type_into("#email", "");
    tab_to(&page, "#submit");
    page.browser.press(&[key::ENTER]);
    page.expect_error_at(&["email"]);
    for view in ["#/exports", "#/recurring", "#/arrivals", "#/"] {
        page.go(view);
        page.until(&format!("{view} takes the focus to its heading"), "return document.activeElement.matches('h1')");
    }
}
