//! `cargo xtask build`

use std::process::Command;

use crate::{
    local::{needs, place::Root},
    os,
    say::{self, Outcome},
};

/// The functions' packages. Naming them keeps the features that only tests need out of the deployed programs.
const PACKAGES: [&str; 4] = ["ingest", "batch-writer", "export", "notify"];
/// The arguments that choose an architecture; without one of them it is the template's default, arm64.
const CHOOSES_ARCHITECTURE: [&str; 3] = ["--arm64", "--x86-64", "--target"];

/// Builds every function in one command for deployment.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let root = Root::find()?;
    if needs::find_program(&["cargo-lambda"], &[]).is_none() {
        return Err(
            "cargo-lambda is missing: pip install cargo-lambda, or cargo install --locked cargo-lambda".to_owned()
        );
    }
    let mut cargo = Command::new(os::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    // Without it, cargo-lambda would run `rustup target add` even where the target is there.
    cargo.args(["lambda", "build", "--release", "--skip-target-check", "--bins"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    let chooses = |argument: &String| CHOOSES_ARCHITECTURE.iter().any(|flag| argument.starts_with(flag));
    if !arguments.iter().any(chooses) {
        cargo.arg("--arm64");
    }
    cargo.args(arguments).current_dir(root.path());
    say::step("build the functions", || match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo lambda build ended with {status}")),
        Err(error) => Err(format!("cannot run cargo lambda: {error}")),
    })?;
    say::result("the functions are in target/lambda; deploy them with sam deploy");
    Ok(())
}
