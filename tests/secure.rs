//! A stack of its own on which everything is done that there is to do, well and badly, through the recording proxy. Then: no log holds a key, a secret, an
//! address, a device id or a body; and each function was seen to call what its policy allows, and nothing else. Run by `cargo xtask test secure`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "secure/calls.rs"]
mod calls;
#[path = "secure/door.rs"]
mod door;
#[path = "secure/exports.rs"]
mod exports;
#[path = "infrastructure/grants.rs"]
mod grants;
#[path = "secure/secrets.rs"]
mod secrets;
#[path = "infrastructure/template.rs"]
#[allow(dead_code, reason = "the tests of infrastructure ask more of it")]
mod template;
#[path = "tree.rs"]
#[allow(dead_code, reason = "the tests of infrastructure ask more of it")]
mod tree;
#[path = "secure/world.rs"]
mod world;

use std::io::Write as _;

use relay_tests::stage::{Programs, Stage};
use world::World;

#[test]
fn no_log_holds_a_secret_and_no_call_is_beyond_its_policy() {
    let Some(programs) = Programs::from_env("RELAY_SECURE") else {
        let skipped =
            "no_log_holds_a_secret_and_no_call_is_beyond_its_policy is SKIPPED: `cargo xtask test secure` runs it";
        return writeln!(std::io::stderr(), "{skipped}").expect("stderr can be written");
    };
    let stage = Stage::start(&programs, "secure", &["MaxConcurrentExports=2", "BatchWindowSeconds=0"]);
    let mut world = World::new(&stage);
    door::callbacks(&mut world);
    door::batches(&mut world);
    door::faults(&mut world);
    exports::asked(&mut world);
    exports::refused(&mut world);
    exports::faults(&mut world);
    exports::in_line(&world);
    exports::recurring(&mut world);
    exports::erased(&mut world);
    exports::nonsense(&mut world);
    let mut complaints = calls::beyond(&stage);
    complaints.extend(calls::unseen(&stage));
    let (secrets, logs) = (world.secrets, stage.folder().join("logs"));
    // What is written at the very end is looked at, too.
    drop(stage);
    complaints.extend(secrets.found_in(&logs));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
