//! The verbs.

pub(crate) mod bench;
pub(crate) mod browser;
pub(crate) mod build;
pub(crate) mod contract;
pub(crate) mod dashboard;
pub(crate) mod deploy;
pub(crate) mod down;
mod picture;
pub(crate) mod references;
mod sampled;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod up;
