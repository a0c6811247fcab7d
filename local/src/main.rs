//! The stack on one machine: emulator, Lambda host, stream driver, front door.
fn main() {}
