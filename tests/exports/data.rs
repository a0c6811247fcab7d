//! Pages enough for files of several parts, put into the table as the writer would.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::field::Field;
use relay::page::{Datum, Page, paginate};
use relay_tests::stage::Stage;
use serde_json::{Map, json};

/// Activities of one write.
const BATCH: u32 = 100;
/// Puts of one `BatchWriteItem` (DynamoDB API reference: 25).
const PUTS: usize = 25;

/// Stores so many activities of a kind, from a moment on, each a row of about so many bytes.
pub(crate) fn store(stage: &Stage, app: &str, kind: Kind, from: i64, count: u32, bytes: usize) {
    let mut pages = Vec::new();
    for first in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
        let encoded: Vec<_> = (first..count.min(first + BATCH))
            .map(|n| {
                let mut encoded = Vec::new();
                relay::avro::encode(&activity(app, kind, from, n, bytes), &mut encoded);
                encoded
            })
            .collect();
        let datums = encoded.iter().map(|bytes| Datum { bytes, retention_days: 400, source: 0 });
        pages.extend(paginate(datums, 1).unwrap().into_iter().map(|sourced| sourced.page));
    }
    for pages in pages.chunks(PUTS) {
        let puts: Vec<_> = pages.iter().map(put).collect();
        let requests = json!({ "RequestItems": { stage.fact("pages_table"): puts } });
        let answer = stage.aws("dynamodb", "DynamoDB_20120810.BatchWriteItem", &requests);
        assert!(answer["UnprocessedItems"].as_object().is_none_or(Map::is_empty), "{answer}");
    }
}

fn put(page: &Page) -> serde_json::Value {
    json!({ "PutRequest": { "Item": {
        "pk": { "S": page.day.pk() }, "sk": { "S": page.sk }, "page": { "B": STANDARD.encode(&page.body) },
        "n": { "N": page.n.to_string() }, "expires_at": { "N": page.expires_at.to_string() },
    } } })
}

fn activity(app: &str, kind: Kind, from: i64, n: u32, bytes: usize) -> Activity<'static> {
    let digits = format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let mut fields = Fields::default();
    for (field, text) in
        [(Field::CampaignName, "여름 세일 🎉\n2026, \"all\"".to_owned()), (Field::UserAgent, digits.repeat(bytes / 32))]
    {
        assert!(fields.set(field, Value::Text(Cow::Owned(text))));
    }
    let created_at = from + i64::from(n) * 50;
    Activity {
        activity_id: ActivityId(u128::from(n).wrapping_mul(0x1234_5678_9abc_def1).to_be_bytes()),
        kind,
        app_token: app.to_owned().into(),
        created_at,
        received_at: created_at + 1000,
        provider: Provider::Sdk,
        fields,
        extra: BTreeMap::new(),
    }
}
