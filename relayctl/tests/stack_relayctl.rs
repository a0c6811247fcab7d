//! The program itself, against table `control` of the local stack. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use serde_json::Value;
use support::Stack;

#[tokio::test]
async fn what_an_owner_asks_beside_the_key_is_kept_as_it_was_said() {
    let Some(stack) = Stack::of("asks").await else { return };
    let name = stack.owner.as_str();
    stack.json(&["source", "add", name, "203.0.113.0/24", "--for", "callbacks"]);
    stack.json(&["source", "add", name, "2001:DB8::/32", "--for", "activities"]);
    assert!(stack.refusal(&["signing", "require", name]).contains("relayctl signing new"));
    let secret = stack.json(&["signing", "new", name]);
    assert!(secret["secret"].as_str().unwrap().starts_with("relay_signing_"));
    let owner = stack.json(&["signing", "require", name]);
    assert_eq!(owner["callback_sources"][0], "203.0.113.0/24");
    assert_eq!(owner["activity_sources"][0], "2001:db8::/32");
    assert_eq!(
        (&owner["signature_required"], &owner["signing_secrets"][0]["secret_id"]),
        (&true.into(), &secret["secret_id"])
    );
    assert!(!owner.to_string().contains("relay_signing_"), "shown once");

    stack.json(&["signing", "relax", name]);
    stack.json(&["signing", "revoke", name, secret["secret_id"].as_str().unwrap()]);
    stack.json(&["source", "remove", name, "203.0.113.0/24", "--for", "callbacks"]);
    let owner = stack.json(&["source", "remove", name, "2001:db8::/32", "--for", "activities"]);
    for list in ["callback_sources", "activity_sources", "signing_secrets"] {
        assert_eq!(owner[list], Value::Array(vec![]), "{list}");
    }
}

#[tokio::test]
async fn an_owner_comes_to_its_apps_domains_events_and_keys() {
    let Some(stack) = Stack::of("ctl").await else { return };
    let (name, app) = (format!("{}-new", stack.owner), format!("{}.new", stack.app));
    let (name, app) = (name.as_str(), app.as_str());

    let owner = stack.json(&["owner", "add", name, "--retention-days", "30"]);
    assert_eq!((owner["owner"].as_str(), owner["retention_days"].as_u64()), (Some(name), Some(30)));
    assert!(stack.refusal(&["owner", "add", name]).contains("exists already"));
    stack.json(&["app", "add", name, app]);
    assert!(stack.refusal(&["app", "add", "demo-of-nobody", app]).contains("does not exist"));
    stack.json(&["domain", "add", name, "Example.com"]);
    stack.json(&["event", "add", name, "abc123"]);
    let key = stack.json(&["key", "new", name, "--role", "ingest"]);
    assert!(key["key"].as_str().unwrap().starts_with("relay_ingest_"));

    let owner = stack.json(&["owner", "show", name]);
    assert_eq!(owner["apps"][0], app);
    assert_eq!(owner["mail_domains"][0], "example.com");
    assert_eq!(owner["event_tokens"][0], "abc123");
    assert_eq!(owner["keys"][0]["key_id"], key["key_id"]);
    let listed = stack.json(&["owner", "list"]);
    assert!(listed["owners"].as_array().unwrap().contains(&owner));

    stack.json(&["key", "revoke", name, key["key_id"].as_str().unwrap()]);
    stack.json(&["event", "remove", name, "abc123"]);
    stack.json(&["domain", "remove", name, "example.com"]);
    let owner = stack.json(&["app", "remove", name, app]);
    for list in ["apps", "mail_domains", "event_tokens", "keys"] {
        assert_eq!(owner[list], Value::Array(vec![]), "{list}");
    }
}

#[tokio::test]
async fn a_deployed_stacks_parts_are_found_by_its_outputs() {
    let Some(stack) = Stack::of("outputs").await else { return };
    for (named, arguments) in [("", ["--stack", "relay", "owner", "show"]), ("relay", ["--as", "kim", "owner", "show"])]
    {
        let shown = stack.deployed(named, &[&arguments[..], &[&stack.owner, "--json"]].concat());
        assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
        let owner: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(owner["owner"], stack.owner.as_str());
    }
    let none = stack.deployed("", &["--stack", "nonesuch", "owner", "list"]);
    let complaint = String::from_utf8_lossy(&none.stderr).into_owned();
    assert_eq!(none.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("there is no stack `nonesuch` in"), "{complaint}");
    let nowhere = stack.deployed("", &["doctor"]);
    let complaint = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(complaint.contains("--local for the one on this machine, or --stack NAME"), "{complaint}");
}
