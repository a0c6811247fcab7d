//! The time that this process has kept a core busy.

use std::fs;
use std::time::{Duration, Instant};

/// What `clock(3)` calls a tick, in `/proc`: a hundredth of a second on every Linux (proc(5), `USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Runs some work over and over for at least this long; answers how often, and the core's time.
pub(crate) fn repeat<E>(at_least: Duration, mut work: impl FnMut() -> Result<(), E>) -> Result<(u64, Duration), E> {
    let (began, wall) = (busy(), Instant::now());
    let mut rounds = 0;
    loop {
        work()?;
        rounds += 1;
        if wall.elapsed() >= at_least {
            // Where the system does not tell, the time on the wall is at least as long.
            let spent = busy().zip(began).map(|(now, began)| now.saturating_sub(began));
            return Ok((rounds, spent.unwrap_or_else(|| wall.elapsed())));
        }
    }
}

/// How many things a second.
pub(crate) fn rate(things: u64, time: Duration) -> u64 {
    let a_second = u128::from(things) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(a_second).unwrap_or(u64::MAX)
}

/// User and system time of the process (proc(5), `/proc/self/stat`: fields 14 and 15); `None` where there is no such file.
fn busy() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold blanks; what follows its bracket does not.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: u32 = rest.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(TICK * ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_by_the_second() {
        assert_eq!(rate(500, Duration::from_millis(250)), 2_000);
        assert_eq!(rate(1, Duration::ZERO), 1_000_000);
    }

    #[test]
    fn work_is_done_at_least_once_and_its_time_is_known_on_linux() {
        let (rounds, _) = repeat(Duration::ZERO, || Ok::<_, ()>(())).unwrap();
        assert_eq!(rounds, 1);
        assert_eq!(busy().is_some(), cfg!(target_os = "linux"));
    }
}
