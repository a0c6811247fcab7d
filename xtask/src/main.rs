//! The project's verbs: `up`, `down`, `status`, `test`, `bench`, `golden`, `build`, `deploy`.
//!
//! Nothing of Relay's own code is linked here: the sample, its sender and the comparison with the exported files are an
//! outsider's view of the system, so that a mistake in the product cannot hide in the check.

mod check;
mod cli;
mod command;
mod deploy;
mod http;
mod local;
mod os;
mod sample;
mod say;
mod site;
mod web;

fn main() -> std::process::ExitCode {
    cli::main()
}
