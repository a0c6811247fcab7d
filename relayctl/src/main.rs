//! The operator's tool: owners, app tokens, mail domains, keys.
fn main() {}
