//! The page as a deploy publishes it, every file but the first below a folder named by what they hold: served as any other, it works as it stands in `web/`.

use std::collections::BTreeSet;
use std::path::Path;

use local::door;
use local::http1::Request;
use serde_json::json;

use crate::look::{Look, PLAIN};
use crate::page::Page;
use crate::publishing;
use crate::site::{self, Site};
use crate::{tree, world};

/// The page of `web/`, published into a folder that goes when this is dropped; and the folder's name in it.
fn published() -> (tempfile::TempDir, String) {
    let site = publishing::Site::read(&tree::root().join("web")).expect("the page can be published");
    let into = tempfile::tempdir().expect("a folder");
    site.write(into.path()).expect("written");
    (into, site.folder)
}

fn get(web: &Path, path: &str) -> (u16, String, bytes::Bytes) {
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
        peer: ([127, 0, 0, 1], 1).into(),
        head_bytes: 0,
    };
    let reply = door::page::reply(web, &request);
    let kind = reply.headers.iter().find(|(name, _)| name == "content-type").map(|(_, kind)| kind.clone());
    (reply.status, kind.unwrap_or_default(), reply.body)
}

#[test]
fn every_file_is_served_below_the_folder_and_none_beside_it() {
    let (web, folder) = published();
    let (status, kind, index) = get(web.path(), "/");
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    let index = String::from_utf8(index.to_vec()).expect("text");
    for file in tree::files("web") {
        let name = file.strip_prefix("web").expect("in web/").to_string_lossy().into_owned();
        if name == "index.html" {
            continue;
        }
        let (status, kind, body) = get(web.path(), &format!("/{folder}/{name}"));
        assert_eq!((status, body), (200, tree::read(&file).into()), "{name}");
        assert!(!kind.starts_with("application/octet-stream"), "{name} has no type");
        assert_eq!(get(web.path(), &format!("/{name}")).0, 404, "{name} under its plain name");
        let quoted = |before: &str| index.contains(&format!("\"{before}{name}\""));
        assert!(!quoted(""), "the page still names {name}");
    }
    assert!(index.contains(&format!("<script type=\"module\" src=\"{folder}/page.js\">")), "{index}");
}

#[test]
fn a_published_page_works_with_every_view_and_language_and_within_its_policy() {
    let (web, folder) = published();
    let case = "a_published_page_works_with_every_view_and_language_and_within_its_policy";
    let Some(site) = Site::of(case, web.path()) else { return };
    site.answer("GET /v1/exports", 200, world::page_of(&world::one_of_each()));
    let page = Page::of_site(&site, Look { language: "ko-KR", ..PLAIN });
    page.expect("#sign-in-form", "API 키");
    page.choose("#language", "en");
    page.expect("#sign-in-form", "API key");
    page.enter();
    for view in ["#/exports", "#/recurring", "#/arrivals"] {
        page.go(view);
    }
    // What belongs to a view comes with it.
    page.expect("#connect-url", "");
    let loaded = "return performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)";
    let loaded: BTreeSet<String> =
        serde_json::from_value(page.browser.script(loaded, &json!([]))).expect("a list of paths");
    for file in ["style.css", "icon.svg", "page.js", "arrivals.js", "recurring.js", "words/en.js", "words/ko.js"] {
        assert!(loaded.contains(&format!("/{folder}/{file}")), "{file} of {loaded:?}");
    }
    let beside = loaded.iter().find(|path| !path.starts_with(&format!("/{folder}/")) && !path.starts_with("/v1/"));
    assert_eq!(beside, None, "not below the folder");
    assert!(site::headers().iter().any(|(name, _)| name == "content-security-policy"), "the site sends its policy");
    // Among them what the policy refuses.
    page.expect_clean(&[]);
}
