//! The page as its user sees it: signing in, filling the form, reading the list.

use std::time::Duration;

use serde_json::json;

use crate::webdriver::Browser;
use relay_tests::stack::Stack;
use relay_tests::wait::until;

/// How long the page may take to answer a press.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a small export may take from the request to the file.
const EXPORT: Duration = Duration::from_mins(3);

/// The page in a browser of its own.
pub(crate) struct Page<'a> {
    /// The browser.
    pub(crate) browser: Browser,
    stack: &'a Stack,
}

impl<'a> Page<'a> {
    /// Opens the page of a stack; nobody is signed in.
    pub(crate) fn open(stack: &'a Stack) -> Self {
        let browser = Browser::open(stack.get("site_url"));
        Self { browser, stack }
    }

    /// Opens the page and signs in with the stack's API key.
    pub(crate) fn signed_in(stack: &'a Stack) -> Self {
        let page = Self::open(stack);
        page.sign_in(stack.get("api_key"));
        page.expect("#ask-title", "");
        page
    }

    /// Enters a key.
    pub(crate) fn sign_in(&self, key: &str) {
        self.browser.type_into("#key", key);
        self.browser.click("#sign-in-form [type=submit]");
    }

    /// Chooses the stack's app and installs, and enters the stack's mail address.
    pub(crate) fn fill(&self) {
        let choose = "const select = document.querySelector('#app_token');
            select.value = arguments[0];
            select.dispatchEvent(new Event('input', { bubbles: true }));
            return select.value;";
        let chosen = self.browser.script(choose, &json!([self.stack.get("app_token")]));
        assert_eq!(chosen, self.stack.get("app_token"), "the stack's app is offered");
        let only = "document.querySelectorAll('#kinds input').forEach((box) => box.checked === (box.value === 'install') || box.click())";
        self.browser.script(only, &json!([]));
        self.browser.type_into("#email", self.stack.get("email"));
    }

    /// Enters both dates. Keys would mean different dates in different locales, so the values are set.
    pub(crate) fn period(&self, start: &str, end: &str) {
        let set = "for (const [id, date] of [['start_date', arguments[0]], ['end_date', arguments[1]]]) {
            const field = document.getElementById(id);
            field.value = date;
            field.dispatchEvent(new Event('input', { bubbles: true }));
        }";
        self.browser.script(set, &json!([start, end]));
    }

    /// Asks for the file.
    pub(crate) fn submit(&self) {
        self.browser.click("#ask-form [type=submit]");
    }

    /// Waits until an element shows a text; returns all it shows.
    pub(crate) fn expect(&self, css: &str, text: &str) -> String {
        self.browser.wait_for_text(css, text, ANSWER)
    }

    /// Waits for the error beside one of some fields: the field is marked, described by its error and has the focus.
    pub(crate) fn expect_error_at(&self, fields: &[&str]) -> String {
        let focused = "const field = document.activeElement;
            const line = document.getElementById(`${field.id}-error`);
            const told = field.ariaInvalid === 'true' && field.getAttribute('aria-describedby').includes(line.id);
            return told && line.checkVisibility() ? [field.id, line.innerText] : null;";
        let look = || self.browser.script(focused, &json!([])).as_array().cloned();
        let found = until(ANSWER, look).unwrap_or_else(|| {
            let answer = self.browser.seen("#ask-form").unwrap_or_default();
            panic!("no error beside {fields:?}; the form shows:\n{answer}")
        });
        let [field, text] = [&found[0], &found[1]].map(|value| value.as_str().unwrap_or_default());
        assert!(fields.contains(&field), "the error stands beside `{field}`, not beside {fields:?}: {text}");
        assert!(!text.is_empty(), "the error at {field} says something");
        text.to_owned()
    }

    /// The exports on the list, newest first.
    pub(crate) fn exports(&self) -> Vec<String> {
        let ids = "return [...document.querySelectorAll('.card')].map((card) => card.dataset.exportId)";
        let ids = self.browser.script(ids, &json!([]));
        serde_json::from_value(ids).expect("a list of ids")
    }

    /// Asks for the file and waits until its card is ready; returns the export's id and what the card says.
    pub(crate) fn submit_and_watch(&self) -> (String, String) {
        let before = self.exports();
        self.submit();
        self.expect("#ask-answer", self.stack.get("email"));
        let new = || self.exports().into_iter().find(|id| !before.contains(id));
        let id = until(ANSWER, new).expect("the new export stands on the list");
        let card = format!(".card[data-export-id='{id}']");
        let said = self.browser.wait_for_text(&format!("{card}[data-status=done]"), "", EXPORT);
        (id, said)
    }

    /// Presses "Get a fresh link" on a card; returns where the link leads.
    pub(crate) fn fresh_link(&self, export_id: &str) -> String {
        let card = format!(".card[data-export-id='{export_id}']");
        self.browser.click(&format!("{card} [aria-label^='Get a fresh link']"));
        self.expect(&format!("{card} a.button"), "Download");
        let href = self
            .browser
            .script("return document.querySelector(arguments[0]).href", &json!([format!("{card} a.button")]));
        href.as_str().expect("the link leads somewhere").to_owned()
    }

    /// The page asked nobody but its own origin, broke no policy, and the console has no error but the refusals expected.
    pub(crate) fn expect_clean(&self, refusals: &[u16]) {
        let site = self.stack.get("site_url");
        let own = |url: &String| url.starts_with(&format!("{site}/")) || url.starts_with("data:");
        let requested = self.browser.requested();
        assert!(requested.iter().any(own), "the log of requests works: {requested:?}");
        // A fresh link is followed at once; it leads to the bucket, and nothing else leads anywhere.
        let foreign: Vec<_> = requested.iter().filter(|url| !own(url) && !url.contains("X-Amz-Signature=")).collect();
        assert!(foreign.is_empty(), "requests to another origin: {foreign:?}");
        let secret = requested.iter().find(|url| url.contains(self.stack.get("api_key")));
        assert!(secret.is_none(), "the API key stands in an address: {secret:?}");
        let expected = |error: &String| {
            refusals.iter().any(|status| error.contains(&format!("responded with a status of {status}")))
        };
        let errors: Vec<_> = self.browser.console_errors().into_iter().filter(|error| !expected(error)).collect();
        assert!(errors.is_empty(), "the console holds errors: {errors:#?}");
    }
}
