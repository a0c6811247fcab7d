//! The export API: who asks, what for, and the answer.

use std::sync::Mutex;

use relay::audit::{Action, Actor, Record, Who};
use relay::fault::{Fault, FaultKind};
use relay::http::{Request, Response};
use relay::metric::{Counters, Labels, Metric};
use relay::owner::{Owner, Role};
use relay::problem::Problem;
use relay::tenancy;

use crate::dispatch::Dispatcher;

mod account;
mod arrivals;
mod bounded;
mod cancel;
mod contract;
mod create;
mod file;
mod link;
mod ports;
mod preview;
mod problem;
mod read;
mod schedules;
mod summary;
mod tally;
mod unsubscribe;

pub use ports::Ports;

/// What an operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest period of one export: days.
    pub max_export_days: u16,
    /// How many exports may run at a time.
    pub slots: u32,
    /// How long files live: days.
    pub retention_days: u16,
    /// Where the page is; `None` leaves the way back out of mails.
    pub site_url: Option<String>,
}

/// The API over its ports.
#[derive(Debug)]
pub struct Api<W: Ports> {
    /// Table `control`.
    pub control: W::Control,
    /// Table `pages`.
    pub pages: W::Pages,
    /// The stream's backlog.
    pub backlog: W::Backlog,
    /// The state machine.
    pub executions: W::Executions,
    /// Deletes files.
    pub files: W::Files,
    /// Makes links.
    pub signer: W::Signer,
    /// Sends mails.
    pub mailer: W::Mailer,
    /// What an operator decides.
    pub settings: Settings,
    /// What was counted in this invocation.
    pub counters: Mutex<Counters>,
}

/// One call, with the time and randomness it may use.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The request.
    pub request: &'a Request,
    /// Milliseconds since the epoch.
    pub now: i64,
    /// For a new export's id.
    pub random: [u8; 10],
    /// For what nobody may guess: random bytes of this call alone.
    pub secret: [u8; 32],
    /// The call's trace id.
    pub trace_id: String,
}

impl Call<'_> {
    fn actor(&self, who: Who) -> Actor {
        Actor { who, at: self.now, trace_id: self.trace_id.clone() }
    }
}

/// Whose API key came with a call.
struct Caller {
    owner: String,
    actor: Actor,
}

impl Caller {
    /// What is recorded of the call, for the commit of what it does.
    fn did(&self, action: Action, subject: &str) -> Record {
        self.actor.did(action, &self.owner, subject)
    }
}

/// Why a call has no good answer.
enum Refusal {
    Problem(Problem),
    Fault(Fault),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a path and method stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    /// What the owner of an API key may ask.
    Owned(Owned<'a>),
    Contract,
    /// Who has the token of a mail may.
    AskToUnsubscribe(&'a str),
    Unsubscribe(&'a str),
}

/// What the owner of an API key may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owned<'a> {
    Create,
    Preview,
    List,
    One(&'a str),
    Cancel(&'a str),
    Link(&'a str),
    File(&'a str),
    Account,
    Arrivals,
    Summary,
    Schedule,
    Schedules,
    OneSchedule(&'a str),
    Unschedule(&'a str),
}

impl<C, P, B, E, F, S, M> Api<(C, P, B, E, F, S, M)>
where
    (C, P, B, E, F, S, M):
        Ports<Control = C, Pages = P, Backlog = B, Executions = E, Files = F, Signer = S, Mailer = M>,
{
    /// An API over these ports, in the order of [`Ports`].
    pub fn new(ports: (C, P, B, E, F, S, M), settings: Settings) -> Self {
        let (control, pages, backlog, executions, files, signer, mailer) = ports;
        Self { control, pages, backlog, executions, files, signer, mailer, settings, counters: Mutex::default() }
    }
}

impl<W: Ports> Api<W> {
    /// The answer to a call. Every one carries the trace id.
    pub async fn answer(&self, call: &Call<'_>) -> Response {
        let response = match self.route(call).await {
            Ok(response) => response,
            Err(Refusal::Problem(problem)) => {
                self.count(Metric::Refused, Labels::NONE.reason(problem.kind.code()));
                tracing::debug!(trace_id = call.trace_id, code = problem.kind.code(), "refused");
                with_allow(problem.response(&call.trace_id), call.request)
            }
            Err(Refusal::Fault(fault)) => {
                tracing::error!(trace_id = call.trace_id, %fault, "a call failed");
                problem::unavailable().response(&call.trace_id)
            }
        };
        finished(response, call)
    }

    /// The answer to a call that ran out of time. What it began may be done or not, as when anything else does not answer.
    pub fn too_late(&self, call: &Call<'_>) -> Response {
        tracing::error!(trace_id = call.trace_id, "a call ran out of time");
        finished(problem::unavailable().response(&call.trace_id), call)
    }

    /// What follows from an answer, apart from it, so that however long it takes nobody who was queued is told otherwise: the dispatcher fills
    /// free slots at once. A cancelled export's execution is stopped by it, before its slot goes to who waits. What goes wrong the next tick mends.
    pub async fn follow_up(&self, call: &Call<'_>, answer: &Response) {
        let is_wanted = matches!((call.request.method.as_str(), answer.status), ("POST", 202) | ("DELETE", 200));
        if !is_wanted {
            return;
        }
        let dispatcher =
            Dispatcher { control: &self.control, executions: &self.executions, slots: self.settings.slots };
        let done = dispatcher.run(call.now).await;
        for waited in &done.waited {
            self.count(Metric::ExportsStarted, Labels::NONE);
            if let Ok(mut counters) = self.counters.lock() {
                counters.measure(Metric::ExportWaitingMs, *waited);
            }
        }
        for fault in &done.faults {
            self.count(Metric::DispatchFaults, Labels::NONE.reason(fault.kind.name()));
        }
    }

    async fn route(&self, call: &Call<'_>) -> Result<Response, Refusal> {
        match route(&call.request.method, &call.request.path)? {
            Route::Contract => Ok(contract::document()),
            Route::AskToUnsubscribe(token) => self.ask_to_unsubscribe(token).await,
            Route::Unsubscribe(token) => self.unsubscribe(call, token).await,
            Route::Owned(asked) => {
                let caller = self.authenticate(call).await?;
                self.answer_owner(call, &caller, asked).await
            }
        }
    }

    async fn answer_owner(&self, call: &Call<'_>, caller: &Caller, asked: Owned<'_>) -> Result<Response, Refusal> {
        let owner = &caller.owner;
        match asked {
            Owned::Create => self.create(call, caller).await,
            Owned::Preview => self.preview(call, owner).await,
            Owned::List => self.list(call, owner).await,
            Owned::One(id) => self.one(call, owner, id).await,
            Owned::Cancel(id) => self.cancel(call, caller, id).await,
            Owned::Link(id) => self.link(call, caller, id).await,
            Owned::File(id) => self.delete_file(call, caller, id).await,
            Owned::Account => self.account(owner).await,
            Owned::Arrivals => self.arrivals(call, owner).await,
            Owned::Summary => self.summary(call, owner).await,
            Owned::Schedule => self.create_schedule(call, caller).await,
            Owned::Schedules => self.list_schedules(call, owner).await,
            Owned::OneSchedule(id) => self.one_schedule(owner, id).await,
            Owned::Unschedule(id) => self.delete_schedule(call, caller, id).await,
        }
    }

    /// Whose API key it is. That the look-up failed is never the caller's fault.
    async fn authenticate(&self, call: &Call<'_>) -> Result<Caller, Refusal> {
        let secret = call.request.bearer().filter(|secret| !secret.is_empty()).ok_or_else(problem::missing_key)?;
        let record = tenancy::key_record(&self.control, secret).await?.ok_or_else(problem::unknown_key)?;
        match record.role {
            Role::Api => Ok(Caller { owner: record.owner, actor: call.actor(Who::Key(record.key_id)) }),
            Role::Ingest => Err(problem::ingest_key().into()),
        }
    }

    /// What is known of an owner. One with keys has a profile.
    async fn profile(&self, owner: &str) -> Result<Owner, Fault> {
        let missing =
            || Fault::new(FaultKind::Denied, "control:Get", format!("owner {owner} has keys, but no profile"));
        tenancy::owner(&self.control, owner).await?.ok_or_else(missing)
    }

    /// That the app is this owner's.
    async fn check_app(&self, app_token: &str, owner: &str) -> Result<(), Refusal> {
        let app = tenancy::app(&self.control, app_token).await?;
        if app.is_none_or(|app| app.owner != owner) {
            return Err(problem::foreign_app(app_token).into());
        }
        Ok(())
    }

    fn count(&self, metric: Metric, labels: Labels) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(metric, labels, 1);
        }
    }
}

/// What every answer carries. Nobody keeps a copy of one that does not say how long it may be used.
fn finished(response: Response, call: &Call<'_>) -> Response {
    let may_be_kept = response.headers.iter().any(|(name, _)| *name == "cache-control");
    let response = response.with_header("x-relay-trace-id", call.trace_id.clone());
    if may_be_kept { response } else { response.with_header("cache-control", "no-store") }
}

/// The methods a path takes, with what they stand for.
fn routes(path: &str) -> Vec<(&'static str, Route<'_>)> {
    match path {
        "/v1/exports" => return vec![("GET", Route::Owned(Owned::List)), ("POST", Route::Owned(Owned::Create))],
        "/v1/exports/preview" => return vec![("POST", Route::Owned(Owned::Preview))],
        "/v1/account" => return vec![("GET", Route::Owned(Owned::Account))],
        "/v1/openapi.yaml" => return vec![("GET", Route::Contract)],
        "/v1/arrivals" => return vec![("GET", Route::Owned(Owned::Arrivals))],
        "/v1/activities/summary" => return vec![("GET", Route::Owned(Owned::Summary))],
        "/v1/schedules" => {
            return vec![("GET", Route::Owned(Owned::Schedules)), ("POST", Route::Owned(Owned::Schedule))];
        }
        _ => {}
    }
    let single = |prefix: &str| path.strip_prefix(prefix).filter(|rest| !rest.is_empty() && !rest.contains('/'));
    if let Some(id) = single("/v1/schedules/") {
        return vec![("DELETE", Route::Owned(Owned::Unschedule(id))), ("GET", Route::Owned(Owned::OneSchedule(id)))];
    }
    if let Some(token) = single("/v1/unsubscribe/") {
        return vec![("GET", Route::AskToUnsubscribe(token)), ("POST", Route::Unsubscribe(token))];
    }
    match path.strip_prefix("/v1/exports/").map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        Some((id, "")) if path.ends_with(id) => {
            vec![("DELETE", Route::Owned(Owned::Cancel(id))), ("GET", Route::Owned(Owned::One(id)))]
        }
        Some((id, "link")) => vec![("POST", Route::Owned(Owned::Link(id)))],
        Some((id, "file")) => vec![("DELETE", Route::Owned(Owned::File(id)))],
        _ => Vec::new(),
    }
}

fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, Problem> {
    let routes = routes(path);
    if routes.is_empty() {
        return Err(problem::no_such_path());
    }
    let found = routes.iter().find(|(name, _)| *name == method).map(|(_, route)| *route);
    found.ok_or_else(|| problem::wrong_method(&methods(path)))
}

fn methods(path: &str) -> String {
    routes(path).iter().map(|(method, _)| *method).collect::<Vec<_>>().join(", ")
}

/// RFC 9110: a 405 says which methods there are.
fn with_allow(response: Response, request: &Request) -> Response {
    if response.status == 405 { response.with_header("allow", methods(&request.path)) } else { response }
}
