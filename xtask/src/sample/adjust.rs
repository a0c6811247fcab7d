//! Adjust callbacks as an account's template would make them: names encoded, placeholders left unresolved, some URLs
//! broken in the ways seen in the wild.

use super::{
    CALLBACKS, Expected, Kind, ORDER_REFERENCE, RETRIES, Rng, SPAN_MS, Value, Way,
    time::{DAY_MS, HOUR_MS},
    words,
};

/// The queries in the order of sending, retries included, and what must come out of them.
pub(super) fn callbacks(rng: &mut Rng, now: i64, app_token: &str) -> (Vec<String>, Vec<Expected>) {
    let mut queries = Vec::with_capacity(CALLBACKS);
    let mut late = Vec::new();
    let mut expected = Vec::with_capacity(CALLBACKS);
    let distinct = CALLBACKS - RETRIES;
    for number in 0..distinct {
        let (query, row) = callback(rng, now, app_token);
        // Every retry has a callback of its own; half follow at once (and so overtake it on another connection), half
        // come when everything else has been sent.
        if number % (distinct / RETRIES) == 0 && number / (distinct / RETRIES) < RETRIES {
            if rng.chance(50) {
                queries.push(query.clone());
            } else {
                late.push(query.clone());
            }
        }
        queries.push(query);
        expected.push(row);
    }
    queries.append(&mut late);
    (queries, expected)
}

/// How a callback's values are written into its URL.
#[derive(Clone, Copy)]
enum Encoding {
    /// Everything but unreserved characters is escaped, as RFC 3986 asks.
    Strict,
    /// The same with `+` for a space, as HTML forms do.
    Form,
    /// Only what would change the meaning of the query; `{}|[]^<>` stay raw.
    Lazy,
}

/// A callback while it is being written.
struct Draft {
    query: String,
    encoding: Encoding,
    columns: Vec<(&'static str, Value)>,
}

impl Draft {
    /// A parameter whose column is not looked at.
    fn send(&mut self, name: &str, value: &str) {
        let encoded = self.encoded(value);
        self.send_raw(name, &encoded);
    }

    /// A parameter and what its column must then hold.
    fn expect(&mut self, name: &'static str, value: &str) {
        self.send(name, value);
        self.holds(name, value);
    }

    /// A parameter written as it is.
    fn send_raw(&mut self, name: &str, text: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(text);
    }

    /// A time in whole seconds, as Adjust sends it.
    fn expect_time(&mut self, name: &'static str, ms: i64) {
        self.send_raw(name, &(ms / 1000).to_string());
        self.columns.push((name, Value::Time(ms / 1000 * 1000)));
    }

    fn holds(&mut self, column: &'static str, value: &str) {
        self.columns.push((column, Value::Text(value.to_owned())));
    }

    fn encoded(&self, value: &str) -> String {
        let stays = |byte: u8| match self.encoding {
            Encoding::Strict | Encoding::Form => byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
            Encoding::Lazy => byte.is_ascii_graphic() && !b"&#%+\"".contains(&byte),
        };
        let encode = |byte| match (byte, self.encoding) {
            (b' ', Encoding::Form) => "+".to_owned(),
            (byte, _) if stays(byte) => char::from(byte).to_string(),
            (byte, _) => format!("%{byte:02X}"),
        };
        value.bytes().map(encode).collect()
    }
}

fn callback(rng: &mut Rng, now: i64, app_token: &str) -> (String, Expected) {
    let encoding = match rng.below(10) {
        0 | 1 => Encoding::Lazy,
        2 | 3 => Encoding::Form,
        _ => Encoding::Strict,
    };
    let mut draft = Draft { query: String::new(), encoding, columns: Vec::new() };
    let trigger = trigger(rng);
    let kind = kind_of(trigger);
    // Most callbacks come within minutes; the others are what a device sent late.
    let age = if rng.chance(70) { 2 * HOUR_MS } else { SPAN_MS };
    let created_at = (now - 60_000 - below(rng, age - 60_000)) / 1000 * 1000;

    draft.send("activity_kind", trigger);
    draft.expect("app_token", app_token);
    draft.holds("kind", kind.name());
    draft.holds("provider", Way::Adjust.provider());
    channel(rng, &mut draft);
    draft.expect_time("created_at", created_at);
    device(rng, &mut draft);
    attribution(rng, &mut draft, kind, created_at);
    in_app(rng, &mut draft, trigger, kind);
    oddities(rng, &mut draft);
    let id = identity(rng, &mut draft);
    let expected = Expected { kind, way: Way::Adjust, id, created_at, columns: draft.columns };
    (draft.query, expected)
}

/// A random span below `bound` milliseconds.
fn below(rng: &mut Rng, bound: i64) -> i64 {
    i64::try_from(rng.below(bound.unsigned_abs())).unwrap_or(0)
}

/// `{activity_kind}` with about the shares of a real account.
fn trigger(rng: &mut Rng) -> &'static str {
    match rng.below(100) {
        0..25 => "install",
        25..31 => "reattribution",
        31..34 => "reinstall",
        34..36 => "reattribution_reinstall",
        36..80 => "event",
        80..91 => "session",
        91..96 => "ad_revenue",
        96..98 => "subscription",
        _ => "rejected_install",
    }
}

fn kind_of(trigger: &str) -> Kind {
    match trigger {
        "install" => Kind::Install,
        "reattribution" | "reinstall" | "reattribution_reinstall" => Kind::Reattribution,
        _ => Kind::Event,
    }
}

/// Where the user came from. Organic traffic has no campaign: half of the accounts leave the placeholder out, half send it empty.
fn channel(rng: &mut Rng, draft: &mut Draft) {
    let network = rng.text(&words::NETWORKS);
    draft.expect("network_name", network);
    if network == "Organic" {
        draft.expect("tracker_name", network);
        if rng.chance(50) {
            draft.send_raw("campaign_name", "");
        }
        draft.holds("campaign_name", "");
        return;
    }
    let [campaign, adgroup, creative] =
        [&words::CAMPAIGNS[..], &words::ADGROUPS, &words::CREATIVES].map(|names| rng.text(names));
    draft.expect("tracker_name", &format!("{network}::{campaign}::{adgroup}::{creative}"));
    draft.expect("campaign_name", campaign);
    draft.expect("adgroup_name", adgroup);
    draft.expect("creative_name", creative);
    draft.send("tracker", &rng.alphanumeric(6));
}

/// The device. The other system's identifiers stay unresolved or empty, as Adjust leaves them.
fn device(rng: &mut Rng, draft: &mut Draft) {
    draft.expect("adid", &rng.hex(32));
    if rng.chance(60) {
        draft.expect("gps_adid", &rng.uuid());
        draft.send_raw("idfa", "{idfa}");
        draft.holds("idfa", "");
        draft.send_raw("idfv", "");
        draft.holds("idfv", "");
        draft.send("os_name", "android");
        draft.holds("os_name", "android");
        draft.expect("os_version", "15");
        draft.expect("device_name", rng.text(&words::ANDROID_DEVICES));
    } else {
        draft.expect("idfa", &rng.uuid().to_uppercase());
        draft.send("gps_adid", "{gps_adid}");
        draft.holds("gps_adid", "");
        draft.send("os_name", "iOS");
        draft.holds("os_name", "ios");
        draft.expect("os_version", "18.1.1");
        draft.expect("device_name", rng.text(&words::IOS_DEVICES));
    }
    let country = rng.text(&words::COUNTRIES);
    draft.send("country", country);
    draft.holds("country", &country.to_ascii_lowercase());
    draft.expect("city", rng.text(&words::CITIES));
    draft.expect("app_name", "데모 상점");
    draft.expect("app_version", "4.12.0");
    draft.expect("environment", "production");
    draft.expect("sdk_version", "android5.0.1");
    draft.expect("user_agent", "Mozilla/5.0 (Linux; Android 15; SM-S928N) AppleWebKit/537.36");
}

/// What led to the install or the return.
fn attribution(rng: &mut Rng, draft: &mut Draft, kind: Kind, created_at: i64) {
    let installed_at = match kind {
        Kind::Install => created_at,
        Kind::Reattribution | Kind::Event => created_at - below(rng, 30 * DAY_MS),
    };
    draft.expect_time("installed_at", installed_at);
    if kind == Kind::Event {
        return;
    }
    draft.expect_time("click_time", created_at - below(rng, DAY_MS));
    draft.expect("match_type", "device_tag");
    draft.expect("conversion_duration", &rng.below(86_400).to_string());
    draft.expect("click_attribution_window", "168");
    if kind == Kind::Reattribution {
        draft.expect("is_reattributed", "1");
        draft.expect_time("reattributed_at", created_at);
        draft.expect("last_tracker_name", "Network1::Christmas");
    }
}

/// What happened in the app. A trigger that is no in-app event has no name of its own: the trigger is its name.
fn in_app(rng: &mut Rng, draft: &mut Draft, trigger: &'static str, kind: Kind) {
    if trigger == "event" {
        let token = rng.text(&words::EVENT_TOKENS);
        draft.send(if rng.chance(50) { "event" } else { "event_token" }, token);
        draft.holds("event_token", token);
        draft.expect("event_name", rng.text(&words::EVENTS));
    } else if kind == Kind::Event {
        if rng.chance(50) {
            draft.send_raw("event_name", "{event_name}");
        }
        draft.holds("event_name", trigger);
        draft.holds("extra.activity_kind", trigger);
    }
    if matches!(trigger, "ad_revenue" | "subscription") || trigger == "event" && rng.chance(60) {
        draft.expect("revenue", rng.text(&words::REVENUES));
        draft.expect("currency", rng.text(&words::CURRENCIES));
    }
}

/// Broken escapes, raw characters that no URL may hold, long numbers, unknown parameters.
fn oddities(rng: &mut Rng, draft: &mut Draft) {
    match rng.below(20) {
        0 => {
            draft.send_raw("label", "50%zz");
            draft.columns.push(("extra.label", Value::Text("50%zz".to_owned())));
        }
        1 => {
            draft.send_raw("label", "100%");
            draft.columns.push(("extra.label", Value::Text("100%".to_owned())));
        }
        2 => {
            draft.send_raw("label", "a{b}|[c]^<d>");
            draft.columns.push(("extra.label", Value::Text("a{b}|[c]^<d>".to_owned())));
        }
        3 => draft.send_raw("partner_blob", "%E9t%E9"),
        4 => draft.send_raw("cost_type", "{cost_type}"),
        _ => {}
    }
    if rng.chance(30) {
        draft.expect("user_id", &rng.digits(18));
    }
}

/// What tells this delivery from all others: Adjust's nonce on most, an order reference of the account's own on some.
fn identity(rng: &mut Rng, draft: &mut Draft) -> String {
    if rng.chance(85) {
        let nonce = rng.alphanumeric(20);
        draft.send("nonce", &nonce);
        nonce
    } else {
        let order = format!("ORD-{}", rng.hex(24));
        draft.send(ORDER_REFERENCE, &order);
        order
    }
}
