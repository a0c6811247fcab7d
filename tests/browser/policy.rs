//! What the page may do and what it weighs: the headers that the site sends, and what really loads in the browser.

use std::collections::BTreeSet;

use relay_tests::stack::Stack;
use serde_json::json;

use crate::look::PLAIN;
use crate::page::Page;
use crate::site::{self, Site};
use crate::{tree, world};

/// The most that all files of the page may weigh on their way, in bytes: compressed, as the distribution (`Compress: true`) and the front door send them.
const LARGEST_PAGE: u64 = 100_000;
/// The most that the browser may have to read of them, in bytes.
const LONGEST_PAGE: u64 = 180_000;
/// The most files that the page may load. They share one HTTP/2 connection at CloudFront; each costs its headers.
const MOST_FILES: usize = 32;

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
fn the_site_names_its_policy_and_the_scripted_one_the_same() {
    let Some(stack) = Stack::running("the_site_names_its_policy_and_the_scripted_one_the_same") else {
        return;
    };
    let root = format!("{}/", stack.get("site_url"));
    let policy = stack.header(&root, "content-security-policy").expect("the site sends a content-security-policy");
    let said: BTreeSet<&str> = policy.split(';').map(str::trim).collect();
    let missing: Vec<_> = POLICY.iter().filter(|part| !said.contains(*part)).collect();
    assert!(missing.is_empty(), "{missing:?} missing from: {policy}");
    let loose = ["unsafe", "http:", "https:", "*", "blob:"].into_iter().find(|source| policy.contains(source));
    assert_eq!(loose, None, "the policy lets too much in: {policy}");
    for (name, value) in site::headers() {
        assert_eq!(stack.header(&root, &name), Some(value), "{name}");
    }
}

#[test]
fn everything_that_loads_is_small_and_the_sites_own() {
    let Some(site) = Site::start("everything_that_loads_is_small_and_the_sites_own") else {
        return;
    };
    site.answer("GET /v1/exports", 200, world::page_of(&world::one_of_each()));
    let page = Page::of_site(&site, PLAIN).signed_in();
    for view in ["#/exports", "#/recurring", "#/arrivals"] {
        page.go(view);
    }
    // What belongs to a view comes with it.
    page.expect("#connect-url", "");
    let loaded =
        "return performance.getEntries().filter(({ entryType }) => ['navigation', 'resource'].includes(entryType))
        .map(({ name, encodedBodySize, decodedBodySize }) => [new URL(name).pathname, encodedBodySize, decodedBodySize])
        .filter(([path]) => !path.startsWith('/v1/'))";
    let loaded: Vec<(String, u64, u64)> =
        serde_json::from_value(page.browser.script(loaded, &json!([]))).expect("paths and sizes");
    let files: BTreeSet<&str> = loaded.iter().map(|(path, ..)| path.as_str()).collect();
    let unknown = loaded.iter().find(|(_, sent, _)| *sent == 0);
    assert_eq!(unknown, None, "each has its size");
    let sent: u64 = loaded.iter().map(|(_, sent, _)| sent).sum();
    assert!(sent <= LARGEST_PAGE, "the page weighs {sent} bytes, more than {LARGEST_PAGE}: {loaded:#?}");
    let long: u64 = loaded.iter().map(|(.., long)| long).sum();
    assert!(long <= LONGEST_PAGE, "the page has {long} bytes, more than {LONGEST_PAGE}: {loaded:#?}");
    assert!(loaded.len() <= MOST_FILES, "{} files, more than {MOST_FILES}: {files:?}", loaded.len());
    let unused: Vec<_> = tree::files("web").into_iter().filter(|path| !is_loaded(path, &files)).collect();
    assert!(unused.is_empty(), "in web/, but no page loads it: {unused:?}");
    page.expect_clean(&[]);
}

/// Whether a file of `web/` is among the paths.
fn is_loaded(file: &std::path::Path, paths: &BTreeSet<&str>) -> bool {
    let name = file.strip_prefix("web").expect("in web/").to_string_lossy().into_owned();
    // Each reader loads the words of one language.
    name == "index.html" || name.starts_with("words/") || paths.contains(format!("/{name}").as_str())
}
