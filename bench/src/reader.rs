//! How many rows a second one core reads: pages asked for through the SDK, received, unpacked, merged, deduplicated, each row decoded whole; beside it the
//! same with the table in memory, without the SDK.

use std::time::Duration;

use relay::activity::{Activity, Kind};
use relay::avro;
use relay::page::{self, Datum};
use relay::port::PageStore;
use relay::port::memory::MemoryPages;
use relay::reader::{Reader, Selection};
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsPages;
use tokio::runtime::Runtime;

use crate::core_time::{Account, Effort, measure, rate};
use crate::endpoint::Endpoint;
use crate::report::{Section, number};
use crate::{Findings, Outcome, Rates, runtime};
use relay_plan::generator::Generator;

/// 2026-11-14 08:10:00 UTC, in whole minutes.
const START: i64 = 1_794_643_800_000;

const ROWS: usize = 400_000;

/// Activities of one write: a second's of one stream shard (storage.md).
const BATCH: usize = 250;

/// `PageShards`.
const SHARDS: u32 = 4;

/// Of so many activities one comes again, in another write.
const AGAIN: usize = 20;

/// What the goal is for: rows a second.
const GOAL: u64 = 500_000;

/// From few rows to a hundred times as many.
const GROWING: [usize; 4] = [5_000, 20_000, 100_000, 500_000];

/// Measures many minutes, as they are; then all in one minute, which is read in passes; then fewer and more.
pub(crate) fn run(effort: Effort) -> Findings {
    let mut section = Section::begin("reader", "Reader: pages become rows, unpacked, merged, deduplicated, decoded");
    let rows = effort.part(ROWS / BATCH) * BATCH;
    let usual = Period { rows, minutes: 10 }.rates(effort)?;
    usual.say(&mut section, "400,000 rows in 10 minutes", "rows");
    Period { rows, minutes: 1 }.rates(effort)?.say(&mut section, "in one minute, in passes", "rows");
    usual.judge(&mut section, "rows of 10 minutes", GOAL);
    let point = |rows: usize| {
        let rows = effort.part(rows / BATCH) * BATCH;
        Ok((number(rows as u64), Period { rows, minutes: 10 }.in_memory(effort)?.as_secs_f64() * 1e3))
    };
    let points = GROWING.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
    section.growth("reader", ("rows", "CPU ms, in memory"), points);
    Ok(vec![section])
}

/// What is there to read.
#[derive(Clone, Copy)]
struct Period {
    rows: usize,
    minutes: i64,
}

impl Period {
    /// Over the SDK and over the double, each on this thread.
    fn rates(self, effort: Effort) -> Result<Rates, String> {
        let runtime = runtime()?;
        let double = MemoryPages::default();
        runtime.block_on(self.store(&double))?;
        let in_memory = self.rate(effort, &runtime, &double)?;
        let endpoint = Endpoint::start()?;
        let table = AwsPages::new(&runtime.block_on(Aws::at(endpoint.url(), "eu-west-1")), "pages");
        runtime.block_on(copy(&double, &table))?;
        drop(double);
        let through_sdk = self.rate(effort, &runtime, &table)?;
        Ok(Rates { through_sdk, in_memory })
    }

    /// What reading takes of a core without the SDK.
    fn in_memory(self, effort: Effort) -> Result<Duration, String> {
        let (runtime, pages) = (runtime()?, MemoryPages::default());
        runtime.block_on(self.store(&pages))?;
        self.cost(effort, &runtime, &pages)
    }

    fn rate(self, effort: Effort, runtime: &Runtime, pages: &impl PageStore) -> Result<u64, String> {
        Ok(rate(self.rows as u64, self.cost(effort, runtime, pages)?))
    }

    fn cost(self, effort: Effort, runtime: &Runtime, pages: &impl PageStore) -> Result<Duration, String> {
        let cost = measure(effort, Account::ThisThread, || match runtime.block_on(read(pages))? {
            rows if rows == self.rows => Ok(()),
            rows => Err(format!("{rows} rows were read, {} are there", self.rows)),
        })?;
        Ok(cost.core)
    }

    async fn store(self, pages: &MemoryPages) -> Outcome {
        let mut generator = Generator::new(1);
        let mut again: Vec<Vec<u8>> = Vec::new();
        let rows = i64::try_from(self.rows).unwrap_or(i64::MAX);
        for first in (0..self.rows).step_by(BATCH) {
            let mut batch: Vec<Vec<u8>> = std::mem::take(&mut again);
            for row in first..first + BATCH {
                let created_at = START + i64::try_from(row).unwrap_or_default() * self.minutes * 60_000 / rows;
                let datum = encoded(&generator.activity(Kind::Event, created_at, created_at + 1_000)?);
                if row % AGAIN == 0 {
                    again.push(datum.clone());
                }
                batch.push(datum);
            }
            let datums = batch.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
            let sourced = page::paginate(datums, SHARDS).map_err(|error| error.to_string())?;
            let made: Vec<_> = sourced.into_iter().map(|sourced| sourced.page).collect();
            for stored in pages.put(&made).await {
                stored.map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

async fn copy(from: &MemoryPages, to: &impl PageStore) -> Outcome {
    for stored in to.put(&from.all()).await {
        stored.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn encoded(activity: &Activity<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    avro::encode(activity, &mut bytes);
    bytes
}

async fn read(pages: &impl PageStore) -> Result<usize, String> {
    let selection = Selection {
        app_token: Generator::APP_TOKEN.to_owned(),
        kind: Kind::Event,
        from: START,
        to: START + 3_600_000,
        as_of: i64::MAX,
        kept_since: 0,
        received_since: 0,
        after: None,
        shards: SHARDS,
        erased: relay::erase::Erased::none(),
    };
    let mut reader = Reader::new(pages, selection);
    let mut rows = 0;
    while let Some(minute) = reader.next().await.map_err(|error| error.to_string())? {
        for activity in minute.iter() {
            let activity = activity.map_err(|error| error.to_string())?;
            rows += usize::from(!std::hint::black_box(&activity).app_token.is_empty());
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    #[test]
    fn both_ways_read_every_row_once_and_over_more_than_one_answer() {
        let rates = Period { rows: 40_000, minutes: 2 }.rates(TINY).unwrap();
        assert!(rates.through_sdk > 0 && rates.in_memory > 0);
    }
}
