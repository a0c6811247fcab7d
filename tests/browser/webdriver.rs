//! Headless Chromium through a small `WebDriver` client: what a person does with a page, and what the browser has noted meanwhile.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use relay_tests::wait::until;

use crate::driver::{Driver, HOW_TO_GET};

/// How long an element may take to be seen.
const APPEARS: Duration = Duration::from_secs(20);

/// Keys that have no character of their own (`WebDriver`, "Keyboard actions").
pub(crate) mod key {
    pub(crate) const ALT: &str = "\u{e00a}";
    pub(crate) const CONTROL: &str = "\u{e009}";
    pub(crate) const DOWN: &str = "\u{e015}";
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const SHIFT: &str = "\u{e008}";
    pub(crate) const SPACE: &str = " ";
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const UP: &str = "\u{e013}";
}

/// Notes each break of the policy, for the page cannot hide what it does before the first script of its own.
const NOTE_VIOLATIONS: &str =
    "addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) =>
    (globalThis.relayViolations ??= []).push(`${effectiveDirective}: ${blockedURI} at ${sourceFile}:${lineNumber}`));";

/// One browser at a time: several on a small machine starve each other and the stack.
static TURN: Mutex<()> = Mutex::new(());

/// A browser with a profile of its own. Both processes end and the profile goes when it is dropped.
pub(crate) struct Browser {
    // Fields are dropped in this order: the turn passes on only after the driver has ended.
    driver: Driver,
    session: String,
    profile: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// A new browser with an empty tab.
    pub(crate) fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = Driver::start();
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(relay_lambda::process::trace_id());
        let made = driver.call("POST", "/session", &capabilities(&profile.display().to_string()));
        let made = made.unwrap_or_else(|error| panic!("{HOW_TO_GET} ({error})"));
        let session = format!("/session/{}", made["sessionId"].as_str().expect("a session has an id"));
        let browser = Self { driver, session, profile, _turn: turn };
        let downloads = json!({ "behavior": "allow", "downloadPath": browser.downloads() });
        browser.devtools("Browser.setDownloadBehavior", &downloads);
        browser.before_scripts(NOTE_VIOLATIONS);
        browser
    }

    /// Opens an address.
    pub(crate) fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    pub(crate) fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Runs a script in each page from now on, before the page's own.
    pub(crate) fn before_scripts(&self, source: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": source }));
    }

    /// What a script returns; promises are waited for.
    pub(crate) fn script(&self, script: &str, arguments: &Value) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// A command of the `DevTools` protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Presses an element as a pointer would, after scrolling to it: it must be visible and not covered.
    pub(crate) fn click(&self, css: &str) {
        let element = self.element(css);
        self.script(
            "document.querySelector(arguments[0]).scrollIntoView({ block: 'center', behavior: 'instant' })",
            &json!([css]),
        );
        self.command("POST", &format!("{element}/click"), &json!({}));
    }

    /// Replaces the text of a field, key by key.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.command("POST", &format!("{element}/clear"), &json!({}));
        self.command("POST", &format!("{element}/value"), &json!({ "text": text }));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let stroke =
            |key: &&str| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        self.keyboard(&keys.iter().flat_map(stroke).collect());
    }

    /// Presses a key while another is held.
    pub(crate) fn press_with(&self, held: &str, pressed: &str) {
        let down = |key: &str| json!({ "type": "keyDown", "value": key });
        let up = |key: &str| json!({ "type": "keyUp", "value": key });
        self.keyboard(&json!([down(held), down(pressed), up(pressed), up(held)]));
    }

    fn keyboard(&self, strokes: &Value) {
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.command("POST", "/actions", &actions);
    }

    /// Types a text wherever the focus is.
    pub(crate) fn type_text(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        self.press(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The text of the first element that matches and can be seen.
    pub(crate) fn seen(&self, css: &str) -> Option<String> {
        let script = "const one = [...document.querySelectorAll(arguments[0])].find((e) => e.checkVisibility());
            return one ? one.innerText : null;";
        self.script(script, &json!([css])).as_str().map(str::to_owned)
    }

    /// Waits until an element can be seen and holds a text; returns all of it.
    pub(crate) fn wait_for_text(&self, css: &str, text: &str, limit: Duration) -> String {
        let look = || self.seen(css).filter(|seen| seen.contains(text));
        until(limit, look).unwrap_or_else(|| {
            let page = self.script("return document.body.innerText", &json!([]));
            let page = page.as_str().unwrap_or_default();
            panic!("nothing that matches {css} showed {text:?} within {limit:?}; the page shows:\n{page}")
        })
    }

    /// The file of this name that the browser has downloaded, waited for.
    pub(crate) fn downloaded(&self, name: &str) -> Vec<u8> {
        let path = self.downloads().join(name);
        until(APPEARS, || std::fs::read(&path).ok()).unwrap_or_else(|| {
            let there = std::fs::read_dir(self.downloads())
                .map(|files| files.flatten().map(|file| file.file_name()).collect::<Vec<_>>());
            panic!("no {name} was downloaded within {APPEARS:?}; there is {there:?}")
        })
    }

    fn downloads(&self) -> PathBuf {
        self.profile.join("downloads")
    }

    /// What the console holds at the level of errors since the last call; policy violations are among it.
    pub(crate) fn console_errors(&self) -> Vec<String> {
        let log = self.log("browser");
        let severe = log.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Each break of the policy in the page that is open.
    pub(crate) fn violations(&self) -> Vec<String> {
        let noted = self.script("return globalThis.relayViolations ?? []", &json!([]));
        serde_json::from_value(noted).expect("a list of texts")
    }

    /// Every address the page has asked for since the last look at the network. The browser's own pages, such as a new tab's, do not count.
    pub(crate) fn requested(&self) -> Vec<String> {
        let sent = self.network().into_iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let asked = |event: Value| {
            let request = &event["params"];
            let own = request["documentURL"].as_str()?.starts_with("chrome:");
            (!own).then_some(request["request"]["url"].as_str()?.to_owned())
        };
        sent.filter_map(asked).collect()
    }

    /// What the browser has noted of the network since the last call: `DevTools` events of the pages' own requests.
    pub(crate) fn network(&self) -> Vec<Value> {
        let log = self.log("performance");
        let events = log.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        events.map(|mut event| event["message"].take()).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("POST", "/se/log", &json!({ "type": kind }));
        log.as_array().cloned().unwrap_or_default()
    }

    /// The path of an element, waited for.
    fn element(&self, css: &str) -> String {
        self.wait_for_text(css, "", APPEARS);
        let found = self.command("POST", "/element", &json!({ "using": "css selector", "value": css }));
        let id = found.as_object().and_then(|object| object.values().next()?.as_str());
        format!("/element/{}", id.expect("an element has an id"))
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        let answer = self.driver.call(method, &path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that has died already has nothing left to end; the driver and the profile go either way.
        let _ended = self.driver.call("DELETE", &self.session, &Value::Null);
        self.driver.end();
        let _removed = std::fs::remove_dir_all(&self.profile);
    }
}

fn capabilities(profile: &str) -> Value {
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Pictures of a page that is scrolled look the same on every machine.
        "--hide-scrollbars",
        "--window-size=1280,1000",
        &format!("--user-data-dir={profile}"),
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    } } })
}
