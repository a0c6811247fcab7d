//! The rows that exports are measured with: made by the minute when they are asked for, the same on every machine, so that a hundred million take no more
//! memory than a thousand. The items that the peers read are made of the same activities as the pages.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::avro;
use relay::field::Field;
use relay::page::{self, Datum, PageDay};
use relay::time::date_of_day;
use serde_json::{Map, Value as Json, json};

use relay_plan::generator::Generator;

/// 2026-11-01 00:00 in Seoul, the first row's time: milliseconds since the epoch.
pub(crate) const START: i64 = 1_793_458_800_000;

/// Rows of a minute: a million take about three hours, ten million more than a day.
pub(crate) const ROWS_A_MINUTE: u64 = 6_000;

/// `PageShards`.
pub(crate) const SHARDS: u32 = 4;

/// Activities of one write: two and a half seconds' (storage.md).
const BATCH: usize = 250;

/// Of so many activities one comes again, in the next write.
const AGAIN: usize = 20;

/// Minutes kept at a time: the shards are read side by side, a few minutes apart.
const KEPT_MINUTES: usize = 32;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Items of one partition and minute: JSON text as DynamoDB speaks it, by sort key.
pub(crate) type Items = BTreeMap<String, String>;

/// The tables that hold the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// Relay's own.
    Pages,
    /// An item an activity, its fields as attributes.
    Attributes,
    /// An item an activity, all of it as one JSON text.
    Documents,
}

impl Table {
    fn named(name: &str) -> Option<Self> {
        match name {
            "pages" => Some(Self::Pages),
            "attributes" => Some(Self::Attributes),
            "documents" => Some(Self::Documents),
            _ => None,
        }
    }
}

/// The items of a table's minute, of each shard.
type Made = Arc<Vec<Items>>;

/// A period of so many rows.
pub(crate) struct Rows {
    rows: u64,
    /// The minutes last asked for.
    kept: Mutex<VecDeque<(Table, u64, Made)>>,
}

impl Rows {
    /// So many rows.
    pub(crate) const fn new(rows: u64) -> Self {
        Self { rows, kept: Mutex::new(VecDeque::new()) }
    }

    /// How many.
    pub(crate) const fn len(&self) -> u64 {
        self.rows
    }

    /// How many minutes hold them.
    pub(crate) const fn minutes(&self) -> u64 {
        self.rows.div_ceil(ROWS_A_MINUTE)
    }

    /// The items of a partition in one minute of its day, and which of its shards they are; `None` for a table that is not made here.
    pub(crate) fn items(&self, table: &str, pk: &str, minute_of_day: i64) -> Option<(Made, usize)> {
        let table = Table::named(table)?;
        let mut parts = pk.split('#').skip(2);
        let date = parts.next()?;
        let shard = parts.next().and_then(|shard| shard.parse().ok()).unwrap_or(0);
        let first_day = START.div_euclid(DAY_MS);
        let day = (first_day..first_day + 400).find(|day| date_of_day(*day) == date)?;
        let minute = u64::try_from((day * DAY_MS - START) / MINUTE_MS + minute_of_day).ok();
        let minute = minute.filter(|minute| *minute < self.minutes());
        Some((minute.map(|minute| self.made(table, minute)).unwrap_or_default(), shard))
    }

    fn made(&self, table: Table, minute: u64) -> Made {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., made)) = kept.iter().find(|(of, at, _)| (*of, *at) == (table, minute)) {
            return Arc::clone(made);
        }
        let made = Arc::new(match table {
            Table::Pages => pages(&self.activities(minute)),
            Table::Attributes => vec![self.activities(minute).iter().map(attributes).collect()],
            Table::Documents => vec![self.activities(minute).iter().map(document_item).collect()],
        });
        if kept.len() == KEPT_MINUTES {
            kept.pop_front();
        }
        kept.push_back((table, minute, Arc::clone(&made)));
        made
    }

    /// A minute's activities as JSON, one a line.
    pub(crate) fn documents(&self, minute: u64) -> String {
        let lines: Vec<String> =
            self.activities(minute).iter().map(|activity| document(activity).to_string()).collect();
        lines.join("\n") + "\n"
    }

    fn activities(&self, minute: u64) -> Vec<Activity<'static>> {
        let mut generator = Generator::new(minute);
        let start = START + i64::try_from(minute).unwrap_or_default() * MINUTE_MS;
        let rows = self.rows.saturating_sub(minute * ROWS_A_MINUTE).min(ROWS_A_MINUTE);
        let row = |row: u64| start + i64::try_from(row * 60_000 / ROWS_A_MINUTE).unwrap_or_default();
        (0..rows).map(|n| activity(&mut generator, row(n))).collect()
    }
}

const APPS: [(&str, &str); 2] = [("com.example.game", "별빛 모험"), ("com.example.shop", "Corner Shop, \"새벽배송\"")];
const NETWORKS: [&str; 5] = ["Organic", "Google Ads ACI", "Meta Ads", "네이버 검색광고", "Unity Ads"];
const CAMPAIGNS: [&str; 6] = [
    "Christmas (457624031399716729)",
    "여름 세일 2026, \"특가\"",
    "KR_iOS_Purchase_2026Q4 (18273645)",
    "신규가입 이벤트",
    "Retargeting_30d",
    "冬の大感謝祭",
];
const ADGROUPS: [&str; 4] = ["Reindeers", "20대 여성, 서울", "lookalike_1pct", "broad_kr"];
const CREATIVES: [&str; 4] = ["320x70_en", "video_15s", "배너_3", "playable_v7"];
const PLACES: [(&str, &str, &str, &str); 4] = [
    ("kr", "서울", "ko", "KT"),
    ("us", "New York", "en", "Verizon"),
    ("jp", "東京", "ja", "NTT"),
    ("de", "München", "de", "o2"),
];
const DEVICES: [&str; 4] = ["SM-S928N", "iPhone16,2", "Pixel9", "Redmi Note 13"];
const EVENTS: [(&str, &str); 4] =
    [("f0ob4r", "구매 완료"), ("3wkyqa", "level_up"), ("p1a2b3", "add_to_cart"), ("zzz999", "회원가입")];
const REVENUES: [&str; 4] = ["12.990", "4900", "0.99", "33000"];

/// An event as an account's callbacks bring it, with what names and texts of real ones hold.
fn activity(generator: &mut Generator, created_at: i64) -> Activity<'static> {
    let mut id = [0; 16];
    id.copy_from_slice(&[generator.next().to_be_bytes(), generator.next().to_be_bytes()].concat());
    let mut activity = Activity {
        activity_id: ActivityId(id),
        kind: Kind::Event,
        app_token: Generator::APP_TOKEN.into(),
        created_at,
        received_at: created_at + generator.below(2_000),
        provider: Provider::Adjust,
        fields: Fields::default(),
        extra: BTreeMap::new(),
    };
    device(generator, &mut activity.fields);
    event(generator, &mut activity.fields);
    channel(generator, &mut activity.fields);
    let installed_at = created_at - 20_000 - generator.below(86_400_000);
    activity.fields.set(Field::InstalledAt, Value::Time(installed_at));
    if generator.below(10) == 0 {
        activity.extra.insert("coupon".into(), format!("{:08x}", generator.below(1 << 32)).into());
        activity.extra.insert("note".into(), "said \"ok\", 고마워요".into());
    }
    activity
}

fn set(fields: &mut Fields<'static>, words: &[(Field, &'static str)]) {
    for (field, word) in words {
        fields.set(*field, Value::Text((*word).into()));
    }
}

fn device(generator: &mut Generator, fields: &mut Fields<'static>) {
    for field in [Field::Adid, Field::GpsAdid] {
        let id = format!("{:016x}{:016x}", generator.next(), generator.next());
        fields.set(field, Value::Text(id.into()));
    }
    let [high, low, ..] = generator.next().to_le_bytes();
    fields.set(Field::IpAddress, Value::Text(format!("203.0.{high}.{low}").into()));
    let (country, city, language, isp) = generator.pick(&PLACES);
    let words = [
        (Field::Country, country),
        (Field::City, city),
        (Field::Language, language),
        (Field::Isp, isp),
        (Field::ConnectionType, "wifi"),
        (Field::DeviceName, generator.pick(&DEVICES)),
        (Field::DeviceType, "phone"),
        (Field::OsName, "android"),
        (Field::OsVersion, "15"),
    ];
    set(fields, &words);
}

fn event(generator: &mut Generator, fields: &mut Fields<'static>) {
    let ((app_id, app_name), (token, name)) = (generator.pick(&APPS), generator.pick(&EVENTS));
    let words = [
        (Field::AppId, app_id),
        (Field::AppName, app_name),
        (Field::AppVersion, "4.12.0"),
        (Field::EventToken, token),
        (Field::EventName, name),
        (Field::Revenue, generator.pick(&REVENUES)),
        (Field::Currency, "KRW"),
        (Field::Environment, "production"),
        (Field::SdkVersion, "android5.0.1"),
    ];
    set(fields, &words);
    fields.set(Field::UserId, Value::Text(generator.below(10_000_000).to_string().into()));
}

fn channel(generator: &mut Generator, fields: &mut Fields<'static>) {
    let network = generator.pick(&NETWORKS);
    if network == "Organic" {
        return set(fields, &[(Field::NetworkName, network), (Field::TrackerName, network)]);
    }
    let (campaign, adgroup, creative) =
        (generator.pick(&CAMPAIGNS), generator.pick(&ADGROUPS), generator.pick(&CREATIVES));
    let words = [
        (Field::NetworkName, network),
        (Field::CampaignName, campaign),
        (Field::AdgroupName, adgroup),
        (Field::CreativeName, creative),
    ];
    set(fields, &words);
    let tracker = format!("{network}::{campaign}::{adgroup}::{creative}");
    fields.set(Field::TrackerName, Value::Text(tracker.into()));
}

/// What the writer makes of a minute: a page a write, some activities in two of them.
fn pages(activities: &[Activity<'_>]) -> Vec<Items> {
    let datums: Vec<Vec<u8>> = activities.iter().map(encoded).collect();
    let mut shards = vec![Items::new(); SHARDS as usize];
    let mut again: Vec<&[u8]> = Vec::new();
    for batch in datums.chunks(BATCH) {
        let written: Vec<&[u8]> = again.drain(..).chain(batch.iter().map(Vec::as_slice)).collect();
        again.extend(batch.iter().step_by(AGAIN).map(Vec::as_slice));
        let datums = written.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
        for page in page::paginate(datums, SHARDS).unwrap_or_default().into_iter().map(|sourced| sourced.page) {
            let item = json!({
                "pk": {"S": page.day.pk()}, "sk": {"S": page.sk}, "page": {"B": STANDARD.encode(&page.body)},
                "n": {"N": page.n.to_string()}, "expires_at": {"N": page.expires_at.to_string()},
            });
            if let Some(items) = shards.get_mut(page.day.shard as usize) {
                items.insert(page.sk, item.to_string());
            }
        }
    }
    shards
}

fn encoded(activity: &Activity<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    avro::encode(activity, &mut bytes);
    bytes
}

/// The keys of an item that is one activity: its day, its time and id.
fn keys(activity: &Activity<'_>) -> (String, String) {
    let (day, within) = (activity.created_at.div_euclid(DAY_MS), activity.created_at.rem_euclid(DAY_MS));
    let day = PageDay { app_token: activity.app_token.to_string(), kind: activity.kind, day, shard: 0 };
    let pk = day.pk();
    let pk = pk.rsplit_once('#').map_or(pk.as_str(), |(pk, _)| pk).to_owned();
    let minute = page::minute_label(within / MINUTE_MS);
    (pk, format!("{minute}{:05}#{}", within % MINUTE_MS, activity.activity_id))
}

fn attributes(activity: &Activity<'_>) -> (String, String) {
    let (pk, sk) = keys(activity);
    let mut item = Map::new();
    for (name, value) in members(activity) {
        let value = match value {
            Json::Number(number) => json!({"N": number.to_string()}),
            Json::Object(extra) => {
                let members = extra.into_iter().map(|(name, value)| (name, json!({"S": value})));
                json!({"M": members.collect::<Map<_, _>>()})
            }
            text @ (Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_)) => json!({"S": text}),
        };
        item.insert(name.to_owned(), value);
    }
    item.insert("pk".to_owned(), json!({"S": pk}));
    item.insert("sk".to_owned(), json!({"S": sk}));
    (sk, Json::Object(item).to_string())
}

fn document_item(activity: &Activity<'_>) -> (String, String) {
    let (pk, sk) = keys(activity);
    let item = json!({"pk": {"S": pk}, "sk": {"S": sk}, "doc": {"S": document(activity).to_string()}});
    (sk, item.to_string())
}

fn document(activity: &Activity<'_>) -> Json {
    Json::Object(members(activity).map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What an activity has, by the names of the columns; times in milliseconds since the epoch.
fn members<'a>(activity: &'a Activity<'_>) -> impl Iterator<Item = (&'static str, Json)> + 'a {
    let identity = [
        ("created_at", activity.created_at.into()),
        ("kind", activity.kind.name().into()),
        ("app_token", activity.app_token.as_ref().into()),
        ("activity_id", activity.activity_id.to_string().into()),
        ("provider", activity.provider.name().into()),
        ("received_at", activity.received_at.into()),
        ("extra", json!(activity.extra)),
    ];
    let fields = activity.fields.iter().map(|(field, value)| {
        let value: Json = match value {
            Value::Text(text) => text.as_ref().into(),
            Value::Time(ms) => (*ms).into(),
        };
        (field.name(), value)
    });
    identity.into_iter().chain(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_whole_in_every_table_and_the_last_one_is_cut() {
        let rows = Rows::new(ROWS_A_MINUTE + 10);
        let pages = rows.made(Table::Pages, 1);
        let n: usize = pages.iter().flatten().filter_map(|(_, item)| item.rsplit_once(r#""n":{"N":""#)).count();
        assert_eq!((rows.minutes(), n), (2, 1));
        let pk = format!("{}#event#2026-10-31", Generator::APP_TOKEN);
        for table in ["attributes", "documents"] {
            let (made, shard) = rows.items(table, &pk, 15 * 60).unwrap();
            assert_eq!((made[shard].len() as u64, made.len()), (ROWS_A_MINUTE, 1));
            assert!(made[shard].iter().all(|(sk, item)| sk.starts_with("1500") && item.contains(sk)));
        }
        assert_eq!(rows.documents(1).lines().count(), 10);
        assert!(rows.items("control", &pk, 0).is_none());
        assert_eq!(rows.items("documents", &pk, 14 * 60).unwrap().0.len(), 0);
    }

    #[test]
    fn rows_hold_what_files_stumble_over() {
        let rows = Rows::new(ROWS_A_MINUTE);
        let activities = rows.activities(0);
        assert_eq!(activities, rows.activities(0));
        let with_extra = activities.iter().filter(|activity| !activity.extra.is_empty()).count();
        assert!((450..750).contains(&with_extra), "{with_extra}");
        let bytes: usize = activities.iter().map(|activity| encoded(activity).len()).sum();
        assert!((300..600).contains(&(bytes / activities.len())), "{} bytes each", bytes / activities.len());
        let text = rows.documents(0);
        assert!(["특가", "\\\"", ", "].iter().all(|what| text.contains(what)));
    }
}
