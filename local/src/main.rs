//! Runs the stack on this machine.

use std::process::ExitCode;

use clap::Parser;
use local::{Options, run, say};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.0);
            ExitCode::FAILURE
        }
    }
}
