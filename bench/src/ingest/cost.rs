//! To parse, map and encode: the golden samples of each provider, one by one, and an SDK's batch.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use relay::activity::{Activity, Kind, Provider};
use relay::batch::{self, Body, Unpacked};
use relay::callback::{self, Callback};
use relay::frame;

use crate::core_time::{Account, Effort, measure};
use crate::report::{Section, number};
use crate::requests::items;
use relay_plan::generator::Generator;

/// A folder of samples for each provider: what the mappings are tested with.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/relay/tests/golden");

/// The query string beside a body.
const QUERY: &str = "key=relay_ingest_secret&app_token=2fm9gkqubvpc";

/// When the samples reach the door: milliseconds since the epoch.
const RECEIVED_AT: i64 = 1_700_000_000_000;

/// Items of an SDK's batch.
const BATCH: usize = 100;

/// How often a turn does its work: one alone is shorter than the clock can tell.
const TIMES: u32 = 100;

pub(super) fn run(effort: Effort) -> Result<Section, String> {
    let mut section =
        Section::begin("ingest", "Callbacks: to understand and to pack each, one by one and in an SDK's batch");
    for provider in callback::providers() {
        let samples = samples(Path::new(SAMPLES), provider)?;
        if !samples.is_empty() {
            bill(&samples, effort)?.say(&mut section, provider.name());
        }
    }
    batch(effort)?.say(&mut section, "an item of an SDK's batch of 100");
    section.note(
        "Means over the golden samples of each provider (`crates/relay/tests/golden`): the code alone, in memory.",
    );
    Ok(section)
}

/// What one callback takes.
struct Bill {
    bytes: usize,
    to_understand: Duration,
    to_pack: Duration,
    frame_bytes: usize,
}

impl Bill {
    fn say(&self, section: &mut Section, what: &str) {
        section.figure(what, "bytes sent", number(self.bytes as u64));
        section.figure(what, "to understand, CPU ns", self.to_understand.as_secs_f64() * 1e9);
        section.figure(what, "to pack, CPU ns", self.to_pack.as_secs_f64() * 1e9);
        section.figure(what, "bytes of the frame", number(self.frame_bytes as u64));
    }
}

/// A callback as it is sent.
struct Sample {
    provider: Provider,
    method: &'static str,
    query: String,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Sample {
    fn callback(&self) -> Callback<'_> {
        let Self { provider, method, query, content_type, body } = self;
        Callback { provider: *provider, method, query, content_type, body, received_at: RECEIVED_AT }
    }

    fn parse(&self) -> Result<Activity<'_>, String> {
        callback::parse(black_box(&self.callback())).map_err(|discard| discard.detail)
    }

    fn bytes(&self) -> usize {
        self.query.len() + self.body.len()
    }
}

/// A query string each (`.txt`) or a JSON body (`.json`); those that are no activity are left out.
fn samples(folder: &Path, provider: Provider) -> Result<Vec<Sample>, String> {
    let folder = folder.join(provider.name());
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut samples = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let read = || fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
        let sample = match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => {
                let query = String::from_utf8_lossy(&read()?).trim_end().to_owned();
                Sample { provider, method: "GET", query, content_type: "", body: Vec::new() }
            }
            Some("json") => {
                let (query, content_type) = (QUERY.to_owned(), "application/json");
                Sample { provider, method: "POST", query, content_type, body: read()? }
            }
            _ => continue,
        };
        if callback::parse(&sample.callback()).is_ok() {
            samples.push(sample);
        }
    }
    Ok(samples)
}

fn bill(samples: &[Sample], effort: Effort) -> Result<Bill, String> {
    let each = |time: Duration| time / TIMES / u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let to_understand = measure(effort, Account::ThisThread, || {
        (0..TIMES).flat_map(|_| samples).try_for_each(|sample| sample.parse().map(|activity| drop(black_box(activity))))
    })?;
    let activities: Vec<Activity<'_>> = samples.iter().map(Sample::parse).collect::<Result<_, _>>()?;
    let mut frame_bytes = 0;
    let to_pack = measure(effort, Account::ThisThread, || {
        frame_bytes = 0;
        for activity in (0..TIMES).flat_map(|_| &activities) {
            frame_bytes += packed(std::slice::from_ref(black_box(activity)));
        }
        Ok::<_, String>(())
    })?;
    Ok(Bill {
        bytes: samples.iter().map(Sample::bytes).sum::<usize>() / samples.len(),
        to_understand: each(to_understand.core),
        to_pack: each(to_pack.core),
        frame_bytes: frame_bytes / TIMES as usize / samples.len(),
    })
}

/// The same of one item in an SDK's batch: the frame's bytes, too, are an item's share.
fn batch(effort: Effort) -> Result<Bill, String> {
    let mut generator = Generator::new(1);
    let body = items(&mut generator, Kind::Event, RECEIVED_AT, BATCH)?;
    let content = body.into();
    let body = Body { content_type: "application/json", content_encoding: "", content: &content };
    let unpack = || batch::unpack(black_box(&body)).map_err(|error| error.to_string());
    let to_understand = measure(effort, Account::ThisThread, || {
        (0..TIMES).try_for_each(|_| understand(&unpack()?).map(|activities| drop(black_box(activities))))
    })?;
    let unpacked = unpack()?;
    let activities = understand(&unpacked)?;
    let mut frame_bytes = 0;
    let to_pack = measure(effort, Account::ThisThread, || {
        frame_bytes = (0..TIMES).map(|_| packed(black_box(&activities))).sum();
        Ok::<_, String>(())
    })?;
    let (times, items) = (TIMES as usize * BATCH, TIMES * 100);
    Ok(Bill {
        bytes: content.len() / BATCH,
        to_understand: to_understand.core / items,
        to_pack: to_pack.core / items,
        frame_bytes: frame_bytes / times,
    })
}

fn understand<'a>(unpacked: &'a Unpacked<'_>) -> Result<Vec<Activity<'a>>, String> {
    let items = unpacked.activities(RECEIVED_AT).map_err(|error| error.to_string())?;
    items.into_iter().collect::<Result<_, _>>().map_err(|discard| discard.detail)
}

fn packed(activities: &[Activity<'_>]) -> usize {
    frame::pack(90, activities).iter().map(|frame| frame.data.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    #[test]
    fn every_provider_that_is_understood_has_samples_and_a_bill() {
        for provider in callback::providers() {
            let samples = samples(Path::new(SAMPLES), provider).unwrap();
            assert!(!samples.is_empty(), "{provider} has no golden sample that is an activity");
            let bill = bill(&samples, TINY).unwrap();
            assert!(bill.frame_bytes > 100 && bill.bytes > 100, "{provider}");
        }
        assert!(batch(TINY).unwrap().frame_bytes < 300, "batches are compressed");
    }
}
