//! The door whole, from the runtime's event to its answer: ours and its peers, by how much a request holds.

use bytes::Bytes;

use crate::candidate::present;
use crate::core_time::Effort;
use crate::door::{Door, FLOOR, NODE, PYTHON, RELAY};
use crate::one_core::OneCore;
use crate::report::{Limit, Section, number, text};
use crate::requests;

/// Items of a batch, from little to the API's limit.
const BATCHES: [usize; 5] = [5, 10, 50, 100, 500];

/// The sizes that all are measured with.
const COMPARED: [usize; 3] = [10, 100, 500];

const SINGLE: &str = "single callback, CPU µs";

/// Measures each in turn.
pub(super) fn run(effort: Effort) -> Result<Section, String> {
    let mut section = Section::begin("ingest", "Ingest: CPU time of a callback at the door, whole");
    let _one_core = OneCore::take();
    for candidate in present(&[RELAY, NODE, PYTHON, FLOOR]) {
        let door = Door::warm(candidate)?;
        let mut cost = |what: &str, requests: &[Bytes], items: usize| {
            let few = requests.get(..effort.part(requests.len())).unwrap_or(requests);
            let micros = door.measure(effort, few)?.core.as_secs_f64() * 1e6;
            section.figure(candidate.name, what, micros / number(items as u64));
            Ok::<f64, String>(micros)
        };
        cost(SINGLE, &requests::singles(&door.secret), 1)?;
        for size in COMPARED {
            cost(&each(size), &requests::batches(&door.secret, size)?, size)?;
        }
    }
    section.times(SINGLE, (RELAY.name, NODE.name), 5.0);
    section.times(SINGLE, (RELAY.name, PYTHON.name), 10.0);
    let (single, batched) = (section.value(RELAY.name, SINGLE), section.value(RELAY.name, &each(100)));
    if let (Some(single), Some(batched)) = (single, batched) {
        section.goal(
            "CPU of a single callback by an activity's in a batch of 100",
            single / batched,
            Limit::AtLeast(20.0),
        );
    }
    explain(&mut section);
    growth(effort, &mut section)?;
    Ok(section)
}

/// Where the time goes, as far as the figures tell.
fn explain(section: &mut Section) {
    let floor = section.value(FLOOR.name, SINGLE);
    if let (Some(ours), Some(floor), Some(batched)) =
        (section.value(RELAY.name, SINGLE), floor, section.value(RELAY.name, &each(100)))
    {
        section.note(&format!(
            "Of Relay's {} µs for a single callback {} are what a bare hyper call takes: two exchanges over HTTP, most of it the kernel's. To understand and to pack \
             are a few (above); the rest is the SDK's: signing, its layers, its time-outs. In a batch of 100 all that is shared, and an activity's {} µs are what it \
             takes to read, check, map and pack one.",
            text(ours),
            text(floor),
            text(batched),
        ));
    }
    section.note("The peers map nothing, check nothing of an item and compress nothing, and boto3 was told not to validate: bench/README.md.");
}

fn each(size: usize) -> String {
    format!("an activity of {size}, CPU µs")
}

/// From small batches to the largest.
fn growth(effort: Effort, section: &mut Section) -> Result<(), String> {
    let door = Door::warm(RELAY)?;
    let point = |size: usize| {
        let requests = requests::batches(&door.secret, size)?;
        let few = requests.get(..effort.part(requests.len())).unwrap_or(&requests);
        Ok((number(size as u64), door.measure(effort, few)?.core.as_secs_f64() * 1e6))
    };
    let points = BATCHES.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
    section.growth("ingest", ("activities of a batch", "CPU µs of a request"), points);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn whoever_is_installed_acknowledges_callbacks_and_batches() {
        if !built(&[RELAY, FLOOR]) {
            return;
        }
        let section = run(TINY).unwrap();
        assert!(section.value(RELAY.name, SINGLE).is_some() && section.value(FLOOR.name, &each(500)).is_some());
        assert_eq!(section.growths[0].points.len(), BATCHES.len());
    }
}
