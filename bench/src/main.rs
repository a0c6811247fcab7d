//! `relay-bench reader|writer|units`: measures one scenario and tells whether it reaches its goals.

fn main() -> std::process::ExitCode {
    relay_bench::main(std::env::args().nth(1).as_deref())
}
