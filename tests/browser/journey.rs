//! An advertiser's whole way on the running stack: the real page, the real API, real mails and files.

use std::collections::BTreeSet;
use std::time::Duration;

use relay_tests::stack::{Stack, column};
use relay_tests::wait::until;
use serde_json::json;

use crate::page::{ANSWER, EXPORT, Page};

/// How long a callback may take until the arrivals count it, together with the page's own looks.
const ARRIVES: Duration = Duration::from_secs(90);
/// How many days are asked for until an export is cancelled in time: a small one may be faster than the press, and the same twice is one export.
const PERIODS: [u32; 4] = [14, 13, 12, 11];

#[test]
fn from_the_key_over_the_mail_to_the_rows() {
    let Some(stack) = Stack::running("from_the_key_over_the_mail_to_the_rows") else { return };
    let sent = stack.send_installs(3);
    let page = Page::of_stack(&stack).signed_in();
    page.fill();
    // Seven days hold yesterday even when midnight passes between the sending and the press.
    page.browser.click("#presets [data-days='7']");
    // What was sent above says of no environment.
    page.browser.click(".filter[data-field=environment] button");
    page.submit();
    page.expect("#ask-answer", stack.get("email"));
    let followed = "return document.querySelector('#asked .card')?.dataset.exportId";
    let export_id = until(ANSWER, || page.browser.script(followed, &json!([])).as_str().map(str::to_owned));
    let export_id = export_id.expect("the export is followed beside the form");
    page.browser.wait_for_text("#asked .card[data-status=done]", "rows", EXPORT);

    let mail = stack.mail_about(&export_id);
    let file = stack.download(mail.link(&export_id));
    let rows: BTreeSet<String> = column(&file, "event_id").into_iter().collect();
    let missing: Vec<_> = sent.iter().filter(|id| !rows.contains(*id)).collect();
    assert!(missing.is_empty(), "acknowledged before the request, missing from the file: {missing:?}");

    let way_back = mail.text.split_whitespace().find(|word| word.starts_with("http") && word.contains("#/exports/"));
    page.browser.open(way_back.unwrap_or_else(|| panic!("the mail has a way back to the page:\n{}", mail.text)));
    let card = format!("#exports .card[data-export-id='{export_id}']");
    page.expect(&card, "rows");
    page.press(&card, "Get a fresh link");
    let link =
        page.until("the link is there", "return document.querySelector('#exports a.button[href]')?.pathname ?? null");
    let name = link.as_str().and_then(|path| path.rsplit('/').next()).expect("the file has a name");
    assert!(page.browser.downloaded(name) == file, "a fresh link downloads the same file, in one press");
    page.expect_clean_but_for(&[], stack.get("emulator_url"));
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    let Some(stack) = Stack::running("what_is_wrong_is_said_beside_its_field") else { return };
    let page = Page::of_stack(&stack).signed_in();
    page.fill();
    page.period("2026-06-09", "2026-06-01");
    page.submit();
    page.expect_error_at(&["start_date", "end_date"]);
    page.period("2019-03-01", "2019-03-02");
    page.browser.type_into("#email", "somebody@elsewhere.invalid");
    page.submit();
    page.expect_error_at(&["email"]);
    page.browser.type_into("#email", stack.get("email"));
    page.expect_gone("#email-error");
    page.submit();
    page.expect("#ask-answer", "Nothing");
    page.browser.click("#preview-button");
    page.expect("#preview-inside", "0 rows");
    page.expect_clean(&[422]);
}

#[test]
fn a_recurring_export_is_made_and_ended() {
    let Some(stack) = Stack::running("a_recurring_export_is_made_and_ended") else { return };
    let page = Page::of_stack(&stack).signed_in();
    page.fill();
    page.browser.click("#frequencies label:has([value=monthly])");
    page.submit();
    page.expect("#ask-answer", stack.get("email"));
    let (_, listed) = stack.call("GET", "/v1/schedules?limit=100", "api_key", None);
    let monthly = listed["schedules"].as_array().expect("schedules").iter().find(|one| one["frequency"] == "monthly");
    let id = monthly.and_then(|one| one["schedule_id"].as_str()).expect("the schedule is there").to_owned();
    page.go("#/recurring");
    let card = format!("#schedules .card[data-schedule-id='{id}']");
    page.expect(&card, stack.get("app_token"));
    page.press(&card, "End");
    page.browser.click(&format!("{card} .sure .danger"));
    page.expect_gone(&card);
    let (status, _) = stack.call("GET", &format!("/v1/schedules/{id}"), "api_key", None);
    assert_eq!(status, 404, "ended and forgotten");
    page.expect_clean(&[]);
}

#[test]
fn a_test_callback_arrives() {
    let Some(stack) = Stack::running("a_test_callback_arrives") else { return };
    let page = Page::of_stack(&stack).signed_in();
    page.go("#/arrivals");
    page.choose("#connect-app", stack.get("app_token"));
    page.browser.type_into("#ingest_key", stack.get("ingest_key"));
    page.browser.click("#test-form [type=submit]");
    page.browser.wait_for_text("#test-result.good", "", ARRIVES);
    page.expect(&format!("#arrivals-inside [data-app='{}']", stack.get("app_token")), "Adjust");
    page.expect_clean(&[]);
}

#[test]
fn an_export_is_cancelled_before_its_file_is_made() {
    let Some(stack) = Stack::running("an_export_is_cancelled_before_its_file_is_made") else { return };
    let page = Page::of_stack(&stack).signed_in();
    page.fill();
    page.browser.click(".filter[data-field=environment] button");
    let is_cancelled = PERIODS.into_iter().any(|days| is_cancelled_in_time(&page, days));
    assert!(is_cancelled, "the last {PERIODS:?} days were all made before Cancel was pressed");
    page.expect_clean(&[409]);
}

/// Asks for the last so many days and cancels at once; false where the file was ready before.
fn is_cancelled_in_time(page: &Page, days: u32) -> bool {
    let period = "const zone = document.querySelector('#timezone').value;
        return import('/period.js').then(({ lastDays }) => lastDays(arguments[0], zone))";
    let period = page.browser.script(period, &json!([days]));
    let followed = "return document.querySelector('#asked .card')?.dataset.exportId ?? ''";
    let before = page.browser.script(followed, &json!([]));
    page.period(period["start"].as_str().expect("a date"), period["end"].as_str().expect("a date"));
    page.submit();
    let another =
        format!("const id = document.querySelector('#asked .card')?.dataset.exportId; return id !== {before} && id");
    let id = page.until("the export is followed beside the form", &another);
    let card = format!("#asked .card[data-export-id={id}]");
    // Found and pressed in one step: the button goes when the file is ready.
    let cancel = "const buttons = [...document.querySelectorAll(`${arguments[0]} button`)];
        buttons.find((one) => one.checkVisibility() && one.innerText.startsWith('Cancel'))?.click()";
    page.browser.script(cancel, &json!([card]));
    let ended = format!(
        "return document.querySelector('{card}:is([data-status=cancelled], [data-status=done])')?.dataset.status"
    );
    page.until("the export is cancelled or done", &ended) == "cancelled"
}
