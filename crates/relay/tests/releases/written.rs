//! What this release writes of the same activities, rejects and documents.

use std::collections::BTreeMap;

use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::discard::Reason;
use relay::field::{Field, Shape};
use relay::frame::{self, Raw};
use relay::page::{self, Datum};
use relay::{avro, batch};

use crate::documents;
use crate::recorded::{Document, StoredPage};

pub(crate) const RETENTION_DAYS: u16 = 90;

/// 2026-11-14 09:30:00 UTC.
pub(crate) const CREATED_AT: i64 = 1_794_648_600_000;

/// Everything of it.
pub(crate) struct Written {
    pub(crate) frames: BTreeMap<String, Vec<u8>>,
    pub(crate) page: StoredPage,
    pub(crate) rows: Vec<String>,
    pub(crate) documents: Vec<Document>,
}

pub(crate) fn all() -> Written {
    let activities = activities();
    let (single, several) = activities.split_at(1);
    let packed = |activities: &[Activity<'_>]| {
        let frames = frame::pack(RETENTION_DAYS, activities);
        assert_eq!(frames.len(), 1, "one frame holds them");
        frames[0].data.to_vec()
    };
    let frames = [
        ("single", packed(single)),
        ("several", packed(several)),
        ("raw", raw(false).encode().to_vec()),
        ("raw-compressed", raw(true).encode().to_vec()),
    ];
    Written {
        frames: frames.map(|(name, bytes)| (name.to_owned(), bytes)).into(),
        page: one_page(&activities),
        rows: activities.iter().map(|activity| serde_json::to_string(activity).unwrap()).collect(),
        documents: documents::all(),
    }
}

/// The first with as little as an activity has, the second with every field, then one of each provider.
fn activities() -> Vec<Activity<'static>> {
    let one = |n: u8, kind, provider| Activity {
        activity_id: ActivityId([n; 16]),
        kind,
        app_token: "2fm9gkqubvpc".into(),
        // All of one minute and, but for the kind, of one page.
        created_at: CREATED_AT + i64::from(n) * 1_000,
        received_at: CREATED_AT + i64::from(n) * 1_000 + 250,
        provider,
        fields: Fields::default(),
        extra: BTreeMap::new(),
    };
    let mut activities = vec![one(1, Kind::Event, Provider::Sdk), one(2, Kind::Event, Provider::Adjust)];
    for (place, field) in (0_i64..).zip(Field::ALL) {
        let value = match field.shape() {
            Shape::Text => Value::Text(format!("{field:?} {place} 겨울 \"세일\"").into()),
            Shape::Time => Value::Time(CREATED_AT - place),
        };
        activities[1].fields.set(*field, value);
    }
    activities[1].extra = [("".into(), "".into()), ("install.~id".into(), "123456789012345678".into())].into();
    for (n, provider) in (3..).zip(Provider::ALL) {
        activities.push(one(n, Kind::Event, provider));
    }
    activities
}

fn one_page(activities: &[Activity<'_>]) -> StoredPage {
    let datums: Vec<Vec<u8>> = activities
        .iter()
        .map(|activity| {
            let mut bytes = Vec::new();
            avro::encode(activity, &mut bytes);
            bytes
        })
        .collect();
    let datums = datums.iter().map(|bytes| Datum { bytes, retention_days: RETENTION_DAYS, source: 0 });
    let mut pages = page::paginate(datums, 8).unwrap();
    assert_eq!(pages.len(), 1, "one page holds them");
    let page = pages.remove(0).page;
    StoredPage { pk: page.day.pk(), sk: page.sk, body: hex::encode(&page.body), n: page.n, expires_at: page.expires_at }
}

/// A reject; of a body that compresses, or of one that does not.
pub(crate) fn raw(compresses: bool) -> Raw {
    let body = if compresses { b"{\"created_at\":\"{created_at}\"}".repeat(20) } else { vec![0xff, 0x00, 0x7f] };
    Raw {
        owner: "demo".into(),
        provider: "adjust".into(),
        reason: Reason::BadTime,
        detail: "created_at is missing".into(),
        received_at: CREATED_AT,
        trace_id: if compresses { "7".repeat(32) } else { String::new() },
        method: if compresses { "POST" } else { "" }.into(),
        path: if compresses { "/v1/callbacks/adjust" } else { "" }.into(),
        query: String::new(),
        content_type: if compresses { "application/json" } else { "" }.into(),
        body,
    }
}

/// A frame's type and schema, and its payload unpacked.
pub(crate) fn unpacked_frame(frame: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (head, payload) = frame.split_at(9);
    let is_compressed = head[0].is_multiple_of(2);
    let most = batch::MAX_UNPACKED_BYTES;
    let payload = if is_compressed { zstd::bulk::decompress(payload, most).unwrap() } else { payload.to_vec() };
    (head.to_vec(), payload)
}
