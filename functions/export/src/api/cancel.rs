//! `DELETE /v1/exports/{id}`.

use relay::audit::Action;
use relay::control::CommitError;
use relay::export::queue::Waiting;
use relay::export::{Status, store};
use relay::fault::{Fault, FaultKind};
use relay::http::Response;
use relay::metric::{Labels, Metric};
use relay::port::ControlTable;
use relay::tenancy;
use serde_json::Value;

use super::{Api, Call, Caller, Ports, Refusal, problem};

/// How often to try again when the worker or a dispatcher writes the export at the same time.
const MAX_ATTEMPTS: usize = 8;

impl<W: Ports> Api<W> {
    /// Takes an export back. The worker finds out with its next checkpoint at the latest; its slot goes to who waits.
    pub(super) async fn cancel(&self, call: &Call<'_>, caller: &Caller, id: &str) -> Result<Response, Refusal> {
        let owner = &caller.owner;
        for _ in 0..MAX_ATTEMPTS {
            let (mut export, version) = self.load(owner, id).await?;
            if export.status.is_terminal() {
                let status = export.status_at(call.now, self.settings.retention_days);
                return Err(problem::already_ended(status.name()).into());
            }
            let waiting = tenancy::find::<Waiting>(&self.control, Waiting::key_for(&export)).await?;
            export.finish(Status::Cancelled, call.now);
            let mut writes = store::ending(&export, version)?;
            writes.extend(waiting.iter().flat_map(|(waiting, _)| waiting.leave()));
            writes.push(caller.did(Action::ExportCancelled, id).write()?);
            match self.control.commit(&writes).await {
                Ok(()) => {}
                Err(CommitError::Conflict(_)) => continue,
                Err(CommitError::Fault(fault)) => return Err(fault.into()),
            }
            tracing::info!(owner, export_id = id, trace_id = call.trace_id, "cancelled");
            self.count(Metric::ExportsCancelled, Labels::NONE);
            let shown = self.show(&[export], call.now).await?;
            return Ok(Response::json(200, shown.first().unwrap_or(&Value::Null)));
        }
        let detail = format!("export {id} was written by others each time");
        Err(Fault::new(FaultKind::Unavailable, "control:Commit", detail).into())
    }
}
