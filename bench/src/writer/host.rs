//! The writer whole, from the runtime's event to its answer: ours, one item per activity in Rust, and the peers.

use bytes::Bytes;

use super::load::{BATCH_SIZE, Form, Load, Size};
use crate::Outcome;
use crate::candidate::{Candidate, present};
use crate::core_time::{Account, Effort, measure};
use crate::endpoint::Endpoint;
use crate::report::{Limit, Section, number};
use crate::stage::Stage;

/// `PAGES_TABLE`.
pub(crate) const PAGES: &str = "pages";

/// Our own.
pub(crate) const RELAY: Candidate = Candidate::built("Relay", "batch-writer");

/// The design to beat.
const ITEMS: Candidate = Candidate::built("one item per activity in Rust", "examples/items-writer");

/// AWS SDK v3.
const NODE: Candidate = Candidate::node("writer.mjs");

/// boto3 and orjson.
const PYTHON: Candidate = Candidate::python("writer.py");

/// What the records of a hundred are compared by.
const HUNDREDS: &str = "records of 100, activities a CPU second";
const SINGLES: &str = "records of 1, activities a CPU second";

/// How often Python's rate ours is at least.
const TIMES: f64 = 20.0;

/// Measures each in turn.
pub(super) fn run(effort: Effort) -> Result<Section, String> {
    let mut section = Section::begin("writer", "Writer: a deployed function's CPU time, beside one item per activity");
    let candidates = [(RELAY, Form::Frame), (ITEMS, Form::Frame), (NODE, Form::Text), (PYTHON, Form::Text)];
    for (candidate, form) in candidates {
        if present(&[candidate]).is_empty() {
            continue;
        }
        // An event of hundreds is full by its bytes; one invocation of them holds tens of thousands of items.
        for (what, per_record, invocations) in [(HUNDREDS, 100, 1), (SINGLES, 1, 4)] {
            let size = Size { per_record, records: effort.part(BATCH_SIZE), invocations };
            let rate = rate(candidate, effort, &mut Load::new(form, size)?)?;
            section.figure(candidate.name, what, rate);
        }
    }
    for what in [HUNDREDS, SINGLES] {
        if let (Some(ours), Some(theirs)) = (section.value(RELAY.name, what), section.value(PYTHON.name, what)) {
            section.goal(&format!("{what}: Relay's by Python's"), ours / theirs, Limit::AtLeast(TIMES));
        }
    }
    section.note("Relay and the item-per-activity writer get the same frames; Node.js and Python get what their own doors put, JSON arrays of the same activities.");
    Ok(section)
}

/// Whoever is to write, before this stand-in for AWS.
pub(crate) fn open(candidate: Candidate, endpoint: Endpoint) -> Result<Stage, String> {
    let environment = [
        ("PAGES_TABLE", PAGES),
        ("CONTROL_TABLE", "control"),
        ("QUARANTINE_BUCKET", "quarantine"),
        ("PAGE_SHARDS", "4"),
        ("ITEMS_TABLE", "items"),
    ];
    Stage::open(candidate, endpoint, &environment)
}

/// Activities that its process stores in a second of a core.
fn rate(candidate: Candidate, effort: Effort, load: &mut Load) -> Result<f64, String> {
    let stage = open(candidate, Endpoint::start()?)?;
    drain(&stage, load)?;
    let cost = measure(effort, Account::Process(stage.process()?), || drain(&stage, load))?;
    Ok(number(load.activities) / cost.core.as_secs_f64().max(1e-9))
}

fn drain(stage: &Stage, load: &mut Load) -> Outcome {
    for payload in load.payloads() {
        let answer = stage.runtime.block_on(stage.call(Bytes::copy_from_slice(payload)))?;
        if answer
            .get("batchItemFailures")
            .and_then(|failures| failures.as_array())
            .is_none_or(|failures| !failures.is_empty())
        {
            return Err(format!("the writer did not store a batch: {answer}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn whoever_is_installed_stores_both_sorts_of_records() {
        if built(&[RELAY, ITEMS]) {
            let section = run(TINY).unwrap();
            assert!(section.value(RELAY.name, HUNDREDS) > Some(0.0) && section.value(ITEMS.name, SINGLES) > Some(0.0));
        }
    }
}
