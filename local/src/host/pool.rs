//! The instances of one function.

use std::sync::Mutex;

use bytes::Bytes;
use relay_lambda::process;
use tokio::sync::Semaphore;

use super::instance::{Instance, Run};
use super::{Function, INSTANCES_MAX, Outcome, Surroundings};

pub(super) struct Pool {
    pub(super) function: Function,
    around: Surroundings,
    idle: Mutex<Vec<Instance>>,
    slots: Semaphore,
}

impl Pool {
    pub(super) fn new(function: Function, around: Surroundings) -> Self {
        Self { function, around, idle: Mutex::new(Vec::new()), slots: Semaphore::new(INSTANCES_MAX) }
    }

    /// Runs a call on the instance that was idle the shortest, or on a new one. An instance that died while it was idle is
    /// passed over: it never saw the call.
    pub(super) async fn invoke(&self, payload: Bytes) -> Outcome {
        let Ok(_slot) = self.slots.acquire().await else {
            return Outcome::Refused("ServiceException", "the host is stopping".to_owned());
        };
        let request_id = request_id();
        loop {
            let waiting = self.idle.lock().ok().and_then(|mut idle| idle.pop());
            let fresh = waiting.is_none();
            let mut instance = match waiting {
                Some(instance) => instance,
                None => match Instance::start(&self.function, &self.around).await {
                    Ok(instance) => instance,
                    Err(failure) => return Outcome::failed("Runtime.InvalidEntrypoint", &failure.0),
                },
            };
            match instance.run(&self.function, &request_id, payload.clone()).await {
                Run::Alive(outcome) => {
                    self.give_back(instance);
                    return outcome;
                }
                Run::Dead(outcome) => return outcome,
                Run::Untouched(outcome) if fresh => return outcome,
                Run::Untouched(_) => {}
            }
        }
    }

    /// Calls under way.
    pub(super) fn running(&self) -> usize {
        INSTANCES_MAX.saturating_sub(self.slots.available_permits())
    }

    fn give_back(&self, instance: Instance) {
        if let Ok(mut idle) = self.idle.lock()
            && !self.slots.is_closed()
        {
            idle.push(instance);
        }
    }

    /// Dropped instances are killed, which is what Lambda does to a sandbox that is no longer needed.
    pub(super) fn stop(&self) {
        self.slots.close();
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
    }
}

/// A call's id in the form of a UUID.
fn request_id() -> String {
    let digits = process::trace_id();
    let mut id = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}
