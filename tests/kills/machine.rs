//! The state machine as infra/export.asl.json has it: what it tries again, how often, and when it gives up.

use export::worker::StepError;
use relay::port::ExecutionState;
use serde_json::{Value, json};

use crate::world::World;

/// Attempts after a step that was cut off (`Runtime.ExitError` and its like).
const CUT_OFF: usize = 3;
/// Attempts after the world's faults, and of recording a failure.
const PATIENCE: usize = 10;
/// More steps than any export here takes.
const STEPS: usize = 5_000;

/// How an invocation ended.
pub(crate) enum Answer {
    Status(String),
    Error(StepError),
    Killed,
}

/// Runs an execution to its end; answers how it ended.
pub(crate) fn execute(world: &World<'_>, input: &Value) -> ExecutionState {
    let task = |action: &str| json!({"action": action, "owner": input["owner"], "export_id": input["export_id"]});
    for _ in 0..STEPS {
        match step(world, &task("step")) {
            Ok(status) if status == "running" => {}
            Ok(status) if status == "waiting" => world.pass(2_000),
            Ok(status) if ["done", "empty", "cancelled"].contains(&status.as_str()) => {
                return ExecutionState::Succeeded;
            }
            Ok(status) if status == "failed" => return ExecutionState::Failed,
            Ok(other) => panic!("a step answered {other}"),
            Err(error) => {
                let mut fail = task("fail");
                fail["error"] = json!(error);
                record_failure(world, &fail);
                return ExecutionState::Failed;
            }
        }
    }
    panic!("the export does not end");
}

/// One visit of the state `Step`, with its retries; the error's name where they were not enough.
fn step(world: &World<'_>, task: &Value) -> Result<String, String> {
    let (mut cut_off, mut faults) = (0, 0);
    loop {
        match world.invoke(task) {
            Answer::Status(status) => return Ok(status),
            Answer::Killed if cut_off < CUT_OFF => {
                world.pass(5_000 << cut_off);
                cut_off += 1;
            }
            Answer::Killed => return Err("Runtime.ExitError".to_owned()),
            Answer::Error(error) => {
                let is_transient =
                    ["Export.Throttled", "Export.Unavailable", "Export.TimedOut"].contains(&error.name());
                if !is_transient || faults == PATIENCE {
                    return Err(error.name().to_owned());
                }
                world.pass(2_000);
                faults += 1;
            }
        }
    }
}

/// The state `RecordFailure`. Where every attempt dies the dispatcher finds the export without its execution.
fn record_failure(world: &World<'_>, task: &Value) {
    for _ in 0..=PATIENCE {
        if let Answer::Status(_) = world.invoke(task) {
            return;
        }
        world.pass(2_000);
    }
}
