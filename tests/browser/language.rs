//! English and Korean: which one the page begins with, the switch, and that neither lacks a word.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::json;

use crate::look::{Look, PLAIN};
use crate::page::Page;
use crate::site::Site;
use crate::{tree, world};

const KOREAN: Look = Look { language: "ko-KR", ..PLAIN };

/// A word's number of arguments; none for a plain text.
type Words = BTreeMap<String, Option<u32>>;

/// The words of each language, as the browser has them.
fn words(page: &Page) -> [Words; 2] {
    let shapes = "const shape = ({ words }) => Object.fromEntries(Object.entries(words)
            .map(([name, value]) => [name, typeof value === 'function' ? value.length : null]));
        return Promise.all([import('/words/en.js'), import('/words/ko.js')]).then((lists) => lists.map(shape));";
    serde_json::from_value(page.browser.script(shapes, &json!([]))).expect("two lists of words")
}

/// Everything of the page but its lists of words.
fn sources() -> String {
    let files = [tree::files_ending("web", ".js"), tree::files_ending("web", ".html")].concat();
    files.iter().filter(|path| !path.starts_with("web/words")).map(tree::read).collect()
}

#[test]
fn both_languages_have_every_word_and_no_other() {
    let Some(site) = Site::start("both_languages_have_every_word_and_no_other") else { return };
    let page = Page::of_site(&site, PLAIN);
    let [english, korean] = words(&page);
    let only =
        |one: &Words, other: &Words| one.keys().filter(|name| !other.contains_key(*name)).cloned().collect::<Vec<_>>();
    assert_eq!((only(&english, &korean), only(&korean, &english)), (Vec::<String>::new(), Vec::<String>::new()));
    let plain: Vec<_> = korean.iter().filter(|(name, given)| given.is_some() && english[*name].is_none()).collect();
    assert!(plain.is_empty(), "given something in Korean, but not in English: {plain:?}");

    let sources = sources();
    let families: BTreeSet<String> = all(&sources, r"`([a-z]+_)\$\{");
    let is_used = |name: &&String| {
        let quoted = |quote: char| sources.contains(&format!("{quote}{name}{quote}"));
        quoted('\'') || quoted('"') || families.iter().any(|family| name.starts_with(family.as_str()))
    };
    let unused: Vec<_> = english.keys().filter(|name| !is_used(name)).collect();
    assert!(unused.is_empty(), "no part of the page says {unused:?}");
    let said =
        [r"\bword\('(\w+)'", r#"data-word(?:-label)?="(\w+)""#].iter().flat_map(|pattern| all(&sources, pattern));
    let missing: Vec<_> = said.filter(|name| !english.contains_key(name)).collect();
    assert!(missing.is_empty(), "no word for {missing:?}");
    page.expect_clean(&[]);
}

fn all(text: &str, pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_browsers_language_comes_first_and_the_switch_is_remembered() {
    let Some(site) = Site::start("the_browsers_language_comes_first_and_the_switch_is_remembered") else { return };
    site.answer("GET /v1/exports", 200, world::page_of(&world::one_of_each()));
    let page = Page::of_site(&site, KOREAN);
    let is = |language: &str| {
        let now = "return [document.documentElement.lang, document.querySelector('#language').value]";
        assert_eq!(page.browser.script(now, &json!([])), json!([language, language]));
    };
    // Words come in a file of their own: what is shown is waited for.
    page.expect("#sign-in-form", "API 키");
    is("ko");
    page.choose("#language", "en");
    page.expect("#sign-in-form", "API key");
    is("en");
    page.browser.reload();
    page.expect("#sign-in-form", "API key");
    is("en");
    page.expect_clean(&[]);
}

#[test]
fn the_switch_changes_what_is_shown_and_nothing_that_was_entered() {
    let Some(site) = Site::start("the_switch_changes_what_is_shown_and_nothing_that_was_entered") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.fill();
    page.period("2026-11-01", "2026-11-02");
    page.browser.type_into("#email", "");
    page.submit();
    let english = page.expect_error_at(&["email"]);
    assert!(english.is_ascii(), "{english}");
    page.choose("#language", "ko");
    // Words come in a file of their own: what is shown is waited for.
    page.until(
        "the error is said again, in Korean",
        "return /\\p{Script=Hangul}/u.test(document.getElementById('email-error').innerText)",
    );
    let entered = "return ['start_date', 'end_date', 'app_token'].map((id) => document.getElementById(id).value)";
    assert_eq!(page.browser.script(entered, &json!([])), json!(["2026-11-01", "2026-11-02", world::APPS[0]]));
    page.until("the title is Korean, too", "return /\\p{Script=Hangul}/u.test(document.title)");
    page.expect_clean(&[]);
}
