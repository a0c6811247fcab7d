//! The generator itself: deterministic, unique identifiers, all the oddities that it promises.

use std::collections::{HashMap, HashSet};

use super::*;

/// 2026-11-21 03:30:00 UTC.
const NOW: i64 = 1_795_231_800_000;

fn sample() -> Sample {
    Sample::bundled(NOW, "demo-app")
}

#[test]
fn the_same_seed_and_time_give_the_same_sample() {
    let (one, two) = (sample(), sample());
    assert_eq!(one.callbacks, two.callbacks);
    assert!(one.batches.iter().map(|batch| &batch.body).eq(two.batches.iter().map(|batch| &batch.body)));
    let other = Sample::generate(SEED + 1, NOW, "demo-app");
    assert_ne!(one.callbacks, other.callbacks);
}

#[test]
fn it_has_the_promised_size() {
    let sample = sample();
    assert_eq!(sample.callbacks.len(), CALLBACKS);
    assert_eq!(sample.callbacks.iter().collect::<HashSet<_>>().len(), CALLBACKS - RETRIES);
    let sent = |way| Kind::ALL.map(|kind| sample.sent(kind, way));
    assert_eq!(sent(Way::Adjust).iter().sum::<usize>(), CALLBACKS - RETRIES);
    assert_eq!(sent(Way::Sdk).iter().sum::<usize>(), ACTIVITIES);
    assert!(sent(Way::Adjust).iter().all(|count| *count > 100));
    assert!(sample.batches.iter().all(|batch| batch.accepted <= 500));
}

#[test]
fn identifiers_are_unique_and_in_what_is_sent() {
    let sample = sample();
    let ids: HashSet<_> = sample.expected.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), sample.expected.len());
    let queries = sample.callbacks.join("\n");
    let adjust = sample.expected.iter().filter(|one| one.way == Way::Adjust);
    assert!(adjust.take(300).all(|one| queries.contains(&format!("={}", one.id))));
}

#[test]
fn each_period_leaves_out_exactly_its_outer_edges() {
    let sample = sample();
    for kind in Kind::ALL {
        let (start, end) = period(kind, NOW);
        let inside = sample.expected(kind).count();
        let sent = sample.sent(kind, Way::Adjust) + sample.sent(kind, Way::Sdk);
        assert_eq!(sent - inside, 2);
        let times: HashSet<_> = sample.expected(kind).map(|one| one.created_at).collect();
        assert!(times.contains(&start) && times.contains(&(end - 1)));
    }
    assert_eq!(sample.dates(Kind::Install), ("2026-11-19".to_owned(), "2026-11-21".to_owned()));
}

#[test]
fn the_oddities_of_real_traffic_are_there() {
    let queries = sample().callbacks.join("\n");
    let oddities = [
        "%3A%3A",
        "idfa={idfa}",
        "%zz",
        "100%",
        "{b}|[c]^<d>",
        "Sale{A|B}[50^2]<new>",
        "idfv=&",
        "%EC%97%AC",
        "%F0%9F",
        "=Organic",
        "activity_kind=session",
        "activity_kind=ad_revenue",
        "reattribution_reinstall",
        "=12.990",
        "order_ref=ORD-",
        "Google+Ads+%28AdWords%29",
        "Google%20Ads%20(AdWords)",
    ];
    for oddity in oddities {
        assert!(queries.contains(oddity), "no callback holds {oddity}");
    }
    assert!(sample().callbacks.iter().all(|query| query.bytes().all(|byte| byte.is_ascii_graphic())));
}

#[test]
fn a_sample_is_known_by_its_fingerprint() {
    assert_eq!(Sample::bundled(NOW, "app").fingerprint(), Sample::bundled(NOW, "app").fingerprint());
    let mut other = Sample::bundled(NOW, "app");
    other.callbacks.swap(0, 1);
    assert_ne!(other.fingerprint(), Sample::bundled(NOW, "app").fingerprint());
}

#[test]
fn batches_come_in_every_shape_and_say_what_they_hold() {
    let sample = sample();
    let shapes: HashSet<_> = sample.batches.iter().map(|batch| (batch.content_type, batch.gzip)).collect();
    assert_eq!(shapes.len(), 3);
    let mut bodies: HashMap<&[u8], usize> = HashMap::new();
    for batch in &sample.batches {
        *bodies.entry(&batch.body).or_default() += 1;
    }
    assert!(bodies.values().any(|times| *times == 2));
    let json = sample.batches.iter().filter(|batch| batch.content_type == "application/json" && batch.accepted > 0);
    for batch in json {
        let value: serde_json::Value = serde_json::from_slice(&batch.body).expect("a batch is JSON");
        let list = value.get("activities").unwrap_or(&value);
        assert_eq!(list.as_array().map(Vec::len), Some(batch.accepted + batch.rejected.len()));
    }
    assert!(sample.batches.iter().any(|batch| batch.rejected == [1, 3, 5, 7, 9, 11, 13]));
}
