//! `cargo xtask test`

use std::process::Command;

use super::{bench, browser::Browser, contract, down, references, up};
use crate::{
    cli::{Level, Test, Up},
    local::{needs, place::Root, python, stack, supervisor},
    os,
    say::{self, Outcome},
};

/// Runs the named levels, or all.
pub(crate) fn run(options: &Test) -> Outcome<()> {
    let root = Root::find()?;
    let wanted = |level| options.levels.is_empty() || options.levels.contains(&level);
    let browser = match Browser::find() {
        Err(missing) if options.levels.contains(&Level::Browser) => return Err(missing),
        found => found,
    };
    if wanted(Level::Unit) {
        bench::peers(&root);
        say::step("tests without a stack", || cargo_test(&root, &[], |_| {}))?;
    }
    let usable = browser.as_ref().ok().filter(|_| wanted(Level::Browser));
    if wanted(Level::Stack) || wanted(Level::Contract) || usable.is_some() {
        on_a_stack(&root, &wanted, usable)?;
    }
    if let (true, Err(missing)) = (wanted(Level::Browser), &browser) {
        say::progress(format_args!("SKIPPED the browser's tests: {missing}"));
    }
    if wanted(Level::References) {
        references::compare(&root, options)?;
    }
    if wanted(Level::Exports) {
        on_its_own_stack(&root, options, "exports", "many owners' exports, and killed workers")?;
    }
    if wanted(Level::Secure) {
        on_its_own_stack(&root, options, "secure", "secrets and permissions")?;
    }
    if wanted(Level::Faults) { on_its_own_stack(&root, options, "faults", "the fault matrix") } else { Ok(()) }
}

/// Runs a test that starts and stops a stack of its own, in `.relay/{name}`.
fn on_its_own_stack(root: &Root, options: &Test, name: &str, what: &str) -> Outcome<()> {
    python::prepare(root, python::EMULATOR, needs::check()?)?;
    say::step("build the workspace", || up::build(root))?;
    let prepare = |cargo: &mut Command| {
        let prefix = format!("RELAY_{}", name.to_uppercase());
        cargo.env(format!("{prefix}_PROGRAMS"), root.programs());
        cargo.env(format!("{prefix}_PYTHON"), root.relay("venv/bin/python"));
        let seed = options.seed.map(|seed| seed.to_string());
        let activities = options.activities.map(|activities| activities.to_string());
        let full = options.full.then(|| "1".to_owned());
        let settings = [("SEED", seed), ("ACTIVITIES", activities), ("FULL", full), ("ONLY", options.only.clone())];
        for (name, value) in settings {
            let name = format!("{prefix}_{name}");
            match value {
                Some(value) => cargo.env(name, value),
                None => cargo.env_remove(name),
            };
        }
    };
    say::step(what, || cargo_test(root, &["--test", name], prepare))
}

/// Runs the levels that need the stack on the one that runs, else on one that is started and stopped for them.
fn on_a_stack(root: &Root, wanted: &impl Fn(Level) -> bool, browser: Option<&Browser>) -> Outcome<()> {
    let ran_already = supervisor::running(root).is_some();
    // The contract's owner has nothing to do with the sample.
    let no_sample = !wanted(Level::Stack) && browser.is_none();
    let stack = up::bring_up(root, Up { detach: true, no_sample })?;
    let file = root.relay(stack::FILE);
    let tested = || {
        if wanted(Level::Stack) {
            let with_stack = |cargo: &mut Command| {
                cargo.env("RELAY_STACK", &file);
            };
            say::step("tests against the stack", || cargo_test(root, &["--test", "stack*"], with_stack))?;
        }
        if let Some(browser) = browser {
            browser.test(root, &file)?;
        }
        // Last: exports of its making may still wait for a slot when it is done.
        if wanted(Level::Contract) { contract::exercise(root, &stack) } else { Ok(()) }
    };
    let tested = tested();
    if !ran_already {
        down::run()?;
    }
    tested
}

/// Runs `cargo test` over the whole workspace, so that nothing is built twice with other features.
pub(super) fn cargo_test(root: &Root, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Outcome<()> {
    let mut cargo = Command::new(os::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(arguments)
        .current_dir(root.path())
        .env_remove("RELAY_STACK")
        .env_remove("RELAY_BROWSER_AXE")
        .env_remove("RELAY_EXPORTS_PROGRAMS")
        .env_remove("RELAY_FAULTS_PROGRAMS")
        .env_remove("RELAY_SECURE_PROGRAMS")
        .env_remove("RELAY_REFERENCES_FOLDER");
    prepare(&mut cargo);
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo test ended with {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}
