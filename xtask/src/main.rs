//! The project's verbs: up, down, test, build.
fn main() {}
