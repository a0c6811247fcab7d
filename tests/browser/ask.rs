//! Asking: what the form sends, and every answer to it in words.

use serde_json::{Value, json};

use crate::look::PLAIN;
use crate::page::{NO_ANSWER, Page};
use crate::site::{Site, Turn};
use crate::world::{self, over};

const ASK: &str = "POST /v1/exports";

/// The page with a good request in its form.
fn filled(site: &Site) -> Page {
    let page = Page::of_site(site, PLAIN).signed_in();
    page.fill();
    page.period("2026-11-01", "2026-11-14");
    page
}

/// A refusal of fields.
fn refusal(errors: &[(&str, &str)]) -> Value {
    let errors: Vec<Value> = errors.iter().map(|(field, detail)| json!({ "field": field, "detail": detail })).collect();
    let detail = "fields cannot be used; see `errors`";
    json!({ "type": "urn:relay:problem:invalid-request", "title": "Request cannot be used", "status": 422, "detail": detail,
        "trace_id": world::TRACE_ID, "errors": errors })
}

#[test]
fn what_is_chosen_is_what_is_sent() {
    let Some(site) = Site::start("what_is_chosen_is_what_is_sent") else { return };
    let page = filled(&site);
    page.submit();
    let plain = site.call(ASK, 1).body;
    let expected = json!({ "app_token": world::APPS[0], "kind": "install", "start_date": "2026-11-01", "end_date": "2026-11-14",
        "timezone": "Asia/Seoul", "email": world::EMAIL, "language": "en", "format": "csv", "filters": { "environment": ["production"] } });
    assert_eq!(plain, expected, "the browser's zone, and production, by themselves");

    page.choose("#app_token", world::APPS[1]);
    page.kinds(&["install", "event"]);
    page.browser.click("#formats label:has([value='csv.gz'])");
    page.browser.click("label[for=excel]");
    page.browser.type_into("#email", "kim@acme.example, lee@acme.example");
    page.choose("#mail-language", "ko");
    page.submit();
    let members = json!({ "app_token": world::APPS[1], "kind": ["install", "event"], "format": "csv.gz", "excel": true,
        "email": ["kim@acme.example", "lee@acme.example"], "language": "ko" });
    assert_eq!(site.call(ASK, 2).body, over(expected, members));
    page.expect_clean(&[]);
}

#[test]
fn columns_are_picked_ordered_renamed_and_kept_as_a_preset() {
    let Some(site) = Site::start("columns_are_picked_ordered_renamed_and_kept_as_a_preset") else { return };
    let page = filled(&site);
    page.browser.click("#columns summary");
    page.choose("#columns-preset", "choice");
    page.browser.click(".chosen li:nth-child(2) button:last-child");
    page.browser.click(".chosen li:nth-child(2) button:nth-of-type(1)");
    let rename = "const header = document.querySelector('.chosen li:first-child input');
        header.value = 'App'; header.dispatchEvent(new Event('change', { bubbles: true }));";
    page.browser.script(rename, &json!([]));
    page.submit();
    let columns = site.call(ASK, 1).body["columns"].clone();
    assert_eq!(columns[0], json!({ "column": "app_token", "header": "App" }), "{columns}");
    assert_eq!(columns[1], "created_at", "{columns}");
    assert!(!columns.as_array().unwrap().contains(&json!("kind")), "{columns}");

    page.browser.type_into("#columns .row:last-child input", "Mine");
    page.browser.click("#columns .row:last-child button");
    page.browser.reload();
    page.expect("#ask-title", "");
    page.browser.click("#columns summary");
    page.choose("#columns-preset", "own Mine");
    page.fill();
    page.submit();
    assert_eq!(site.call(ASK, 2).body["columns"], columns, "the preset outlives the tab's page");
    page.expect_clean(&[]);
}

#[test]
fn rows_are_filtered_by_what_is_written_a_line_each() {
    let Some(site) = Site::start("rows_are_filtered_by_what_is_written_a_line_each") else { return };
    let page = filled(&site);
    page.choose("#add-filter", "campaign_name");
    page.browser.type_into("#filter-campaign_name", "Sale, summer\n\n여름 세일");
    page.browser.click(".filter[data-field=environment] button");
    page.submit();
    assert_eq!(site.call(ASK, 1).body["filters"], json!({ "campaign_name": ["Sale, summer", "여름 세일"] }));
    page.expect_clean(&[]);
}

#[test]
fn each_refused_field_has_its_error_beside_it() {
    let Some(site) = Site::start("each_refused_field_has_its_error_beside_it") else { return };
    let page = filled(&site);
    let fields = [
        "app_token",
        "kind",
        "start_date",
        "end_date",
        "timezone",
        "email",
        "format",
        "excel",
        "columns",
        "filters",
        "language",
    ];
    for field in fields {
        site.answer(ASK, 422, refusal(&[(field, "is wrong in a way that only the API knows")]));
        page.submit();
        page.expect(&format!("#{field}-error"), "in a way that only the API knows");
        assert_eq!(page.browser.seen("#ask-alert"), None, "{field}: one place is enough");
    }
    site.answer(ASK, 422, refusal(&[("columns[3].header", "is too long"), ("surprise", "is not known")]));
    page.submit();
    page.expect("#columns-error", "is too long");
    page.expect("#ask-alert", ": is not known");
    page.expect_clean(&[422]);
}

#[test]
fn a_known_refusal_is_in_the_readers_words_and_goes_when_the_field_changes() {
    let Some(site) = Site::start("a_known_refusal_is_in_the_readers_words_and_goes_when_the_field_changes") else {
        return;
    };
    let page = filled(&site);
    site.refuse(ASK, 422);
    page.submit();
    let said = page.expect_error_at(&["end_date"]);
    assert!(said.contains("15") && said.contains("14"), "{said}");
    page.expect("#email-error", "acme.example");
    page.browser.type_into("#email", world::EMAIL);
    page.expect_gone("#email-error");
    page.expect("#end_date-error", "14");
    page.expect_clean(&[422]);
}

#[test]
fn every_other_refusal_is_said_with_its_trace_and_a_way_on() {
    let Some(site) = Site::start("every_other_refusal_is_said_with_its_trace_and_a_way_on") else { return };
    let page = filled(&site);
    let turns = [(400, false), (413, false), (415, false), (429, true), (503, true)];
    for (status, may_pass) in turns {
        site.refuse(ASK, status);
        page.submit();
        page.expect("#ask-alert", world::TRACE_ID);
        assert_eq!(
            page.browser.seen("#ask-alert button").is_some(),
            may_pass,
            "{status}: to try again is offered where it may help"
        );
        assert_eq!(page.browser.seen("#ask-answer:not(:empty)"), None, "{status}");
    }
    site.refuse(ASK, 403);
    page.submit();
    page.expect("#app_token-error", "");
    site.script(ASK, [Turn::Gateway(502)]);
    page.submit();
    page.expect("#ask-alert", "502");
    site.script(ASK, [Turn::Cut]);
    page.submit();
    page.expect("#ask-alert", "may or may not");
    site.answer(ASK, 202, json!({ "export_id": world::id(7), "status": "queued", "position": 1 }));
    page.browser.click("#ask-alert button");
    page.expect("#ask-answer", world::EMAIL);
    page.expect_gone("#ask-alert");
    page.expect_clean(&[400, 403, 413, 415, 429, 502, 503, NO_ANSWER]);
}

#[test]
fn each_good_answer_says_what_happens_next() {
    let Some(site) = Site::start("each_good_answer_says_what_happens_next") else { return };
    let page = filled(&site);
    site.answer(ASK, 200, json!({ "status": "empty" }));
    page.submit();
    page.expect("#ask-answer", "Nothing");
    site.answer(ASK, 202, json!({ "export_id": world::id(7), "status": "running", "position": null }));
    page.submit();
    page.expect("#ask-answer", "moment ago");
    let lost = "no mail reaches kim@acme.example: a mail there bounced";
    site.answer(ASK, 202, json!({ "export_id": world::id(8), "status": "queued", "position": 3, "warnings": [lost] }));
    page.submit();
    page.expect("#ask-answer", "Number 3 in line");
    page.expect("#ask-answer", "kim@acme.example");
    page.expect_clean(&[]);
}

#[test]
fn what_is_missing_is_said_before_anything_is_sent() {
    let Some(site) = Site::start("what_is_missing_is_said_before_anything_is_sent") else { return };
    let page = filled(&site);
    page.period("", "");
    page.browser.type_into("#email", "");
    page.kinds(&[]);
    page.submit();
    for field in ["kind", "start_date", "end_date", "email"] {
        page.expect(&format!("#{field}-error"), "");
    }
    assert_eq!(site.asked(ASK).len(), 0);
    page.expect_clean(&[]);
}

#[test]
fn a_preview_shows_the_first_rows_and_about_how_many_there_are() {
    let Some(site) = Site::start("a_preview_shows_the_first_rows_and_about_how_many_there_are") else { return };
    let page = filled(&site);
    page.browser.type_into("#email", "");
    page.browser.click("#preview-button");
    page.expect("#preview-inside", "1,840,000");
    page.expect("#preview-inside", "여름 세일");
    let rows = page.browser.script("return document.querySelectorAll('#preview-inside tbody tr').length", &json!([]));
    assert_eq!(rows, 20);
    page.period("2026-11-01", "2026-11-02");
    page.expect("#preview-inside .stale", "");

    let mut exact = world::preview();
    exact["previews"][0] =
        over(exact["previews"][0].clone(), json!({ "rows": [], "about_rows": 0, "exact": true, "sampled_minutes": 0 }));
    site.answer("POST /v1/exports/preview", 200, exact);
    page.browser.click("#preview-button");
    page.expect("#preview-inside", "0 rows");
    site.refuse("POST /v1/exports/preview", 503);
    page.browser.click("#preview-button");
    page.expect("#preview-alert", world::TRACE_ID);
    page.expect_clean(&[503]);
}

#[test]
fn presets_follow_the_zone() {
    let Some(site) = Site::start("presets_follow_the_zone") else { return };
    let page = Page::of_site(&site, PLAIN);
    // 2026-03-08 20:00 UTC: the ninth has begun in Seoul, and Los Angeles has skipped an hour that morning.
    let script = "return import('/period.js').then(({ lastDays, daysBetween }) => {
        const now = Date.UTC(2026, 2, 8, 20);
        const of = (zone, days) => Object.values(lastDays(days, zone, now));
        return [of('Asia/Seoul', 1), of('America/Los_Angeles', 1), of('UTC', 14), of('no/zone', 1),
            daysBetween('2026-02-28', '2026-03-01'), daysBetween('2026-03-02', '2026-03-01')];
    })";
    let expected = json!([
        ["2026-03-08", "2026-03-08"],
        ["2026-03-07", "2026-03-07"],
        ["2026-02-22", "2026-03-07"],
        ["2026-03-07", "2026-03-07"],
        2,
        0
    ]);
    assert_eq!(page.browser.script(script, &json!([])), expected);
}
