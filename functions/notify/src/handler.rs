//! EventBridge's events in; they stop here.

use lambda_runtime::{Diagnostic, LambdaEvent};
use relay::export::{is_export_id, parse_object_key};
use relay::owner::is_owner_name;
use relay::port::{ControlTable, LinkSigner, Mailer};
use relay_lambda::{metrics, process};
use serde::Deserialize;
use serde_json::Value;

use crate::App;
use crate::deliver::{Cause, Happened, NotifyError};

/// Sends the mail that the event's export calls for. An error makes EventBridge's asynchronous invocation come again, twice, then go to the dead-letter queue.
pub async fn handle<C, L, M>(app: &App<C, L, M>, event: LambdaEvent<Value>) -> Result<(), Diagnostic>
where
    C: ControlTable,
    L: LinkSigner,
    M: Mailer,
{
    let now = process::now_ms();
    let Some(cause) = cause(event.payload) else {
        // Nobody's export: a retry would find the same.
        tracing::warn!("an event that belongs to no export");
        return Ok(());
    };
    let outcome = app.deliver(&cause, now).await;
    if let Ok(mut counters) = app.counters.lock() {
        metrics::emit(&counters.flush(now));
    }
    outcome.map_err(|error| {
        tracing::error!(%error, export_id = cause.export_id, "the mail is not sent yet");
        diagnostic(&error)
    })
}

fn diagnostic(error: &NotifyError) -> Diagnostic {
    Diagnostic { error_type: error.name().to_owned(), error_message: error.to_string() }
}

#[derive(Deserialize)]
struct Event {
    source: String,
    detail: Value,
}

#[derive(Deserialize)]
struct ExecutionInput {
    owner: String,
    export_id: String,
}

/// What an event says: the object's key names its export, or the execution's input does.
fn cause(event: Value) -> Option<Cause> {
    let Event { source, detail } = serde_json::from_value(event).ok()?;
    if source == "aws.s3" {
        let (owner, export_id) = parse_object_key(detail.get("object")?.get("key")?.as_str()?)?;
        return Some(Cause { owner: owner.to_owned(), export_id: export_id.to_owned(), what: Happened::ObjectCreated });
    }
    let input: ExecutionInput = serde_json::from_str(detail.get("input")?.as_str()?).ok()?;
    let what = Happened::ExecutionEnded(detail.get("name")?.as_str()?.to_owned());
    let is_ours = is_owner_name(&input.owner) && is_export_id(&input.export_id);
    is_ours.then_some(Cause { owner: input.owner, export_id: input.export_id, what })
}
