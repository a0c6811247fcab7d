//! Through every state of the page, in both languages and themes, on every screen: what must hold of all of them, and a picture of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::axe::Axe;
use crate::look::{DESKTOP, Look, NARROWEST, PHONE};
use crate::page::Page;
use crate::site::{AXE, Site};
use crate::states::{STATES, State};

/// Where the pictures go; without it none are kept.
const FOLDER: &str = "RELAY_GOLDEN_FOLDER";
/// Only states whose name contains this.
const ONLY: &str = "RELAY_GOLDEN_ONLY";
/// The highest picture, in pixels: what lies further down looks like what lies above.
const HIGHEST: f64 = 2200.0;
/// Desktops are pictured smaller than they are: all pictures together stay in the repository's history.
const DESKTOP_SCALE: f64 = 0.75;

/// What no text of the page may hold: words of programs, not of people.
const UNSAID: &str = "const found = document.body.innerText.match(/\\b(undefined|NaN|null|Infinity|Invalid Date)\\b|\\[object|[a-z]+_\\{/);
    return found ? document.body.innerText.slice(Math.max(0, found.index - 60), found.index + 60) : ''";

/// Two frames after the last change of the layout, with fonts and pictures there.
const SETTLED: &str = "scrollTo(0, 0);
    return document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))";

/// A blinking caret and the site's port are differences between two pictures of the same.
const STILL: &str = "for (const field of document.querySelectorAll('textarea')) field.value = field.value.replace(location.origin, 'https://relay.example');
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { caret-color: transparent !important; }');
    document.adoptedStyleSheets = [sheet];";

/// What is wrong with one state in one look goes here, so that one run tells all.
struct Walk<'a> {
    page: &'a Page,
    axe: Axe,
    folder: Option<PathBuf>,
    wrong: BTreeMap<String, Vec<String>>,
}

#[test]
fn every_state_is_accessible_fits_its_screen_and_is_said_in_words() {
    let Some(site) = Site::start("every_state_is_accessible_fits_its_screen_and_is_said_in_words") else { return };
    let only = relay_lambda::process::env(ONLY).unwrap_or_default();
    let axe = Axe::read(&PathBuf::from(relay_lambda::process::env(AXE).expect("a path")));
    let folder = relay_lambda::process::env(FOLDER).map(PathBuf::from);
    let page = Page::still(&site);
    let mut walk = Walk { page: &page, axe, folder, wrong: BTreeMap::new() };
    let states: Vec<&State> = STATES.iter().filter(|state| state.name.contains(&only)).collect();
    assert!(!states.is_empty(), "no state's name contains {only:?}");
    for language in ["en-US", "ko-KR"] {
        for state in &states {
            walk.state(&site, state, language);
        }
    }
    let wrong: Vec<String> =
        walk.wrong.iter().map(|(what, places)| format!("{what}\n    in {}", places.join(", "))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Walk<'_> {
    fn state(&mut self, site: &Site, state: &State, language: &'static str) {
        let every = [(DESKTOP, false), (PHONE, true), (DESKTOP, true), (PHONE, false), (NARROWEST, false)];
        let looks = every.map(|(screen, dark)| Look { screen, dark, language });
        // The other language has the same colours and the same order: few looks say whether its words fit.
        let looks = match (language, state.is_main) {
            ("en-US", _) => &looks[..],
            (_, true) => &looks[..2],
            (_, false) => &looks[1..2],
        };
        // The state before is left first: its page still looks, and would take answers that are meant for this one.
        self.page.leave();
        site.forget();
        (state.prepare)(site);
        self.page.open(looks[0]);
        (state.reach)(self.page);
        for &look in looks {
            self.page.browser.look(look);
            self.page.browser.devtools("Input.dispatchMouseEvent", &json!({ "type": "mouseMoved", "x": 0, "y": 0 }));
            self.page.browser.script(SETTLED, &json!([]));
            self.check(state, look);
            if state.is_pictured(look) {
                self.picture(state, look);
            }
        }
        let at = format!("{} ({language})", state.name);
        self.page.browser.offline(false);
        site.release();
        self.note(&at, "breaks the policy", &self.page.browser.violations());
        let errors = self.page.browser.console_errors();
        let refused = |error: &String| {
            error.contains("responded with a status of") || state.may_lack_answers && error.contains("net::ERR_")
        };
        self.note(&at, "console", &errors.into_iter().filter(|error| !refused(error)).collect::<Vec<_>>());
    }

    fn check(&mut self, state: &State, look: Look) {
        let at = format!("{} ({})", state.name, look.name());
        let browser = &self.page.browser;
        let violations = if look.screen == NARROWEST { Vec::new() } else { self.axe.violations(browser) };
        let unsaid = browser.script(UNSAID, &json!([]));
        let unsaid: Vec<String> =
            unsaid.as_str().filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect();
        let width = browser.script("return [document.scrollingElement.scrollWidth, innerWidth]", &json!([]));
        let wide = (width[0].as_u64() > width[1].as_u64()).then(|| format!("{} pixels wide on {}", width[0], width[1]));
        self.note(&at, "axe", &violations);
        self.note(&at, "says", &unsaid);
        self.note(&at, "scrolls sideways", &wide.into_iter().collect::<Vec<_>>());
    }

    fn note(&mut self, at: &str, what: &str, found: &[String]) {
        for one in found {
            self.wrong.entry(format!("{what}: {one}")).or_default().push(at.to_owned());
        }
    }

    /// The whole page as one picture, or the screen around what the state is about.
    fn picture(&self, state: &State, look: Look) {
        let Some(folder) = &self.folder else { return };
        let browser = &self.page.browser;
        browser.script(STILL, &json!([]));
        let measure = "document.querySelector(arguments[0])?.scrollIntoView({ block: 'center', behavior: 'instant' });
            return [scrollY, document.documentElement.scrollHeight]";
        let measured = browser.script(measure, &json!([state.about.unwrap_or("#none")]));
        let [from, whole] = [0, 1].map(|index| measured[index].as_f64().expect("a number of pixels"));
        let (width, screen) = (look.screen.0, f64::from(look.screen.1));
        let height = if state.about.is_some() { screen } else { whole.clamp(screen, HIGHEST) };
        let scale = if look.screen == DESKTOP { DESKTOP_SCALE } else { 1.0 };
        let clip = json!({ "x": 0, "y": from, "width": width, "height": height, "scale": scale });
        let how = json!({ "format": "png", "captureBeyondViewport": state.about.is_none(), "clip": clip });
        let taken = browser.devtools("Page.captureScreenshot", &how);
        let png = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        let path = folder.join(format!("{}.{}.png", state.name, look.name()));
        std::fs::write(&path, png).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The pictures that are kept are those of the states there are.
#[test]
fn each_state_has_its_pictures_and_no_picture_is_left_over() {
    let kept = crate::tree::files_ending("tests/browser/golden", ".png");
    let kept: Vec<String> =
        kept.iter().map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    let mut wanted: Vec<String> = STATES.iter().flat_map(State::pictures).collect();
    wanted.sort();
    assert_eq!(kept, wanted, "`cargo xtask golden` takes them; delete those that no state has");
}
