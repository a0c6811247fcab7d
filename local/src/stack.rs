//! The parts that run over the emulator: host, driver, door.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::Aws;
use crate::door::{self, Door, Inbox, Routes};
use crate::driver;
use crate::facts::{Facts, deploy};
use crate::failure::{Because, Failure};
use crate::host::{Endpoint, Function, Host, PAYLOAD_MAX, Queue, Surroundings};
use crate::http1::{Limits, serve};
use crate::layout::Layout;
use crate::options::Options;
use crate::ready::Addresses;
use crate::say::say;
use crate::watch::{Watch, Watched};

/// How long calls of functions may still run at the end; a step of an export may take a quarter of an hour, and is repeated.
const GRACE: Duration = Duration::from_secs(30);
/// When no call has run for this long, none follows from another: a rule's or a state machine's next call comes sooner.
const QUIET: Duration = Duration::from_millis(500);

/// What was decided before anything ran.
pub(crate) struct Setting {
    pub(crate) options: Options,
    pub(crate) layout: Layout,
    pub(crate) addresses: Addresses,
    pub(crate) aws: Aws,
}

/// The running parts, in the order in which they are stopped.
pub(crate) struct Stack {
    pub(crate) facts: Facts,
    door: Part,
    driver: Part,
    calls: Part,
    watch: Part,
    queue: Arc<Queue>,
    host: Arc<Host>,
    inbox: Arc<Inbox>,
}

/// Tasks that end when they are told.
struct Part {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Part {
    fn new() -> Self {
        Self { stop: watch::channel(false).0, tasks: JoinSet::new() }
    }

    async fn end(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Stack {
    /// Deploys, then starts the parts.
    pub(crate) async fn start(setting: &Setting, invocations: TcpListener, port: u16) -> Result<Self, Failure> {
        let Setting { layout, aws, .. } = setting;
        say("deploying the template");
        let emulator = &setting.addresses.emulator;
        let facts = deploy(layout, emulator, &setting.options.region, &parameters(setting)?).await?;
        check_binaries(layout, &facts)?;
        let (mut door, driver, mut calls, mut watch) = (Part::new(), Part::new(), Part::new(), Part::new());
        let host = Arc::new(Host::new(facts.functions.clone(), &surroundings(setting)));
        let stop = calls.stop.subscribe();
        let queue = Queue::open(Arc::clone(&host), aws.clone(), &layout.events(), stop.clone()).await?;
        let endpoint = Endpoint { host: Arc::clone(&host), queue: Arc::clone(&queue) };
        let limits = Limits { head_bytes: 65_536, body_bytes: PAYLOAD_MAX + 1 };
        calls.tasks.spawn(serve(invocations, limits, stop, Arc::new(endpoint)));
        let watched = Watch::open(aws.clone(), watched(setting, &facts, &host)).await?;
        watch.tasks.spawn(Arc::clone(&watched).run(watch.stop.subscribe()));
        let inbox = Arc::new(Inbox::open(&layout.state.join("inbox.json"))?);
        let entrance = Door {
            host: Arc::clone(&host),
            routes: Routes::new(facts.routes.clone()),
            web: layout.web.clone(),
            headers: facts.page_headers.clone(),
            inbox: Arc::clone(&inbox),
            aws: aws.clone(),
            api_id: facts.resources.get("Api").cloned().unwrap_or_default(),
            watch: watched,
        };
        let (listener, stop) = (listen(port).await?, door.stop.subscribe());
        door.tasks.spawn(serve(listener, door::LIMITS, stop, Arc::new(entrance)));
        let mut stack = Self { facts, door, driver, calls, watch, queue, host, inbox };
        stack.drive(setting);
        Ok(stack)
    }

    fn drive(&mut self, setting: &Setting) {
        for mapping in self.facts.mappings.clone() {
            let (aws, host) = (setting.aws.clone(), Arc::clone(&self.host));
            let (folder, stop) = (setting.layout.checkpoints(), self.driver.stop.subscribe());
            self.driver.tasks.spawn(async move {
                if let Err(failure) = driver::drive(mapping, aws, host, &folder, stop).await {
                    say(&format!("the stream driver does not run: {failure}"));
                }
            });
        }
    }

    /// Stops the parts: nothing new comes in, what is under way is finished.
    pub(crate) async fn stop(mut self, aws: &Aws) {
        say("stopping: the front door finishes its requests");
        self.door.end().await;
        say("stopping: the stream driver finishes its batches");
        self.driver.end().await;
        say("stopping: functions finish their calls");
        let calls = async {
            self.settle().await;
            self.calls.stop.send_replace(true);
            self.queue.finish().await;
            self.calls.end().await;
        };
        if tokio::time::timeout(GRACE, calls).await.is_err() {
            self.calls.stop.send_replace(true);
            say("stopping: a call that still ran was broken off");
        }
        self.host.stop();
        self.watch.end().await;
        if let Err(failure) = self.inbox.keep(aws).await {
            say(&format!("the mails were not kept: {failure}"));
        }
    }
}

impl Stack {
    /// Waits until calls have ended, and those that follow from them: the file that a worker writes is still announced.
    async fn settle(&self) {
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < QUIET {
            tokio::time::sleep(QUIET / 10).await;
            if !self.host.is_idle() {
                quiet_since = Instant::now();
            }
        }
    }
}

fn watched(setting: &Setting, facts: &Facts, host: &Host) -> Watched {
    let log = |function: &Function| setting.layout.logs.join(format!("{}.log", function.logical_id));
    Watched {
        meter: Arc::clone(host.meter()),
        logs: facts.functions.iter().map(log).collect(),
        // Of all resources only a queue is named by an address.
        queues: facts.resources.values().filter(|id| id.starts_with("http")).cloned().collect(),
        dashboard: facts.resources.get("Dashboard").cloned().unwrap_or_default(),
        kept: setting.layout.state.join("metrics.json"),
        pace: setting.options.alarm_pace,
    }
}

fn surroundings(setting: &Setting) -> Surroundings {
    let emulator = &setting.addresses.emulator;
    Surroundings {
        binaries: setting.layout.binaries.clone(),
        logs: setting.layout.logs.clone(),
        endpoint_url: setting.options.functions_endpoint.as_ref().unwrap_or(emulator).clone(),
        region: setting.options.region.clone(),
    }
}

/// The local defaults; deploy.py passes on those that the template declares.
fn parameters(setting: &Setting) -> Result<Vec<(String, String)>, Failure> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let defaults = [
        ("MailFrom", setting.options.mail_from.as_str()),
        ("SiteUrl", &setting.addresses.door),
        ("StreamMode", "PROVISIONED"),
        ("StreamShards", "2"),
        ("AccessLogs", "disabled"),
        // A receiver on the same machine.
        ("WebhookTargets", "any"),
        ("Architecture", architecture),
    ];
    let mut parameters: Vec<_> = defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for given in &setting.options.parameters {
        let (name, value) =
            given.split_once('=').ok_or_else(|| Failure(format!("--parameter {given} is not NAME=VALUE")))?;
        parameters.retain(|(known, _)| known != name);
        parameters.push((name.to_owned(), value.to_owned()));
    }
    Ok(parameters)
}

fn check_binaries(layout: &Layout, facts: &Facts) -> Result<(), Failure> {
    let mut binaries = facts.functions.iter().map(|function| layout.binaries.join(&function.binary));
    match binaries.find(|binary| !binary.is_file()) {
        None => Ok(()),
        Some(missing) => Err(Failure(format!("{} is not built", missing.display()))),
    }
}

pub(crate) async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.because(format!("cannot listen on port {port}"))
}
