//! The bundled sample: what providers and SDKs would send in two days, and what must come out of it.
//!
//! Everything follows from a seed and the time of the run. Each activity carries an identifier that only the generator
//! gave it and that its row in the file must show, so the comparison needs no code of the product.

mod adjust;
mod rng;
mod sdk;
pub(crate) mod send;
mod time;
mod words;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub(crate) use time::Zone;

use self::{
    rng::Rng,
    time::{DAY_MS, HOUR_MS},
};

/// The seed of the bundled sample.
const SEED: u64 = 20_140_701;
/// Adjust callbacks in the sample, retries included.
const CALLBACKS: usize = 3_000;
/// How many of them are exact retries of another.
const RETRIES: usize = 90;
/// Activities sent in batches.
const ACTIVITIES: usize = 20_000;
/// How far back the sample reaches.
const SPAN_MS: i64 = 48 * HOUR_MS;

/// The parameter that identifies a callback without `{nonce}`; no canonical field, hence found in the column `extra`.
pub(crate) const ORDER_REFERENCE: &str = "order_ref";

/// The kinds of activity, each exported to a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A first install.
    Install,
    /// A returning user: reattribution, reinstall or both.
    Reattribution,
    /// Everything else.
    Event,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Install, Self::Reattribution, Self::Event];

    /// The word of the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Reattribution => "reattribution",
            Self::Event => "event",
        }
    }

    /// The zone this kind's export is asked in, so that more than one is seen.
    pub(crate) const fn zone(self) -> Zone {
        match self {
            Self::Install => Zone::Utc,
            Self::Reattribution | Self::Event => Zone::Seoul,
        }
    }
}

/// The way an activity came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One callback a request.
    Adjust,
    /// A batch through `/v1/activities`.
    Sdk,
}

impl Way {
    /// The value of the column `provider`.
    pub(crate) const fn provider(self) -> &'static str {
        match self {
            Self::Adjust => "adjust",
            Self::Sdk => "sdk",
        }
    }
}

/// What a column must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Exactly this text; empty when the field was absent.
    Text(String),
    /// This instant (milliseconds, UTC), rendered in the zone of the export.
    Time(i64),
}

/// One activity as it must stand in a file. A column named `extra.x` is the member `x` of the column `extra`.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The file it belongs to.
    pub(crate) kind: Kind,
    /// The way it was sent.
    pub(crate) way: Way,
    /// The generator's identifier, unique in the sample.
    pub(crate) id: String,
    /// When it happened, milliseconds UTC.
    pub(crate) created_at: i64,
    /// Columns and what they must hold.
    pub(crate) columns: Vec<(&'static str, Value)>,
}

/// One batch for `/v1/activities` and what must be answered.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The content type to send it as.
    pub(crate) content_type: &'static str,
    /// Whether `body` is compressed with gzip.
    pub(crate) gzip: bool,
    /// The body as sent.
    pub(crate) body: Vec<u8>,
    /// How many items must be accepted.
    pub(crate) accepted: usize,
    /// The positions of the items that must be refused.
    pub(crate) rejected: Vec<u64>,
}

/// All that is sent and all that must come out.
pub(crate) struct Sample {
    /// The time of the run, milliseconds UTC.
    now: i64,
    /// Query strings of Adjust callbacks in the order of sending, without the key; retries stand twice.
    pub(crate) callbacks: Vec<String>,
    /// Batches in the order of sending; some stand twice.
    pub(crate) batches: Vec<Batch>,
    /// What must come out, whatever its time.
    expected: Vec<Expected>,
}

impl Sample {
    /// The bundled sample for a run at `now` (milliseconds UTC).
    pub(crate) fn bundled(now: i64, app_token: &str) -> Self {
        Self::generate(SEED, now, app_token)
    }

    fn generate(seed: u64, now: i64, app_token: &str) -> Self {
        let mut rng = Rng::new(seed ^ now.unsigned_abs());
        let (callbacks, mut expected) = adjust::callbacks(&mut rng, now, app_token);
        let (batches, more) = sdk::batches(&mut rng, now, app_token);
        expected.extend(more);
        Self { now, callbacks, batches, expected }
    }

    /// What tells this sample from one that another version of the generator makes: 16 hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.callbacks.hash(&mut hasher);
        self.batches.iter().for_each(|batch| batch.body.hash(&mut hasher));
        format!("{:016x}", hasher.finish())
    }

    /// The first and last local date of the export of a kind.
    pub(crate) fn dates(&self, kind: Kind) -> (String, String) {
        let zone = kind.zone();
        (zone.date(self.now - SPAN_MS), zone.date(self.now))
    }

    /// The activities that the file of a kind must hold.
    pub(crate) fn expected(&self, kind: Kind) -> impl Iterator<Item = &Expected> {
        let (start, end) = period(kind, self.now);
        self.expected.iter().filter(move |one| one.kind == kind && (start..end).contains(&one.created_at))
    }

    /// How many different activities of a kind were sent one way, whatever their time.
    pub(crate) fn sent(&self, kind: Kind, way: Way) -> usize {
        self.expected.iter().filter(|one| one.kind == kind && one.way == way).count()
    }
}

/// The instants from (inclusive) and to (exclusive) which a kind's export reaches: whole local days.
fn period(kind: Kind, now: i64) -> (i64, i64) {
    let zone = kind.zone();
    (zone.midnight(now - SPAN_MS), zone.midnight(now) + DAY_MS)
}

#[cfg(test)]
mod tests;
