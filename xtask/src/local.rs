//! The stack on this machine: what it needs, how it starts and stops, where it says how to reach it.

pub(crate) mod needs;
pub(crate) mod node;
pub(crate) mod owner;
pub(crate) mod place;
pub(crate) mod python;
pub(crate) mod stack;
pub(crate) mod supervisor;
