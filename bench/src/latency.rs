//! How long until a callback can be read: through the door, the stream's driver with the template's window, the writer, and the reader that exports use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::driver::{Mapping, Start, drive};
use relay::activity::{Kind, Provider};
use relay::callback::{self, Callback};
use relay::reader::{Reader, Selection};
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsPages;
use relay_lambda::process;
use relay_plan::generator::Generator;
use tokio::sync::watch;

use crate::core_time::Effort;
use crate::door::{self, Door};
use crate::endpoint::Endpoint;
use crate::report::{Limit, Section};
use crate::stage::{REGION, Stage};
use crate::writer::host::{self, PAGES};
use crate::{Findings, requests};

/// Callbacks, and the time from one to the next.
const CALLBACKS: usize = 1_000;
const EVERY: Duration = Duration::from_millis(20);

/// How often what is readable is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The longest wait for a callback: whoever is later is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// `MaximumBatchingWindowInSeconds` in template.yaml for steady traffic.
const WINDOW: i64 = 1;

/// The seconds within which 99 of 100 callbacks can be read.
const GOAL: f64 = 2.0;

/// Sends callbacks at their pace and looks for each in the table.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("latency", "Latency: from a callback to its row, at a window of one second");
    let endpoint = Endpoint::streaming(2)?;
    let door = Door::cold(door::RELAY, endpoint.clone())?;
    let writer = host::open(host::RELAY, endpoint)?;
    let times = door.stage.runtime.block_on(measure(&door, &writer, effort.part(CALLBACKS)))?;
    for (who, mut times) in [("acknowledged", times.acknowledged), ("readable", times.readable)] {
        times.sort_unstable();
        let at =
            |share: usize| times.get(times.len() * share / 100).or(times.last()).map_or(0.0, Duration::as_secs_f64);
        section.figure(who, "p50, ms", at(50) * 1e3);
        section.figure(who, "p99, ms", at(99) * 1e3);
        section.figure(who, "longest, ms", at(100) * 1e3);
    }
    if let Some(p99) = section.value("readable", "p99, ms") {
        section.goal("callback to readable, p99, s", p99 / 1e3, Limit::AtMost(GOAL));
    }
    section.note("1,000 callbacks, one every 20 ms; the driver asks each shard five times a second, the table is looked at every 50 ms. The first callbacks start both functions.");
    Ok(vec![section])
}

/// Since each callback was sent.
struct Times {
    acknowledged: Vec<Duration>,
    readable: Vec<Duration>,
}

/// Callbacks that are not readable yet, by id: when each was sent.
type Waiting = RefCell<HashMap<String, Instant>>;

async fn measure(door: &Door, writer: &Stage, callbacks: usize) -> Result<Times, String> {
    let (stop, stopped) = watch::channel(false);
    let aws = local::aws::Aws::new(writer.endpoint.url(), REGION);
    let folder = writer.folder().to_owned();
    let (mapping, host) = (mapping(writer.arn()), Arc::clone(&writer.host));
    let driver = tokio::spawn(async move { drive(mapping, aws, host, &folder, stopped).await });
    let (waiting, began) = (Waiting::default(), process::now_ms());
    let pages = AwsPages::new(&Aws::at(door.stage.endpoint.url(), REGION).await, PAGES);
    let (acknowledged, readable) =
        tokio::join!(send(door, callbacks, &waiting), look(&pages, began, callbacks, &waiting));
    stop.send_replace(true);
    driver.await.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())?;
    Ok(Times { acknowledged: acknowledged?, readable: readable? })
}

fn mapping(function_arn: String) -> Mapping {
    Mapping {
        uuid: "latency".to_owned(),
        event_source_arn: format!("arn:aws:kinesis:{REGION}:000000000000:stream/stream"),
        function_arn,
        starting_position: Start::TrimHorizon,
        batch_size: 1000,
        maximum_batching_window_in_seconds: WINDOW,
        parallelization_factor: 1,
        maximum_retry_attempts: -1,
        maximum_record_age_in_seconds: -1,
        bisect_batch_on_function_error: false,
        function_response_types: vec!["ReportBatchItemFailures".to_owned()],
        destination_config: None,
    }
}

/// The times until the answers.
async fn send(door: &Door, callbacks: usize, waiting: &Waiting) -> Result<Vec<Duration>, String> {
    let (mut generator, mut times) = (Generator::new(1), Vec::with_capacity(callbacks));
    let mut pace = tokio::time::interval(EVERY);
    for _ in 0..callbacks {
        pace.tick().await;
        let query = generator.query(Kind::Event, process::now_ms() / 1000);
        let (id, sent) = (activity_id(&query)?, Instant::now());
        waiting.borrow_mut().insert(id, sent);
        door.answer(requests::single(&query, &door.secret)).await?;
        times.push(sent.elapsed());
    }
    Ok(times)
}

/// The id that the door gives a callback: it is made of what the callback says.
fn activity_id(query: &str) -> Result<String, String> {
    let callback = Callback {
        provider: Provider::Adjust,
        method: "GET",
        query,
        content_type: "",
        body: b"",
        received_at: process::now_ms(),
    };
    callback::parse(&callback).map(|activity| activity.activity_id.to_string()).map_err(|discard| discard.detail)
}

/// The times until the rows.
async fn look(pages: &AwsPages, began: i64, callbacks: usize, waiting: &Waiting) -> Result<Vec<Duration>, String> {
    let (mut times, mut last) = (Vec::new(), Instant::now());
    while times.len() < callbacks {
        tokio::time::sleep(LOOK).await;
        for id in readable(pages, began).await? {
            if let Some(sent) = waiting.borrow_mut().remove(&id) {
                last = Instant::now();
                times.push(sent.elapsed());
            }
        }
        if last.elapsed() > PATIENCE {
            return Err(format!("only {} of {callbacks} callbacks can be read", times.len()));
        }
    }
    Ok(times)
}

async fn readable(pages: &AwsPages, began: i64) -> Result<Vec<String>, String> {
    let selection = Selection {
        app_token: Generator::APP_TOKEN.to_owned(),
        kind: Kind::Event,
        from: began - 1_000,
        to: process::now_ms() + 1_000,
        as_of: i64::MAX,
        kept_since: 0,
        received_since: 0,
        after: None,
        shards: 4,
        erased: relay::erase::Erased::none(),
    };
    let (mut reader, mut ids) = (Reader::new(pages, selection), Vec::new());
    while let Some(minute) = reader.next().await.map_err(|error| error.to_string())? {
        for activity in minute.iter() {
            ids.push(activity.map_err(|error| error.to_string())?.activity_id.to_string());
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TINY, built};

    #[test]
    fn every_callback_becomes_readable() {
        if built(&[door::RELAY, host::RELAY]) {
            let section = run(TINY).unwrap().remove(0);
            assert!(section.value("readable", "p50, ms") > section.value("acknowledged", "p50, ms"));
        }
    }
}
