//! The order of starting and stopping.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::aws::Aws;
use crate::emulator::Emulator;
use crate::failure::{Because, Failure};
use crate::files;
use crate::layout::Layout;
use crate::options::Options;
use crate::ports::Ports;
use crate::ready::{Addresses, Ready};
use crate::say::{log_to, say};
use crate::stack::{Setting, Stack, listen};

/// Runs the stack until a signal says stop, or the emulator dies.
pub async fn run(options: Options) -> Result<(), Failure> {
    let layout = Layout::of(&options)?;
    let _lock = layout.lock()?;
    log_to(&layout.logs)?;
    files::remove(&layout.ready());
    let mut signals = Signals::listen()?;
    let ports = Ports::choose(&layout.state, options.port, options.emulator_port)?;
    let invocations = listen(0).await?;
    let addresses = Addresses {
        door: url(ports.door),
        emulator: url(ports.emulator),
        host: url(invocations.local_addr().because("a listener has no address")?.port()),
    };
    let aws = Aws::new(&addresses.emulator, &options.region);
    let clean = layout.forget_checkpoints_unless_clean()?;
    say("starting the emulator");
    let emulator = Emulator::start(&layout, ports.emulator, &addresses.host, &aws).await?;
    let setting = Setting { options, layout, addresses, aws };
    let started = tokio::select! {
        started = Stack::start(&setting, invocations, ports.door) => started,
        () = signals.stop() => Err(Failure("stopped before it was ready".to_owned())),
    };
    match started {
        Ok(stack) => serve(&setting, stack, emulator, &mut signals, clean).await,
        Err(failure) => {
            emulator.stop().await?;
            // Nothing was read from the stream: the checkpoints are as good as they were.
            let marked = if clean { setting.layout.mark_clean() } else { Ok(()) };
            marked.and(Err(failure))
        }
    }
}

/// Tells that the stack is ready, waits for the end, and stops in order.
async fn serve(
    setting: &Setting,
    stack: Stack,
    mut emulator: Emulator,
    signals: &mut Signals,
    clean: bool,
) -> Result<(), Failure> {
    let layout = &setting.layout;
    let ready = Ready::new(setting, &stack.facts, emulator.pid(), clean);
    files::write_json(&layout.ready(), &ready)?;
    say(&format!("ready: {}", ready.site_url));
    let died = tokio::select! {
        () = signals.stop() => None,
        failure = emulator.ended() => Some(failure),
    };
    files::remove(&layout.ready());
    stack.stop(&setting.aws).await;
    if let Some(failure) = died {
        return Err(failure);
    }
    say("stopping: the emulator saves its state");
    emulator.stop().await?;
    layout.mark_clean()?;
    say("stopped");
    Ok(())
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).because("cannot listen for signals")?,
            interrupt: signal(SignalKind::interrupt()).because("cannot listen for signals")?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
