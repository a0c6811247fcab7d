//! schemathesis at the running stack: requests made from the contract, answers held against it.

use std::process::Command;

use serde_json::json;

use crate::{
    local::{
        needs, owner,
        place::Root,
        python,
        stack::{Place, Stack},
    },
    os,
    say::{self, Outcome},
    web::Client,
};

/// An owner of its own: what is made up from the contract is nobody else's rows, exports or mails.
const OWNER: &str = "contract";
/// Its app and mail domain: those of the contract's examples and of `schemathesis.toml`.
const APP: &str = "acme-app";
const DOMAIN: &str = "acme.example";

/// Exercises the contract that the stack serves.
pub(crate) fn exercise(root: &Root, stack: &Stack) -> Outcome<()> {
    python::prepare(root, python::SCHEMATHESIS, needs::check()?)?;
    owner::add(root, OWNER, APP, DOMAIN)?;
    let ingest_key = owner::new_key(root, OWNER, owner::Role::Ingest)?;
    let api_key = owner::new_key(root, OWNER, owner::Role::Api)?;
    let done = say::step("requests made from the contract, by schemathesis", || {
        send_activities(&stack.place, &ingest_key.secret)?;
        schemathesis(root, &stack.place, &ingest_key.secret, &api_key.secret)
    });
    owner::revoke(root, OWNER, &ingest_key)?;
    owner::revoke(root, OWNER, &api_key)?;
    done
}

/// An activity of each kind, of now: so that there is something to export.
fn send_activities(place: &Place, ingest_key: &str) -> Outcome<()> {
    let now = os::now_ms();
    let activity = |kind: &str| json!({"kind": kind, "app_token": APP, "created_at": now, "event_id": now.to_string()});
    let batch = ["install", "reattribution", "event"].map(activity);
    let url = format!("{}/v1/activities", place.api_url);
    let bearer = format!("Bearer {ingest_key}");
    let answer = Client::new().post(&url, &[("Authorization", &bearer)], &json!(batch))?.json(&[200])?;
    if answer.get("accepted") == Some(&json!(batch.len())) { Ok(()) } else { Err(format!("{url} answered {answer}")) }
}

fn schemathesis(root: &Root, place: &Place, ingest_key: &str, api_key: &str) -> Outcome<()> {
    let mut command = Command::new(root.relay("contract-venv/bin/schemathesis"));
    command.args(["--config-file", "tests/contract/schemathesis.toml", "run"]);
    command.arg(format!("{}/v1/openapi.yaml", place.api_url)).current_dir(root.path());
    command.env("RELAY_INGEST_KEY", ingest_key).env("RELAY_API_KEY", api_key);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("schemathesis ended with {status}")),
        Err(error) => Err(format!("cannot run schemathesis: {error}")),
    }
}
