//! In-memory doubles of the ports: they enforce AWS's real limits and take scripted faults.
#![expect(clippy::unwrap_used, reason = "doubles serve tests: a poisoned lock is a failed test")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};

use crate::fault::{Fault, FaultKind};

mod control;
mod files;
mod hooks;
mod objects;
mod pages;
mod services;
mod spill;
mod stream;

pub use control::MemoryControl;
pub use files::{MemoryFiles, MemoryObject, MemoryQuarantine};
pub use hooks::{Delivered, MemoryHooks};
pub use objects::MemoryObjects;
pub use pages::MemoryPages;
pub use services::{MemoryExecutions, MemoryMailer, MemorySigner};
pub use spill::{MemorySpill, SpillMessage};
pub use stream::{MemoryStream, StreamRecord};

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: the call goes through (to let some calls pass before the next trouble).
    None,
    /// The call is refused and nothing is carried out.
    Refused(FaultKind),
    /// These elements of the batch (by index) are refused, the others carried out.
    Partial(Vec<usize>, FaultKind),
    /// The call is carried out, but its answer is lost: the caller sees a time-out.
    AnswerLost,
}

/// The troubles that wait for calls, by the call's name (the port's method: `put`, `list`, `commit`…).
#[derive(Debug, Default)]
pub struct Script {
    troubles: Mutex<BTreeMap<&'static str, VecDeque<Trouble>>>,
    silent: Mutex<BTreeSet<&'static str>>,
}

impl Script {
    /// The next calls of this name meet these troubles, in order.
    pub fn add(&self, call: &'static str, troubles: impl IntoIterator<Item = Trouble>) {
        lock(&self.troubles).entry(call).or_default().extend(troubles);
    }

    /// The next `times` calls of this name are refused.
    pub fn refuse(&self, call: &'static str, times: usize, kind: FaultKind) {
        self.add(call, std::iter::repeat_n(Trouble::Refused(kind), times));
    }

    /// Calls of these names are not answered from now on, nor carried out: whoever waits for one waits for ever.
    pub fn silence(&self, calls: &[&'static str]) {
        lock(&self.silent).extend(calls);
    }

    /// Forgets the troubles that have not met their call; what was silent answers again.
    pub fn clear(&self) {
        lock(&self.troubles).clear();
        lock(&self.silent).clear();
    }

    /// What the call meets.
    async fn next(&self, call: &'static str) -> Trouble {
        if lock(&self.silent).contains(call) {
            std::future::pending::<()>().await;
        }
        lock(&self.troubles).get_mut(call).and_then(VecDeque::pop_front).unwrap_or(Trouble::None)
    }

    /// One call about one thing: refused, lost, or carried out.
    async fn single<T>(&self, call: &'static str, act: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        match self.next(call).await {
            Trouble::Refused(kind) => Err(scripted(kind)),
            Trouble::AnswerLost => act().and_then(|_| Err(scripted(FaultKind::TimedOut))),
            Trouble::None | Trouble::Partial(..) => act(),
        }
    }

    /// One call about a batch: one result per element, in order.
    async fn batch<E, T, F: From<Fault>>(
        &self,
        call: &'static str,
        elements: &[E],
        mut act: impl FnMut(&E) -> Result<T, F>,
    ) -> Vec<Result<T, F>> {
        let trouble = self.next(call).await;
        let one = |(index, element)| match &trouble {
            Trouble::Refused(kind) => Err(scripted(*kind).into()),
            Trouble::Partial(refused, kind) if refused.contains(&index) => Err(scripted(*kind).into()),
            Trouble::AnswerLost => act(element).and_then(|_| Err(scripted(FaultKind::TimedOut).into())),
            Trouble::None | Trouble::Partial(..) => act(element),
        };
        elements.iter().enumerate().map(one).collect()
    }
}

fn scripted(kind: FaultKind) -> Fault {
    Fault::new(kind, "memory", "scripted")
}

/// A limit of AWS that the caller broke: what the service would refuse for good.
fn broken_limit(detail: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Denied, "memory", detail)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
