//! Batches for `POST /v1/activities` in every shape it takes, some sent twice, one with items that must be refused.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::{ACTIVITIES, Batch, Expected, Kind, Rng, Value, Way, Zone, period, time::HOUR_MS, words};

/// The largest number of good items in a batch; with the bad ones it stays below the API's limit of 500.
const LARGEST: usize = 480;
/// How far back the SDK's activities reach.
const RECENT_MS: i64 = 6 * HOUR_MS;

/// The batches in the order of sending and what must come out of them.
pub(super) fn batches(rng: &mut Rng, now: i64, app_token: &str) -> (Vec<Batch>, Vec<Expected>) {
    let (items, expected) = items(rng, now, app_token);
    let mut batches = Vec::new();
    let mut again = Vec::new();
    let mut rest = items.as_slice();
    while !rest.is_empty() {
        let size = LARGEST - usize::try_from(rng.below(200)).unwrap_or(0);
        let (chunk, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        let batch =
            if rest.is_empty() { mixed(chunk, &unacceptable(now, app_token)) } else { encode(batches.len(), chunk) };
        if batches.len() % 12 == 3 {
            again.push(batch.clone());
        }
        batches.push(batch);
    }
    batches.append(&mut again);
    (batches, expected)
}

/// The items in the order of their times, those at the edges of the periods last.
fn items(rng: &mut Rng, now: i64, app_token: &str) -> (Vec<String>, Vec<Expected>) {
    let edges = edges(now);
    let usual = ACTIVITIES - edges.len();
    let step = RECENT_MS / i64::try_from(usual).unwrap_or(i64::MAX);
    let recent = (0_i64..).take(usual).map(|number| now - RECENT_MS + number * step);
    let mut times: Vec<(Option<Kind>, i64)> = recent.map(|time| (None, time)).collect();
    times.extend(edges.map(|(kind, time)| (Some(kind), time)));
    times
        .into_iter()
        .map(|(kind, created_at)| {
            let kind = kind.unwrap_or_else(|| some_kind(rng));
            item(rng, kind, created_at, app_token)
        })
        .unzip()
}

/// The first and last millisecond of each kind's period, and their neighbours outside.
fn edges(now: i64) -> [(Kind, i64); 12] {
    let mut edges = [(Kind::Install, 0); 12];
    let times = Kind::ALL.into_iter().flat_map(|kind| {
        let (start, end) = period(kind, now);
        [start - 1, start, end - 1, end].map(|time| (kind, time))
    });
    for (slot, edge) in edges.iter_mut().zip(times) {
        *slot = edge;
    }
    edges
}

fn some_kind(rng: &mut Rng) -> Kind {
    match rng.below(100) {
        0..15 => Kind::Install,
        15..20 => Kind::Reattribution,
        _ => Kind::Event,
    }
}

/// An item while it is being written. JSON is written by hand because numbers must keep the digits they are given.
struct Draft {
    json: String,
    columns: Vec<(&'static str, Value)>,
}

impl Draft {
    fn member(&mut self, name: &str, json: &str) {
        let separator = if self.json.is_empty() { "{\"" } else { ",\"" };
        self.json.extend([separator, name, "\":", json]);
    }

    /// A string and what its column must then hold.
    fn text(&mut self, name: &'static str, value: &str) {
        self.member(name, &quoted(value));
        self.holds(name, value);
    }

    /// A value that is no string, and its text as it must come out.
    fn literal(&mut self, name: &'static str, json: &str) {
        self.member(name, json);
        self.holds(name, json);
    }

    fn holds(&mut self, column: &'static str, value: &str) {
        self.columns.push((column, Value::Text(value.to_owned())));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn item(rng: &mut Rng, kind: Kind, created_at: i64, app_token: &str) -> (String, Expected) {
    let mut draft = Draft { json: String::new(), columns: Vec::new() };
    let id = rng.uuid();
    draft.member("event_id", &quoted(&id));
    draft.text("kind", kind.name());
    draft.text("app_token", app_token);
    match rng.below(3) {
        0 => draft.member("created_at", &quoted(&Zone::Utc.rfc3339(created_at))),
        1 => draft.member("created_at", &quoted(&Zone::Seoul.rfc3339(created_at))),
        _ => draft.member("created_at", &created_at.to_string()),
    }
    draft.holds("provider", Way::Sdk.provider());
    channel(rng, &mut draft);
    device(rng, &mut draft);
    match kind {
        Kind::Install => draft.text("match_type", "referrer"),
        Kind::Reattribution => draft.literal("is_reattributed", "true"),
        Kind::Event => in_app(rng, &mut draft),
    }
    draft.json.push('}');
    (draft.json, Expected { kind, way: Way::Sdk, id, created_at, columns: draft.columns })
}

fn channel(rng: &mut Rng, draft: &mut Draft) {
    draft.text("network_name", rng.text(&words::NETWORKS));
    draft.text("campaign_name", rng.text(&words::CAMPAIGNS));
    if rng.chance(30) {
        draft.text("creative_name", rng.text(&words::CREATIVES));
    } else {
        draft.member("creative_name", "null");
        draft.holds("creative_name", "");
    }
}

/// The device; the user's number goes as a JSON number beyond 2^53, which a float would damage.
fn device(rng: &mut Rng, draft: &mut Draft) {
    draft.text("gps_adid", &rng.uuid());
    draft.member("os_name", "\"Android\"");
    draft.holds("os_name", "android");
    let country = rng.text(&words::COUNTRIES);
    draft.member("country", &quoted(country));
    draft.holds("country", &country.to_ascii_lowercase());
    draft.text("city", rng.text(&words::CITIES));
    draft.text("device_name", rng.text(&words::ANDROID_DEVICES));
    draft.text("app_version", "4.12.0");
    if rng.chance(50) {
        draft.literal("user_id", &rng.digits(18));
    }
}

fn in_app(rng: &mut Rng, draft: &mut Draft) {
    draft.text("event_token", rng.text(&words::EVENT_TOKENS));
    draft.text("event_name", rng.text(&words::EVENTS));
    if rng.chance(40) {
        let revenue = rng.text(&words::REVENUES);
        if rng.chance(50) {
            draft.literal("revenue", revenue);
        } else {
            draft.text("revenue", revenue);
        }
        draft.text("currency", rng.text(&words::CURRENCIES));
    }
    if rng.chance(25) {
        let count = (1 + rng.below(9)).to_string();
        draft.member("cart", &format!("{{\"items\":{count},\"gift\":true}}"));
        draft.holds("extra.cart.items", &count);
        draft.holds("extra.cart.gift", "true");
    }
}

/// The shapes in turn: NDJSON compressed and not, an array, an object with `activities`.
fn encode(number: usize, items: &[String]) -> Batch {
    let accepted = items.len();
    let lines = || items.join("\n") + "\n";
    let list = || format!("[{}]", items.join(","));
    let (content_type, gzip, body) = match number % 5 {
        0 | 1 => ("application/x-ndjson", true, gzip(lines().as_bytes())),
        2 => ("application/x-ndjson", false, lines().into_bytes()),
        3 => ("application/json", false, list().into_bytes()),
        _ => ("application/json", false, format!("{{\"activities\":{}}}", list()).into_bytes()),
    };
    Batch { content_type, gzip, body, accepted, rejected: Vec::new() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory cannot fail; were it to, the body would be short and the answer would tell.
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default()
}

/// A batch in which good items alternate with bad ones as long as there are bad ones.
fn mixed(good: &[String], bad: &[String]) -> Batch {
    let mut items = Vec::new();
    let mut rejected = Vec::new();
    let mut bad = bad.iter();
    for item in good {
        items.push(item.clone());
        if let Some(item) = bad.next() {
            rejected.push(items.len() as u64);
            items.push(item.clone());
        }
    }
    Batch { accepted: good.len(), rejected, ..encode(3, &items) }
}

/// Items that must be refused, each for a reason of its own.
fn unacceptable(now: i64, app_token: &str) -> Vec<String> {
    let long_ago = now - 401 * 24 * HOUR_MS;
    vec![
        "42".to_owned(),
        format!(r#"{{"kind":"purchase","app_token":"{app_token}","created_at":{now}}}"#),
        format!(r#"{{"kind":"event","created_at":{now}}}"#),
        format!(r#"{{"kind":"event","app_token":"{app_token}"}}"#),
        format!(r#"{{"kind":"event","app_token":"{app_token}","created_at":"yesterday"}}"#),
        format!(r#"{{"kind":"event","app_token":"{app_token}","created_at":{long_ago}}}"#),
        format!(r#"{{"kind":"event","app_token":"somebody-elses-app","created_at":{now}}}"#),
    ]
}
