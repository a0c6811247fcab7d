//! `cargo xtask build`

use std::process::Command;

use crate::{
    cli::Target,
    local::{needs, place::Root},
    os,
    say::{self, Outcome},
};

/// The functions' packages. Naming them keeps the features that only tests need out of the deployed programs.
const PACKAGES: [&str; 4] = ["ingest", "batch-writer", "export", "notify"];
/// The arguments that choose an architecture; without one of them it is the template's default, arm64.
const CHOOSES_ARCHITECTURE: [&str; 3] = ["--arm64", "--x86-64", "--target"];

/// The argument that chooses an architecture.
pub(crate) const fn architecture(target: Target) -> &'static str {
    if target.x86_64 { "--x86-64" } else { "--arm64" }
}

/// Whether this machine can build for Lambda.
pub(crate) fn check() -> Outcome<()> {
    let found = needs::find_program(&["cargo-lambda"], &[]);
    let missing = "cargo-lambda is missing: pip install cargo-lambda, or cargo install --locked cargo-lambda";
    found.map(drop).ok_or_else(|| missing.to_owned())
}

/// The one command that builds every function.
pub(crate) fn command(root: &Root, arguments: &[String]) -> Command {
    let mut cargo = Command::new(os::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    // Without it, cargo-lambda would run `rustup target add` even where the target is there.
    cargo.args(["lambda", "build", "--release", "--skip-target-check", "--bins"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    let chooses = |argument: &String| CHOOSES_ARCHITECTURE.iter().any(|flag| argument.starts_with(flag));
    if !arguments.iter().any(chooses) {
        cargo.arg(architecture(Target::default()));
    }
    cargo.args(arguments).current_dir(root.path());
    cargo
}

/// Builds every function in one command for deployment.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let root = Root::find()?;
    check()?;
    let mut cargo = command(&root, arguments);
    say::step("build the functions", || match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo lambda build ended with {status}")),
        Err(error) => Err(format!("cannot run cargo lambda: {error}")),
    })?;
    say::result("the functions are in target/lambda");
    Ok(())
}
