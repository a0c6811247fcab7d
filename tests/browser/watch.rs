//! Watching: each state of an export in words, what can be done with it, and the list when it is long, empty or out of reach.

use serde_json::{Value, json};

use crate::look::PLAIN;
use crate::page::{NO_ANSWER, Page};
use crate::site::{Site, Turn};
use crate::world::{self, export, id, over, page_of};

const LIST: &str = "GET /v1/exports";
const ONE: &str = "GET /v1/exports/{id}";
const LINK: &str = "POST /v1/exports/{id}/link";
const CANCEL: &str = "DELETE /v1/exports/{id}";

/// The list with these exports on it.
fn list(site: &Site, exports: &[Value]) -> Page {
    site.answer(LIST, 200, page_of(exports));
    let page = Page::of_site(site, PLAIN).signed_in();
    page.go("#/exports");
    page.expect_gone("#watch-loading");
    page
}

fn card(number: usize) -> String {
    format!("#exports .card[data-export-id='{}']", id(number))
}

#[test]
fn progress_is_shown_as_it_comes_until_the_file_is_ready() {
    let Some(site) = Site::start("progress_is_shown_as_it_comes_until_the_file_is_ready") else { return };
    let page = list(&site, &[export(1, "queued")]);
    page.expect(&card(1), "Number 2 in line");
    for (progress, rows, said) in [(0.1, 28_000, "28,000"), (0.4, 115_000, "115,000"), (0.9, 259_000, "259,000")] {
        let running = over(export(1, "running"), json!({ "progress": progress, "rows": rows }));
        site.answer(LIST, 200, page_of(&[running]));
        page.expect(&card(1), said);
        let bar = page.browser.script("return document.querySelector('#exports progress').value", &json!([]));
        assert_eq!(bar, json!(progress));
    }
    site.answer(LIST, 200, page_of(&[export(1, "done")]));
    let ready = page.expect(&format!("{}[data-status=done]", card(1)), "288,104 rows");
    assert!(
        ready.contains("99 MB") && ready.contains("19:29"),
        "size and the link's end, in the reader's zone: {ready}"
    );
    page.expect_gone("#exports progress");
    let told = page.browser.script("return document.querySelector('#news').innerText", &json!([]));
    assert!(told.as_str().is_some_and(|told| told.contains("288,104")), "a screen reader hears of the end: {told}");
    page.expect_clean(&[]);
}

#[test]
fn an_export_that_was_just_asked_for_is_followed_beside_the_form() {
    let Some(site) = Site::start("an_export_that_was_just_asked_for_is_followed_beside_the_form") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    page.submit();
    page.expect("#asked .card[data-status=queued]", "Number 2 in line");
    site.answer(ONE, 200, export(1, "running"));
    page.expect("#asked .card[data-status=running]", "120,000");
    site.answer(ONE, 200, export(1, "done"));
    page.expect("#asked .card[data-status=done]", "288,104 rows");
    page.expect_clean(&[]);
}

#[test]
fn each_state_says_what_it_means() {
    let Some(site) = Site::start("each_state_says_what_it_means") else { return };
    let page = list(&site, &world::one_of_each());
    let says = [
        (7, "queued", "Number 2 in line"),
        (6, "running", "120,000"),
        (5, "done", "288,104"),
        (4, "empty", ""),
        (3, "failed", world::TRACE_ID),
        (2, "cancelled", ""),
        (1, "expired", ""),
    ];
    for (number, status, text) in says {
        page.expect(&format!("{}[data-status={status}]", card(number)), text);
    }
    page.expect_clean(&[]);
}

#[test]
fn details_say_up_to_when_the_file_is_complete_and_its_totals() {
    let Some(site) = Site::start("details_say_up_to_when_the_file_is_complete_and_its_totals") else { return };
    site.answer(ONE, 200, export(5, "done"));
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.go(&format!("#/exports/{}", id(5)));
    let said = page.expect(&format!("{} .details", card(5)), "18:28");
    assert!(said.contains("1,203.50 USD") && said.contains("140,234"), "{said}");
    site.refuse(ONE, 404);
    page.go(&format!("#/exports/{}", id(6)));
    page.expect("#watch-alert", "");
    page.browser.click("#all-exports");
    page.expect("#no-exports", "");
    page.expect_clean(&[404]);
}

#[test]
fn the_mails_way_back_leads_through_the_sign_in_to_its_export() {
    let Some(site) = Site::start("the_mails_way_back_leads_through_the_sign_in_to_its_export") else { return };
    site.answer(ONE, 200, export(5, "done"));
    let page = Page::of_site(&site, PLAIN);
    page.go(&format!("#/exports/{}", id(5)));
    page.sign_in(crate::site::KEY);
    page.expect(&card(5), "288,104");
    page.expect_clean(&[]);
}

#[test]
fn a_fresh_link_is_one_press_and_downloads_the_file() {
    let Some(site) = Site::start("a_fresh_link_is_one_press_and_downloads_the_file") else { return };
    site.answer(LINK, 200, world::link(&site.url, 1));
    let page = list(&site, &[export(1, "done")]);
    page.press(&card(1), "Get a fresh link");
    let file = page.browser.downloaded("file-0.csv");
    assert_eq!(file, world::FILE.as_bytes());
    page.expect(&card(1), "19:30");
    page.expect_clean(&[]);
}

#[test]
fn several_files_have_a_link_each() {
    let Some(site) = Site::start("several_files_have_a_link_each") else { return };
    site.answer(LINK, 200, world::link(&site.url, 3));
    let page = list(&site, &[export(1, "done")]);
    page.press(&card(1), "Get a fresh link");
    page.expect(&format!("{} .files", card(1)), "file-2.csv");
    let links = page.browser.script("return document.querySelectorAll('#exports .files a').length", &json!([]));
    assert_eq!(links, 3);
    page.expect_clean(&[]);
}

#[test]
fn a_link_that_cannot_be_had_says_why() {
    let Some(site) = Site::start("a_link_that_cannot_be_had_says_why") else { return };
    let page = list(&site, &[export(1, "done")]);
    for status in [409, 410, 404, 503] {
        site.refuse(LINK, status);
        page.press(&card(1), "Get a fresh link");
        page.expect(&format!("{} .alert", card(1)), world::TRACE_ID);
    }
    page.expect_clean(&[404, 409, 410, 503]);
}

#[test]
fn an_export_can_be_cancelled_unless_it_has_ended_meanwhile() {
    let Some(site) = Site::start("an_export_can_be_cancelled_unless_it_has_ended_meanwhile") else { return };
    let page = list(&site, &[export(1, "running")]);
    site.refuse(CANCEL, 409);
    page.press(&card(1), "Cancel");
    page.expect(&format!("{} .alert", card(1)), "");
    site.answer(CANCEL, 200, export(1, "cancelled"));
    // The list says nothing before the press: it is the answer to the press that shows.
    site.script(LIST, [Turn::Held(200, page_of(&[export(2, "done"), export(1, "cancelled")]))]);
    page.press(&card(1), "Cancel");
    page.expect(&format!("{}[data-status=cancelled]", card(1)), "");
    site.release();
    page.expect(&card(2), "");
    page.expect(&format!("{}[data-status=cancelled]", card(1)), "");
    let focused = page.browser.script("return document.activeElement.closest('.card')?.dataset.exportId", &json!([]));
    assert_eq!(focused, id(1), "the focus stays with the card when its button goes");
    page.expect_clean(&[409]);
}

#[test]
fn deleting_the_file_asks_once_more() {
    let Some(site) = Site::start("deleting_the_file_asks_once_more") else { return };
    let page = list(&site, &[export(1, "done")]);
    page.press(&card(1), "Delete");
    assert!(site.asked("DELETE /v1/exports/{id}/file").is_empty(), "the first press only asks");
    let gone = over(export(1, "expired"), json!({ "file_deleted_at": world::NOW }));
    site.answer("DELETE /v1/exports/{id}/file", 200, gone.clone());
    site.answer(LIST, 200, page_of(&[gone]));
    page.press(&card(1), "Really delete");
    page.expect(&format!("{}[data-status=expired]", card(1)), "18:30");
    page.expect_clean(&[]);
}

#[test]
fn an_export_is_repeated_with_all_that_it_asked_for() {
    let Some(site) = Site::start("an_export_is_repeated_with_all_that_it_asked_for") else { return };
    let asked = json!({ "kind": ["install", "event"], "timezone": "America/Los_Angeles", "format": "csv.gz", "excel": true,
        "columns": ["created_at", { "column": "country", "header": "Land" }, { "value": "x", "header": "Fixed" }],
        "filters": { "country": ["kr", "jp"] }, "email": ["kim@acme.example", "lee@acme.example"], "language": "ko" });
    let page = list(&site, &[over(export(1, "done"), asked.clone())]);
    page.press(&card(1), "Repeat");
    page.expect("#ask-title", "");
    page.submit();
    let sent = site.call("POST /v1/exports", 1).body;
    for (name, value) in asked.as_object().expect("an object") {
        assert_eq!(&sent[name], value, "{name}");
    }
    assert_eq!((&sent["start_date"], &sent["end_date"]), (&json!("2026-11-01"), &json!("2026-11-14")));
    page.expect_clean(&[]);
}

#[test]
fn a_long_history_comes_page_by_page() {
    let Some(site) = Site::start("a_long_history_comes_page_by_page") else { return };
    let of = |numbers: std::ops::Range<usize>, next: Value| {
        let exports: Vec<Value> = numbers.rev().map(|number| export(number, "expired")).collect();
        Turn::Answer(200, json!({ "exports": exports, "next": next }))
    };
    let pages = [of(2000..2020, json!(id(2000))), of(1980..2000, json!(id(1980))), of(1978..1980, Value::Null)];
    site.script(LIST, pages);
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.go("#/exports");
    page.expect(&card(2000), "");
    page.browser.click("#older");
    page.expect(&card(1980), "");
    page.browser.click("#older");
    page.expect(&card(1978), "");
    page.expect_gone("#older");
    assert_eq!(page.exports().len(), 42);
    let asked = site.asked(LIST);
    assert!(asked[1].query.contains(&id(2000)) && asked[2].query.contains(&id(1980)), "{asked:?}");
    page.expect_clean(&[]);
}

#[test]
fn a_list_out_of_reach_says_so_and_comes_back_by_itself() {
    let Some(site) = Site::start("a_list_out_of_reach_says_so_and_comes_back_by_itself") else { return };
    let page = list(&site, &[export(1, "running")]);
    site.script(LIST, [Turn::Cut]);
    page.expect("#watch-alert", "");
    page.expect(&card(1), "120,000");
    site.answer(LIST, 200, page_of(&[export(1, "done")]));
    page.expect(&format!("{}[data-status=done]", card(1)), "");
    page.expect_gone("#watch-alert");
    page.expect_clean(&[NO_ANSWER]);
}

#[test]
fn a_list_still_out_of_reach_says_so_again_to_whoever_comes_back() {
    let Some(site) = Site::start("a_list_still_out_of_reach_says_so_again_to_whoever_comes_back") else { return };
    site.refuse(LIST, 503);
    let page = Page::of_site(&site, PLAIN).signed_in();
    for _ in 0..2 {
        page.go("#/exports");
        page.expect("#watch-alert", world::TRACE_ID);
        page.expect_gone("#watch-loading");
        page.go("#/");
        page.expect("#ask-title", "");
    }
    page.expect_clean(&[503]);
}
