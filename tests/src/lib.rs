//! What whole-system tests share: the running stack they talk to, and waiting for a condition.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test says what is wrong by panicking"
)]

pub mod doubles;
pub mod kill;
pub mod random;
pub mod stack;
pub mod stage;
pub mod wait;
