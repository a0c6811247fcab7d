use proptest::prelude::*;

use super::*;
use crate::arbitrary;

pub(super) fn encoded(activity: &crate::activity::Activity<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    avro::encode(activity, &mut bytes);
    bytes
}

pub(super) fn pages(activities: &[Vec<u8>], shards: u32) -> Vec<Page> {
    let datums = activities.iter().enumerate().map(|(source, bytes)| Datum { bytes, retention_days: 30, source });
    paginate(datums, shards).unwrap().into_iter().map(|sourced| sourced.page).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_activity_is_in_exactly_one_page_whatever_the_order(
        mut activities in prop::collection::vec(arbitrary::activity(), 1..30), shards in 1u32..5,
    ) {
        for activity in &mut activities {
            activity.created_at %= 300_000;
            activity.app_token = "app".into();
        }
        let bytes: Vec<_> = activities.iter().map(encoded).collect();
        let once = pages(&bytes, shards);
        let twice: Vec<_> = bytes.iter().rev().chain(&bytes).cloned().collect();
        prop_assert_eq!(&once, &pages(&twice, shards));
        let mut found = Vec::new();
        for page in &once {
            prop_assert!(page.day.shard < shards);
            let bytes = unpack(&page.body).unwrap();
            let datums: Vec<_> = datums(&bytes).map(|range| &bytes[range.unwrap()]).collect();
            prop_assert_eq!(datums.len() as u64, page.n);
            for datum in datums {
                let head = avro::head(datum).unwrap();
                prop_assert_eq!(head.kind, page.day.kind);
                prop_assert_eq!(minute_label(head.created_at / 60_000), page.sk[..4].to_owned());
                found.push(datum.to_vec());
            }
        }
        let mut expected = bytes;
        expected.sort();
        expected.dedup();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        unpack(&body).ok();
        let _ = datums(&body).count();
    }
}

#[test]
fn keys_are_as_documented() {
    let mut activity = arbitrary::one();
    activity.app_token = "2fm9gkqubvpc".into();
    activity.kind = Kind::Install;
    activity.created_at = 1_700_000_000_000; // 2023-11-14 22:13:20
    activity.received_at = activity.created_at + 5_000;
    let bytes = encoded(&activity);
    let pages = pages(&[bytes], 1);
    assert_eq!(pages[0].day.pk(), "2fm9gkqubvpc#install#2023-11-14#0");
    assert!(pages[0].sk.starts_with("2213#"));
    assert_eq!(pages[0].sk.len(), 4 + 1 + 32);
    assert_eq!(pages[0].expires_at, 1_700_000_005 + 30 * 86_400);
}

#[test]
fn a_minute_too_large_for_one_page_takes_several() {
    let mut activity = arbitrary::one();
    let bytes: Vec<_> = (0..200u32)
        .map(|n| {
            let noise: String =
                (0..64u32).map(|m| blake3::hash(&[n.to_le_bytes(), m.to_le_bytes()].concat()).to_string()).collect();
            activity.activity_id = ActivityId(u128::from(n).to_le_bytes());
            activity.extra.insert("noise".into(), noise.into());
            encoded(&activity)
        })
        .collect();
    let pages = pages(&bytes, 3);
    assert!(pages.len() > 1);
    assert!(pages.iter().all(|page| page.body.len() <= MAX_PAGE_BYTES));
    assert_eq!(pages.iter().map(|page| page.n).sum::<u64>(), 200);
}

#[test]
fn a_page_that_does_not_pack_is_an_error_and_never_an_empty_page() {
    let bytes = encoded(&arbitrary::one());
    let datum = Datum { bytes: &bytes, retention_days: 30, source: 0 };
    let packed = paginate_by([datum], 1, |_| Err(std::io::Error::other("no memory")));
    assert_eq!(packed.unwrap_err().to_string(), "a page does not pack: no memory");
}

#[test]
fn a_page_knows_the_first_and_the_last_record_that_it_holds_something_of() {
    let bytes = encoded(&arbitrary::one());
    let datums = [4, 2, 7].map(|source| Datum { bytes: &bytes, retention_days: 30, source });
    let pages = paginate(datums, 1).unwrap();
    assert_eq!((pages.len(), pages[0].page.n, pages[0].source, pages[0].last), (1, 1, 2, 7));
}
