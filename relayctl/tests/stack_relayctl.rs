//! The program itself, against table `control` of the local stack. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn stack(test: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the one place where these tests ask for their stack")]
    let Ok(path) = std::env::var("RELAY_STACK") else {
        // Not `eprintln!`, which the test harness keeps to itself.
        let line = format!("skipped: {test}: RELAY_STACK names no stack.json (cargo xtask up)\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    // `.relay/stack.json` → the checkout that `--local` finds it from.
    Some(Path::new(&path).parent().unwrap().parent().unwrap().to_owned())
}

fn relayctl(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relayctl"));
    command.current_dir(folder).arg("--local").args(arguments).output().unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = relayctl(folder, &[arguments, &["--json"]].concat());
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let output = relayctl(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_an_owner_asks_beside_the_key_is_kept_as_it_was_said() {
    let Some(folder) = stack("relayctl") else { return };
    let name = format!("asks-{}", std::process::id());
    let name = name.as_str();
    json(&folder, &["owner", "add", name]);
    json(&folder, &["source", "add", name, "203.0.113.0/24", "--for", "callbacks"]);
    json(&folder, &["source", "add", name, "2001:DB8::/32", "--for", "activities"]);
    assert!(refusal(&folder, &["signing", "require", name]).contains("relayctl signing new"));
    let secret = json(&folder, &["signing", "new", name]);
    assert!(secret["secret"].as_str().unwrap().starts_with("relay_signing_"));
    let owner = json(&folder, &["signing", "require", name]);
    assert_eq!(owner["callback_sources"][0], "203.0.113.0/24");
    assert_eq!(owner["activity_sources"][0], "2001:db8::/32");
    assert_eq!(
        (&owner["signature_required"], &owner["signing_secrets"][0]["secret_id"]),
        (&true.into(), &secret["secret_id"])
    );
    assert!(!owner.to_string().contains("relay_signing_"), "shown once");

    json(&folder, &["signing", "relax", name]);
    json(&folder, &["signing", "revoke", name, secret["secret_id"].as_str().unwrap()]);
    json(&folder, &["source", "remove", name, "203.0.113.0/24", "--for", "callbacks"]);
    let owner = json(&folder, &["source", "remove", name, "2001:db8::/32", "--for", "activities"]);
    for list in ["callback_sources", "activity_sources", "signing_secrets"] {
        assert_eq!(owner[list], Value::Array(vec![]), "{list}");
    }
}

#[test]
fn an_owner_comes_to_its_apps_domains_events_and_keys() {
    let Some(folder) = stack("relayctl") else { return };
    let (name, app) = (format!("ctl-{}", std::process::id()), format!("ctl.{}", std::process::id()));
    let (name, app) = (name.as_str(), app.as_str());

    let owner = json(&folder, &["owner", "add", name, "--retention-days", "30"]);
    assert_eq!((owner["owner"].as_str(), owner["retention_days"].as_u64()), (Some(name), Some(30)));
    assert!(refusal(&folder, &["owner", "add", name]).contains("exists already"));
    json(&folder, &["app", "add", name, app]);
    assert!(refusal(&folder, &["app", "add", "demo-of-nobody", app]).contains("does not exist"));
    json(&folder, &["domain", "add", name, "Example.com"]);
    json(&folder, &["event", "add", name, "abc123"]);
    let key = json(&folder, &["key", "new", name, "--role", "ingest"]);
    assert!(key["key"].as_str().unwrap().starts_with("relay_ingest_"));

    let owner = json(&folder, &["owner", "show", name]);
    assert_eq!(owner["apps"][0], app);
    assert_eq!(owner["mail_domains"][0], "example.com");
    assert_eq!(owner["event_tokens"][0], "abc123");
    assert_eq!(owner["keys"][0]["key_id"], key["key_id"]);
    let listed = json(&folder, &["owner", "list"]);
    assert!(listed["owners"].as_array().unwrap().contains(&owner));

    json(&folder, &["key", "revoke", name, key["key_id"].as_str().unwrap()]);
    json(&folder, &["event", "remove", name, "abc123"]);
    json(&folder, &["domain", "remove", name, "example.com"]);
    let owner = json(&folder, &["app", "remove", name, app]);
    for list in ["apps", "mail_domains", "event_tokens", "keys"] {
        assert_eq!(owner[list], Value::Array(vec![]), "{list}");
    }
}
