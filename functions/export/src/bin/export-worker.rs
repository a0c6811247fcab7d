//! export-worker.
fn main() {}
