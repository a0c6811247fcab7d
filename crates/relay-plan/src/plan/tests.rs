use super::*;
use crate::Skew;

fn load(per_second: u64) -> Load {
    Load {
        per_day: per_second * 86_400 / 2,
        per_second,
        apps: 1_000,
        owners: 100,
        skew: Skew::Zipf(1.1),
        batch: 1,
        retention_days: 90,
        window: None,
        kinds: crate::load::USUAL_KINDS,
        late_percent: 10,
        exports_per_day: 100,
        seed: 1,
    }
}

fn planned(load: &Load) -> Plan {
    plan(load, &mut |_, _| {}).unwrap()
}

/// Every partition within its limits, and the plan as people read it.
fn feasible(name: &str, load: &Load) {
    let plan = planned(load);
    let worst = plan.partitions.iter().map(|partition| partition.writes).fold(0.0, f64::max);
    assert!(worst < 1_000.0, "{worst} write units a second");
    assert!(plan.partitions.iter().all(|partition| partition.reads <= 3_000.0));
    assert!(plan.stream.worst_records <= 1_000 && plan.stream.worst_bytes <= 1_000_000);
    assert!(plan.holds(), "{:?}", plan.findings);
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, plan.text());
    });
}

#[test]
fn ten_a_second() {
    feasible("10_a_second", &Load { apps: 10, owners: 3, exports_per_day: 3, ..load(10) });
}

#[test]
fn a_thousand_a_second() {
    feasible("1000_a_second", &load(1_000));
}

#[test]
fn three_hundred_fifty_thousand_a_second() {
    feasible("350000_a_second", &load(350_000));
}

#[test]
fn thirty_billion_a_day_at_twice_the_average() {
    let (per_day, per_second) = Load::rates(Some(30_000_000_000), None, 2.0).unwrap();
    feasible("30e9_a_day", &Load { per_day, per_second, ..load(1) });
}

#[test]
fn three_hundred_fifty_thousand_a_second_in_batches() {
    feasible("350000_a_second_in_batches", &Load { batch: 100, ..load(350_000) });
}
