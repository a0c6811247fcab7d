//! The demo owner, registered as an operator would: through `relayctl`.

use std::process::Command;

use serde_json::{Value, json};

use super::{
    place::Root,
    stack::{self, Keys, Place, Stack},
};
use crate::{
    say::{self, Outcome},
    web::Client,
};

/// The demo owner's name.
pub(crate) const OWNER: &str = "demo";
/// Its app.
const APP: &str = "demo-app";
/// Its mail domain.
const DOMAIN: &str = "example.com";
/// Where its mail goes.
const EMAIL: &str = "demo@example.com";

/// Leaves `.relay/stack.json` with keys that are valid: the earlier ones if they still are, else new ones.
pub(crate) fn register(root: &Root, client: &Client, place: Place) -> Outcome<Stack> {
    let file = root.relay(stack::FILE);
    if let Some(keys) = stack::earlier_keys(root)
        && are_valid(client, &place, &keys)?
    {
        let stack = Stack { place, keys };
        stack::write(&file, &stack)?;
        return Ok(stack);
    }
    say::step(&format!("register the owner {OWNER} with the app {APP} and the domain {DOMAIN}"), || {
        // relayctl finds the stack by this file.
        stack::write(&file, &place)?;
        add(root, OWNER, APP, DOMAIN)?;
        let keys = Keys {
            app_token: APP.to_owned(),
            ingest_key: new_key(root, OWNER, Role::Ingest)?.secret,
            api_key: new_key(root, OWNER, Role::Api)?.secret,
            email: EMAIL.to_owned(),
        };
        let stack = Stack { place, keys };
        stack::write(&file, &stack)?;
        Ok(stack)
    })
}

/// Gives the demo owner another app.
pub(crate) fn add_app(root: &Root, app_token: &str) -> Outcome<()> {
    relayctl(root, &["app", "add", OWNER, app_token]).map(drop)
}

/// Whether both keys still open their doors.
fn are_valid(client: &Client, place: &Place, keys: &Keys) -> Outcome<bool> {
    let account = client.get(&format!("{}/v1/account", place.api_url), Some(&keys.api_key))?;
    let bearer = format!("Bearer {}", keys.ingest_key);
    let url = format!("{}/v1/activities", place.api_url);
    // Nothing to store: only the key is looked at.
    let nothing = client.post(&url, &[("Authorization", &bearer)], &json!([]))?;
    Ok(account.status == 200 && nothing.status != 401)
}

/// What a key is for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Callbacks and activities.
    Ingest,
    /// Exports.
    Api,
}

/// A key that was just made.
pub(crate) struct Key {
    /// What it is sent as.
    pub(crate) secret: String,
    /// What it is revoked by.
    pub(crate) id: String,
}

/// Adds an owner with an app and a mail domain; what is there already stays.
pub(crate) fn add(root: &Root, owner: &str, app_token: &str, domain: &str) -> Outcome<()> {
    let found = relayctl(root, &["owner", "show", owner]);
    let found = found.or_else(|_| relayctl(root, &["owner", "add", owner]))?;
    let has = |list: &str, name: &str| {
        found.get(list).and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| known == name))
    };
    if !has("apps", app_token) {
        relayctl(root, &["app", "add", owner, app_token])?;
    }
    if !has("mail_domains", domain) {
        relayctl(root, &["domain", "add", owner, domain])?;
    }
    Ok(())
}

/// Makes a key.
pub(crate) fn new_key(root: &Root, owner: &str, role: Role) -> Outcome<Key> {
    let role = match role {
        Role::Ingest => "ingest",
        Role::Api => "api",
    };
    let answer = relayctl(root, &["key", "new", owner, "--role", role])?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let key = text("key").zip(text("key_id")).map(|(secret, id)| Key { secret, id });
    key.ok_or_else(|| format!("relayctl key new --role {role} answered no key"))
}

/// Revokes a key.
pub(crate) fn revoke(root: &Root, owner: &str, key: &Key) -> Outcome<()> {
    relayctl(root, &["key", "revoke", owner, &key.id]).map(drop)
}

/// Runs one verb of relayctl against the local stack.
fn relayctl(root: &Root, arguments: &[&str]) -> Outcome<Value> {
    let program = root.program("relayctl");
    let mut command = Command::new(&program);
    let output = command.args(["--local", "--json"]).args(arguments).current_dir(root.path()).output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let what = format!("relayctl {}", arguments.join(" "));
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what} failed ({}): {}", output.status, said.trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{what} answered no JSON: {error}"))
}
