//! What the door holds of memory, and that calls do not make it more.

use crate::candidate::{Candidate, present};
use crate::core_time::{Effort, peak_bytes, resident_bytes};
use crate::door::{Door, HELLO, NODE, PYTHON, RELAY};
use crate::report::{Section, number};
use crate::{Findings, requests};

/// Calls before memory is looked at.
const CALLS: usize = 1_000;

/// From few to a hundred times as many.
const GROWING: [usize; 3] = [100, 1_000, 10_000];

const MIB: f64 = 1024.0 * 1024.0;

const NOW: &str = "resident, MiB";

/// Measures each in turn.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("memory", "Memory: the door after 1,000 callbacks");
    for candidate in present(&[RELAY, NODE, PYTHON, HELLO]) {
        let (now, peak) = after(candidate, effort.part(CALLS))?;
        section.figure(candidate.name, NOW, now);
        section.figure(candidate.name, "at the peak, MiB", peak);
    }
    let point = |calls: usize| Ok((number(calls as u64), after(RELAY, effort.part(calls))?.1));
    let points = GROWING.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
    section.growth("memory", ("callbacks", "MiB at the peak"), points);
    Ok(vec![section])
}

/// Resident now, and at the peak: MiB.
fn after(candidate: Candidate, calls: usize) -> Result<(f64, f64), String> {
    let door = Door::warm(candidate)?;
    let requests = requests::singles(&door.secret);
    let many: Vec<_> = requests.iter().cycle().take(calls).cloned().collect();
    door.stage.runtime.block_on(door.answer_all(&many))?;
    let pid = door.stage.process()?;
    let memory = resident_bytes(pid).zip(peak_bytes(pid)).ok_or("the system does not tell a process's memory")?;
    Ok((number(memory.0) / MIB, number(memory.1) / MIB))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn memory_is_told_of_whoever_is_installed() {
        if built(&[RELAY, HELLO]) {
            let section = run(TINY).unwrap().remove(0);
            assert!(section.value(RELAY.name, NOW) > Some(1.0));
        }
    }
}
