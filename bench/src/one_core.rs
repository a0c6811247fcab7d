//! One core for all of a measurement. A callback is a few exchanges between function, host and stand-in; on two cores each wakes the other's sleeping one, and
//! what that takes (seen here: as much as everything else of a call) is the machine's, not the function's.

/// This thread and all that it starts stay on one core until this is dropped.
pub(crate) struct OneCore {
    #[cfg(target_os = "linux")]
    before: Option<nix::sched::CpuSet>,
}

#[cfg(target_os = "linux")]
impl OneCore {
    /// The last of the cores that may be used. Where the system refuses, all stay.
    pub(crate) fn take() -> Self {
        Self { before: narrow() }
    }
}

#[cfg(target_os = "linux")]
impl Drop for OneCore {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            nix::sched::sched_setaffinity(THIS_THREAD, before).unwrap_or_default();
        }
    }
}

#[cfg(target_os = "linux")]
const THIS_THREAD: nix::unistd::Pid = nix::unistd::Pid::from_raw(0);

/// The cores that could be used before.
#[cfg(target_os = "linux")]
fn narrow() -> Option<nix::sched::CpuSet> {
    let before = nix::sched::sched_getaffinity(THIS_THREAD).ok()?;
    let last = (0..nix::sched::CpuSet::count()).rfind(|core| before.is_set(*core).unwrap_or(false))?;
    let mut one = nix::sched::CpuSet::new();
    one.set(last).ok()?;
    nix::sched::sched_setaffinity(THIS_THREAD, &one).ok()?;
    Some(before)
}

#[cfg(not(target_os = "linux"))]
impl OneCore {
    /// No such thing here.
    pub(crate) const fn take() -> Self {
        Self {}
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn cores() -> usize {
        let set = nix::sched::sched_getaffinity(THIS_THREAD).unwrap();
        (0..nix::sched::CpuSet::count()).filter(|core| set.is_set(*core).unwrap()).count()
    }

    #[test]
    fn threads_started_meanwhile_share_the_core_and_then_all_are_back() {
        let before = cores();
        let one = OneCore::take();
        assert_eq!((cores(), std::thread::spawn(cores).join().unwrap()), (1, 1));
        drop(one);
        assert_eq!(cores(), before);
    }
}
