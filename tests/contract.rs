//! The contract, `docs/openapi.yaml`, against the code: every route, every name, every problem, every answer of the real handlers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "contract/answers.rs"]
mod answers;
#[path = "contract/document.rs"]
mod document;
#[path = "contract/ledger.rs"]
mod ledger;
#[path = "contract/names.rs"]
mod names;
#[path = "contract/routes.rs"]
mod routes;
#[path = "contract/schedules.rs"]
mod schedules;
#[path = "contract/schema.rs"]
mod schema;
#[path = "contract/summary.rs"]
mod summary;
#[allow(dead_code, reason = "the infrastructure's tests use the rest")]
#[path = "infrastructure/template.rs"]
mod template;
#[allow(dead_code, reason = "the architecture's tests use the rest")]
#[path = "tree.rs"]
mod tree;
#[path = "contract/world.rs"]
mod world;
