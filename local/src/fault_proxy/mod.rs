//! The fault proxy: stands between the functions and the emulator (`AWS_ENDPOINT_URL`) and does to their calls what AWS and the network
//! do on a bad day. Which calls, how often and what is a script of [`Rule`]s; chance is drawn from a seed. It keeps who called what, too.

mod call;
mod partial;
mod refusal;
mod rule;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::failure::{Because, Failure};
use crate::host::environment::access_key_id;
use crate::http1::{Handler, Limits, Reply, Request, serve};
use call::Call;
use rule::Script;

pub use rule::{Calls, Effect, Rule};
pub use seen::Seen;

/// More than any call of a function: a part of an upload has 16 MiB and some.
const LIMITS: Limits = Limits { head_bytes: 65_536, body_bytes: 64 * 1024 * 1024 };

/// Headers that belong to one connection (RFC 9110, 7.6.1), and those that change with the body's framing.
const OF_CONNECTION: [&str; 7] =
    ["connection", "content-length", "expect", "keep-alive", "te", "transfer-encoding", "upgrade"];

/// Who called what, by access key; calls that were struck are among them.
type Book = BTreeMap<String, BTreeSet<Seen>>;

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    script: Arc<Mutex<Script>>,
    held: Arc<AtomicUsize>,
    seen: Arc<Mutex<Book>>,
    stop: watch::Sender<bool>,
}

impl FaultProxy {
    /// Listens on a port of 127.0.0.1 and forwards to `upstream` (a URL without a trailing slash). No rules yet.
    pub async fn start(upstream: &str) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.because("no port for the fault proxy")?;
        let port = listener.local_addr().because("the fault proxy has no address")?.port();
        let script = Arc::new(Mutex::new(Script::default()));
        let (stop, stopped) = watch::channel(false);
        let held = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(Book::new()));
        let exchange = Exchange {
            http: Client::builder(TokioExecutor::new()).build_http(),
            upstream: upstream.to_owned(),
            script: Arc::clone(&script),
            held: Arc::clone(&held),
            seen: Arc::clone(&seen),
            turn: AtomicUsize::new(0),
        };
        tokio::spawn(serve(listener, LIMITS, stopped, Arc::new(exchange)));
        Ok(Self { url: format!("http://127.0.0.1:{port}"), script, held, seen, stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts rules in place of the present ones; of those that match a call the first that strikes counts. Counts begin at 0.
    pub fn set_rules(&self, seed: u64, rules: Vec<Rule>) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Script::new(seed, rules);
    }

    /// How often each rule has struck, in their order.
    #[must_use]
    pub fn struck(&self) -> Vec<usize> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).struck()
    }

    /// What the function with this logical id was seen to call since the start.
    #[must_use]
    pub fn seen(&self, function: &str) -> BTreeSet<Seen> {
        let book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        book.get(&access_key_id(function)).cloned().unwrap_or_default()
    }

    /// How many calls are being delayed at the moment: their callers are in the middle of something.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

struct Exchange {
    http: Client<HttpConnector, Full<Bytes>>,
    upstream: String,
    script: Arc<Mutex<Script>>,
    held: Arc<AtomicUsize>,
    seen: Arc<Mutex<Book>>,
    /// Takes turns between the ways to be unavailable.
    turn: AtomicUsize,
}

impl Handler for Exchange {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let call = Call::of(&request);
        let asked = seen::of(&call, &request);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(call.caller.clone()).or_default().extend(asked);
        let strike = self.script.lock().unwrap_or_else(PoisonError::into_inner).strike(&call, &request);
        let Some(strike) = strike else { return self.forward(&request, request.body.clone()).await };
        tracing::debug!(operation = call.name(), caller = call.caller, effect = ?strike.effect, "strikes");
        match strike.effect {
            Effect::Throttle => Some(refusal::throttled(call.service)),
            Effect::Deny => Some(refusal::denied(call.service)),
            Effect::Break => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                Some(refusal::broken(call.service, turn.is_multiple_of(2)))
            }
            Effect::Delay(time) => self.delayed(&request, time).await,
            Effect::CutBefore => None,
            Effect::CutAfter => {
                // Carried out, and nobody hears of it.
                self.forward(&request, request.body.clone()).await;
                None
            }
            Effect::Partial(per_mille) => self.partly(&call, &request, |nth| strike.draw(nth) < per_mille).await,
        }
    }
}

impl Exchange {
    async fn delayed(&self, request: &Request, time: Duration) -> Option<Reply> {
        self.held.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(time).await;
        self.held.fetch_sub(1, Ordering::SeqCst);
        self.forward(request, request.body.clone()).await
    }

    /// Some entries of a batch are refused; the others are carried out.
    async fn partly(&self, call: &Call, request: &Request, is_refused: impl Fn(u64) -> bool) -> Option<Reply> {
        let Some(split) = partial::split(call, &request.body, is_refused) else {
            return self.forward(request, request.body.clone()).await;
        };
        let Some(rest) = split.rest() else { return Some(split.alone(call.service)) };
        let answer = self.forward(request, rest).await?;
        if answer.status == 200 { Some(split.merged(answer)) } else { Some(answer) }
    }

    /// `None`: the emulator did not answer, and neither does the proxy.
    async fn forward(&self, request: &Request, body: Bytes) -> Option<Reply> {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let target = format!("{}{}{query}", self.upstream, request.path);
        let mut sent = http::Request::builder().method(request.method.as_str()).uri(target);
        for (name, value) in request.headers.iter().filter(|(name, _)| !OF_CONNECTION.contains(&name.as_str())) {
            sent = sent.header(name, value);
        }
        let answer = self.http.request(sent.body(Full::new(body)).ok()?).await.ok()?;
        let (head, body) = answer.into_parts();
        let mut reply = Reply::new(head.status.as_u16(), body.collect().await.ok()?.to_bytes());
        for (name, value) in &head.headers {
            // What HEAD is asked for is the length of a body that does not come.
            let is_answer = request.method == "HEAD" && name == "content-length";
            if is_answer || !OF_CONNECTION.contains(&name.as_str()) {
                reply = reply.with(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
            }
        }
        Some(reply)
    }
}
