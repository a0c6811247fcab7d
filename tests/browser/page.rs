//! The page as its user sees it: signing in, filling the form, reading the list.

use std::time::Duration;

use serde_json::{Value, json};

use relay_tests::stack::Stack;
use relay_tests::wait::until;

use crate::look::{Look, PLAIN};
use crate::site::{self, Site};
use crate::webdriver::Browser;
use crate::world;

/// How long the page may take to answer a press.
pub(crate) const ANSWER: Duration = Duration::from_secs(20);
/// How long a small export may take from the request to the file.
pub(crate) const EXPORT: Duration = Duration::from_mins(3);

/// The page in a browser of its own.
pub(crate) struct Page {
    /// The browser.
    pub(crate) browser: Browser,
    /// Where the site is, without a slash at the end.
    url: String,
    key: String,
    app: String,
    email: String,
}

impl Page {
    /// Opens the page of a running stack; nobody is signed in.
    pub(crate) fn of_stack(stack: &Stack) -> Self {
        let text = |name| stack.get(name).to_owned();
        let browser = Browser::start();
        browser.look(PLAIN);
        let page =
            Self { browser, url: text("site_url"), key: text("api_key"), app: text("app_token"), email: text("email") };
        page.browser.open(&page.url);
        page
    }

    /// Opens the page of a scripted site in Seoul, at [`world::NOW`]; nobody is signed in.
    pub(crate) fn of_site(site: &Site, look: Look) -> Self {
        let page = Self::before(site, true);
        page.open(look);
        page
    }

    /// The page of a scripted site whose clock stands still, not opened yet: what it shows does not change by itself.
    pub(crate) fn still(site: &Site) -> Self {
        Self::before(site, false)
    }

    fn before(site: &Site, ticking: bool) -> Self {
        let browser = Browser::start();
        browser.stand_in("Asia/Seoul");
        browser.begin_at(world::NOW, ticking);
        let (key, app, email) = (site::KEY.to_owned(), world::APPS[0].to_owned(), world::EMAIL.to_owned());
        Self { browser, url: site.url.clone(), key, app, email }
    }

    /// Leaves the page for a file of its site that asks the API nothing, and forgets all that the browser has kept of it.
    pub(crate) fn leave(&self) {
        self.browser.open(&self.at("/icon.svg"));
        // The tab's own memory goes with a document of the origin only.
        self.browser.script("sessionStorage.clear()", &json!([]));
        self.browser.devtools("Storage.clearDataForOrigin", &json!({ "origin": self.url, "storageTypes": "all" }));
    }

    /// Opens the page in this look.
    pub(crate) fn open(&self, look: Look) {
        self.browser.look(look);
        self.browser.open(&self.url);
    }

    /// Signs in with the key of the stack or site.
    pub(crate) fn signed_in(self) -> Self {
        self.enter();
        self
    }

    /// Signs in with the right key, and waits until the page is there.
    pub(crate) fn enter(&self) {
        self.sign_in(&self.key);
        self.expect("#ask-title", "");
    }

    /// An address of the site.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Goes to an address below the site, such as `#/exports`, as a press on a link would.
    pub(crate) fn go(&self, below: &str) {
        self.browser.script("location.hash = arguments[0]", &json!([below]));
    }

    /// Enters a key.
    pub(crate) fn sign_in(&self, key: &str) {
        self.browser.type_into("#key", key);
        self.browser.click("#sign-in-form [type=submit]");
    }

    /// Chooses the app and installs, and enters the mail address.
    pub(crate) fn fill(&self) {
        self.choose("#app_token", &self.app);
        self.kinds(&["install"]);
        self.browser.type_into("#email", &self.email);
    }

    /// Has these kinds checked and no other, by presses.
    pub(crate) fn kinds(&self, wanted: &[&str]) {
        let checked =
            "return [...document.querySelectorAll('#kinds input')].map(({ value, checked }) => [value, checked])";
        let checked: Vec<(String, bool)> =
            serde_json::from_value(self.browser.script(checked, &json!([]))).expect("kinds, each checked or not");
        for (kind, _) in checked.iter().filter(|(kind, checked)| wanted.contains(&kind.as_str()) != *checked) {
            self.browser.click(&format!("#kinds label:has([value={kind}])"));
        }
    }

    /// Chooses an option of a list.
    pub(crate) fn choose(&self, css: &str, value: &str) {
        self.expect(css, "");
        let choose = "const select = document.querySelector(arguments[0]);
            select.value = arguments[1];
            const chosen = select.value;
            for (const name of ['input', 'change']) select.dispatchEvent(new Event(name, { bubbles: true }));
            return chosen;";
        let chosen = self.browser.script(choose, &json!([css, value]));
        assert_eq!(chosen, value, "{css} offers {value}");
    }

    /// Enters both dates. Keys would mean different dates in different locales, so the values are set.
    pub(crate) fn period(&self, start: &str, end: &str) {
        let set = "for (const [id, date] of [['start_date', arguments[0]], ['end_date', arguments[1]]]) {
            const field = document.getElementById(id);
            field.value = date;
            for (const name of ['input', 'change']) field.dispatchEvent(new Event(name, { bubbles: true }));
        }";
        self.browser.script(set, &json!([start, end]));
    }

    /// Presses the button or link within an element whose text begins so.
    pub(crate) fn press(&self, within: &str, text: &str) {
        let mark = "const within = [...document.querySelectorAll(arguments[0])].find((one) => one.checkVisibility());
            const named = [...within?.querySelectorAll('button, a') ?? []]
                .find((one) => one.checkVisibility() && one.innerText.trim().startsWith(arguments[1]));
            document.querySelectorAll('[data-pressed]').forEach((one) => delete one.dataset.pressed);
            if (named) named.dataset.pressed = '';
            return named !== undefined;";
        let there = || self.browser.script(mark, &json!([within, text])) == true;
        assert!(
            until(ANSWER, || there().then_some(())).is_some(),
            "{within} has no button {text:?}: {:?}",
            self.browser.seen(within)
        );
        self.browser.click("[data-pressed]");
    }

    /// Asks for the file.
    pub(crate) fn submit(&self) {
        self.browser.click("#ask-form [type=submit]");
    }

    /// Waits until an element shows a text; returns all it shows.
    pub(crate) fn expect(&self, css: &str, text: &str) -> String {
        self.browser.wait_for_text(css, text, ANSWER)
    }

    /// Waits until nothing that matches can be seen.
    pub(crate) fn expect_gone(&self, css: &str) {
        let gone = until(ANSWER, || self.browser.seen(css).is_none().then_some(()));
        assert!(gone.is_some(), "{css} still shows: {:?}", self.browser.seen(css));
    }

    /// Waits until a script returns something else than null or false.
    pub(crate) fn until(&self, what: &str, script: &str) -> Value {
        let look = || Some(self.browser.script(script, &json!([]))).filter(|value| !value.is_null() && *value != false);
        until(ANSWER, look).unwrap_or_else(|| {
            let page = self.browser.script("return document.body.innerText", &json!([]));
            panic!("{what}: not within {ANSWER:?}; the page shows:\n{}", page.as_str().unwrap_or_default())
        })
    }

    /// Waits for the error beside one of some fields: the field is marked, described by its error and has the focus.
    pub(crate) fn expect_error_at(&self, fields: &[&str]) -> String {
        let focused = "const field = document.activeElement;
            const line = document.getElementById(`${field.id}-error`);
            const told = field.ariaInvalid === 'true' && field.getAttribute('aria-describedby')?.includes(line.id);
            return told && line.checkVisibility() ? [field.id, line.innerText] : null;";
        let found = self.until(&format!("an error beside one of {fields:?}"), focused);
        let [field, text] = [&found[0], &found[1]].map(|value| value.as_str().unwrap_or_default());
        assert!(fields.contains(&field), "the error stands beside `{field}`, not beside {fields:?}: {text}");
        assert!(!text.is_empty(), "the error at {field} says something");
        text.to_owned()
    }

    /// The exports on the list, newest first.
    pub(crate) fn exports(&self) -> Vec<String> {
        let ids = "return [...document.querySelectorAll('#exports .card')].map((card) => card.dataset.exportId)";
        serde_json::from_value(self.browser.script(ids, &json!([]))).expect("a list of ids")
    }

    /// The page asked nobody but its own origin, broke no policy, and the console has no error but the refusals expected.
    pub(crate) fn expect_clean(&self, refusals: &[u16]) {
        self.expect_clean_but_for(refusals, &self.url);
    }

    /// As [`Page::expect_clean`], where files were downloaded from another origin.
    pub(crate) fn expect_clean_but_for(&self, refusals: &[u16], files: &str) {
        let own = |url: &String| {
            [&self.url, files].iter().any(|origin| url.starts_with(&format!("{origin}/"))) || url.starts_with("data:")
        };
        let requested = self.browser.requested();
        assert!(requested.iter().any(own), "the log of requests works: {requested:?}");
        let foreign: Vec<_> = requested.iter().filter(|url| !own(url)).collect();
        assert!(foreign.is_empty(), "requests to another origin: {foreign:?}");
        let secret = requested.iter().find(|url| url.contains(&self.key));
        assert!(secret.is_none(), "the API key stands in an address: {secret:?}");
        assert_eq!(self.browser.violations(), Vec::<String>::new(), "the policy is broken");
        let expected = |error: &String| {
            refusals.iter().any(|status| error.contains(&format!("responded with a status of {status}")))
                || refusals.contains(&NO_ANSWER) && error.contains("net::ERR_")
        };
        let errors: Vec<_> = self.browser.console_errors().into_iter().filter(|error| !expected(error)).collect();
        assert!(errors.is_empty(), "the console holds errors: {errors:#?}");
    }
}

/// Among the refusals of [`Page::expect_clean`]: a call that no answer came to.
pub(crate) const NO_ANSWER: u16 = 0;
