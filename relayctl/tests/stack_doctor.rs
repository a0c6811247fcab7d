//! Doctor on the running stack: every part answers, and what goes wrong is told. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use bytes::Bytes;
use relay::address::{Unreachable, Why};
use relay::port::{ControlTable as _, Record, Stream as _};
use relay_aws::kinesis::AwsStream;
use relay_lambda::process;
use serde_json::Value;
use support::Stack;

impl Stack {
    /// What doctor finds, by part.
    fn found(&self, part: &str) -> Value {
        let (_, documents) = self.documents(&["doctor"]);
        let findings = documents[0]["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["part"] == part).cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn every_part_answers_and_the_exit_code_says_whether_all_is_well() {
    let Some(stack) = Stack::of("doctor").await else { return };
    let (code, documents) = stack.documents(&["doctor"]);
    let report = &documents[0];
    assert_eq!(report["unknown"], 0, "{report}");
    let parts: Vec<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|finding| finding["part"].as_str()).collect();
    for part in
        ["stack", "clock", "stream", "backlog", "spill queue", "table pages", "agenda", "mail sender", "mail quota"]
    {
        assert!(parts.contains(&part), "{part}: {parts:?}");
    }
    let expected = if report["wrong"] == 0 { 0 } else { 3 };
    assert_eq!(code, Some(expected), "{report}");

    let text = stack.deployed("relay", &["doctor"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("stack relay, 2") && text.contains(" ok, "), "{text}");
}

#[tokio::test]
async fn poison_and_a_bounced_mail_are_told_with_what_to_do() {
    let Some(stack) = Stack::of("poisoned").await else { return };
    let record = Record { partition_key: "p".to_owned(), data: Bytes::from(process::trace_id()) };
    assert_eq!(AwsStream::new(&stack.aws, stack.get("stream")).put(&[record]).await, [Ok(())]);
    stack.drained().await;
    let quarantine = stack.found("quarantine");
    assert_eq!(quarantine["level"], "warn", "{quarantine}");
    assert!(quarantine["runbook"].as_str().unwrap().contains("QuarantineDayAlarm"), "{quarantine}");

    let mark = Unreachable {
        owner: stack.owner.clone(),
        email: "kim@example.com".to_owned(),
        reason: Why::Bounced,
        since: process::now_ms(),
        detail: "no such mailbox".to_owned(),
        export_id: process::trace_id(),
    };
    stack.control().commit(&[mark.mark().unwrap()]).await.unwrap();
    let addresses = stack.found("addresses");
    let found = addresses["found"].as_str().unwrap();
    assert!(found.contains(&format!("1 of {}", stack.owner)) && !found.contains("kim@"), "{addresses}");
}
