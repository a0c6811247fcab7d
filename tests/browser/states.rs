//! Every state that the page can be in: what the API must say for it, and what its user does to get there.

use serde_json::json;

use crate::look::{DESKTOP, Look, NARROWEST, PHONE};
use crate::page::Page;
use crate::site::{Site, Turn};
use crate::world::{self, export, over, page_of};

/// One state.
pub(crate) struct State {
    /// As in the names of its pictures.
    pub(crate) name: &'static str,
    /// Whether it is pictured in Korean, too.
    pub(crate) is_main: bool,
    /// Whether calls stay without an answer on the way.
    pub(crate) may_lack_answers: bool,
    /// What its pictures are about; the whole page where nothing is named.
    pub(crate) about: Option<&'static str>,
    /// What the API says.
    pub(crate) prepare: fn(&Site),
    /// From the opened page on.
    pub(crate) reach: fn(&Page),
}

const fn state(name: &'static str, prepare: fn(&Site), reach: fn(&Page)) -> State {
    State { name, is_main: false, may_lack_answers: false, about: None, prepare, reach }
}

impl State {
    const fn main(mut self) -> Self {
        self.is_main = true;
        self
    }

    const fn about(mut self, css: &'static str) -> Self {
        self.about = Some(css);
        self
    }

    const fn without_answers(mut self) -> Self {
        self.may_lack_answers = true;
        self
    }

    /// Whether a picture is kept of it in this look: in English in all of them, of the main states in Korean on each screen and in each theme once.
    pub(crate) fn is_pictured(&self, look: Look) -> bool {
        let is_one_of_two = look.dark == (look.screen == PHONE);
        look.screen != NARROWEST && (look.language.starts_with("en") || self.is_main && is_one_of_two)
    }

    /// The names of its pictures.
    pub(crate) fn pictures(&self) -> Vec<String> {
        let screens = [(DESKTOP, false), (DESKTOP, true), (PHONE, false), (PHONE, true)];
        let looks = ["en-US", "ko-KR"]
            .into_iter()
            .flat_map(|language| screens.map(|(screen, dark)| Look { screen, dark, language }));
        let kept = looks.filter(|look| self.is_pictured(*look));
        kept.map(|look| format!("{}.{}", self.name, look.name())).collect()
    }
}

/// All of them.
pub(crate) const STATES: &[State] = &[
    state("sign-in", nothing, nothing_done).main(),
    state("sign-in-refused", nothing, sign_in_refused),
    state("sign-in-unavailable", unavailable, sign_in_unavailable),
    state("ask", nothing, asking).main(),
    state("ask-picture-unfinished", unfinished, asking).about("#picture"),
    state("ask-picture-unavailable", no_picture, ask_no_picture).about("#picture"),
    state("ask-nothing-registered", nothing_registered, Page::enter),
    state("ask-missing", nothing, ask_missing).about("#kind-error"),
    state("ask-refused", ask_refused, ask_filled).about("#email-error").main(),
    state("ask-unavailable", ask_unavailable, ask_filled).about("#ask-alert"),
    state("ask-unanswered", ask_unanswered, ask_filled).about("#ask-alert").without_answers(),
    state("ask-offline", nothing, ask_offline).about("#ask-alert").without_answers(),
    state("ask-empty", ask_empty, ask_filled).about("#ask-answer"),
    state("ask-asked", asked, ask_filled).about("#asked").main(),
    state("ask-zones", nothing, ask_zones).about("#zones"),
    state("ask-columns", nothing, ask_columns).about("#columns"),
    state("ask-preview", nothing, ask_preview).about("#preview").main(),
    state("ask-recurring", nothing, ask_recurring).about("#ask-answer"),
    state("exports", one_of_each, exports_all).main(),
    state("exports-details", one_done, exports_details),
    state("exports-links", three_files, exports_links),
    state("exports-empty", nothing, exports_empty),
    state("exports-loading", loading, exports_loading).without_answers(),
    state("exports-unavailable", exports_refused, exports_alert),
    state("exports-many", many, exports).about("#older"),
    state("recurring", schedules, recurring).main(),
    state("recurring-end", schedules, recurring_end),
    state("recurring-empty", nothing, recurring_empty),
    state("arrivals", nothing, arrivals).main(),
    state("arrivals-empty", nothing_arrived, arrivals).about("#quarantine"),
    state("arrivals-test", test_arrives, arrivals_test).about("#test-result"),
    state("arrivals-test-refused", test_refused, arrivals_test_refused).about("#ingest_key"),
];

// What the API says.

fn nothing(_: &Site) {}

fn unavailable(site: &Site) {
    site.refuse("GET /v1/account", 503);
}

fn nothing_registered(site: &Site) {
    site.answer("GET /v1/account", 200, over(world::account(), json!({ "apps": [], "mail_domains": [] })));
}

fn unfinished(site: &Site) {
    site.answer("GET /v1/activities/summary", 200, world::unfinished_summary());
}

fn no_picture(site: &Site) {
    site.refuse("GET /v1/activities/summary", 503);
}

fn ask_refused(site: &Site) {
    site.refuse("POST /v1/exports", 422);
}

fn ask_unavailable(site: &Site) {
    site.refuse("POST /v1/exports", 503);
}

fn ask_unanswered(site: &Site) {
    site.script("POST /v1/exports", [Turn::Cut]);
}

fn ask_empty(site: &Site) {
    site.answer("POST /v1/exports", 200, json!({ "status": "empty" }));
}

fn asked(site: &Site) {
    site.answer("GET /v1/exports/{id}", 200, export(1, "queued"));
}

fn one_of_each(site: &Site) {
    site.answer("GET /v1/exports", 200, page_of(&world::one_of_each()));
}

fn one_done(site: &Site) {
    site.answer("GET /v1/exports/{id}", 200, export(5, "done"));
}

fn three_files(site: &Site) {
    site.answer("GET /v1/exports", 200, page_of(&[export(5, "done")]));
    site.answer("POST /v1/exports/{id}/link", 200, world::link("https://files.acme.example", 3));
}

fn loading(site: &Site) {
    site.script("GET /v1/exports", [Turn::Held(200, page_of(&[]))]);
}

fn exports_refused(site: &Site) {
    site.refuse("GET /v1/exports", 503);
}

fn many(site: &Site) {
    let exports: Vec<_> = (2000..2020).rev().map(|number| export(number, "expired")).collect();
    site.answer("GET /v1/exports", 200, json!({ "exports": exports, "next": world::id(2000) }));
}

fn schedules(site: &Site) {
    let wrong = json!({ "code": "past_retention", "detail": "the period lies past the retention", "at": "2026-11-13T18:00:00Z",
        "period": { "from": "2026-11-12T15:00:00Z", "to": "2026-11-13T15:00:00Z" } });
    let hourly = over(
        world::schedule(2),
        json!({ "frequency": "hourly", "delay_minutes": 0, "last_run": null, "last_error": wrong,
        "next_run_at": "2026-11-15T10:00:00Z", "next_period": { "from": "2026-11-15T09:00:00Z", "to": "2026-11-15T10:00:00Z" } }),
    );
    site.answer("GET /v1/schedules", 200, json!({ "schedules": [world::schedule(1), hourly], "next": null }));
}

fn nothing_arrived(site: &Site) {
    let mut none = world::arrivals();
    none["apps"][0]["arrivals"] = json!([]);
    none["quarantined"] = json!([]);
    site.answer("GET /v1/arrivals", 200, none);
}

fn test_arrives(site: &Site) {
    let mut after = world::arrivals();
    after["apps"][0]["arrivals"][0]["received_24h"] = json!(4_813);
    let turns = [world::arrivals(), world::arrivals(), after];
    site.script("GET /v1/arrivals", turns.map(|one| Turn::Answer(200, one)));
    site.answer("POST /v1/callbacks/{provider}", 200, json!({ "status": "accepted" }));
}

fn test_refused(site: &Site) {
    site.refuse("POST /v1/callbacks/{provider}", 401);
}

// What its user does.

fn nothing_done(page: &Page) {
    page.expect("#key", "");
}

fn sign_in_refused(page: &Page) {
    page.sign_in("rk_api_revoked");
    page.expect("#key-error", "");
}

fn sign_in_unavailable(page: &Page) {
    page.sign_in(crate::site::KEY);
    page.expect("#sign-in-alert", "");
}

fn asking(page: &Page) {
    page.enter();
    page.expect("#picture-inside figure", "");
}

fn ask_no_picture(page: &Page) {
    page.enter();
    page.expect("#picture-inside .alert", "");
}

fn ask_missing(page: &Page) {
    asking(page);
    page.kinds(&[]);
    page.submit();
    page.expect("#email-error", "");
}

fn ask_filled(page: &Page) {
    asking(page);
    page.fill();
    page.submit();
    let answered = "return ['#ask-answer:not(:empty)', '#ask-alert', '#email-error'].some((one) => document.querySelector(one)?.checkVisibility())";
    page.until("an answer of some kind", answered);
}

fn ask_offline(page: &Page) {
    asking(page);
    page.fill();
    page.browser.offline(true);
    page.submit();
    page.expect("#ask-alert", "");
}

fn ask_zones(page: &Page) {
    asking(page);
    page.browser.type_into("#timezone", "angeles");
    page.expect("#zones", "Los_Angeles");
}

fn ask_columns(page: &Page) {
    asking(page);
    page.browser.click("#columns summary");
    page.choose("#columns-preset", "essentials");
    page.expect(".chosen", "");
}

fn ask_preview(page: &Page) {
    asking(page);
    page.browser.click("#preview-button");
    page.expect("#preview-inside table", "");
}

fn ask_recurring(page: &Page) {
    asking(page);
    page.fill();
    page.browser.click("#frequencies label:has([value=daily])");
    page.submit();
    page.expect("#ask-answer", world::EMAIL);
}

fn exports(page: &Page) {
    page.enter();
    page.go("#/exports");
    page.expect("#exports .card", "");
}

/// With the time that is left, which takes two looks.
fn exports_all(page: &Page) {
    exports(page);
    let told =
        "return document.querySelector('#exports [data-status=running] .facts')?.innerText.split(' · ').length === 3";
    page.until("how long the running one takes", told);
}

fn exports_details(page: &Page) {
    page.enter();
    page.go(&format!("#/exports/{}", world::id(5)));
    page.expect("#exports .details", "");
}

fn exports_links(page: &Page) {
    exports(page);
    page.browser.click("#exports .primary");
    page.expect("#exports .files", "");
}

fn exports_empty(page: &Page) {
    page.enter();
    page.go("#/exports");
    page.expect("#no-exports", "");
}

fn exports_loading(page: &Page) {
    page.enter();
    page.go("#/exports");
    page.expect("#watch-loading", "");
}

fn exports_alert(page: &Page) {
    page.enter();
    page.go("#/exports");
    page.expect("#watch-alert", "");
}

fn recurring(page: &Page) {
    page.enter();
    page.go("#/recurring");
    page.expect("#schedules .card", "");
}

fn recurring_end(page: &Page) {
    recurring(page);
    page.browser.click("#schedules .card .actions button:last-child");
    page.expect("#schedules .sure", "");
}

fn recurring_empty(page: &Page) {
    page.enter();
    page.go("#/recurring");
    page.expect("#no-schedules", "");
}

fn arrivals(page: &Page) {
    page.enter();
    page.go("#/arrivals");
    page.expect("#arrivals-inside", world::APPS[0]);
}

fn send_test(page: &Page) {
    arrivals(page);
    page.browser.type_into("#ingest_key", "rk_ingest_0123456789abcdef");
    page.browser.click("#test-form [type=submit]");
}

fn arrivals_test(page: &Page) {
    send_test(page);
    page.expect("#test-result.good", "");
}

fn arrivals_test_refused(page: &Page) {
    send_test(page);
    page.expect("#ingest_key-error", "");
}
