//! What is asked for, and what is in the pages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::export::Format;
use relay::field::Field;
use relay::page::{Datum, Page, paginate};
use serde_json::{Value as Json, json};

use crate::world::{DAY, NOW};

/// Activities of one write.
const BATCH: u32 = 500;

/// An export with what it reads.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) request: Json,
    pub(crate) pages: Vec<Page>,
    /// The least number of its files.
    pub(crate) files: usize,
    /// How many looks at the clock a step has: rows are written in groups between two of them.
    pub(crate) looks: i64,
}

impl Asked {
    /// One of each format: several steps, several parts, several files.
    pub(crate) fn all() -> Vec<Self> {
        // 36 MiB: three parts.
        let large = pages(&[Kind::Event], 4_500, 8_000);
        let small = pages(&Kind::ALL, 1_200, 300);
        let ask = |name, more: Json, pages: &[Page], files, looks| {
            let mut request = json!({
                "app_token": "demo-app", "kind": "event", "email": "kim@example.com",
                "start_date": "2026-11-14", "end_date": "2026-11-14",
            });
            for (name, value) in more.as_object().unwrap() {
                request[name] = value.clone();
            }
            Self { name, request, pages: pages.to_vec(), files, looks }
        };
        let kinds = json!(["install", "reattribution", "event"]);
        let mut all = vec![
            ask("csv, three parts", json!({}), &large, 1, 30),
            ask("csv, small steps", json!({"timezone": "Asia/Seoul", "end_date": "2026-11-15"}), &small, 1, 12),
            ask("csv, one step", json!({"kind": "install", "excel": true}), &small, 1, 10_000),
            ask("csv.gz, several kinds and steps", json!({"kind": kinds, "format": "csv.gz"}), &small, 4, 12),
            ask("csv.gz, several blocks", json!({"format": "csv.gz"}), &large, 1, 20),
            ask("jsonl.gz, several kinds in one step", json!({"kind": kinds, "format": "jsonl.gz"}), &small, 4, 10_000),
        ];
        if Format::ALL.contains(&Format::Parquet) {
            let more = json!({"kind": kinds, "format": "parquet"});
            all.push(ask("parquet, several files", more, &small, 4, 10_000));
        }
        all
    }
}

/// So many activities of each kind, over the first minutes of the day, each of about so many bytes.
fn pages(kinds: &[Kind], count: u32, bytes: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    for kind in kinds {
        for from in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
            let encoded: Vec<_> = (from..count.min(from + BATCH))
                .map(|n| {
                    let mut encoded = Vec::new();
                    relay::avro::encode(&activity(*kind, n, bytes), &mut encoded);
                    encoded
                })
                .collect();
            let datums = encoded.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
            pages.extend(paginate(datums, 1).unwrap().into_iter().map(|sourced| sourced.page));
        }
    }
    pages
}

fn activity(kind: Kind, n: u32, bytes: usize) -> Activity<'static> {
    let digits = format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let mut fields = Fields::default();
    for (field, text) in [
        (Field::CampaignName, "여름 세일 🎉\n2026, \"all\"".to_owned()),
        (Field::Revenue, format!("{}.5", n % 100)),
        (Field::Currency, "KRW".to_owned()),
        (Field::UserAgent, digits.repeat(bytes / 32)),
    ] {
        assert!(fields.set(field, Value::Text(Cow::Owned(text))));
    }
    let mut id = u128::from(n).wrapping_mul(0x1234_5678_9abc_def1).to_be_bytes();
    id[0] = kind as u8;
    Activity {
        activity_id: ActivityId(id),
        kind,
        app_token: "demo-app".into(),
        created_at: DAY + i64::from(n) * 400,
        received_at: NOW - 60_000,
        provider: Provider::Sdk,
        fields,
        extra: BTreeMap::new(),
    }
}
