//! What a deploy to AWS is made of: its settings, the functions' packages, and the tools that talk to AWS.

pub(crate) mod bundle;
pub(crate) mod settings;
pub(crate) mod tools;
