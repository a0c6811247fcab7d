//! The stack is stopped in order right after a batch was acknowledged, and started again: what was acknowledged is in the file.
//! Needs a stack, named by `RELAY_STACK`; it is the same one afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use relay_tests::stack::{Stack, column};

fn xtask(root: &Path, arguments: &[&str]) {
    let cargo = relay_lambda::process::env("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let output = Command::new(cargo).current_dir(root).arg("xtask").args(arguments).output().expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo xtask {arguments:?}: {said}");
}

#[test]
fn what_was_acknowledged_before_a_stop_is_there_after_a_start() {
    let case = "what_was_acknowledged_before_a_stop_is_there_after_a_start";
    let Some(stack) = Stack::running(case) else { return };
    let path = PathBuf::from(relay_lambda::process::env("RELAY_STACK").expect("the stack has a path"));
    let root = path.parent().and_then(Path::parent).expect("stack.json stands in .relay of the checkout");
    let ids = stack.send_installs(300);
    xtask(root, &["down"]);
    xtask(root, &["up", "--detach", "--no-sample"]);
    let stack = Stack::running(case).expect("the stack is up again");
    let day = relay_lambda::process::now_ms().div_euclid(86_400_000);
    let file = stack.export("install", &relay::time::date_of_day(day - 2), &relay::time::date_of_day(day));
    // Other rows of these days are other tests' matter.
    let mut rows: Vec<String> = column(&file, "event_id").into_iter().filter(|id| ids.contains(id)).collect();
    let count = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), count, "a row is there twice");
    let lost: Vec<_> = ids.iter().filter(|id| rows.binary_search(id).is_err()).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}
