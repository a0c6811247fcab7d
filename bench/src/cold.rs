//! Cold start: from the moment when the host starts a process until the first answer is there. The binary lies in the page cache; what AWS adds to make a
//! sandbox is the same for all.

use std::time::{Duration, Instant};

use crate::Findings;
use crate::candidate::{Candidate, present};
use crate::core_time::Effort;
use crate::door::{Door, HELLO, NODE, PYTHON, RELAY};
use crate::endpoint::Endpoint;
use crate::report::{Limit, Section};
use crate::requests;

/// Processes of each.
const SPAWNS: usize = 30;

const WALL: &str = "to the first answer, ms";

/// Starts all in turn, over and over, so that what else the machine does meets each alike.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("cold", "Cold start: a process starts and answers its first callback");
    let candidates = present(&[HELLO, RELAY, NODE, PYTHON]);
    let mut times = vec![Vec::new(); candidates.len()];
    for _ in 0..effort.part(SPAWNS) {
        for (times, candidate) in times.iter_mut().zip(&candidates) {
            times.push(first_answer(*candidate)?);
        }
    }
    for (times, candidate) in times.iter_mut().zip(&candidates) {
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        section.figure(candidate.name, WALL, at(50));
        section.figure(candidate.name, "nine of ten within, ms", at(90));
    }
    if let (Some(hello), Some(ours)) = (section.value(HELLO.name, WALL), section.value(RELAY.name, WALL)) {
        section.goal("cold start: Relay's by hello world's", ours / hello, Limit::AtMost(2.2));
    }
    section.note("Medians of 30 processes, on the wall. Hello world calls nothing; the others look a key and an app up and put a record.");
    Ok(vec![section])
}

fn first_answer(candidate: Candidate) -> Result<Duration, String> {
    let door = Door::cold(candidate, Endpoint::start()?)?;
    let request = requests::singles(&door.secret).swap_remove(0);
    let began = Instant::now();
    door.stage.runtime.block_on(door.answer(request))?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn whoever_is_installed_starts_and_answers() {
        if built(&[RELAY, HELLO]) {
            let section = run(TINY).unwrap().remove(0);
            assert!(section.value(RELAY.name, WALL) > Some(0.0) && section.value(HELLO.name, WALL) > Some(0.0));
        }
    }
}
