//! Other designs at the same load and the same prices, part by part.

use serde::Serialize;

use crate::bill::{Line, stream, take};
use crate::figures::{callback_json_bytes, datum_bytes};
use crate::heat::Heat;
use crate::load::{Load, MONTH_DAYS, MONTH_HOURS};
use crate::number::{float, ratio};
use crate::plan::Plan;
use crate::price::{self, GB, Price};
use crate::stream::PARTITION_KEY_BYTES;

/// A part of the system that could be made otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What stands before ingest.
    Door,
    /// Where activities become durable.
    Stream,
    /// How they are written.
    Store,
    /// Where they are kept.
    Storage,
    /// How they are read for a file.
    Read,
    /// From the door to the store.
    All,
}

impl Part {
    /// As a heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Door => "before ingest",
            Self::Stream => "the stream, its records kept a week",
            Self::Store => "written",
            Self::Storage => "kept as long as owners want",
            Self::Read => "read once for a file",
            Self::All => "all that takes activities in",
        }
    }
}

/// A way to make a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Design {
    /// Which part.
    pub part: Part,
    /// The way.
    pub name: &'static str,
    /// Whether Relay is made so at this load.
    pub is_ours: bool,
    /// What a million activities more cost: US dollars.
    pub usd_per_million: f64,
    /// What a month costs without any: US dollars.
    pub fixed_usd: f64,
}

/// REST API's steps of price: requests of a month.
const REST_FIRST: f64 = 333e6;
const REST_NEXT: f64 = 667e6;

/// A provider keeps a connection for so many requests.
const REQUESTS_A_CONNECTION: f64 = 10.0;

/// Bytes of a request and its answer at a load balancer.
const REQUEST_BYTES: f64 = 1_500.0;

/// What a capacity unit takes: new connections a second; bytes an hour before a function (Elastic Load Balancing, pricing).
const UNIT_CONNECTIONS: f64 = 25.0;
const UNIT_BYTES: f64 = 0.4 * GB;

/// What Lambda logs of each call when it is let: START, END and REPORT, with CloudWatch's own bytes.
const PLATFORM_BYTES: f64 = 500.0;

/// What DynamoDB counts beside an item's own bytes in storage (developer guide, "Item sizes and formats"), and the keys of an item for each activity.
const ITEM_OVERHEAD: f64 = 100.0;
const KEYS_BYTES: f64 = 90.0;

/// A callback of many parameters, as JSON: twice and more of the generator's, and two write units.
const NAIVE_BYTES: f64 = 2_048.0;

const TB: f64 = 1024.0 * GB;

/// Every design for the load.
pub(super) fn of(load: &Load, plan: &Plan, heat: &Heat) -> Vec<Design> {
    let mut designs = doors(load);
    designs.extend(streams(load, plan));
    designs.extend(stores(load, plan, heat));
    designs.extend(reads(heat));
    designs.push(ours(load, plan));
    designs.extend(naive(load, heat));
    designs
}

/// Amounts of a month as a design.
struct Month<'a>(&'a Load);

impl Month<'_> {
    fn design(&self, part: Part, name: &'static str, marginal_usd: f64) -> Design {
        let usd_per_million = marginal_usd / self.0.per_month() * 1e6;
        Design { part, name, is_ours: false, usd_per_million, fixed_usd: 0.0 }
    }

    fn lines(&self, part: Part, name: &'static str, lines: &[Line]) -> Design {
        let marginal = lines.iter().map(Line::marginal_usd).sum();
        let fixed_usd = lines.iter().map(|line| line.fixed_usd).sum();
        Design { fixed_usd, ..self.design(part, name, marginal) }
    }
}

fn doors(load: &Load) -> Vec<Design> {
    let month = Month(load);
    let requests = load.requests_per_month();
    let [first, beyond] = [requests.min(300e6), (requests - 300e6).max(0.0)];
    let http = first * price::API_REQUEST.usd + beyond * price::API_REQUEST_MORE.usd;
    let steps = [requests.min(REST_FIRST), (requests - REST_FIRST).clamp(0.0, REST_NEXT)];
    let rest = steps[0] * price::REST_REQUEST.usd
        + steps[1] * price::REST_REQUEST_MORE.usd
        + (requests - steps[0] - steps[1]) * price::REST_REQUEST_MOST.usd;
    let a_second = requests / MONTH_HOURS / 3_600.0;
    let units =
        (a_second / REQUESTS_A_CONNECTION / UNIT_CONNECTIONS).max(a_second * 3_600.0 * REQUEST_BYTES / UNIT_BYTES);
    let balancer = units * MONTH_HOURS * price::BALANCER_UNIT_HOUR.usd;
    let design = |name, usd| month.design(Part::Door, name, usd);
    vec![
        Design { is_ours: true, ..design("API Gateway, HTTP API", http) },
        design("API Gateway, REST API", rest),
        Design { fixed_usd: MONTH_HOURS * price::BALANCER_HOUR.usd, ..design("Application Load Balancer", balancer) },
        design("Lambda function URL", 0.0),
        design("Lambda function URL behind CloudFront", requests * price::PAGE_REQUEST.usd),
    ]
}

fn streams(load: &Load, plan: &Plan) -> [Design; 2] {
    let month = Month(load);
    let frame_bytes = float(plan.stream.record_bytes - PARTITION_KEY_BYTES);
    let is = |mode: &str| plan.stream.mode == mode;
    let on_demand = month.lines(Part::Stream, "Kinesis on demand", &stream::on_demand(load, frame_bytes));
    let shards = stream::provisioned(load, frame_bytes, plan.stream.shards);
    let provisioned = month.lines(Part::Stream, "Kinesis, provisioned shards", &shards);
    [Design { is_ours: is("ON_DEMAND"), ..on_demand }, Design { is_ours: is("PROVISIONED"), ..provisioned }]
}

/// How activities are written, and what it costs to keep them so.
fn stores(load: &Load, plan: &Plan, heat: &Heat) -> Vec<Design> {
    let months = f64::from(load.retention_days) / MONTH_DAYS;
    let written = |units: f64| units * price::WRITE_UNIT.usd * 1e6;
    let kept = |bytes: f64, price: Price| bytes / GB * 1e6 * months * price.usd;
    let (own, json) = (datum_bytes() + KEYS_BYTES, callback_json_bytes() + KEYS_BYTES);
    let page = plan.pages.bytes_per_activity;
    let store =
        |name, usd_per_million| Design { part: Part::Store, name, is_ours: false, usd_per_million, fixed_usd: 0.0 };
    let storage = |name, usd_per_million| Design { part: Part::Storage, ..store(name, usd_per_million) };
    let table = price::TABLE_GB_MONTH;
    vec![
        Design { is_ours: true, ..store("pages", written(ratio(heat.units, heat.activities))) },
        store("an item an activity, our encoding", written(units(own))),
        store("an item an activity, JSON", written(units(json))),
        Design { is_ours: true, ..storage("pages in DynamoDB", kept(page, table)) },
        storage("items in DynamoDB, our encoding", kept(own + ITEM_OVERHEAD, table)),
        storage("items in DynamoDB, JSON", kept(json + ITEM_OVERHEAD, table)),
        storage("the pages' bytes as files in S3", kept(page, price::BUCKET_GB_MONTH)),
    ]
}

fn units(bytes: f64) -> f64 {
    (bytes / 1_024.0).ceil()
}

/// What reading for a file costs, without the file.
fn reads(heat: &Heat) -> [Design; 3] {
    let page = ratio(heat.bytes, heat.activities);
    let read = |bytes: f64| bytes / 4_096.0 * price::READ_UNIT.usd * 1e6;
    let design =
        |name, usd_per_million| Design { part: Part::Read, name, is_ours: false, usd_per_million, fixed_usd: 0.0 };
    [
        Design { is_ours: true, ..design("pages, by export-worker", read(page)) },
        design("items, JSON, by export-worker", read(callback_json_bytes() + KEYS_BYTES)),
        design("the pages' bytes as files, by Athena", page * 1e6 / TB * price::SCANNED_TB.usd),
    ]
}

/// What is built.
fn ours(load: &Load, plan: &Plan) -> Design {
    let take: Vec<Line> =
        plan.bill.lines.iter().filter(|line| line.purpose == crate::bill::Purpose::Take).cloned().collect();
    Design { is_ours: true, ..Month(load).lines(Part::All, "Relay", &take) }
}

/// One request, one record, one item an activity, as JSON, on demand, with the lines that Lambda logs of each call: of callbacks as they are, and of
/// callbacks of 2 KB.
fn naive(load: &Load, heat: &Heat) -> [Design; 2] {
    let month = Month(load);
    let single = Load { batch: 1, ..load.clone() };
    let of = |name, bytes: f64, item_bytes: f64| {
        let mut lines = take::gateway(&single);
        lines.extend(take::ingest(&single));
        lines.extend(stream::on_demand(&single, bytes));
        let [calls, time, pages] = take::writers(&single, heat);
        let items = load.per_month() * units(item_bytes);
        lines.extend([
            calls,
            time,
            Line { quantity: items, usd: items * pages.price, ..pages },
            take::look_ups(&single),
        ]);
        let mut design = month.lines(Part::All, name, &lines);
        design.usd_per_million += PLATFORM_BYTES * 1e6 / GB * price::LOG_GB.usd;
        design
    };
    let json = callback_json_bytes();
    [
        of("an item an activity, JSON", json, json + KEYS_BYTES),
        of("an item an activity, 2 KB of JSON", NAIVE_BYTES, NAIVE_BYTES),
    ]
}
