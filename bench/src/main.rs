//! `relay-bench SCENARIO …`: measures one scenario, or all, and tells whether it reaches its goals.

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    relay_bench::main(&arguments)
}
