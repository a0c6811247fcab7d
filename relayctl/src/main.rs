//! The operator's tool: owners, app tokens, mail domains, event tokens, keys.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]

mod cli;
mod doctor;
mod logs;
mod names;
mod operations;
mod run;
mod target;
mod trace;
mod view;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    run::run(cli::Cli::parse()).await
}
