//! What somebody has asked of every page: less motion, colours of one's own, a larger page.

use serde_json::json;

use crate::look::{Look, NARROWEST, PLAIN};
use crate::page::Page;
use crate::site::{Site, Turn};
use crate::world::page_of;

const MOVING: &str = "return document.getAnimations().length > 0";

#[test]
fn nothing_moves_for_who_wants_less_motion() {
    let Some(site) = Site::start("nothing_moves_for_who_wants_less_motion") else { return };
    site.script("GET /v1/exports", [Turn::Held(200, page_of(&[]))]);
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.go("#/exports");
    page.expect("#watch-loading", "");
    assert_eq!(page.browser.script(MOVING, &json!([])), false);
    page.browser.prefer(&[("prefers-reduced-motion", "no-preference")]);
    page.until("waiting moves for the others", MOVING);
}

#[test]
fn what_is_chosen_shows_in_forced_colours() {
    let Some(site) = Site::start("what_is_chosen_shows_in_forced_colours") else { return };
    let page = Page::of_site(&site, PLAIN).signed_in();
    page.browser.prefer(&[("forced-colors", "active")]);
    page.until("colours are forced", "return matchMedia('(forced-colors: active)').matches");
    let widths = "const width = (css) => getComputedStyle(document.querySelector(css)).borderTopWidth;
        return [['#kinds :checked + span', '#kinds input:not(:checked) + span'],
            ['#presets [aria-pressed=true]', '#presets [aria-pressed=false]']].map((pair) => pair.map(width))";
    let widths: Vec<[String; 2]> = serde_json::from_value(page.browser.script(widths, &json!([]))).expect("widths");
    let same = widths.iter().find(|[chosen, other]| chosen == other);
    assert_eq!(same, None, "backgrounds are gone: the chosen one has another border");
}

#[test]
fn the_whole_way_can_be_gone_at_four_hundred_percent() {
    let Some(site) = Site::start("the_whole_way_can_be_gone_at_four_hundred_percent") else { return };
    let page = Page::of_site(&site, Look { screen: NARROWEST, ..PLAIN }).signed_in();
    page.fill();
    page.submit();
    page.expect("#ask-answer", "2");
    page.browser.click("#views a[href='#/arrivals']");
    page.expect("#connect-url", "");
    page.expect_clean(&[]);
}
