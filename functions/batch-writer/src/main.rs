//! Drains the stream into pages.
fn main() {}
