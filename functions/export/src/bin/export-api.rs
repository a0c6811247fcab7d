//! export-api.
fn main() {}
