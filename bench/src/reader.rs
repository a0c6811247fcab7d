//! How many rows a second one core reads: pages listed, unpacked, merged, deduplicated, each row decoded whole. The table is the in-memory double.

use std::time::Duration;

use relay::activity::Kind;
use relay::page::{self, Datum};
use relay::port::PageStore;
use relay::port::memory::MemoryPages;
use relay::reader::{Reader, Selection};
use relay::{activity::Activity, avro};

use crate::core_time::{rate, repeat};
use crate::generator::Generator;
use crate::{Outcome, judge, say, wait};

/// 2026-11-14 08:10:00 UTC, in whole minutes.
const START: i64 = 1_794_643_800_000;

const ROWS: usize = 400_000;

/// Activities of one write: a second's of one stream shard (storage.md).
const BATCH: usize = 250;

/// `PageShards`.
const SHARDS: u32 = 4;

/// Of so many activities one comes again, in another write.
const AGAIN: usize = 20;

/// How long to measure each.
const AT_LEAST: Duration = Duration::from_secs(8);

/// Measures many minutes, as they are; then all in one minute, which is read in passes.
pub(crate) fn run() -> Outcome {
    let usual = measure(10)?;
    say(&format!("reader, 10 minutes of 40,000 rows   {usual:>9} rows a second a core, goal 500000"));
    let single = measure(1)?;
    say(&format!("reader, 1 minute of 400,000 rows    {single:>9} rows a second a core, several passes"));
    judge("10 minutes", usual, 500_000)
}

fn measure(minutes: i64) -> Result<u64, String> {
    let pages = wait(table(minutes))??;
    let (rounds, time) = repeat(AT_LEAST, || match wait(read(&pages))?? {
        ROWS => Ok(()),
        rows => Err(format!("{rows} rows were read, {ROWS} are there")),
    })?;
    Ok(rate(rounds * ROWS as u64, time))
}

async fn table(minutes: i64) -> Result<MemoryPages, String> {
    let mut generator = Generator::new(1);
    let pages = MemoryPages::default();
    let mut again: Vec<Vec<u8>> = Vec::new();
    let rows = i64::try_from(ROWS).unwrap_or(i64::MAX);
    for first in (0..ROWS).step_by(BATCH) {
        let mut batch: Vec<Vec<u8>> = std::mem::take(&mut again);
        for row in first..first + BATCH {
            let created_at = START + i64::try_from(row).unwrap_or_default() * minutes * 60_000 / rows;
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
    Ok(pages)
}

fn encoded(activity: &Activity<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    avro::encode(activity, &mut bytes);
    bytes
}

async fn read(pages: &MemoryPages) -> Result<usize, String> {
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
