//! Lambda's events in and out; they stop here.

use lambda_runtime::{Diagnostic, LambdaEvent};
use relay::port::{ControlTable, LinkSigner, Mailer};
use relay_lambda::{metrics, process};
use serde_json::Value;

use crate::{App, NotifyError, occasion};

/// Handles an event. One that is none of ours is logged and done with; one that fails comes again.
pub async fn handle<C, S, M>(app: &App<C, S, M>, event: LambdaEvent<Value>) -> Result<(), NotifyError>
where
    C: ControlTable,
    S: LinkSigner,
    M: Mailer,
{
    let now = process::now_ms();
    let result = match occasion::read(event.payload) {
        // A mail's future is large: it holds the export and its letter.
        Ok(event) => Box::pin(app.notify(&event, now)).await.map(drop),
        Err(reason) => {
            tracing::warn!(reason, "an event was left alone");
            Ok(())
        }
    };
    if let Err(error) = &result {
        log(error);
    }
    if let Ok(mut counters) = app.counters.lock() {
        metrics::emit(&std::mem::take(&mut *counters).flush(now));
    }
    result
}

fn log(error: &NotifyError) {
    match error {
        NotifyError::Fault(_) => tracing::error!(%error, "the mail is not out; the event comes again"),
        NotifyError::NotSettled(_) | NotifyError::InProgress(_) => {
            tracing::warn!(%error, "too early to tell; the event comes again");
        }
    }
}

impl From<NotifyError> for Diagnostic {
    fn from(error: NotifyError) -> Self {
        let name = match &error {
            NotifyError::Fault(_) => "Notify.Fault",
            NotifyError::NotSettled(_) => "Notify.NotSettled",
            NotifyError::InProgress(_) => "Notify.InProgress",
        };
        Self { error_type: name.to_owned(), error_message: error.to_string() }
    }
}
