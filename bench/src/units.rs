//! What storing costs: write units of table `pages`, and of the counts of what arrived, for a thousand activities, through the real batch-writer, beside one
//! item per activity.
//!
//! Simulated time, so the outcome is the same on every machine; the test below holds the goals.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use batch_writer::App;
use batch_writer::batch::Record;
use batch_writer::drain::Clock;
use relay::activity::{Activity, Kind, Value};
use relay::control::{CommitError, Item, Key, Listing, Query, Write};
use relay::fault::Fault;
use relay::page::{Page, WRITE_UNIT_BYTES};
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, MemoryPages, MemoryQuarantine};
use relay::{avro, frame};

use crate::core_time::Effort;
use crate::report::{Limit, Section, number};
use crate::{Findings, runtime};
use relay_plan::generator::Generator;

/// The first second of the simulated time: 2026-11-14 08:10:00 UTC.
const START: i64 = 1_794_643_800_000;

/// Records of one invocation (template.yaml, `BatchSize`).
const BATCH_SIZE: usize = 1000;

/// Traffic, and how the stream hands it on.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    /// Activities a second, each a callback of its own.
    rate: i64,
    /// How long: seconds.
    seconds: i64,
    stream_shards: usize,
    /// `MaximumBatchingWindowInSeconds`.
    window: i64,
    kinds: &'static [Kind],
    /// Whether some come late: a fifth by up to ten minutes, a tenth by up to two days. The others are two seconds old at most.
    late: bool,
    /// The most units for a thousand activities; none where nothing is promised but less than an item each.
    goal: Option<usize>,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "1,000 a second, 4 shards, 1 s window, one kind, on time",
        rate: 1_000,
        seconds: 120,
        stream_shards: 4,
        window: 1,
        kinds: &[Kind::Event],
        late: false,
        goal: Some(140),
    },
    Scenario {
        name: "10 a second, 1 shard, 5 s window, one kind, on time",
        rate: 10,
        seconds: 1_200,
        stream_shards: 1,
        window: 5,
        kinds: &[Kind::Event],
        late: false,
        goal: Some(400),
    },
    Scenario {
        name: "1,000 a second, 4 shards, 1 s window, three kinds, 30 % late",
        rate: 1_000,
        seconds: 120,
        stream_shards: 4,
        window: 1,
        kinds: &Kind::ALL,
        late: true,
        goal: None,
    },
    Scenario {
        name: "10 a second, 1 shard, 5 s window, three kinds, 30 % late",
        rate: 10,
        seconds: 1_200,
        stream_shards: 1,
        window: 5,
        kinds: &Kind::ALL,
        late: true,
        goal: None,
    },
];

/// Units for a thousand activities.
struct Bill {
    pages: usize,
    /// What counting for `GET /v1/arrivals` adds.
    arrivals: usize,
    /// One item per activity, its fields as attributes.
    items: usize,
    /// One item per activity, its fields as one Avro datum: the cheapest that an item each can be.
    datums: usize,
    /// How many activities a page holds, on average.
    per_page: usize,
    /// Bytes of the pages' items.
    page_bytes: usize,
    /// Bytes of one item per activity, as one datum.
    datum_bytes: usize,
}

/// Activities a second, from few to a hundred times as many.
const GROWING: [i64; 3] = [10, 100, 1_000];

/// One item per activity takes at least so many times the units of ours, where activities come as in the first scenario.
const TIMES: f64 = 7.0;

/// The bill of every scenario.
pub(crate) fn run(_: Effort) -> Findings {
    let mut section = Section::begin("units", "Storing: write units and bytes for 1,000 activities");
    for scenario in &SCENARIOS {
        let bill = bill(scenario)?;
        let Bill { pages, arrivals, items, datums, per_page, page_bytes, datum_bytes } = bill;
        let figures = [
            ("units of pages", pages),
            ("of counting arrivals", arrivals),
            ("of an item each, attributes", items),
            ("of an item each, one datum", datums),
            ("bytes of pages", page_bytes),
            ("bytes of an item each, one datum", datum_bytes),
            ("activities a page", per_page),
        ];
        for (what, value) in figures {
            section.figure(scenario.name, what, number(value as u64));
        }
        let most = Limit::AtMost(number(scenario.most(&bill) as u64));
        section.goal(&format!("units, {}", scenario.name), number((pages + arrivals) as u64), most);
        if scenario.goal == Some(140) {
            let times = number(items.min(datums) as u64) / number((pages + arrivals) as u64);
            section.goal(
                "units of an item each by those of pages and counts, 1,000 a second",
                times,
                Limit::AtLeast(TIMES),
            );
        }
    }
    let point = |rate: i64| {
        let scenario = Scenario { rate, seconds: 60, ..SCENARIOS[0] };
        let bill = bill(&scenario)?;
        let rate = rate.unsigned_abs();
        Ok((number(rate), number((bill.pages + bill.arrivals) as u64 * rate) / 1000.0))
    };
    let points = GROWING.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
    section.growth("units", ("activities a second", "write units a second"), points);
    section.note("Through the real writer in simulated time, so the same on every machine. Cost per million at given rates: `relayctl cost`.");
    Ok(vec![section])
}

impl Scenario {
    /// The most units of pages and counts that are no missed goal.
    fn most(&self, bill: &Bill) -> usize {
        self.goal.unwrap_or(bill.datums).min(bill.datums).min(bill.items)
    }

    /// The kind of the window's nth activity.
    fn kind(&self, n: i64) -> Kind {
        let nth = usize::try_from(n).unwrap_or_default() % self.kinds.len();
        self.kinds.get(nth).copied().unwrap_or(Kind::Event)
    }

    /// When it happened, for one that arrives now.
    fn created_at(&self, generator: &mut Generator, received_at: i64) -> i64 {
        let age = match generator.below(10) {
            0 if self.late => generator.below(2 * 86_400_000),
            1 | 2 if self.late => generator.below(600_000),
            _ => generator.below(2_000),
        };
        received_at - age
    }
}

/// Runs a scenario through the writer.
fn bill(scenario: &Scenario) -> Result<Bill, String> {
    let (runtime, mut generator) = (runtime()?, Generator::new(20_140_701));
    let app = App::new(MemoryPages::default(), Priced::default(), MemoryQuarantine::default(), 1);
    let (mut activities, mut items, mut datums, mut bytes) = (0, 0, 0, 0);
    for window in 0..scenario.seconds / scenario.window {
        let mut shards = vec![Vec::new(); scenario.stream_shards];
        for n in 0..scenario.rate * scenario.window {
            let received_at = START + window * scenario.window * 1000 + n * 1000 / scenario.rate;
            let kind = scenario.kind(n);
            let created_at = scenario.created_at(&mut generator, received_at);
            let activity = generator.activity(kind, created_at, received_at)?;
            activities += 1;
            items += attribute_bytes(&activity).div_ceil(WRITE_UNIT_BYTES);
            let datum = datum_bytes(&activity);
            (datums, bytes) = (datums + datum.div_ceil(WRITE_UNIT_BYTES), bytes + datum);
            let shard = usize::try_from(generator.next() % 1_000).unwrap_or_default() % shards.len();
            if let Some(shard) = shards.get_mut(shard) {
                shard.extend(
                    frame::pack(90, &[activity]).into_iter().map(|frame| record(received_at, frame.data.to_vec())),
                );
            }
        }
        for batch in shards.iter().flat_map(|shard| shard.chunks(BATCH_SIZE)) {
            let clock = Unhurried { now: START + (window + 1) * scenario.window * 1000 };
            if runtime.block_on(app.drain(batch, &clock)).is_some() {
                return Err("the writer did not store a batch".to_owned());
            }
        }
    }
    let per_thousand = |units: usize| (units * 1000).div_ceil(activities);
    let pages = per_thousand(app.pages.write_units());
    let stored = app.pages.all();
    Ok(Bill {
        pages,
        arrivals: per_thousand(app.control.units.load(Ordering::Relaxed)),
        items: per_thousand(items),
        datums: per_thousand(datums),
        per_page: activities / stored.len().max(1),
        page_bytes: per_thousand(stored.iter().map(Page::item_bytes).sum()),
        datum_bytes: per_thousand(bytes),
    })
}

fn record(arrived_at: i64, data: Vec<u8>) -> Record {
    Record { sequence_number: "1".to_owned(), shard_id: "shardId-000000000000".to_owned(), arrived_at, data }
}

/// Keys of an item per activity: `{app_token}#{kind}#{yyyy-mm-dd}`, `{HHMMSS}#{id}`, the time to live; with their names.
const KEY_BYTES: usize = 12 + 12 + 12 + 40 + 20;

/// DynamoDB, item sizes: names and values in UTF-8, a number about a byte for two digits and one more.
fn attribute_bytes(activity: &Activity<'_>) -> usize {
    const TIME_BYTES: usize = 8;
    let fields = activity.fields.iter().map(|(field, value)| {
        field.name().len()
            + match value {
                Value::Text(text) => text.len(),
                Value::Time(_) => TIME_BYTES,
            }
    });
    let extra = activity.extra.iter().map(|(name, value)| name.len() + value.len());
    let heads = ["provider", "created_at", "received_at"].map(|name| name.len() + TIME_BYTES);
    KEY_BYTES + fields.chain(extra).chain(heads).sum::<usize>()
}

fn datum_bytes(activity: &Activity<'_>) -> usize {
    let mut datum = Vec::new();
    avro::encode(activity, &mut datum);
    KEY_BYTES + datum.len()
}

/// Table `control` with what the counts written to it cost.
#[derive(Default)]
struct Priced {
    control: MemoryControl,
    units: AtomicUsize,
}

impl ControlTable for Priced {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        self.control.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        self.control.query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        let counts = writes.iter().filter(|write| write.key().pk.starts_with("arrival#"));
        self.units.fetch_add(counts.map(transaction_units).sum(), Ordering::Relaxed);
        self.control.commit(writes).await
    }
}

/// A write in a transaction costs twice its units (DynamoDB, read and write capacity). JSON is longer than what DynamoDB counts.
fn transaction_units(write: &Write) -> usize {
    match write {
        Write::Put { doc, .. } => 2 * (KEY_BYTES + doc.to_string().len()).div_ceil(WRITE_UNIT_BYTES),
        Write::Delete { .. } => 2,
    }
}

/// Time enough for everything.
struct Unhurried {
    now: i64,
}

impl Clock for Unhurried {
    fn remaining(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn jitter(&self) -> u32 {
        0
    }
}

#[cfg(test)]
mod tests {
    use relay_plan::figures::Figures;
    use relay_plan::heat::{self, Heat, Reading};
    use relay_plan::{Load, Skew};

    use super::*;

    #[test]
    fn every_scenario_is_within_its_goal() {
        for scenario in &SCENARIOS {
            let bill = bill(scenario).unwrap();
            assert!(bill.pages + bill.arrivals <= scenario.most(&bill), "{}", scenario.name);
            assert!(bill.datums >= 1_000 && bill.items >= bill.datums && (1..=50).contains(&bill.arrivals));
        }
    }

    /// What `relayctl plan` says of the same traffic.
    fn planned(scenario: &Scenario) -> Heat {
        let rate = u64::try_from(scenario.rate).unwrap();
        let load = Load {
            per_day: rate * 86_400,
            per_second: rate,
            apps: 1,
            owners: 1,
            skew: Skew::Even,
            batch: 1,
            retention_days: 90,
            window: None,
            kinds: if scenario.kinds.len() == 1 { [0, 0, 100] } else { [34, 33, 33] },
            late_percent: if scenario.late { 30 } else { 0 },
            exports_per_day: 1,
            seed: 1,
        };
        let shards = u32::try_from(scenario.stream_shards).unwrap();
        let window = u32::try_from(scenario.window).unwrap();
        let reading = Reading { shards, window, records: u32::try_from(BATCH_SIZE).unwrap() };
        heat::simulate(&load, &Figures::measure(1).unwrap(), reading, &mut |_, _| {})
    }

    #[test]
    fn a_plan_says_what_the_real_writer_does() {
        for scenario in &SCENARIOS {
            let (bill, heat) = (bill(scenario).unwrap(), planned(scenario));
            let real = f64::from(u32::try_from(bill.pages).unwrap());
            let off = (heat.units_per_thousand() - real).abs() / real;
            assert!(off < 0.05, "{}: planned {}, really {real}", scenario.name, heat.units_per_thousand());
            // The scenarios' writer is one process for all shards; where there is one shard, its tellings are the plan's.
            if scenario.stream_shards == 1 {
                let told = 2_000.0 * heat.all_tells_per_second * f64::from(heat.seconds)
                    / f64::from(u32::try_from(heat.activities).unwrap());
                let real = f64::from(u32::try_from(bill.arrivals).unwrap());
                assert!((told - real).abs() / real < 0.15, "{}: told {told}, really {real}", scenario.name);
            }
        }
    }

    #[test]
    fn a_page_costs_no_more_than_an_item_each() {
        let bill =
            Bill { pages: 140, arrivals: 1, items: 1_000, datums: 900, per_page: 1, page_bytes: 1, datum_bytes: 1 };
        assert_eq!((SCENARIOS[0].most(&bill), SCENARIOS[2].most(&bill)), (140, 900));
    }
}
