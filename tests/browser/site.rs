//! A site of the tests' own: the page's real files with the deployed headers, before an API that answers what it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local::door;
use local::http1::{self, Handler, Limits, Reply, Request};
use relay_tests::wait::until;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::contract::contract;
use crate::template::Template;
use crate::world;

/// The one key that opens the scripted API.
pub(crate) const KEY: &str = "rk_api_0123456789abcdef";

/// A page with one word, to compare with.
pub(crate) const EMPTY: &str = "/one-word";
/// Names the file of axe-core; set where the browser's tests shall run.
pub(crate) const AXE: &str = "RELAY_BROWSER_AXE";

/// How long a call may take to come.
const COMES: Duration = Duration::from_secs(20);

const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: 1 << 20 };

/// A running site; it stops when this is dropped.
pub(crate) struct Site {
    /// Where it is, without a slash at the end.
    pub(crate) url: String,
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    // Dropped last, with every connection that still hangs.
    _runtime: Runtime,
}

/// What one call is answered.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// A status and a JSON document; none for an empty body.
    Answer(u16, Value),
    /// A gateway's own page, which is no JSON.
    Gateway(u16),
    /// A status and the first half of a JSON document.
    Half(u16, Value),
    /// Nothing until [`Site::release`], then what stands here.
    Held(u16, Value),
    /// The connection is cut.
    Cut,
}

/// A call that has come.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// As `GET /v1/exports/{id}`.
    pub(crate) route: String,
    /// The path as sent.
    pub(crate) path: String,
    /// The query as sent.
    pub(crate) query: String,
    /// The body; null for none.
    pub(crate) body: Value,
}

/// What the server's tasks share with the test.
struct Desk {
    web: PathBuf,
    headers: Vec<(String, String)>,
    script: Mutex<BTreeMap<String, VecDeque<Turn>>>,
    asked: Mutex<Vec<Asked>>,
    released: watch::Sender<bool>,
}

impl Site {
    /// A site with an API that knows [`KEY`] and has [`world`]'s data. Outside of `cargo xtask test browser` the case does not run, and says so past
    /// the harness's capture: a browser and axe-core are not everywhere.
    pub(crate) fn start(case: &str) -> Option<Self> {
        Self::of(case, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../web"))
    }

    /// The same with the files of another folder.
    pub(crate) fn of(case: &str, web: &Path) -> Option<Self> {
        if relay_lambda::process::env(AXE).is_none() {
            writeln!(std::io::stderr(), "{case} is SKIPPED: `cargo xtask test browser` runs it")
                .expect("stderr can be written");
            return None;
        }
        Some(Self::running(web))
    }

    fn running(web: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let desk = Arc::new(Desk {
            web: web.to_owned(),
            headers: headers(),
            script: Mutex::default(),
            asked: Mutex::default(),
            released: watch::Sender::new(false),
        });
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(http1::serve(listener, LIMITS, stopped, Arc::clone(&desk)));
        let site = Self { url, desk, stop, _runtime: runtime };
        world::set_up(&site);
        site
    }

    /// From now on a route answers these in turn, and the last for ever.
    pub(crate) fn script(&self, route: &str, turns: impl IntoIterator<Item = Turn>) {
        let turns: VecDeque<Turn> = turns.into_iter().collect();
        for turn in &turns {
            if let Turn::Answer(status, body) | Turn::Half(status, body) | Turn::Held(status, body) = turn {
                contract().hold(route, *status, body);
            }
        }
        lock(&self.desk.script).insert(route.to_owned(), turns);
    }

    /// A route answers this.
    pub(crate) fn answer(&self, route: &str, status: u16, body: Value) {
        self.script(route, [Turn::Answer(status, body)]);
    }

    /// A route refuses with the contract's own example of this status.
    pub(crate) fn refuse(&self, route: &str, status: u16) {
        self.answer(route, status, contract().example(route, status, None));
    }

    /// Gives the answers that are held, and holds none from now on.
    pub(crate) fn release(&self) {
        self.desk.released.send_replace(true);
    }

    /// As it was at the start: nobody has asked anything, and every answer is [`world`]'s again.
    pub(crate) fn forget(&self) {
        self.release();
        self.desk.released.send_replace(false);
        lock(&self.desk.asked).clear();
        lock(&self.desk.script).clear();
        world::set_up(self);
    }

    /// A call of a route, the first being number 1, waited for.
    pub(crate) fn call(&self, route: &str, number: usize) -> Asked {
        let found = until(COMES, || self.asked(route).into_iter().nth(number - 1));
        found.unwrap_or_else(|| panic!("{route} was called {} times, not {number}", self.asked(route).len()))
    }

    /// Every call of a route so far.
    pub(crate) fn asked(&self, route: &str) -> Vec<Asked> {
        lock(&self.desk.asked).iter().filter(|asked| asked.route == route).cloned().collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.release();
        self.stop.send_replace(true);
    }
}

impl Handler for Desk {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let reply = if request.path.starts_with("/v1/") {
            self.api(&request).await?
        } else if request.path == EMPTY {
            Reply::new(200, "<!doctype html><title>-</title><p>word").with("content-type", "text/html; charset=utf-8")
        } else if request.path.starts_with("/exports/") {
            Reply::new(200, world::FILE).with("content-type", "text/csv").with("content-disposition", "attachment")
        } else {
            door::page::reply(&self.web, &request)
        };
        Some(self.headers.iter().fold(reply, |reply, (name, value)| reply.with(name, value)))
    }
}

impl Desk {
    async fn api(&self, request: &Request) -> Option<Reply> {
        let Some(route) = contract().route(&request.method, &request.path) else {
            return Some(Reply::message(404, "Not Found"));
        };
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let (path, query) = (request.path.clone(), request.query.clone());
        lock(&self.asked).push(Asked { route: route.clone(), path, query, body });
        let known = request.header("authorization") == Some(&format!("Bearer {KEY}"));
        if !known && !route.contains("/callbacks/") {
            return Some(json_reply(401, &contract().example("GET /v1/account", 401, Some("unknown-key"))));
        }
        self.turn(&route).await
    }

    async fn turn(&self, route: &str) -> Option<Reply> {
        match self.next(route)? {
            Turn::Answer(status, body) => Some(json_reply(status, &body)),
            Turn::Gateway(status) => {
                Some(Reply::new(status, "<html>Bad gateway</html>").with("content-type", "text/html"))
            }
            Turn::Half(status, body) => {
                let mut reply = json_reply(status, &body);
                reply.body.truncate(reply.body.len() / 2);
                Some(reply)
            }
            Turn::Held(status, body) => {
                let released = self.released.subscribe().wait_for(|released| *released).await.is_ok();
                released.then(|| json_reply(status, &body))
            }
            Turn::Cut => None,
        }
    }

    /// Nothing for a route without a script: the connection is cut, which no case takes for an answer.
    fn next(&self, route: &str) -> Option<Turn> {
        let mut script = lock(&self.script);
        let turns = script.get_mut(route)?;
        if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn json_reply(status: u16, body: &Value) -> Reply {
    let kind = if status >= 400 { "application/problem+json" } else { "application/json" };
    let reply = Reply::new(status, body.to_string()).with("content-type", kind).with("cache-control", "no-store");
    let reply = reply.with("x-relay-trace-id", world::TRACE_ID);
    if matches!(status, 429 | 503) { reply.with("retry-after", "1") } else { reply }
}

/// What the distribution adds to all it serves, by the template. The stack's own answer is held against it in `policy.rs`.
pub(crate) fn headers() -> Vec<(String, String)> {
    let template = Template::load();
    let (_, policy) = template.of_type("AWS::CloudFront::ResponseHeadersPolicy")[0];
    let said = &policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    [
        ("content-security-policy", text(&said["ContentSecurityPolicy"]["ContentSecurityPolicy"])),
        ("x-frame-options", text(&said["FrameOptions"]["FrameOption"])),
        ("referrer-policy", text(&said["ReferrerPolicy"]["ReferrerPolicy"])),
        ("x-content-type-options", "nosniff".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
