//! The page in a real browser: an advertiser's way from the key to the rows on a running stack, and every state that the page can be in, before an API that
//! answers as told.
//!
//! `cargo xtask test browser` runs them: they need a running stack, named by `RELAY_STACK` (the path of its `.relay/stack.json`), axe-core, named by
//! `RELAY_BROWSER_AXE`, and Debian's `chromium` and `chromium-driver`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

// The harness.
#[path = "browser/axe.rs"]
mod axe;
#[path = "browser/contract.rs"]
mod contract;
#[allow(dead_code, reason = "the contract's own tests use the rest")]
#[path = "contract/document.rs"]
mod document;
#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/look.rs"]
mod look;
#[path = "browser/page.rs"]
mod page;
#[allow(dead_code, reason = "the deploy uses the rest")]
#[path = "../xtask/src/site.rs"]
mod publishing;
#[path = "contract/schema.rs"]
mod schema;
#[path = "browser/site.rs"]
mod site;
#[allow(dead_code, reason = "the infrastructure's tests use the rest")]
#[path = "infrastructure/template.rs"]
mod template;
#[allow(dead_code, reason = "the architecture's tests use the rest")]
#[path = "tree.rs"]
mod tree;
#[path = "browser/webdriver.rs"]
mod webdriver;
#[path = "browser/world.rs"]
mod world;

// The cases.
#[path = "browser/arrivals.rs"]
mod arrivals;
#[path = "browser/ask.rs"]
mod ask;
#[path = "browser/journey.rs"]
mod journey;
#[path = "browser/keyboard.rs"]
mod keyboard;
#[path = "browser/language.rs"]
mod language;
#[path = "browser/network.rs"]
mod network;
#[path = "browser/paint.rs"]
mod paint;
#[path = "browser/policy.rs"]
mod policy;
#[path = "browser/preferences.rs"]
mod preferences;
#[path = "browser/published.rs"]
mod published;
#[path = "browser/recurring.rs"]
mod recurring;
#[path = "browser/sign_in.rs"]
mod sign_in;
#[path = "browser/states.rs"]
mod states;
#[path = "browser/walk.rs"]
mod walk;
#[path = "browser/watch.rs"]
mod watch;
