//! Asks for an export of each kind over the API and watches its state.

use serde_json::{Value, json};

use crate::{
    local::stack::Stack,
    sample::{Kind, Sample},
    say::Outcome,
    web::Client,
};

/// An export that was asked for.
pub(crate) struct Export {
    /// What it holds.
    pub(crate) kind: Kind,
    /// Its id.
    pub(crate) id: String,
}

/// Asks for the export of one kind over the sample's days.
pub(crate) fn ask(client: &Client, stack: &Stack, sample: &Sample, kind: Kind) -> Outcome<Export> {
    let (start_date, end_date) = sample.dates(kind);
    let request = json!({
        "app_token": stack.keys.app_token,
        "kind": kind.name(),
        "start_date": start_date,
        "end_date": end_date,
        "timezone": kind.zone().name(),
        "email": stack.keys.email,
    });
    let bearer = format!("Bearer {}", stack.keys.api_key);
    let url = format!("{}/v1/exports", stack.place.api_url);
    let answer = client.post(&url, &[("Authorization", &bearer)], &request)?.json(&[202])?;
    let id = answer.get("export_id").and_then(Value::as_str);
    let id = id.ok_or_else(|| format!("{url}: the answer names no export_id: {answer}"))?;
    Ok(Export { kind, id: id.to_owned() })
}

/// The state of an export as the API tells it; an error when it can no longer end well.
pub(crate) fn state(client: &Client, stack: &Stack, export: &Export) -> Outcome<String> {
    let url = format!("{}/v1/exports/{}", stack.place.api_url, export.id);
    let answer = client.get(&url, Some(&stack.keys.api_key))?.json(&[200])?;
    let status = answer.get("status").and_then(Value::as_str).unwrap_or("unknown");
    match status {
        "queued" | "running" | "done" => Ok(status.to_owned()),
        _ => {
            let error = answer.get("error").filter(|error| !error.is_null());
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            Err(format!("the export {} of kind {} is {status}{error}", export.id, export.kind.name()))
        }
    }
}
