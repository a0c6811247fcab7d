//! The quarantine: what lies there, what it holds, and putting it back.

mod decide;
mod list;
mod replay;
mod show;

pub(crate) use list::{list_days, list_objects};
pub(crate) use replay::{Options, Replay};
pub(crate) use show::show;

#[cfg(test)]
mod tests;
