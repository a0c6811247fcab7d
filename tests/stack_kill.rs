//! Function processes are killed while callbacks come in and a file is written: nothing acknowledged is lost, nothing is twice.
//! Needs a stack, named by `RELAY_STACK`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use relay_tests::kill::while_killing;
use relay_tests::stack::{Stack, column};
use relay_tests::wait::until;
use serde_json::{Value, json};

/// Sends one batch as an SDK does: again, whole, until it is acknowledged.
fn deliver(stack: &Stack, ids: &[String], created_at: i64) {
    let item = |id: &String| json!({"kind": "reattribution", "app_token": stack.get("app_token"), "created_at": created_at, "event_id": id});
    let body: Value = ids.iter().map(item).collect();
    let acknowledged = until(Duration::from_mins(1), || {
        let (status, answer) = stack.call("POST", "/v1/activities", "ingest_key", Some(&body));
        assert!(matches!(status, 200 | 500 | 502 | 503 | 504), "{status} {answer}");
        (status == 200).then_some(())
    });
    acknowledged.expect("the door opens again");
}

#[test]
fn killed_processes_lose_and_double_nothing() {
    let Some(stack) = Stack::running("killed_processes_lose_and_double_nothing") else { return };
    let host = stack.number("pid");
    let run = relay_lambda::process::trace_id();
    let now = relay_lambda::process::now_ms();
    let batches: Vec<Vec<String>> =
        (0..60).map(|batch| (0..20).map(|n| format!("kill-{run}-{batch}-{n}")).collect()).collect();
    let killed = while_killing(
        host,
        &["ingest", "batch-writer"],
        usize::MAX,
        || true,
        |_| {
            for (batch, ids) in (0i64..).zip(&batches) {
                deliver(&stack, ids, now - batch * 60_000);
            }
        },
    );
    assert!(killed > 0, "no process was there to kill");
    let expected: BTreeSet<String> = batches.into_iter().flatten().collect();
    let start = relay::time::date_of_day((now - 3_600_000).div_euclid(86_400_000));
    let end = relay::time::date_of_day(now.div_euclid(86_400_000));
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let mut file = Vec::new();
    // The worker is killed, too; the state machine tries the step again.
    while_killing(host, &["export-worker"], 2, || true, |_| file = stack.export("reattribution", &start, &end));
    for id in column(&file, "event_id").into_iter().filter(|id| id.contains(&run)) {
        *rows.entry(id).or_default() += 1;
    }
    let lost: Vec<_> = expected.iter().filter(|id| !rows.contains_key(*id)).collect();
    let doubled: Vec<_> = rows.iter().filter(|(_, times)| **times > 1).collect();
    assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, doubled {doubled:?}, {killed} processes killed");
}
