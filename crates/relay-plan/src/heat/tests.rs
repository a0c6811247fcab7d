use super::*;
use crate::Skew;

fn load(per_second: u64, apps: u32) -> Load {
    Load {
        per_day: per_second * 86_400,
        per_second,
        apps,
        owners: 1,
        skew: Skew::Zipf(1.1),
        batch: 1,
        retention_days: 90,
        window: None,
        kinds: crate::load::USUAL_KINDS,
        late_percent: 0,
        exports_per_day: 1,
        seed: 1,
    }
}

fn heat(load: &Load, reading: Reading) -> Heat {
    let figures = Figures::measure(load.batch).unwrap();
    simulate(load, &figures, reading, &mut |_, _| {})
}

#[test]
fn every_activity_is_in_a_page_of_its_window() {
    let load = load(100, 3);
    let heat = heat(&load, Reading { shards: 2, window: 5, records: 1_000 });
    assert_eq!(heat.seconds, 60);
    assert!((5_900..6_100).contains(&heat.activities), "{} activities", heat.activities);
    // Two shards' windows of five seconds, three apps, three kinds, now and then two minutes.
    assert_eq!(heat.batches, 24);
    assert!((24 * 6..24 * 12).contains(&heat.pages), "{} pages", heat.pages);
}

#[test]
fn a_full_batch_does_not_wait_for_its_window() {
    let load = load(100, 1);
    let heat = heat(&load, Reading { shards: 1, window: 60, records: 200 });
    assert_eq!(heat.batches, 30);
}

#[test]
fn more_shards_are_cooler_and_one_takes_all_of_its_day() {
    let load = load(20_000, 1);
    let heat = heat(&load, Reading { shards: 25, window: 1, records: 1_000 });
    let units: Vec<u64> = heat.hottest.iter().map(|hottest| hottest.units).collect();
    assert!(units.is_sorted_by(|left, right| left >= right), "{units:?}");
    assert!(units[0] > 2_000 && units[8] < 500, "{units:?}");
    assert!(units[0] <= heat.worst_second_units);
    let hottest = heat.hottest[8];
    assert_eq!(pk(&hottest), format!("app000000#event#2026-11-14#{}", hottest.shard));
}

#[test]
fn late_activities_heat_the_days_before() {
    let late = Load { late_percent: 30, ..load(20_000, 1) };
    let reading = Reading { shards: 25, window: 1, records: 1_000 };
    let (late, on_time) = (heat(&late, reading), heat(&load(20_000, 1), reading));
    assert!(late.units_per_thousand() > 1.5 * on_time.units_per_thousand());
    // 1,800 of 20,000 events are up to two days late: a page each, most of them of the days before.
    assert!(late.hottest[0].units >= on_time.hottest[0].units);
}

#[test]
fn the_same_seed_is_the_same_heat() {
    let reading = Reading { shards: 3, window: 1, records: 1_000 };
    let seen = |seed| format!("{:?}", heat(&Load { seed, ..load(2_000, 10) }, reading));
    assert_eq!(seen(1), seen(1));
    assert_ne!(seen(1), seen(2));
}
