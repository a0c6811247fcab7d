//! How many activities a second one core brings from Kinesis events into pages: JSON, base64, frames, checks, grouping, compression, digests, and the SDK's
//! signing and sending to the in-process endpoint; beside it the same with the tables in memory, without the SDK; then the deployed binary beside its peers.

pub(crate) mod host;
mod load;

use batch_writer::App;
use batch_writer::handler::{Event, handle};
use lambda_runtime::{Context, LambdaEvent};
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use relay::port::{ControlTable, PageStore};
use relay_aws::config::Aws;
use relay_aws::dynamodb::{AwsControl, AwsPages};
use tokio::runtime::Runtime;

use crate::core_time::{Account, Effort, measure, rate};
use crate::endpoint::Endpoint;
use crate::report::{Section, number};
use crate::{Findings, Outcome, Rates, runtime};
use load::{BATCH_SIZE, Form, Load, Size};

/// When invocations end, in the context of each: milliseconds since the epoch, long after any of them.
const DEADLINE: u64 = 4_000_000_000_000;

/// Frames of a hundred, then of one, and what they promise.
const FRAMES: [(&str, usize, u64); 2] = [("frames of 100", 100, 200_000), ("frames of 1", 1, 80_000)];

/// Records of an invocation, from few to a hundred times as many.
const GROWING: [usize; 4] = [10, 50, 250, 1000];

/// Measures the code alone, then the functions under the Lambda host.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("writer", "Writer: stream events become pages, the code alone");
    for (what, per_record, goal) in FRAMES {
        let size = Size { per_record, records: effort.part(BATCH_SIZE), invocations: effort.part(20) };
        let rates = rates(&mut Load::new(Form::Frame, size)?, effort)?;
        rates.say(&mut section, what, "activities");
        rates.judge(&mut section, &format!("activities in {what}"), goal);
    }
    let point = |records: usize| {
        let load = &mut Load::new(Form::Frame, Size { per_record: 1, records, invocations: effort.part(20) })?;
        let invocations = number(load.invocations.len() as u64);
        let cost = in_memory(load, effort, &runtime()?)?.as_secs_f64() * 1e6;
        Ok((number(records as u64), cost / invocations))
    };
    let points = GROWING.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
    section.growth("writer", ("activities of an event", "CPU µs of the event, in memory"), points);
    Ok(vec![section, host::run(effort)?])
}

/// Over the SDK and over the doubles, each on this thread.
fn rates(load: &mut Load, effort: Effort) -> Result<Rates, String> {
    let runtime = runtime()?;
    let in_memory = rate(load.activities, in_memory(load, effort, &runtime)?);
    let endpoint = Endpoint::start()?;
    let aws = runtime.block_on(Aws::at(endpoint.url(), "eu-west-1"));
    let (pages, control) = (AwsPages::new(&aws, "pages"), AwsControl::new(&aws, "control"));
    let app = App::new(pages, control, MemoryQuarantine::default(), 1);
    let through_sdk = rate(load.activities, cost(load, effort, &runtime, &app)?);
    Ok(Rates { through_sdk, in_memory })
}

/// What draining all takes of a core with the tables in memory.
fn in_memory(load: &mut Load, effort: Effort, runtime: &Runtime) -> Result<std::time::Duration, String> {
    let doubles = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
    cost(load, effort, runtime, &doubles)
}

fn cost(
    load: &mut Load,
    effort: Effort,
    runtime: &Runtime,
    app: &App<impl PageStore, impl ControlTable, MemoryQuarantine>,
) -> Result<std::time::Duration, String> {
    Ok(measure(effort, Account::ThisThread, || runtime.block_on(drain(load, app)))?.core)
}

/// Brings all into the table. The same pages again take the place of the first.
async fn drain(load: &mut Load, app: &App<impl PageStore, impl ControlTable, MemoryQuarantine>) -> Outcome {
    for payload in load.payloads() {
        let payload: Event = serde_json::from_slice(payload).map_err(|error| format!("the event: {error}"))?;
        let mut context = Context::default();
        context.deadline = DEADLINE;
        let Ok(response) = handle(app, LambdaEvent::new(payload, context)).await;
        if !response.batch_item_failures.is_empty() {
            return Err("the writer did not store a batch".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    const SMALL: Size = Size { per_record: 1, records: BATCH_SIZE, invocations: 2 };

    #[test]
    fn every_activity_of_an_event_is_stored_and_the_watermark_follows() {
        let mut load = Load::new(Form::Frame, SMALL).unwrap();
        assert_eq!(load.activities, 2 * BATCH_SIZE as u64);
        assert!(load.invocations.iter().all(|invocation| invocation.payload.len() < load::PAYLOAD_BYTES));
        let app = App::new(MemoryPages::default(), MemoryControl::default(), MemoryQuarantine::default(), 1);
        let runtime = runtime().unwrap();
        assert_eq!(runtime.block_on(drain(&mut load, &app)), Ok(()));
        assert_eq!(app.pages.all().iter().map(|page| page.n).sum::<u64>(), load.activities);
        let watermarks = runtime.block_on(relay::backlog::watermarks(&app.control)).unwrap();
        assert_eq!(watermarks[0].sequence_number, load::digits_of(2));
    }

    #[test]
    fn both_ways_store_the_same_activities() {
        let rates = rates(&mut Load::new(Form::Frame, Size { invocations: 1, ..SMALL }).unwrap(), TINY).unwrap();
        assert!(rates.through_sdk > 0 && rates.in_memory > 0);
    }
}
