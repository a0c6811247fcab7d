//! The operator's tool: owners, app tokens, mail domains, event tokens, keys.

mod cli;
mod names;
mod operations;
mod run;
mod target;
mod view;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    run::run(cli::Cli::parse()).await
}
