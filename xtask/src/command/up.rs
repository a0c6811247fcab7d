//! `cargo xtask up`

use std::{
    fs::{self, File, TryLockError},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{picture, sampled, status};
use crate::{
    cli::Up,
    local::{
        needs, owner,
        place::Root,
        python,
        stack::{Place, Stack, State},
        supervisor,
    },
    os,
    say::{self, Outcome},
    web::Client,
};

/// Brings the stack up and, unless asked to return, stays until Ctrl-C stops it in order.
pub(crate) fn run(options: Up) -> Outcome<()> {
    let root = Root::find()?;
    let is_up = Arc::new(AtomicBool::new(false));
    stop_on_interrupt(root.clone(), Arc::clone(&is_up))?;
    let stack = bring_up(&root, options)?;
    status::addresses(&stack);
    is_up.store(true, Ordering::Release);
    if options.detach {
        say::result("  stop    cargo xtask down");
        return Ok(());
    }
    say::result("  stop    Ctrl-C");
    supervisor::wait_end(&root);
    // Whoever asked for the end waits for it and ends this process; otherwise it came unasked.
    os::pause(std::time::Duration::from_secs(1));
    Err(supervisor::with_tail(&root, "relay-local has ended"))
}

/// Everything up to the running, registered, checked stack.
pub(crate) fn bring_up(root: &Root, options: Up) -> Outcome<Stack> {
    fs::create_dir_all(root.relay("state")).map_err(|error| format!("cannot make .relay/state: {error}"))?;
    let _alone = lock(root)?;
    let place = started(root)?;
    let client = Client::new();
    let stack = owner::register(root, &client, place)?;
    let checked = if options.no_sample { None } else { sampled::send_once(root, &client, &stack)? };
    picture::show(&client, &stack, checked.as_ref())?;
    Ok(stack)
}

/// The running stack: the one that runs, else a newly built and started one.
fn started(root: &Root) -> Outcome<Place> {
    if let Some(pid) = supervisor::running(root) {
        say::progress(format_args!(
            "▸ relay-local ({pid}) runs already; `cargo xtask down` first to build and run what has changed"
        ));
        let place = supervisor::wait_ready(root, None)?;
        // What it found when it started is no longer the question: its data are what earlier runs of this tool put there.
        return Ok(Place { state: State::Kept, ..place });
    }
    let python = needs::check()?;
    python::prepare(root, python::EMULATOR, python)?;
    say::step("build the workspace", || build(root))?;
    say::step("start the stack and deploy the template into it", || {
        let child = supervisor::start(root)?;
        supervisor::wait_ready(root, Some(child))
    })
}

/// Builds every program in one command: another selection would build tokio and hyper again with other features.
pub(crate) fn build(root: &Root) -> Outcome<()> {
    let mut cargo = Command::new(os::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    cargo.args(["build", "--workspace", "--bins"]).current_dir(root.path());
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo build ended with {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

/// One `up` at a time in a checkout; held until the stack is up.
fn lock(root: &Root) -> Outcome<File> {
    let path = root.relay("up.lock");
    let file = File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err("another `cargo xtask up` is at work in this checkout".to_owned()),
        Err(TryLockError::Error(error)) => Err(format!("cannot lock {}: {error}", path.display())),
    }
}

/// Ctrl-C at any time stops in order what has been started, then ends this process.
fn stop_on_interrupt(root: Root, is_up: Arc<AtomicBool>) -> Outcome<()> {
    os::on_interrupt(move || {
        say::progress("▸ stopping in order");
        let code = match supervisor::stop(&root) {
            Ok(_) if is_up.load(Ordering::Acquire) => 0,
            Ok(_) => 130,
            Err(error) => {
                say::progress(format_args!("error: {error}"));
                1
            }
        };
        std::process::exit(code);
    })
}
