//! The plan: what a load takes, and what of it goes beyond a limit.

mod findings;
mod quotas;

use serde::Serialize;

use crate::bill::{Bill, Month, Spending};
use crate::control::{self, Partition};
use crate::door::Door;
use crate::figures::{EXPORTED_A_SECOND, Figures, Unmeasured};
use crate::heat::{self, Heat, Hottest, LEVELS, Reading};
use crate::load::Load;
use crate::number::{float, ratio, whole};
use crate::price::{self, GB};
use crate::quota::{PARTITION_WRITES, Raise};
use crate::stream::Stream;
use crate::text;
use crate::writer::{self, Writer};

pub use findings::Finding;

/// The windows that are tried, in seconds, where none is given: longer ones fill pages better and spare the partitions that are one for all, but rows come later.
const WINDOWS: [u32; 3] = [5, 15, 60];

/// A partition that had rest gives what it saved: seconds of its limit (DynamoDB developer guide, "Burst capacity").
const SAVED_SECONDS: f64 = 300.0;

/// How full the hottest partition of pages may be in its busiest second: `PageShards` is chosen once, and no minute is like another.
const FULL: f64 = 0.8;

/// A partition's most bytes (DynamoDB developer guide: 10 GB).
const PARTITION_GB: f64 = 10.0;

/// From so many requests a second on the plan leaves the access log out: a line costs two thirds of what writing its activity does.
const LOGGED_REQUESTS: u64 = 1_000;

/// In how long the exports of a day should be through: seconds.
const EXPORTED_WITHIN: f64 = 4.0 * 3_600.0;

/// Table `pages`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pages {
    /// `PageShards`.
    pub page_shards: u32,
    /// Write units for 1,000 activities at the peak.
    pub units_per_thousand: f64,
    /// Activities of a page.
    pub activities_per_page: f64,
    /// Bytes that the table keeps of an activity.
    pub bytes_per_activity: f64,
    /// Write units of the table in its busiest second.
    pub write_units: u64,
    /// Partitions that DynamoDB makes of it, by heat or by size.
    pub partitions: u64,
    /// What it keeps in the end: GB.
    pub storage_gb: f64,
}

/// A parameter of the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What to set it to.
    pub value: String,
}

/// What a load takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The load.
    pub load: Load,
    /// Of where the prices are.
    pub region: &'static str,
    /// Of when.
    pub prices_as_of: &'static str,
    /// What to deploy with.
    pub parameters: Vec<Parameter>,
    /// The stream.
    pub stream: Stream,
    /// ingest.
    pub door: Door,
    /// batch-writer.
    pub writer: Writer,
    /// Exports at the same time.
    pub concurrent_exports: u64,
    /// Table `pages`.
    pub pages: Pages,
    /// The busiest partitions.
    pub partitions: Vec<Partition>,
    /// Quotas to raise.
    pub quotas: Vec<Raise>,
    /// What a month costs.
    pub bill: Bill,
    /// What goes beyond a limit, and what else to know.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Whether nothing goes beyond a limit.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.findings.iter().any(|finding| finding.is_over)
    }

    /// As a table for people.
    #[must_use]
    pub fn text(&self) -> String {
        text::table(self)
    }
}

/// What the peak makes of one window.
struct Peak {
    reading: Reading,
    heat: Heat,
    level: usize,
    partitions: Vec<Partition>,
}

/// Plans a load. `progress` hears how far a simulation is; there may be several.
pub fn plan(load: &Load, progress: &mut dyn FnMut(u32, u32)) -> Result<Plan, Unmeasured> {
    plan_and_spend(load, &Spending::default(), progress).map(|(plan, _)| plan)
}

/// The same where more is said of what is paid for; and what an average minute is like.
pub(crate) fn plan_and_spend(
    load: &Load,
    spending: &Spending,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<(Plan, Heat), Unmeasured> {
    let figures = Figures::measure(load.batch)?;
    let stream = Stream::choose(load, &figures);
    let door = Door::of(load);
    let mut windows = load.window.map_or_else(|| WINDOWS.to_vec(), |window| vec![window]).into_iter();
    let mut peak = Peak::of(load, &figures, &stream, &door, windows.next().unwrap_or(1), progress);
    for window in windows {
        if peak.partitions.iter().all(Partition::holds) {
            break;
        }
        peak = Peak::of(load, &figures, &stream, &door, window, progress);
    }
    let average = heat::simulate(&load.average(), &figures, peak.reading, progress);
    Ok((peak.plan(load, stream, door, &average, spending), average))
}

impl Peak {
    fn of(
        load: &Load,
        figures: &Figures,
        stream: &Stream,
        door: &Door,
        window: u32,
        progress: &mut dyn FnMut(u32, u32),
    ) -> Self {
        let reading = writer::reading(load, figures, stream, window);
        let heat = heat::simulate(load, figures, reading, progress);
        let of_pages =
            |level: usize| heat.hottest.get(level).map(|hottest| page_partition(load, &heat, hottest, level));
        let has_room = |partition: Partition| partition.holds() && partition.writes <= FULL * float(PARTITION_WRITES);
        let level = (0..LEVELS).find(|level| of_pages(*level).is_some_and(has_room)).unwrap_or(LEVELS - 1);
        let mut partitions: Vec<Partition> = of_pages(level).into_iter().collect();
        partitions.extend(control::partitions(load, door, &heat));
        Self { reading, heat, level, partitions }
    }

    fn plan(self, load: &Load, stream: Stream, door: Door, average: &Heat, spending: &Spending) -> Plan {
        let writer = Writer::of(self.reading, &self.heat);
        let pages = Pages::of(load, &self.heat, average, 1 << self.level);
        let concurrent_exports = whole(float(load.per_day) / EXPORTED_A_SECOND / EXPORTED_WITHIN).max(1);
        let has_access_log = spending.access_log.unwrap_or(door.requests < LOGGED_REQUESTS);
        let storage_gb = pages.storage_gb;
        let bill = Bill::of(&Month { load, stream: &stream, heat: average, storage_gb, has_access_log, spending });
        let mut plan = Plan {
            load: load.clone(),
            region: price::REGION,
            prices_as_of: price::AS_OF,
            parameters: parameters(&stream, &writer, &pages, concurrent_exports, has_access_log),
            stream,
            door,
            writer,
            concurrent_exports,
            pages,
            partitions: self.partitions,
            quotas: Vec::new(),
            bill,
            findings: Vec::new(),
        };
        plan.quotas = quotas::to_raise(&plan);
        plan.findings = findings::of(&plan);
        plan
    }
}

/// What the hottest partition of pages takes: writes of its busiest second; reads of an export of its day, beside what it had saved.
fn page_partition(load: &Load, heat: &Heat, hottest: &Hottest, level: usize) -> Partition {
    let share = load.skew.shares(load.apps).first().copied().unwrap_or(1.0);
    let shards = float(1 << level);
    let bytes = ratio(heat.bytes, heat.activities);
    let of_day = float(load.per_day) * share * bytes / shards / 4_096.0;
    let of_worker = EXPORTED_A_SECOND * bytes / shards / 4_096.0;
    let reads = of_day.min(of_worker * SAVED_SECONDS) / SAVED_SECONDS;
    let (pk, writes) = (heat::pk(hottest), float(hottest.units));
    Partition { table: "pages", pk, what: "the busiest app's day, read by an export", writes, reads }
}

impl Pages {
    fn of(load: &Load, peak: &Heat, average: &Heat, page_shards: u32) -> Self {
        let bytes_per_activity = ratio(average.bytes, average.activities);
        let storage_gb = float(load.per_day) * f64::from(load.retention_days) * bytes_per_activity / GB;
        let by_heat = peak.worst_second_units.div_ceil(PARTITION_WRITES);
        Self {
            page_shards,
            units_per_thousand: peak.units_per_thousand(),
            activities_per_page: ratio(peak.activities, peak.pages),
            bytes_per_activity,
            write_units: peak.worst_second_units,
            partitions: by_heat.max(whole(storage_gb / PARTITION_GB)).max(1),
            storage_gb,
        }
    }
}

fn parameters(stream: &Stream, writer: &Writer, pages: &Pages, exports: u64, keeps_log: bool) -> Vec<Parameter> {
    let mut parameters = vec![Parameter { name: "StreamMode", value: stream.mode.to_owned() }];
    let mut set = |name, value: String| parameters.push(Parameter { name, value });
    if stream.mode == "PROVISIONED" {
        set("StreamShards", stream.shards.to_string());
    }
    set("BatchWindowSeconds", writer.window.to_string());
    set("BatchSize", writer.batch_size.to_string());
    set("PageShards", pages.page_shards.to_string());
    set("MaxConcurrentExports", exports.to_string());
    set("AccessLogs", if keeps_log { "enabled" } else { "disabled" }.to_owned());
    parameters
}

#[cfg(test)]
mod tests;
