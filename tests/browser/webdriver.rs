//! A small `WebDriver` client: headless Chromium driven through chromedriver.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use relay_tests::wait::until;

/// How often chromedriver is started before that is a failure.
const STARTS: u32 = 5;

/// How to get the browser, in one line.
const HOW_TO_GET: &str = "the browser tests need Chromium and its driver: apt-get install chromium chromium-driver";

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

/// The chromedriver process.
struct Driver {
    process: Child,
    url: String,
    agent: ureq::Agent,
}

impl Browser {
    /// Opens an address in a new browser.
    pub(crate) fn open(url: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = Driver::start();
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(relay_lambda::process::trace_id());
        let made = driver.call("POST", "/session", &capabilities(&profile.display().to_string()));
        let made = made.unwrap_or_else(|error| panic!("{HOW_TO_GET} ({error})"));
        let session = format!("/session/{}", made["sessionId"].as_str().expect("a session has an id"));
        let browser = Self { driver, session, profile, _turn: turn };
        browser.command("POST", "/url", &json!({ "url": url }));
        browser
    }

    /// Loads the page again.
    pub(crate) fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// What a script returns; promises are waited for.
    pub(crate) fn script(&self, script: &str, arguments: &Value) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Presses an element as a pointer would: it must be visible and not covered.
    pub(crate) fn click(&self, css: &str) {
        let element = self.element(css);
        self.command("POST", &format!("{element}/click"), &json!({}));
    }

    /// Replaces the text of a field, key by key.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.command("POST", &format!("{element}/clear"), &json!({}));
        self.command("POST", &format!("{element}/value"), &json!({ "text": text }));
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

    /// What the console holds at the level of errors since the last call; policy violations are among it.
    pub(crate) fn console_errors(&self) -> Vec<String> {
        let log = self.log("browser");
        let severe = log.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Every address the page has asked for since the last call. The browser's own pages, such as a new tab's, do not count.
    pub(crate) fn requested(&self) -> Vec<String> {
        let log = self.log("performance");
        let events = log.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        let asked = |event: Value| {
            let request = &event["message"]["params"];
            let own = request["documentURL"].as_str()?.starts_with("chrome:");
            (!own).then_some(request["request"]["url"].as_str()?.to_owned())
        };
        sent.filter_map(asked).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("POST", "/se/log", &json!({ "type": kind }));
        log.as_array().cloned().unwrap_or_default()
    }

    /// The path of an element, waited for.
    fn element(&self, css: &str) -> String {
        self.wait_for_text(css, "", Duration::from_secs(20));
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

impl Driver {
    /// Starts chromedriver on a port that the system chooses. It takes that of IPv4 for IPv6, too, and ends where another program has it there.
    fn start() -> Self {
        let (process, port) = (0..STARTS).find_map(|_| Self::started()).expect("chromedriver names its port");
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        Self { process, url: format!("http://127.0.0.1:{port}"), agent: config.build().new_agent() }
    }

    fn started() -> Option<(Child, u16)> {
        let spawned = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        let mut process = spawned.unwrap_or_else(|error| panic!("{HOW_TO_GET} (chromedriver: {error})"));
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let port = stdout.lines().map_while(Result::ok).find_map(|line| port_in(&line));
        if port.is_none() {
            process.wait().expect("chromedriver has ended");
        }
        port.map(|port| (process, port))
    }

    /// The value that a command answers.
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.url);
        let sent = match method {
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).content_type("application/json").send(body.to_string()),
        };
        let mut answer = sent.map_err(|error| error.to_string())?;
        let text = answer.body_mut().with_config().limit(u64::MAX).read_to_string();
        let text = text.map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match value["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["value"]["message"].as_str().unwrap_or_default())),
            None => Ok(value["value"].clone()),
        }
    }

    fn end(&mut self) {
        let _killed = self.process.kill();
        let _waited = self.process.wait();
    }
}

impl Drop for Driver {
    // Also reached when no session could be made.
    fn drop(&mut self) {
        self.end();
    }
}

/// The port in `ChromeDriver was started successfully on port 41235.`
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
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
        "--window-size=1280,1000",
        &format!("--user-data-dir={profile}"),
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    } } })
}
