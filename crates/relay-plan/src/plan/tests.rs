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

#[test]
fn what_goes_beyond_a_limit_says_so_and_what_would_help() {
    // 250 shards' writers meet on one app's document each second.
    let crowded = Load { apps: 1, owners: 1, window: Some(1), ..load(200_000) };
    let plan = planned(&crowded);
    assert!(!plan.holds());
    let over = plan.findings.iter().find(|finding| finding.is_over).unwrap();
    assert!(over.text.starts_with("partition arrival#app000000 of table control"), "{}", over.text);
    assert!(over.text.contains("a longer BatchWindowSeconds"));
    assert!(plan.text().contains("OVER A LIMIT") && plan.text().contains("cannot be borne"));
    let cooler = planned(&Load { window: None, ..crowded });
    assert!(cooler.holds() && cooler.writer.window > 1, "{:?}", cooler.findings);
}

#[test]
fn a_bill_is_the_sum_of_its_lines() {
    let plan = planned(&load(1_000));
    let sum: f64 = plan.bill.lines.iter().map(|line| line.usd).sum();
    assert!((sum - plan.bill.usd).abs() < 1e-6);
    // Lone callbacks: the API's dollar, and as much again for all that comes after it.
    assert!((1.0..3.0).contains(&plan.bill.usd_per_million), "{}", plan.bill.usd_per_million);
    let batches = planned(&Load { batch: 100, ..load(1_000) });
    assert!(batches.bill.usd < plan.bill.usd / 2.0, "{}", batches.bill.usd);
}

#[test]
fn the_template_takes_what_is_planned() {
    let template = include_str!("../../../../template.yaml");
    for load in [load(10), load(20_000)] {
        for Parameter { name, .. } in planned(&load).parameters {
            assert!(template.contains(&format!("\n  {name}:\n")), "{name} is a parameter");
        }
    }
}

#[test]
fn the_same_load_is_the_same_plan_and_another_seed_is_another_chance() {
    let json = |seed| serde_json::to_string(&planned(&Load { seed, ..load(1_000) })).unwrap();
    assert_eq!(json(1), json(1));
    assert_ne!(json(1), json(2));
}
