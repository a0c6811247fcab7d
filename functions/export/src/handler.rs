//! Lambda's events in and out; they stop here.

use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_runtime::{Diagnostic, LambdaEvent};
use relay::export::{Status, store};
use relay::fault::Fault;
use relay::metric::{Counters, Labels, Metric};
use relay::port::{Backlog, ControlTable, Executions, ExportFiles, Hooks, Leavings, PageEdits, PageStore, Tails};
use relay_lambda::{gateway, metrics, process};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::agenda::Agenda;
use crate::api::{Api, Call, Ports};
use crate::dispatch::Dispatcher;
use crate::erase::Eraser;
use crate::worker::{Clock, StepError, StepStatus, Worker};

/// What is kept of an invocation's time for the answer's own way out: milliseconds.
const ANSWER_MS: i64 = 1000;

/// How long before a tick's deadline no more is erased: milliseconds. A call of the table that does not answer may take as long.
const ERASING_ENDS_MS: i64 = 20_000;

/// Answers one call of the export API. Always an answer: what goes wrong, or takes too long, is a problem on the wire.
pub async fn answer<W: Ports>(
    api: &Api<W>,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, Infallible> {
    let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX).saturating_sub(ANSWER_MS);
    let left = || Duration::from_millis(u64::try_from(deadline.saturating_sub(process::now_ms())).unwrap_or(0));
    let request = gateway::request(event.payload);
    let (random, secret, trace_id) = (process::random(), process::random(), process::trace_id());
    let call = Call { request: &request, now: process::now_ms(), random, secret, trace_id };
    // An answer's future is large: it holds every route's.
    let response = timeout(left(), Box::pin(api.answer(&call))).await.unwrap_or_else(|_| api.too_late(&call));
    if timeout(left(), api.follow_up(&call, &response)).await.is_err() {
        tracing::warn!(trace_id = call.trace_id, "the dispatcher ran out of time; its next tick will go on");
    }
    tell(&api.counters, call.now);
    Ok(gateway::response(response))
}

/// What `export-worker` needs, as worker and as dispatcher.
#[derive(Debug)]
pub struct WorkerApp<C, P, F, B, E, H> {
    /// Runs steps.
    pub worker: Worker<C, P, F, B>,
    /// The state machine.
    pub executions: E,
    /// Owners' webhooks.
    pub hooks: H,
    /// How many exports may run at a time.
    pub slots: u32,
    /// What was counted in this invocation.
    pub counters: Mutex<Counters>,
}

/// What the state machine asks for. Anything without an `action` is a tick of the dispatcher.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Task {
    Step { owner: String, export_id: String },
    Fail { owner: String, export_id: String, error: String },
}

/// Runs a step of an execution, or the dispatcher.
pub async fn work<C, P, F, B, E, H>(
    app: &WorkerApp<C, P, F, B, E, H>,
    event: LambdaEvent<Value>,
) -> Result<Value, StepError>
where
    C: ControlTable,
    P: PageStore + PageEdits,
    F: ExportFiles + Tails + Leavings,
    B: Backlog,
    E: Executions,
    H: Hooks,
{
    let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let export_id = event.payload.get("export_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    // A step's future is large: it holds a part, its reader and the upload under way.
    let result = Box::pin(app.work(event.payload, deadline, process::now_ms)).await;
    if let Err(error) = &result {
        tracing::error!(export_id, error = error.name(), detail = %error, "the step failed");
    }
    tell(&app.counters, process::now_ms());
    result
}

impl<C, P, F, B, E, H> WorkerApp<C, P, F, B, E, H>
where
    C: ControlTable,
    P: PageStore + PageEdits,
    F: ExportFiles + Tails + Leavings,
    B: Backlog,
    E: Executions,
    H: Hooks,
{
    /// An app over these ports.
    pub fn new(worker: Worker<C, P, F, B>, executions: E, hooks: H, slots: u32) -> Self {
        Self { worker, executions, hooks, slots, counters: Mutex::default() }
    }

    /// The same with time as an argument: `deadline` in milliseconds since the epoch.
    pub async fn work(&self, payload: Value, deadline: i64, now: impl Fn() -> i64) -> Result<Value, StepError> {
        if payload.get("action").is_none() {
            return self.tick(deadline, now).await;
        }
        let task: Task = serde_json::from_value(payload)
            // Without what was asked for: it is logged, and could be anything.
            .map_err(|_| {
                StepError::Invalid("an action is `step` or `fail`, of an owner and an export_id".to_owned())
            })?;
        let status = match task {
            Task::Step { owner, export_id } => {
                let status = self.worker.step(&owner, &export_id, &Clock::new(now, deadline)).await?;
                if ended(status).is_some() {
                    self.count_end(&owner, &export_id).await;
                }
                status
            }
            Task::Fail { owner, export_id, error } => self.worker.fail(&owner, &export_id, &error, now()).await?,
        };
        self.count(ended(status), 1);
        Ok(json!({"status": status.name()}))
    }

    async fn count_end(&self, owner: &str, export_id: &str) {
        let Ok(Some((export, _))) = store::load(&self.worker.control, owner, export_id).await else { return };
        if export.status == Status::Done {
            self.count(Some(Metric::ExportRows), usize::try_from(export.rows()).unwrap_or(usize::MAX));
        }
        if let Some((started, finished)) = export.started_at.zip(export.finished_at) {
            self.measure(Metric::ExportRunningMs, u64::try_from(finished - started).unwrap_or_default());
        }
    }

    /// What it could not judge is an error, after everything else was done: the invocation counts as failed, and somebody looks.
    async fn tick(&self, deadline: i64, now: impl Fn() -> i64) -> Result<Value, StepError> {
        let dispatcher = Dispatcher { control: &self.worker.control, executions: &self.executions, slots: self.slots };
        // Who waits in line first: what is due may be somebody's webhook that does not answer.
        let mut done = dispatcher.run(now()).await;
        let agenda = Agenda { control: &self.worker.control, files: &self.worker.files, hooks: &self.hooks };
        let due = agenda.run(&now).await;
        if due.runs_queued > 0 {
            done.add(dispatcher.run(now()).await);
        }
        self.count_standing(&dispatcher).await;
        self.count(Some(Metric::UploadsAborted), due.uploads_aborted);
        self.count(Some(Metric::ExportsRequested), due.runs_queued);
        self.count(Some(Metric::WebhooksDelivered), due.webhooks_delivered);
        self.count(Some(Metric::WebhooksFailed), due.webhooks_failed);
        self.count_faults(Metric::AgendaFaults, &due.faults);
        self.count(Some(Metric::ExportsStarted), done.started);
        done.waited.iter().for_each(|waited| self.measure(Metric::ExportWaitingMs, *waited));
        self.count(Some(Metric::ExportsFailed), done.failed);
        self.count_faults(Metric::DispatchFaults, &done.faults);
        // Last, since it takes all the time that is left.
        let eraser = Eraser { control: &self.worker.control, pages: &self.worker.pages };
        let taken_out = eraser.run(&now, deadline.saturating_sub(ERASING_ENDS_MS)).await;
        self.count(Some(Metric::RowsErased), usize::try_from(taken_out.rows).unwrap_or(usize::MAX));
        self.count_faults(Metric::AgendaFaults, &taken_out.faults);
        let told = json!({
            "carried_out": due.carried_out, "freed": done.freed, "started": done.started, "failed": done.failed,
            "erased": taken_out.rows,
        });
        due.faults
            .into_iter()
            .chain(done.faults)
            .chain(taken_out.faults)
            .next()
            .map_or(Ok(told), |fault| Err(fault.into()))
    }

    /// The line's length, for whoever looks at it: what cannot be read now is read in a minute.
    async fn count_standing(&self, dispatcher: &Dispatcher<'_, C, E>) {
        match dispatcher.standing().await {
            Ok((queued, running)) => {
                self.measure(Metric::ExportsQueued, queued as u64);
                self.measure(Metric::ExportsRunning, running as u64);
            }
            Err(fault) => tracing::warn!(%fault, "the line could not be measured"),
        }
    }

    fn count_faults(&self, metric: Metric, faults: &[Fault]) {
        for fault in faults {
            self.count_as(metric, Labels::NONE.reason(fault.kind.name()), 1);
        }
    }

    fn measure(&self, metric: Metric, value: u64) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.measure(metric, value);
        }
    }

    fn count(&self, metric: Option<Metric>, n: usize) {
        if let Some(metric) = metric {
            self.count_as(metric, Labels::NONE, n);
        }
    }

    fn count_as(&self, metric: Metric, labels: Labels, n: usize) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(metric, labels, n);
        }
    }
}

const fn ended(status: StepStatus) -> Option<Metric> {
    match status {
        StepStatus::Running | StepStatus::Waiting | StepStatus::Cancelled => None,
        StepStatus::Done => Some(Metric::ExportsDone),
        StepStatus::Empty => Some(Metric::ExportsEmpty),
        StepStatus::Failed => Some(Metric::ExportsFailed),
    }
}

/// Counts leave with the invocation that made them: there are few, and the environment may never run again.
fn tell(counters: &Mutex<Counters>, now: i64) {
    if let Ok(mut counters) = counters.lock() {
        metrics::emit(&std::mem::take(&mut *counters).flush(now));
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}
