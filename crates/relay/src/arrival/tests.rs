use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::activity::Kind;
use crate::port::ControlTable;
use crate::port::memory::MemoryControl;

/// 2026-11-14T09:30:00Z.
const NOW: i64 = 1_794_648_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const INSTALL: &str = Kind::Install.name();
const ALL: Window = Window { now: NOW, received_since: 0 };

fn of(received: &[(i64, u64)]) -> Arrivals {
    let mut arrivals = Arrivals::default();
    for (received_at, n) in received {
        arrivals.add(Provider::Adjust, INSTALL, *received_at, *n);
    }
    arrivals
}

/// What is shown of the only sort: its count, and its hours before the one of `NOW`.
fn shown(arrivals: &Arrivals, window: Window) -> (u64, Vec<String>) {
    let view = arrivals.view("kind", window);
    let [one] = view.as_slice() else { panic!("one sort: {view:?}") };
    let hours = one["hours"].as_array().unwrap().iter();
    let hours = hours.map(|hour| format!("{} {}", hour["hour"].as_str().unwrap(), hour["received"])).collect();
    (one["received_24h"].as_u64().unwrap(), hours)
}

#[test]
fn the_view_has_each_sort_in_order_with_its_hours() {
    let mut arrivals = of(&[(NOW - 1, 2), (NOW - HOUR_MS, 3), (NOW, 1)]);
    arrivals.add(Provider::Sdk, Kind::Event.name(), NOW - 10 * DAY_MS, 7);
    arrivals.add(Provider::Adjust, Kind::Event.name(), NOW - 7, 9);
    insta::assert_snapshot!(format!("{:#}", Value::from(arrivals.view("kind", ALL))));
}

#[test]
fn the_window_begins_with_the_hour_in_which_its_day_begins() {
    let start = ALL.start();
    assert_eq!(rfc3339(start), "2026-11-13T09:00:00Z");
    assert_eq!(shown(&of(&[(start, 1), (NOW, 2)]), ALL).0, 3);
    assert_eq!(shown(&of(&[(start - 1, 1), (NOW, 2)]), ALL).0, 2);
}

#[test]
fn a_silent_hour_moves_what_was_counted_back() {
    let later = NOW + 3 * HOUR_MS;
    let counted = of(&[(NOW, 5), (later, 1)]);
    assert_eq!(
        shown(&counted, Window { now: later, ..ALL }),
        (6, vec!["2026-11-14T09:00:00Z 5".into(), "2026-11-14T12:00:00Z 1".into()])
    );
    assert_eq!(shown(&counted, Window { now: NOW + 27 * HOUR_MS, ..ALL }).0, 1);
    assert_eq!(shown(&of(&[(NOW, 5), (NOW + 1_000 * DAY_MS, 1)]), Window { now: NOW + 1_000 * DAY_MS, ..ALL }).0, 1);
}

#[test]
fn what_comes_late_counts_in_its_own_hour_and_never_as_the_last() {
    let arrivals = of(&[(NOW, 1), (NOW - 20 * HOUR_MS, 1), (NOW - 40 * DAY_MS, 1)]);
    assert_eq!(shown(&arrivals, ALL).0, 2);
    assert_eq!(arrivals.view("kind", ALL)[0]["last_received_at"], "2026-11-14T09:30:00.000Z");
    assert_eq!(arrivals.tallies["adjust/install"].counts.len(), 21);
}

#[test]
fn what_came_when_the_token_was_somebody_elses_is_not_shown() {
    let arrivals = of(&[(NOW - 2 * HOUR_MS, 4), (NOW - 10_000, 2)]);
    let since = |received_since| Window { received_since, ..ALL };
    assert_eq!(shown(&arrivals, since(NOW - 3 * HOUR_MS)).0, 6);
    assert_eq!(shown(&arrivals, since(NOW - HOUR_MS)).0, 2);
    assert_eq!(shown(&arrivals, since(NOW - 20_000)), (0, vec![]), "the hour of the move is nobody's");
    assert_eq!(arrivals.view("kind", since(NOW - 9_999)), Vec::<Value>::new());
}

#[test]
fn the_last_one_is_remembered_for_thirty_days() {
    let arrivals = of(&[(NOW, 1)]);
    let window = |days| Window { now: NOW + days * DAY_MS, ..ALL };
    assert_eq!(shown(&arrivals, window(29)), (0, vec![]));
    assert!(arrivals.view("kind", window(30)).is_empty());
    let item = Item { key: Whose::App("a".into()).key(), version: 1, doc: serde_json::to_value(&arrivals).unwrap() };
    let mut of_event = Arrivals::default();
    of_event.add(Provider::Adjust, Kind::Event.name(), NOW + 30 * DAY_MS, 1);
    let Write::Put { doc, expires_at, .. } =
        of_event.write(&Whose::App("a".into()), Some(&item), NOW + 30 * DAY_MS).unwrap()
    else {
        panic!("a put")
    };
    assert_eq!(doc["tallies"].as_object().unwrap().len(), 1, "{doc}");
    assert_eq!(expires_at, Some((NOW + 60 * DAY_MS) / 1000));
}

#[tokio::test]
async fn a_write_adds_to_what_stands_there_and_finds_out_when_somebody_else_wrote() {
    let control = MemoryControl::default();
    let whose = Whose::Owner("demo".into());
    let read = async || control.get(&[whose.key()]).await.remove(0).unwrap();
    control.commit(&[of(&[(NOW, 2)]).write(&whose, None, NOW).unwrap()]).await.unwrap();
    let found = read().await;
    let mine = of(&[(NOW + 1, 3)]).write(&whose, found.as_ref(), NOW).unwrap();
    let theirs = of(&[(NOW, 1)]).write(&whose, found.as_ref(), NOW).unwrap();
    control.commit(&[mine]).await.unwrap();
    assert!(control.commit(&[theirs]).await.is_err());
    assert_eq!(shown(&Arrivals::read(read().await.as_ref()).unwrap(), ALL).0, 5);
}

proptest! {
    /// Against a map of hours: in whatever order and parts things are counted, nothing within the last 25 hours is lost or invented.
    #[test]
    fn counts_are_those_of_the_newest_hours(received in prop::collection::vec((0i64..60 * HOUR_MS, 1u64..9, 0usize..3), 1..40)) {
        let mut parts = [Arrivals::default(), Arrivals::default(), Arrivals::default()];
        let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
        for (ago, n, part) in &received {
            parts[*part].add(Provider::Adjust, INSTALL, NOW - ago, *n);
            *hours.entry((NOW - ago).div_euclid(HOUR_MS)).or_default() += n;
        }
        let mut all = Arrivals::default();
        for part in &parts {
            all.merge(part);
        }
        let newest = *hours.keys().max().unwrap();
        let expected: u64 = hours.iter().filter(|(hour, _)| **hour > newest - 25).map(|(_, n)| n).sum();
        let tally = &all.tallies["adjust/install"];
        prop_assert_eq!(tally.counts.iter().sum::<u64>(), expected);
        prop_assert_eq!((tally.hour, tally.last_received_at), (newest, NOW - received.iter().map(|(ago, ..)| ago).min().unwrap()));
        prop_assert!(tally.counts.len() <= HOURS);
    }

    /// A document of any numbers is read, shown and added to.
    #[test]
    fn no_document_makes_it_panic(last in any::<i64>(), hour in any::<i64>(), counts in prop::collection::vec(any::<u64>(), 0..60), at in any::<i64>()) {
        let mut arrivals = Arrivals { tallies: [("x/y".to_owned(), Tally { last_received_at: last / 2, hour, counts })].into() };
        assert!(arrivals.view("kind", Window { now: at / 2, received_since: 0 }).len() <= 1);
        arrivals.merge(&of(&[(at, 1)]));
        let others = Arrivals { tallies: [("x/y".to_owned(), Tally { last_received_at: 0, hour: at, counts: vec![1; 30] })].into() };
        arrivals.merge(&others);
        prop_assert!(arrivals.tallies.values().all(|tally| tally.counts.len() <= HOURS));
    }
}
