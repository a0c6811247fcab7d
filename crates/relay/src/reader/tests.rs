use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::fault::FaultKind;
use crate::page::{Datum, paginate};
use crate::port::memory::MemoryPages;

const NOON: i64 = 1_700_000_000_000 / DAY_MS * DAY_MS;

fn selection(shards: u32) -> Selection {
    Selection {
        app_token: "app".into(),
        kind: Kind::Install,
        from: i64::MIN / 2,
        to: i64::MAX / 2,
        as_of: i64::MAX,
        kept_since: i64::MIN,
        received_since: i64::MIN,
        after: None,
        shards,
    }
    .over(NOON - DAY_MS, NOON + 2 * DAY_MS)
}

impl Selection {
    fn over(mut self, from: i64, to: i64) -> Self {
        (self.from, self.to) = (from, to);
        self
    }
}

/// Stores each batch by a write of its own, as different invocations do.
async fn store(pages: &MemoryPages, batches: &[Vec<Activity<'static>>], shards: u32) {
    for batch in batches {
        let encoded: Vec<Vec<u8>> = batch
            .iter()
            .map(|activity| {
                let mut bytes = Vec::new();
                avro::encode(activity, &mut bytes);
                bytes
            })
            .collect();
        let datums = encoded.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
        let made: Vec<_> = paginate(datums, shards).unwrap().into_iter().map(|sourced| sourced.page).collect();
        for result in pages.put(&made).await {
            result.unwrap();
        }
    }
}

async fn read(pages: &MemoryPages, selection: Selection) -> Vec<Activity<'static>> {
    let mut reader = Reader::new(pages, selection);
    let mut rows = Vec::new();
    while let Some(minute) = reader.next().await.unwrap() {
        assert_eq!(minute.len(), minute.iter().count());
        for activity in minute.iter() {
            rows.push(own(&activity.unwrap()));
        }
    }
    rows
}

fn own(activity: &Activity<'_>) -> Activity<'static> {
    let mut bytes = Vec::new();
    avro::encode(activity, &mut bytes);
    let bytes: &'static [u8] = bytes.leak();
    avro::decode(bytes).unwrap()
}

/// Few ids over few minutes around midnight, so that duplicates and neighbours are common.
fn batches() -> impl Strategy<Value = Vec<Vec<Activity<'static>>>> {
    let activity =
        (arbitrary::activity(), 0u8..12, -3i64..3, 0i64..50).prop_map(|(mut activity, id, minute, delay)| {
            activity.activity_id = ActivityId([id; 16]);
            activity.created_at = NOON + minute * MINUTE_MS + i64::from(id) * 1000;
            activity.received_at = NOON + delay;
            activity.kind = Kind::Install;
            activity.app_token = "app".into();
            activity
        });
    prop::collection::vec(prop::collection::vec(activity, 0..12), 0..6)
}

/// What the reader must answer: by `(created_at, id)` the least `(received_at, bytes)`.
fn expected(batches: &[Vec<Activity<'static>>], selection: &Selection) -> Vec<Activity<'static>> {
    let mut rows: BTreeMap<(i64, ActivityId), (i64, Vec<u8>)> = BTreeMap::new();
    for activity in batches.iter().flatten() {
        let mut bytes = Vec::new();
        avro::encode(activity, &mut bytes);
        let in_period = (selection.from..selection.to).contains(&activity.created_at);
        let key = (activity.created_at, activity.activity_id);
        if in_period && activity.received_at <= selection.as_of && selection.after.is_none_or(|after| key > after) {
            let candidate = (activity.received_at, bytes);
            let row = rows.entry(key).or_insert_with(|| candidate.clone());
            *row = candidate.min(row.clone());
        }
    }
    rows.into_values().map(|(_, bytes)| avro::decode(bytes.leak()).unwrap()).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_activity_is_one_row_whatever_brought_it(batches in batches(), shards in 1u32..4, as_of in 0i64..60) {
        let pages = MemoryPages::default();
        let mut selection = selection(shards);
        selection.as_of = NOON + as_of;
        let rows = block_on(async {
            store(&pages, &batches, shards).await;
            read(&pages, selection.clone()).await
        });
        prop_assert_eq!(rows, expected(&batches, &selection));
    }

    #[test]
    fn a_period_and_a_checkpoint_cut_exactly(batches in batches(), from in -200i64..200, length in 0i64..400, at in 0usize..20) {
        let pages = MemoryPages::default();
        let mut selection = selection(1).over(NOON + from * 1000 + 1, NOON + (from + length) * 1000 + 1);
        block_on(async {
            store(&pages, &batches, 1).await;
            let all = read(&pages, selection.clone()).await;
            prop_assert_eq!(&all, &expected(&batches, &selection));
            if let Some(row) = all.get(at) {
                selection.after = Some((row.created_at, row.activity_id));
                prop_assert_eq!(&read(&pages, selection).await[..], &all[at + 1..]);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn retention_hides_at_once_what_the_table_deletes_late() {
    let pages = MemoryPages::default();
    let mut activity = arbitrary::one();
    (activity.kind, activity.app_token) = (Kind::Install, "app".into());
    (activity.created_at, activity.received_at) = (NOON, NOON + 5);
    store(&pages, &[vec![activity]], 1).await;
    let mut selection = selection(1);
    selection.kept_since = NOON + 5;
    assert_eq!(read(&pages, selection.clone()).await.len(), 1);
    selection.kept_since = NOON + 6;
    assert_eq!(read(&pages, selection).await.len(), 0);
}

#[tokio::test]
async fn an_empty_period_is_known_by_small_questions() {
    let pages = MemoryPages::default();
    assert!(is_empty(&pages, &selection(3)).await.unwrap());
    let mut activity = arbitrary::one();
    (activity.kind, activity.app_token, activity.created_at) = (Kind::Install, "app".into(), NOON + DAY_MS);
    store(&pages, &[vec![activity]], 3).await;
    assert!(!is_empty(&pages, &selection(3)).await.unwrap());
    assert!(is_empty(&pages, &selection(3).over(NOON, NOON + DAY_MS)).await.unwrap());
}

#[tokio::test]
async fn faults_and_damage_are_told_and_never_skipped() {
    let pages = MemoryPages::default();
    pages.script.refuse("list", 1, FaultKind::Throttled);
    let mut reader = Reader::new(&pages, selection(1));
    assert!(matches!(reader.next().await, Err(ReadError::Fault(fault)) if fault.kind == FaultKind::Throttled));

    let mut activity = arbitrary::one();
    (activity.kind, activity.app_token, activity.created_at) = (Kind::Install, "app".into(), NOON);
    store(&pages, &[vec![activity]], 1).await;
    let mut broken = pages.all();
    broken[0].body = bytes::Bytes::from_static(b"damaged beyond repair");
    assert_eq!(pages.put(&broken).await, [Ok(())]);
    let mut reader = Reader::new(&pages, selection(1));
    assert!(matches!(reader.next().await, Err(ReadError::Corrupt { .. })));
}
