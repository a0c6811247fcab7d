//! Samples of minutes that hold very much.

use super::*;
use crate::reader::Sample;

const MINUTES: i64 = 40;

/// Forty minutes of four hundred rows, two a page, over four shards.
async fn busy() -> MemoryPages {
    let pages = MemoryPages::default();
    let one = arbitrary::one();
    for minute in 0..MINUTES {
        let activity = |n: i64| {
            let mut activity = one.clone();
            let id = blake3::hash(&(minute * 1_000 + n).to_le_bytes());
            activity.activity_id = ActivityId(id.as_bytes()[..16].try_into().unwrap());
            (activity.kind, activity.app_token) = (Kind::Install, "app".into());
            activity.created_at = NOON + minute * MINUTE_MS;
            activity
        };
        let batches: Vec<_> = (0..200).map(|page| vec![activity(page * 2), activity(page * 2 + 1)]).collect();
        store(&pages, &batches, 4).await;
    }
    pages
}

async fn about(pages: &impl PageStore, seed: u8, is_thin: bool) -> f64 {
    let sample =
        Sample { minutes: 40, seed: [seed; 10], is_wanted: |_: &Activity<'_>| true, may_go_on: || true, is_thin };
    let period = selection(4).over(NOON, NOON + MINUTES * MINUTE_MS);
    let sampled = sample.take(pages, &period).await.unwrap();
    assert_eq!(sampled.minutes, 40);
    f64::from(u32::try_from(sampled.rows).unwrap()) / 16_000.0
}

#[tokio::test]
async fn whole_minutes_are_counted_and_parts_of_them_and_cut_answers_tell_about_as_many() {
    let pages = busy().await;
    assert!((about(&pages, 1, false).await - 1.0).abs() < f64::EPSILON);
    let mut mean = 0.0;
    for seed in 0..16 {
        let thin = about(&pages, seed, true).await;
        assert!((thin - 1.0).abs() < 0.2, "{thin} of all by a sixteenth");
        mean += thin / 16.0;
    }
    assert!((mean - 1.0).abs() < 0.03, "{mean} of all by a sixteenth of each");
    // An answer of eight pages of about fifty: counting its last, too, would tell a seventh too many.
    let cut = about(&Watched::new(pages, Some(8)), 1, false).await;
    assert!((cut - 1.0).abs() < 0.08, "{cut} of all by the first pages");
}
