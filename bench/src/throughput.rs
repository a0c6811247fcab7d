//! Sustained throughput: many callbacks one after the other, by the second of a core that they keep busy; and that the ten-thousandth costs what the first did.

use std::time::Duration;

use crate::candidate::present;
use crate::core_time::{Account, Effort};
use crate::door::{Door, FLOOR, NODE, PYTHON, RELAY};
use crate::one_core::OneCore;
use crate::report::{Section, number};
use crate::{Findings, requests};

/// How long each is kept busy.
const SUSTAINED: Duration = Duration::from_secs(10);

/// From few to a hundred times as many.
const GROWING: [usize; 4] = [300, 1_000, 10_000, 30_000];

const RATE: &str = "callbacks a second of a core";

/// Measures each in turn.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("throughput", "Throughput: callbacks that one core answers, sustained");
    let _one_core = OneCore::take();
    let sustained =
        Effort { rounds: 1, at_least: SUSTAINED / u32::try_from(effort.one_in).unwrap_or(u32::MAX), ..effort };
    for candidate in present(&[RELAY, NODE, PYTHON, FLOOR]) {
        let door = Door::warm(candidate)?;
        let callbacks = door.measure(sustained, &requests::singles(&door.secret))?;
        section.figure(candidate.name, RATE, 1.0 / callbacks.core.as_secs_f64().max(1e-9));
        section.figure(candidate.name, "as one instance on this machine, a second", 1.0 / callbacks.wall.as_secs_f64());
        let batches = door.measure(sustained, &requests::batches(&door.secret, 100)?)?;
        let activities = 100.0 / batches.core.as_secs_f64().max(1e-9);
        section.figure(candidate.name, "activities in batches of 100 a second of a core", activities);
    }
    let points = GROWING.into_iter().map(|calls| point(effort.part(calls))).collect::<Result<Vec<_>, String>>()?;
    section.growth("throughput", ("callbacks", "CPU ms"), points);
    Ok(vec![section])
}

/// So many callbacks and what they take in all.
fn point(calls: usize) -> Result<(f64, f64), String> {
    let door = Door::warm(RELAY)?;
    let requests = requests::singles(&door.secret);
    let many: Vec<_> = requests.iter().cycle().take(calls).cloned().collect();
    let account = Account::Process(door.stage.process()?);
    let began = account.busy();
    door.stage.runtime.block_on(door.answer_all(&many))?;
    let busy = account.busy().zip(began).map(|(now, began)| now.saturating_sub(began));
    let busy = busy.ok_or("the system does not tell a process's time")?;
    Ok((number(calls as u64), busy.as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn whoever_is_installed_is_kept_busy() {
        if built(&[RELAY, FLOOR]) {
            let section = run(TINY).unwrap().remove(0);
            assert!(section.value(RELAY.name, RATE) > Some(0.0));
        }
    }
}
