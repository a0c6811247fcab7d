use std::collections::BTreeMap;

use proptest::prelude::*;

use bytes::Bytes;

use super::*;
use crate::activity::Activity;
use crate::fault::FaultKind;
use crate::page::{Datum, Page, paginate};
use crate::port::memory::{MemoryPages, Trouble};
use crate::{arbitrary, avro};

mod double;
mod sampled;

use double::Watched;

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
        erased: Erased::none(),
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

/// How many bytes of rows and of pages the reader may hold.
type Room = (usize, usize);

const PLENTY: Room = (ROW_ROOM, PAGE_ROOM);

/// From room for nothing (one row, one page, must do all the same) to more than there is.
fn room() -> impl Strategy<Value = Room> {
    let bytes = || prop_oneof![Just(0usize), 0usize..4_000, Just(1 << 20)];
    (bytes(), bytes())
}

async fn read(pages: &impl PageStore, selection: Selection, (row_room, page_room): Room) -> Vec<Activity<'static>> {
    let mut reader = Reader::with_room(pages, selection, row_room, page_room);
    let mut rows = Vec::new();
    while let Some(minute) = reader.next().await.unwrap() {
        assert!(minute.len() == 1 || minute.held() <= row_room);
        assert_eq!(minute.len(), minute.iter().count());
        rows.extend(minute.iter().map(|activity| activity.unwrap().into_owned()));
    }
    assert!(reader.minute().is_empty());
    rows
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
    fn every_activity_is_one_row_whatever_brought_it(batches in batches(), shards in 1u32..4, as_of in 0i64..60, room in room()) {
        let pages = MemoryPages::default();
        let mut selection = selection(shards);
        selection.as_of = NOON + as_of;
        let rows = block_on(async {
            store(&pages, &batches, shards).await;
            read(&pages, selection.clone(), room).await
        });
        prop_assert_eq!(rows, expected(&batches, &selection));
    }

    #[test]
    fn a_period_and_a_checkpoint_cut_exactly(
        batches in batches(), from in -200i64..200, length in 0i64..400, at in 0usize..20, room in room(),
    ) {
        let pages = MemoryPages::default();
        let mut selection = selection(1).over(NOON + from * 1000 + 1, NOON + (from + length) * 1000 + 1);
        block_on(async {
            store(&pages, &batches, 1).await;
            let all = read(&pages, selection.clone(), room).await;
            prop_assert_eq!(&all, &expected(&batches, &selection));
            if let Some(row) = all.get(at) {
                selection.after = Some((row.created_at, row.activity_id));
                prop_assert_eq!(&read(&pages, selection, room).await[..], &all[at + 1..]);
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_error_costs_no_row_and_doubles_none(
        batches in batches(), shards in 1u32..4, room in room(), troubles in prop::collection::vec(prop::bool::weighted(0.3), 0..40),
    ) {
        let pages = MemoryPages::default();
        let selection = selection(shards);
        let rows = block_on(async {
            store(&pages, &batches, shards).await;
            let trouble = |is: bool| if is { Trouble::Refused(FaultKind::Throttled) } else { Trouble::None };
            pages.script.add("list", troubles.into_iter().map(trouble));
            let mut reader = Reader::with_room(&pages, selection.clone(), room.0, room.1);
            let mut rows = Vec::new();
            loop {
                match reader.next().await {
                    Ok(Some(minute)) => rows.extend(minute.iter().map(|activity| activity.unwrap().into_owned())),
                    Ok(None) => return rows,
                    Err(error) => assert!(matches!(error, ReadError::Fault(_))),
                }
            }
        });
        prop_assert_eq!(rows, expected(&batches, &selection));
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
    assert_eq!(read(&pages, selection.clone(), PLENTY).await.len(), 1);
    selection.kept_since = NOON + 6;
    assert_eq!(read(&pages, selection, PLENTY).await.len(), 0);
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
}

/// A page of the minute after [`NOON`] that holds these bytes as its one datum.
fn page_of(datum: &[u8]) -> Page {
    let mut bytes = Vec::new();
    avro::put_bytes(&mut bytes, datum);
    let packed = zstd::bulk::compress(&bytes, 3).unwrap();
    let body = [&avro::FINGERPRINT.to_le_bytes()[..], &packed].concat();
    let day = selection(2).day(NOON / DAY_MS, 1);
    Page { day, sk: "0001#by-hand".into(), body: body.into(), n: 1, expires_at: 0 }
}

#[tokio::test]
async fn damage_is_told_with_the_page_that_has_it() {
    let mut activity = arbitrary::one();
    (activity.kind, activity.app_token, activity.created_at) = (Kind::Install, "app".into(), NOON + MINUTE_MS);
    let mut overlong = Vec::new();
    avro::encode(&activity, &mut overlong);
    overlong.push(0);
    let no_page = Page { body: Bytes::from_static(b"damaged beyond repair"), ..page_of(b"") };
    for broken in [no_page, page_of(b"no head"), page_of(&overlong)] {
        let pages = MemoryPages::default();
        assert_eq!(pages.put(std::slice::from_ref(&broken)).await, [Ok(())]);
        let mut reader = Reader::new(&pages, selection(2));
        let error = match reader.next().await {
            Ok(minute) => minute.unwrap().get(0).unwrap().unwrap_err(),
            Err(error) => error,
        };
        let ReadError::Corrupt { pk, sk, .. } = error else { panic!("{error}") };
        assert_eq!((pk, sk), (broken.day.pk(), broken.sk));
    }
}

/// A minute's activities in pages of `per_page`, each page with a part of the whole minute.
async fn store_minute(
    pages: &MemoryPages,
    activities: u16,
    per_page: usize,
    shards: u32,
) -> Vec<Vec<Activity<'static>>> {
    let one = arbitrary::one();
    let activity = |n: u16| {
        let mut activity = one.clone();
        let id = blake3::hash(&n.to_le_bytes());
        activity.activity_id = ActivityId(id.as_bytes()[..16].try_into().unwrap());
        (activity.kind, activity.app_token, activity.created_at) = (Kind::Install, "app".into(), NOON);
        activity.extra.insert("noise".into(), id.to_string().into());
        activity
    };
    let activities: Vec<_> = (0..activities).map(activity).collect();
    let batches: Vec<_> = activities.chunks(per_page).map(<[_]>::to_vec).collect();
    store(pages, &batches, shards).await;
    batches
}

#[tokio::test]
async fn a_minute_too_large_for_memory_is_read_in_few_passes() {
    let pages = MemoryPages::default();
    let batches = store_minute(&pages, 2_000, 7, 1).await;
    let whole = Reader::with_room(&pages, selection(1), usize::MAX, PAGE_ROOM).next().await.unwrap().unwrap().held();
    for parts in [2, 3, 10, 40] {
        let mut reader = Reader::with_room(&pages, selection(1), whole / parts, PAGE_ROOM);
        let (mut rows, mut passes) = (Vec::new(), 0);
        while let Some(pass) = reader.next().await.unwrap() {
            passes += 1;
            assert!(pass.held() <= whole / parts);
            rows.extend(pass.iter().map(|activity| activity.unwrap().into_owned()));
        }
        assert_eq!(rows, expected(&batches, &selection(1)));
        assert!((parts..=2 * parts).contains(&passes), "{passes} passes over a minute of {parts} times the room");
    }
}

#[tokio::test]
async fn one_id_in_every_page_is_one_row_and_one_pass() {
    let pages = MemoryPages::default();
    let mut batches = store_minute(&pages, 300, 1, 1).await;
    for (n, batch) in batches.iter_mut().enumerate() {
        (batch[0].activity_id, batch[0].received_at) = (ActivityId([7; 16]), 1_000 - i64::try_from(n).unwrap());
    }
    let pages = MemoryPages::default();
    store(&pages, &batches, 3).await;
    assert_eq!(read(&pages, selection(3), (5_000, 0)).await, batches[299]);
}

#[tokio::test]
async fn what_is_held_and_asked_at_once_is_bounded_whatever_the_shards() {
    for shards in [1, 5, 64] {
        let pages = MemoryPages::default();
        let batches = store_minute(&pages, 3_000, 2, shards).await;
        let largest = pages.all().iter().map(|page| page.body.len()).max().unwrap();
        let page_room = largest * 20;
        let watched = Watched::new(pages, Some(8));
        assert_eq!(
            read(&watched, selection(shards), (usize::MAX, page_room)).await,
            expected(&batches, &selection(shards))
        );
        let most = page_room + 4 * 8 * largest;
        assert!(watched.peak_bytes() <= most, "{} bytes of {most} with {shards} shards", watched.peak_bytes());
        assert_eq!(watched.peak_calls(), shards.min(4) as usize);
    }
}

#[tokio::test]
async fn what_comes_next_is_asked_for_while_a_minute_is_given_out() {
    let pages = MemoryPages::default();
    let mut activity = arbitrary::one();
    (activity.kind, activity.app_token) = (Kind::Install, "app".into());
    for minute in 0..3 {
        activity.created_at = NOON + minute * MINUTE_MS;
        store(&pages, &[vec![activity.clone()]], 1).await;
    }
    let watched = Watched::new(pages, Some(1));
    let mut reader = Reader::new(&watched, selection(1).over(NOON, NOON + DAY_MS));
    reader.next().await.unwrap().unwrap();
    assert_eq!(watched.calls_begun(), 3);
    // What was asked early and failed meanwhile is asked again.
    watched.pages.script.refuse("list", 1, FaultKind::TimedOut);
    assert_eq!(reader.next().await.unwrap().unwrap().len(), 1);
    assert_eq!(reader.next().await.unwrap().unwrap().len(), 1);
    assert!(reader.next().await.unwrap().is_none());
}
