//! How soon something is there to see: the page, signed out and signed in, beside a page with one word from the same server, on a slow phone.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::look::{Look, PHONE, PLAIN};
use crate::page::Page;
use crate::site::{self, Site};
use crate::world;

/// How often each page is opened; once where nobody measures.
const RUNS: &str = "RELAY_PAGE_RUNS";
/// A slow phone on a slow network, as Lighthouse has it ("slow 4G"): 150 ms there and back, 1.6 Mbit/s, a quarter of this machine's speed.
const LATENCY_MS: u32 = 150;
const BYTES_A_SECOND: i32 = 200_000;
const SLOWER: u32 = 4;
/// How much later than the one word anything of the page may be painted: the style sheet is one way more, and must be the only one. Ratios of one run are
/// compared, for times depend on the machine.
const GOAL: f64 = 2.5;

/// What the browser says of a page that has loaded; none until it has been painted.
const TIMES: &str = "const [open] = performance.getEntriesByType('navigation');
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    if (!paint || !open?.domContentLoadedEventEnd || !arguments[0] || !document.querySelector(arguments[0])?.checkVisibility()) return null;
    const files = [open, ...performance.getEntriesByType('resource')];
    const bytes = files.reduce((sum, { transferSize }) => sum + transferSize, 0);
    return [paint.startTime, open.domContentLoadedEventEnd, files.length, bytes];";

/// The medians of one page's runs.
#[derive(Clone, Copy, Debug)]
struct Times {
    paint_ms: f64,
    loaded_ms: f64,
    files: f64,
    bytes: f64,
}

#[test]
fn the_first_paint_is_measured_beside_an_empty_page() {
    let Some(site) = Site::start("the_first_paint_is_measured_beside_an_empty_page") else { return };
    let wanted: Option<usize> = relay_lambda::process::env(RUNS).and_then(|runs| runs.parse().ok());
    let runs = wanted.unwrap_or(1);
    site.answer("GET /v1/exports", 200, world::page_of(&world::one_of_each()));
    let page = Page::of_site(&site, Look { screen: PHONE, ..PLAIN });
    page.browser.conditions(false, LATENCY_MS, BYTES_A_SECOND);
    page.browser.devtools("Emulation.setCPUThrottlingRate", &json!({ "rate": SLOWER }));
    let empty = measure(&page, runs, site::EMPTY, "p");
    let signed_out = measure(&page, runs, "/", "#key");
    page.browser.script("sessionStorage.setItem('relay.api-key', arguments[0])", &json!([site::KEY]));
    let signed_in = measure(&page, runs, "/", "#ask-title");
    say(runs, empty, &[("signed out", signed_out), ("signed in", signed_in)]);
    for times in [signed_out, signed_in] {
        let ratio = times.paint_ms / empty.paint_ms;
        // One run alone says nothing.
        assert!(wanted.is_none() || ratio <= GOAL, "painted {ratio:.2} times later than one word, {GOAL} is the goal");
    }
    assert!(signed_out.files > empty.files && signed_in.bytes > signed_out.bytes, "{signed_out:?} {signed_in:?}");
}

fn measure(page: &Page, runs: usize, path: &str, shown: &str) -> Times {
    let mut taken: Vec<[f64; 4]> = Vec::new();
    for _ in 0..runs {
        page.browser.devtools("Network.clearBrowserCache", &json!({}));
        page.browser.open(&page.at(path));
        let script = TIMES.replace("arguments[0]", &Value::from(shown).to_string());
        let times = page.until(&format!("{path} is painted"), &script);
        taken.push(serde_json::from_value(times).expect("four numbers"));
    }
    let median = |index: usize| {
        let mut values: Vec<f64> = taken.iter().map(|run| run[index]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Times { paint_ms: median(0), loaded_ms: median(1), files: median(2), bytes: median(3) }
}

/// Past the harness's capture: whoever measures reads it.
fn say(runs: usize, empty: Times, pages: &[(&str, Times)]) {
    let line = |(name, times): (&str, Times)| {
        let Times { paint_ms, loaded_ms, files, bytes } = times;
        let ratio = paint_ms / empty.paint_ms;
        format!(
            "{name:<12} first paint {paint_ms:>6.0} ms ({ratio:.2} times one word's), parsed {loaded_ms:>6.0} ms, {files} files, {bytes} bytes"
        )
    };
    let about = format!(
        "medians of {runs}, nothing cached, {LATENCY_MS} ms there and back, {BYTES_A_SECOND} bytes a second, a processor {SLOWER} times slower"
    );
    let lines = [about, line(("one word", empty))].into_iter().chain(pages.iter().copied().map(line));
    let text: String = lines.map(|line| line + "\n").collect();
    std::io::stdout().lock().write_all(text.as_bytes()).expect("stdout can be written");
}
