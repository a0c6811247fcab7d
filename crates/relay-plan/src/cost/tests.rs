use std::fmt::Write as _;
use std::path::PathBuf;

use super::*;
use crate::Skew;
use crate::text::money;

/// The goals at 1,000 a second in us-east-1, as the template logs: US dollars for a million more, taken in.
const SINGLES: f64 = 1.45;
const BATCHES: f64 = 0.15;

const AS_THE_TEMPLATE_LOGS: Spending = Spending { access_log: Some(true), rows_per_export: None, own_key: false };

fn load(per_second: u64) -> Load {
    Load {
        per_day: per_second * 86_400,
        per_second: per_second * 2,
        apps: 10,
        owners: 1,
        skew: Skew::Zipf(1.1),
        batch: 1,
        retention_days: 90,
        window: None,
        kinds: crate::load::USUAL_KINDS,
        late_percent: 10,
        exports_per_day: 10,
        seed: 1,
    }
}

fn costs(load: &Load) -> Cost {
    cost(load, &AS_THE_TEMPLATE_LOGS, &mut |_, _| {}).unwrap()
}

/// What a million taken in costs in the design that a word names.
fn all_in(cost: &Cost, name: &str) -> f64 {
    cost.designs.iter().find(|design| design.part == Part::All && design.name.contains(name)).unwrap().usd_per_million
}

#[test]
fn the_goals_hold() {
    let singles = costs(&load(1_000));
    assert!(singles.million.take <= SINGLES, "{}", singles.million.take);
    let batches = costs(&Load { batch: 100, ..load(1_000) });
    assert!(batches.million.take <= BATCHES, "{}", batches.million.take);
    assert!(all_in(&singles, "2 KB") >= 2.71);
    assert!((all_in(&singles, "Relay") - singles.million.take).abs() < 1e-9);
}

#[test]
fn each_line_is_its_quantity_times_its_price_and_the_sums_are_theirs() {
    let own = Spending { own_key: true, rows_per_export: Some(1_000), ..AS_THE_TEMPLATE_LOGS };
    let cost = cost(&load(10), &own, &mut |_, _| {}).unwrap();
    let bill = &cost.bill;
    for line in &bill.lines {
        assert!((line.quantity * line.price - line.usd).abs() < 1e-9, "{line:?}");
        assert!((0.0..=line.usd).contains(&line.fixed_usd) && line.usd > 0.0, "{line:?}");
    }
    let grows: f64 =
        [Purpose::Take, Purpose::Keep, Purpose::Export].map(|purpose| bill.marginal_usd(purpose)).iter().sum();
    assert!((bill.fixed_usd + grows - bill.usd).abs() < 1e-6);
    assert!(bill.lines.iter().any(|line| line.item == "encryption, a key of one's own"));
    let downloaded = bill.lines.iter().find(|line| line.item == "exports, files downloaded once").unwrap();
    // 1,000 rows of 450 bytes, ten times a day.
    assert!((downloaded.quantity * price::GB - 450.0 * 1_000.0 * 10.0 * crate::load::MONTH_DAYS).abs() < 1.0);
}

#[test]
fn twice_the_load_costs_twice_what_grows_and_what_is_fixed_stays() {
    let [one, two] = [10_000, 20_000].map(|rate| costs(&load(rate)).bill);
    assert!((one.fixed_usd - two.fixed_usd).abs() < 1e-9);
    let ratio = (two.usd - two.fixed_usd) / (one.usd - one.fixed_usd);
    // Pages become fuller, and the gateway cheaper.
    assert!((1.85..=2.01).contains(&ratio), "{ratio}");
}

#[test]
fn without_the_access_log_there_is_no_line_for_it() {
    let off = Spending { access_log: Some(false), ..AS_THE_TEMPLATE_LOGS };
    let cost = cost(&load(10), &off, &mut |_, _| {}).unwrap();
    assert!(!cost.text().contains("a line a request") && cost.text().contains("AccessLogs=disabled"));
}

/// Every computed part of `docs/cost.md`, by its name there.
fn computed() -> Vec<(&'static str, String)> {
    let thousand = costs(&load(1_000));
    let batches = costs(&Load { batch: 100, ..load(1_000) });
    let ten = costs(&load(10));
    vec![
        ("goals", goals(&thousand, &batches)),
        ("figure", figure(&thousand, &batches)),
        ("bill of 1,000 a second", fenced(&thousand.text())),
        ("bill of 10 a second", fenced(&ten.text())),
        ("designs", fenced(&thousand.designs_text())),
        ("loads", loads()),
    ]
}

fn fenced(text: &str) -> String {
    format!("```\n{text}```\n")
}

fn goals(singles: &Cost, batches: &Cost) -> String {
    let mut text = "| a million more at 1,000 a second | goal | computed | holds |\n|---|---|---|---|\n".to_owned();
    for (name, goal, usd) in [
        ("single callbacks over HTTP API", SINGLES, singles.million.take),
        ("batches of 100", BATCHES, batches.million.take),
    ] {
        let holds = if usd <= goal { "yes" } else { "no" };
        let _infallible = writeln!(text, "| {name} | ≤ {goal} | {usd:.3} | {holds} |");
    }
    let _infallible =
        writeln!(text, "| naive, 2 KB of JSON an activity | 2.71, to be beaten | {:.3} | |", all_in(singles, "2 KB"));
    let _infallible =
        writeln!(text, "| naive, the generator's callbacks as JSON | | {:.3} | |", all_in(singles, "activity, JSON"));
    text
}

/// A bar for each way to take a million in.
fn figure(singles: &Cost, batches: &Cost) -> String {
    let url = singles.million.take - singles.designs.first().unwrap().usd_per_million;
    let mut text = String::new();
    for (name, usd) in [
        ("naive, 2 KB of JSON", all_in(singles, "2 KB")),
        ("naive, JSON", all_in(singles, "activity, JSON")),
        ("Relay, single callbacks", singles.million.take),
        ("Relay, singles at a function URL", url),
        ("Relay, batches of 100", batches.million.take),
    ] {
        // Sixteen characters a dollar.
        let bar = "█".repeat(usize::try_from(crate::number::whole(usd * 16.0)).unwrap());
        let _infallible = writeln!(text, "{name:<34}{bar} {usd:.2}");
    }
    fenced(&text)
}

/// How a million's price moves with rate, apps, batches, window and days.
fn loads() -> String {
    let mut text =
        "| load | take | keep | export | fixed, a month | the month |\n|---|---|---|---|---|---|\n".to_owned();
    let base = load(1_000);
    for (name, load) in [
        ("10 a second", load(10)),
        ("100 a second", load(100)),
        ("1,000 a second", base.clone()),
        ("10,000 a second", load(10_000)),
        ("1,000 a second, of 1,000 apps", Load { apps: 1_000, owners: 100, exports_per_day: 1_000, ..base.clone() }),
        ("1,000 a second, window of 1 s", Load { window: Some(1), ..base.clone() }),
        ("1,000 a second, window of 60 s", Load { window: Some(60), ..base.clone() }),
        ("1,000 a second, batches of 10", Load { batch: 10, ..base.clone() }),
        ("1,000 a second, batches of 100", Load { batch: 100, ..base.clone() }),
        ("1,000 a second, batches of 500", Load { batch: 500, ..base.clone() }),
        ("1,000 a second, kept 30 days", Load { retention_days: 30, ..base.clone() }),
    ] {
        let Cost { million: Million { take, keep, export }, bill, .. } = costs(&load);
        let (fixed, month) = (money(bill.fixed_usd), money(bill.usd));
        let _infallible = writeln!(text, "| {name} | {take:.3} | {keep:.3} | {export:.3} | {fixed} | {month} |");
    }
    text
}

/// `RECORD_COST=1 cargo test -p relay-plan cost` writes what is computed into the document.
#[test]
fn the_document_says_what_is_computed() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cost.md"));
    let document = std::fs::read_to_string(&path).unwrap();
    let mut expected = document.clone();
    for (name, part) in computed() {
        let (begin, end) = (format!("<!-- computed: {name} -->\n"), "<!-- end -->");
        let (before, rest) =
            expected.split_once(&begin).unwrap_or_else(|| panic!("`{}` in docs/cost.md", begin.trim()));
        let (_, after) = rest.split_once(end).unwrap();
        expected = format!("{before}{begin}{part}{end}{after}");
    }
    if std::env::var_os("RECORD_COST").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        let first = document.lines().zip(expected.lines()).find(|(is, should)| is != should);
        assert!(
            document == expected,
            "docs/cost.md is not what is computed, RECORD_COST=1 writes it; first: {first:#?}"
        );
    }
}
