//! The time that some work keeps a core busy: the kernel's own account of a thread or a process, user and system time together.

use std::fs;
use std::time::{Duration, Instant};

/// What `clock(3)` calls a tick, in `/proc`: a hundredth of a second on every Linux (proc(5), `USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Whose time counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    /// This thread's alone, not that of the threads which stand for services.
    ThisThread,
    /// All threads of the process with this id.
    Process(u32),
}

impl Account {
    /// User and system time so far (proc(5), `/proc/{pid}/stat`: fields 14 and 15); `None` where there is no such file.
    pub(crate) fn busy(self) -> Option<Duration> {
        let stat = match self {
            Self::ThisThread => fs::read_to_string("/proc/thread-self/stat"),
            Self::Process(pid) => fs::read_to_string(format!("/proc/{pid}/stat")),
        };
        // The name of the program may hold blanks; what follows its bracket does not.
        let stat = stat.ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let ticks: u32 =
            rest.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Some(TICK * ticks)
    }
}

/// The most memory that a process has held so far: bytes, resident (proc(5), `/proc/{pid}/status`, `VmHWM`).
pub(crate) fn peak_bytes(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

/// The memory that a process holds now: bytes, resident (`VmRSS`).
pub(crate) fn resident_bytes(pid: u32) -> Option<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// The median of so many rounds counts.
    pub(crate) rounds: usize,
    /// How long a round lasts at least.
    pub(crate) at_least: Duration,
    /// Of whatever there is to do only one in so many is done: 1 for all.
    pub(crate) one_in: usize,
}

impl Effort {
    /// So many of all, one at least.
    pub(crate) const fn part(self, all: usize) -> usize {
        let part = all / self.one_in;
        if part == 0 { 1 } else { part }
    }
}

/// What one turn of the work took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Of a core.
    pub(crate) core: Duration,
    /// On the wall.
    pub(crate) wall: Duration,
}

/// Does the work once to warm up, then over and over; the medians of all rounds.
pub(crate) fn measure<E>(effort: Effort, account: Account, mut work: impl FnMut() -> Result<(), E>) -> Result<Cost, E> {
    work()?;
    let mut costs = Vec::with_capacity(effort.rounds);
    for _ in 0..effort.rounds.max(1) {
        costs.push(round(effort.at_least, account, &mut work)?);
    }
    let median = |part: fn(&Cost) -> Duration| {
        let mut times: Vec<Duration> = costs.iter().map(part).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    Ok(Cost { core: median(|cost| cost.core), wall: median(|cost| cost.wall) })
}

fn round<E>(at_least: Duration, account: Account, work: &mut impl FnMut() -> Result<(), E>) -> Result<Cost, E> {
    let (began, wall) = (account.busy(), Instant::now());
    let mut turns = 0;
    loop {
        work()?;
        turns += 1;
        let wall = wall.elapsed();
        if wall >= at_least {
            // Where the system does not tell, the time on the wall is at least as long.
            let core = account.busy().zip(began).map_or(wall, |(now, began)| now.saturating_sub(began));
            return Ok(Cost { core: core / turns, wall: wall / turns });
        }
    }
}

/// How many things a second.
pub(crate) fn rate(things: u64, time: Duration) -> u64 {
    let a_second = u128::from(things) * 1_000_000_000 / time.as_nanos().max(1);
    u64::try_from(a_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_by_the_second() {
        assert_eq!(rate(500, Duration::from_millis(250)), 2_000);
        assert_eq!(rate(1, Duration::ZERO), 1_000_000_000);
    }

    #[test]
    fn work_is_done_to_warm_up_and_once_a_round_at_least() {
        let mut turns = 0;
        let effort = Effort { rounds: 3, at_least: Duration::ZERO, one_in: 1 };
        let count = || {
            turns += 1;
            Ok::<_, ()>(())
        };
        assert!(measure(effort, Account::ThisThread, count).is_ok());
        assert_eq!(turns, 4);
        let fail = || Err("no");
        assert_eq!(measure(effort, Account::ThisThread, fail), Err("no"));
    }

    #[test]
    fn the_time_of_another_thread_is_not_this_threads() {
        let (mine, whole) = (Account::ThisThread, Account::Process(std::process::id()));
        assert_eq!(mine.busy().is_some(), cfg!(target_os = "linux"));
        let Some((began, began_whole)) = mine.busy().zip(whole.busy()) else { return };
        let spin = move || while whole.busy() < Some(began_whole + TICK * 20) {};
        std::thread::spawn(spin).join().unwrap();
        assert!(mine.busy() < Some(began + TICK * 10));
    }
}
