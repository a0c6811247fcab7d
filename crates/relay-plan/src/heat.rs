//! The heat of partitions: a minute of the peak, record by record, through the stream's shards into pages.
//!
//! Each record goes to a random shard of the stream, each shard's writer makes pages of its window, each page goes to the shard of its day that its digest
//! chooses ([`relay::page::shard_of`]). A digest is a hash, so here it is a random number; the sizes of pages are measured ([`crate::figures`]).

mod sum;

use relay::activity::Kind;
use relay::page::{self, PageDay};

use crate::control::{Teller, app_token, scaled};
use crate::figures::{Figures, START_MS};
use crate::generator::Generator;
use crate::load::Load;
use crate::number::float;
use crate::stream::pick;

use sum::{DAYS, Partitions};
pub use sum::{Hottest, LEVELS};

/// The most seconds that are simulated behind the first window: a minute of pages.
const SECONDS: u64 = 60;

/// The least: enough to see chance neighbours.
const LEAST_SECONDS: u64 = 10;

/// The most activities that are simulated; beyond, the seconds are fewer.
const MOST_ACTIVITIES: u64 = 24_000_000;

/// How many writers' tellings of what arrived are followed; the others do alike.
const TELLERS: usize = 16;

const MINUTE_MS: i64 = 60_000;
const MINUTES_A_DAY: i64 = 24 * 60;

/// An activity that is on time is so old at most: milliseconds.
const ON_TIME_MS: u64 = 2_000;
/// A late one: ten minutes, of three two; two days, the third.
const LATE_MS: u64 = 600_000;
const VERY_LATE_MS: u64 = 2 * 86_400_000;

/// How the stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Shards of the stream.
    pub shards: u32,
    /// `BatchWindowSeconds`; 0 is a second, as often as Lambda looks.
    pub window: u32,
    /// Records of a batch at most.
    pub records: u32,
}

/// What the simulation saw. Sums are over `seconds`.
#[derive(Clone, Debug, Default)]
pub struct Heat {
    /// How many seconds were counted.
    pub seconds: u32,
    /// Activities in pages.
    pub activities: u64,
    /// Pages.
    pub pages: u64,
    /// Their write units.
    pub units: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Batches of the writers.
    pub batches: u64,
    /// Batches in the busiest second.
    pub worst_second_batches: u64,
    /// Write units of the table in its busiest second.
    pub worst_second_units: u64,
    /// How often a second the busiest app's arrivals are told, by all writers.
    pub tells_per_second: f64,
    /// How often a second any app's are.
    pub all_tells_per_second: f64,
    /// The hottest partition for each number of page shards: 1, 2, 4 … 256.
    pub hottest: Vec<Hottest>,
}

impl Heat {
    /// Write units for a thousand activities.
    #[must_use]
    pub fn units_per_thousand(&self) -> f64 {
        crate::number::ratio(self.units * 1_000, self.activities)
    }
}

/// The partition's key, as `relay` makes it.
#[must_use]
pub fn pk(hottest: &Hottest) -> String {
    let Hottest { app, kind, days_before, shard, .. } = *hottest;
    let day = START_MS.div_euclid(MINUTE_MS * MINUTES_A_DAY) - i64::from(days_before);
    PageDay { app_token: app_token(app), kind, day, shard }.pk()
}

/// Simulates the load; `progress` hears of each second, and of how many there will be.
pub fn simulate(load: &Load, figures: &Figures, reading: Reading, progress: &mut dyn FnMut(u32, u32)) -> Heat {
    let window = reading.window.max(1);
    let bearable = MOST_ACTIVITIES / load.per_second.max(1);
    let seconds = bearable.saturating_sub(u64::from(window)).clamp(LEAST_SECONDS, SECONDS);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let mut run = Run::new(load, figures, Reading { window, ..reading });
    for second in 0..window + seconds {
        progress(second + 1, window + seconds);
        run.second(second, second >= window);
    }
    let Run { partitions, tells, tellers, mut heat, .. } = run;
    heat.seconds = seconds;
    heat.hottest = partitions.hottest();
    let most = tells.iter().copied().max().unwrap_or(0);
    heat.tells_per_second = scaled(most, tellers.len(), reading.shards, seconds);
    heat.all_tells_per_second = scaled(tells.iter().sum(), tellers.len(), reading.shards, seconds);
    heat
}

struct Run<'a> {
    load: &'a Load,
    figures: &'a Figures,
    reading: Reading,
    random: Generator,
    /// The sums of the apps' shares, in order: where a random number between 0 and 1 falls.
    apps: Vec<f64>,
    /// Records that wait in each shard of the stream.
    waiting: Vec<u32>,
    /// Records that are due but not whole yet.
    due: f64,
    partitions: Partitions,
    tellers: Vec<Teller>,
    tells: Vec<u32>,
    /// A batch's activities, each by [`Run::key`]; kept for its memory.
    keys: Vec<u64>,
    heat: Heat,
}

impl<'a> Run<'a> {
    fn new(load: &'a Load, figures: &'a Figures, reading: Reading) -> Self {
        let shares = load.skew.shares(load.apps);
        let mut sum = 0.0;
        let apps = shares.iter().map(|share| {
            sum += share;
            sum
        });
        let lanes = usize::try_from(reading.shards.max(1)).unwrap_or(1);
        Self {
            load,
            figures,
            reading,
            random: Generator::new(load.seed),
            apps: apps.collect(),
            waiting: vec![0; lanes],
            due: 0.0,
            partitions: Partitions::new(load, &shares),
            tellers: vec![Teller::new(load.apps); lanes.min(TELLERS)],
            tells: vec![0; shares.len()],
            keys: Vec::new(),
            heat: Heat::default(),
        }
    }

    /// A second: its records arrive, then the writers whose batch is full or whose window is over write. What is not counted warms up.
    fn second(&mut self, second: u32, is_counted: bool) {
        self.due += self.load.requests_per_second();
        while self.due >= 1.0 {
            self.due -= 1.0;
            let shard = pick(&mut self.random, self.reading.shards.max(1));
            if let Some(waiting) = self.waiting.get_mut(shard) {
                *waiting += 1;
            }
        }
        let (units, batches) = (self.heat.units, self.heat.batches);
        for shard in 0..self.waiting.len() {
            // Windows do not begin together.
            let shift = u32::try_from(shard).unwrap_or(0) % self.reading.window;
            let is_over = (second + shift + 1).is_multiple_of(self.reading.window);
            self.drain(shard, second, is_over);
        }
        let (units, batches) = (self.heat.units - units, self.heat.batches - batches);
        self.partitions.end_second(is_counted);
        if is_counted {
            self.heat.worst_second_units = self.heat.worst_second_units.max(units);
            self.heat.worst_second_batches = self.heat.worst_second_batches.max(batches);
        } else {
            self.heat = Heat::default();
            self.tells.fill(0);
        }
    }

    fn drain(&mut self, shard: usize, second: u32, is_over: bool) {
        let most = self.reading.records.max(1);
        let waiting = self.waiting.get(shard).copied().unwrap_or(0);
        let mut left = waiting;
        while left >= most || (is_over && left > 0) {
            let records = left.min(most);
            left -= records;
            self.write(shard, second, records);
        }
        if let Some(waiting) = self.waiting.get_mut(shard) {
            *waiting = left;
        }
    }

    /// A batch becomes pages.
    fn write(&mut self, shard: usize, second: u32, records: u32) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        for _ in 0..records {
            let drawn = self.random.next();
            let app = self.app(drawn);
            for _ in 0..self.load.batch.max(1) {
                keys.push(self.key(app, drawn, second));
            }
        }
        keys.sort_unstable();
        for group in keys.chunk_by(|left, right| left == right) {
            if let Some(key) = group.first() {
                self.group(*key, group.len(), second);
            }
        }
        self.tell(&keys, shard, second);
        self.heat.batches += 1;
        self.heat.activities += keys.len() as u64;
        self.keys = keys;
    }

    /// The app that a random number falls on.
    fn app(&self, drawn: u64) -> u64 {
        let at = float(drawn >> 11) / float(1 << 53);
        self.apps.partition_point(|sum| *sum <= at).min(self.apps.len() - 1) as u64
    }

    /// App, kind and how many minutes before the last window's end: what a page has in common, in the order in which apps stand.
    fn key(&mut self, app: u64, drawn: u64, second: u32) -> u64 {
        let random = self.random.next();
        let percent = random % 100;
        let mut upto = 0;
        let kind = self.load.kinds.iter().position(|share| {
            upto += u64::from(*share);
            percent < upto
        });
        let oldest = match (random >> 8) % 300 {
            late if late < u64::from(self.load.late_percent) => VERY_LATE_MS,
            late if late < 3 * u64::from(self.load.late_percent) => LATE_MS,
            _ => ON_TIME_MS,
        };
        let age = ((random >> 32) * oldest) >> 32;
        let waited = ((drawn & 0x7ff) * u64::from(self.reading.window) * 1_000) >> 11;
        let created_at = now(second) - i64::try_from(age + waited).unwrap_or(0);
        let minutes = now(second).div_euclid(MINUTE_MS) - created_at.div_euclid(MINUTE_MS);
        ((app * 3 + kind.unwrap_or_default() as u64) << 16) | u64::try_from(minutes).unwrap_or(0)
    }

    /// What of a batch is of one app, kind and minute.
    fn group(&mut self, key: u64, count: usize, second: u32) {
        let minute = now(second).div_euclid(MINUTE_MS) - i64::try_from(key & 0xffff).unwrap_or(0);
        let today = START_MS.div_euclid(MINUTE_MS * MINUTES_A_DAY);
        let before = usize::try_from(today - minute.div_euclid(MINUTES_A_DAY)).unwrap_or(0).min(DAYS - 1);
        let stream = usize::try_from(key >> 16).unwrap_or(0);
        let Self { figures, partitions, random, heat, .. } = self;
        figures.pages(stream % 3, count, &mut |bytes, units| {
            let digest = (u128::from(random.next()) << 64) | u128::from(random.next());
            partitions.add(stream * DAYS + before, page::shard_of(digest, 1 << (LEVELS - 1)), units);
            heat.pages += 1;
            heat.units += u64::from(units);
            heat.bytes += u64::from(bytes);
        });
    }

    fn tell(&mut self, keys: &[u64], shard: usize, second: u32) {
        let Some(teller) = self.tellers.get_mut(shard) else { return };
        let app = |key: &u64| (*key >> 16) / 3;
        for group in keys.chunk_by(|left, right| app(left) == app(right)) {
            teller.count(u32::try_from(group.first().map_or(0, app)).unwrap_or(0), group.len() as u64);
        }
        let tells = &mut self.tells;
        teller.tell(i64::from(second), |app| {
            if let Some(told) = usize::try_from(app).ok().and_then(|app| tells.get_mut(app)) {
                *told += 1;
            }
        });
    }
}

/// The end of a second: milliseconds since the epoch.
fn now(second: u32) -> i64 {
    START_MS + (i64::from(second) + 1) * 1_000
}

/// The kind at this place.
fn kind(place: usize) -> Kind {
    Kind::ALL.get(place).copied().unwrap_or(Kind::Event)
}

#[cfg(test)]
mod tests;
