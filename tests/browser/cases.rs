//! What must hold of the page.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::page::Page;
use relay_tests::stack::{Stack, column};

/// The most that all files of the page may weigh as CloudFront sends them, in bytes.
const LARGEST_PAGE: usize = 100_000;

/// What the site's header must say the page may do, at least.
const POLICY: [&str; 7] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
];

#[test]
fn a_wrong_key_is_refused_in_words() {
    let Some(stack) = Stack::running("a_wrong_key_is_refused_in_words") else {
        return;
    };
    let page = Page::open(&stack);
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
fn an_advertiser_gets_from_the_key_to_the_rows() {
    let Some(stack) = Stack::running("an_advertiser_gets_from_the_key_to_the_rows") else {
        return;
    };
    let sent = stack.send_installs(3);
    let page = Page::signed_in(&stack);
    page.fill();
    // Seven days hold yesterday even when midnight passes between the sending and the press.
    page.browser.click("#presets [data-days='7']");
    let (export_id, card) = page.submit_and_watch();
    assert!(card.contains("Ready") && card.contains("row"), "{card}");

    let mail = stack.mail_about(&export_id);
    page.expect(&format!(".card[data-export-id='{export_id}']"), "mailed link works until");
    let file = stack.download(mail.link(&export_id));
    let rows: BTreeSet<String> = column(&file, "event_id").into_iter().collect();
    let missing: Vec<_> = sent.iter().filter(|id| !rows.contains(*id)).collect();
    assert!(missing.is_empty(), "acknowledged before the request, missing from the file: {missing:?}");

    let again = stack.download(&page.fresh_link(&export_id));
    assert!(again == file, "a fresh link leads to the same file");
    page.expect_clean(&[]);
}

#[test]
fn a_reversed_period_is_said_beside_its_dates() {
    let Some(stack) = Stack::running("a_reversed_period_is_said_beside_its_dates") else {
        return;
    };
    let page = Page::signed_in(&stack);
    page.fill();
    page.period("2026-06-09", "2026-06-01");
    page.submit();
    page.expect_error_at(&["start_date", "end_date"]);
    page.expect_clean(&[422]);
}

#[test]
fn a_mail_domain_that_is_not_registered_is_said_beside_the_address() {
    let Some(stack) = Stack::running("a_mail_domain_that_is_not_registered_is_said_beside_the_address") else {
        return;
    };
    let page = Page::signed_in(&stack);
    page.fill();
    page.browser.type_into("#email", "somebody@elsewhere.invalid");
    page.submit();
    page.expect_error_at(&["email"]);
    page.browser.type_into("#email", stack.get("email"));
    assert_eq!(page.browser.seen("#email-error"), None, "the error goes when the address changes");
    page.expect_clean(&[422]);
}

#[test]
fn a_missing_field_is_said_before_anything_is_sent() {
    let Some(stack) = Stack::running("a_missing_field_is_said_before_anything_is_sent") else {
        return;
    };
    let page = Page::signed_in(&stack);
    page.fill();
    page.period("", "");
    page.submit();
    page.expect_error_at(&["start_date"]);
    page.expect("#end_date-error", "last day");
    page.expect_clean(&[]);
}

#[test]
fn an_empty_period_is_said_plainly() {
    let Some(stack) = Stack::running("an_empty_period_is_said_plainly") else {
        return;
    };
    let page = Page::signed_in(&stack);
    page.fill();
    page.period("2019-03-01", "2019-03-02");
    page.submit();
    page.expect("#ask-answer", "Nothing found");
    page.expect_clean(&[]);
}

#[test]
fn the_key_lives_in_its_tab_only() {
    let Some(stack) = Stack::running("the_key_lives_in_its_tab_only") else {
        return;
    };
    let page = Page::signed_in(&stack);
    page.browser.reload();
    page.expect("#ask-title", "");
    let elsewhere = "return [localStorage.length, document.cookie, location.search + location.hash]";
    assert_eq!(page.browser.script(elsewhere, &json!([])), json!([0, "", ""]));
    page.browser.click("#sign-out");
    page.expect("#sign-in-form", "API key");
    assert_eq!(page.browser.script("return sessionStorage.length", &json!([])), 0);
    page.browser.reload();
    page.expect("#sign-in-form", "API key");
    page.expect_clean(&[]);
}

#[test]
fn presets_follow_the_zone() {
    let Some(stack) = Stack::running("presets_follow_the_zone") else {
        return;
    };
    let page = Page::open(&stack);
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

#[test]
fn the_site_names_its_policy() {
    let Some(stack) = Stack::running("the_site_names_its_policy") else {
        return;
    };
    let policy = stack.header(&format!("{}/", stack.get("site_url")), "content-security-policy");
    let policy = policy.expect("the site sends a content-security-policy");
    let said: BTreeSet<&str> = policy.split(';').map(str::trim).collect();
    let missing: Vec<_> = POLICY.iter().filter(|part| !said.contains(*part)).collect();
    assert!(missing.is_empty(), "{missing:?} missing from: {policy}");
    let loose = ["unsafe", "http:", "https:", "*", "blob:"].into_iter().find(|source| policy.contains(source));
    assert_eq!(loose, None, "the policy lets too much in: {policy}");
}

#[test]
fn the_page_is_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    let sizes: Vec<_> = [folder.clone(), folder.join("words")].iter().flat_map(|folder| sent(folder)).collect();
    let whole: usize = sizes.iter().sum();
    assert!(sizes.len() > 10, "the page's files are found");
    assert!(whole <= LARGEST_PAGE, "the page weighs {whole} bytes compressed, more than {LARGEST_PAGE}");
}

/// How many bytes CloudFront sends of each file of a folder: compressed.
fn sent(folder: &Path) -> Vec<usize> {
    let files = std::fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("a file").path());
    let gzipped = |path| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&std::fs::read(path).expect("a file is read")).expect("a buffer takes it");
        packed.finish().expect("a buffer takes it").len()
    };
    files.filter(|path| path.is_file()).map(gzipped).collect()
}

#[test]
fn every_language_has_the_same_words() {
    let Some(stack) = Stack::running("every_language_has_the_same_words") else {
        return;
    };
    let page = Page::open(&stack);
    let script = "return Promise.all(['en', 'ko'].map((tag) => import(`/words/${tag}.js`))).then((languages) => {
        const [en, ko] = languages.map(({ words }) => Object.entries(words).map(([name, text]) => `${name}: ${typeof text} ${text.length > 0}`));
        return [en.length > 100, en.filter((one) => !ko.includes(one)), ko.filter((one) => !en.includes(one))];
    })";
    // A text's length says whether it is empty; a function's, how many things it is told: never none.
    assert_eq!(page.browser.script(script, &json!([])), json!([true, [], []]));
}
