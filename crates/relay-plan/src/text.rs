//! A plan as a table for people.

use std::fmt::Write;

use crate::door::Door;
use crate::figures;
use crate::load::Load;
use crate::number::whole;
use crate::plan::{Pages, Plan};
use crate::quota;
use crate::stream::Stream;
use crate::writer::Writer;

/// How wide the names are.
const NAME: usize = 34;

/// The whole of it.
pub(crate) fn table(plan: &Plan) -> String {
    let parts =
        [load(&plan.load), parameters(plan), running(plan), partitions(plan), quotas(plan), bill(plan), findings(plan)];
    parts.join("\n")
}

fn row(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "  {name:<NAME$}{value}");
}

fn load(load: &Load) -> String {
    let mut text = "load\n".to_owned();
    let rate = format!("{} a day, {} a second at the peak", digits(load.per_day), digits(load.per_second));
    row(&mut text, "activities", &rate);
    let (apps, owners) = (u64::from(load.apps), u64::from(load.owners));
    row(&mut text, "apps", &format!("{} of {}, {}", digits(apps), several(owners, "owner"), load.skew));
    row(&mut text, "in a request", &load.batch.to_string());
    let [installs, reattributions, events] = load.kinds;
    let kinds = format!(
        "{installs} % installs, {reattributions} % reattributions, {events} % events; {} % late",
        load.late_percent
    );
    row(&mut text, "kinds", &kinds);
    row(&mut text, "kept", &format!("{} days", load.retention_days));
    text
}

fn parameters(plan: &Plan) -> String {
    let mut text = "parameters\n".to_owned();
    for parameter in &plan.parameters {
        row(&mut text, parameter.name, &parameter.value);
    }
    text
}

fn running(plan: &Plan) -> String {
    let mut text = "what runs at the peak\n".to_owned();
    stream(&mut text, &plan.stream);
    door(&mut text, &plan.door);
    writer(&mut text, &plan.writer);
    row(&mut text, "export-worker", &format!("{} at once, 1,769 MB", plan.concurrent_exports));
    pages(&mut text, &plan.pages);
    text
}

fn stream(text: &mut String, stream: &Stream) {
    let busiest = format!(
        "{}, {} records a second of {} bytes; {} in the busiest shard and second",
        several(u64::from(stream.shards), "shard"),
        digits(stream.records),
        digits(stream.record_bytes),
        digits(stream.worst_records)
    );
    row(text, "stream", &busiest);
    let (on_demand, provisioned) = (money(stream.on_demand_usd), money(stream.provisioned_usd));
    row(text, "", &format!("on demand {on_demand} USD a month, provisioned {provisioned}"));
}

fn door(text: &mut String, door: &Door) {
    let (requests, under_way) = (digits(door.requests), digits(door.in_flight));
    let Door { milliseconds, memory_mb, .. } = door;
    let ingest = format!("{requests} requests a second of {milliseconds:.1} ms, {under_way} under way, {memory_mb} MB");
    row(text, "ingest", &ingest);
}

fn writer(text: &mut String, writer: &Writer) {
    let writers = format!(
        "{} at once, {:.0} % busy, {} activities a batch in {:.0} ms, {} MB",
        digits(u64::from(writer.concurrency)),
        writer.busy * 100.0,
        digits(whole(writer.activities)),
        writer.milliseconds,
        writer.memory_mb
    );
    row(text, "batch-writer", &writers);
}

fn pages(text: &mut String, pages: &Pages) {
    let written = format!(
        "{} write units for 1,000 activities, {:.1} a page, {} units a second",
        whole(pages.units_per_thousand),
        pages.activities_per_page,
        digits(pages.write_units)
    );
    row(text, "pages", &written);
    let kept = format!(
        "{} GB, {:.0} bytes an activity, {}",
        digits(whole(pages.storage_gb)),
        pages.bytes_per_activity,
        several(pages.partitions, "partition")
    );
    row(text, "", &kept);
}

fn partitions(plan: &Plan) -> String {
    let mut text = format!(
        "busiest partitions: units a second, of {} written and {} read\n",
        digits(quota::PARTITION_WRITES),
        digits(quota::PARTITION_READS)
    );
    for partition in &plan.partitions {
        let mut pk = partition.pk.clone();
        // The hash of a key says nothing.
        if pk.len() > NAME - 2 {
            pk.truncate(12);
            pk.push('…');
        }
        let holds = if partition.holds() { "" } else { "  OVER" };
        let (written, read) = (digits(whole(partition.writes)), digits(whole(partition.reads)));
        row(&mut text, &pk, &format!("{written:>7} {read:>7}  {}{holds}", partition.what));
    }
    text
}

fn quotas(plan: &Plan) -> String {
    if plan.quotas.is_empty() {
        return format!("quotas to raise: none (defaults of {})\n", quota::AS_OF);
    }
    let mut text = format!("quotas to raise (defaults of {})\n", quota::AS_OF);
    for raise in &plan.quotas {
        let _infallible = writeln!(
            text,
            "  {}\n  {:<NAME$}{} → {}; {}",
            raise.quota.name,
            "",
            digits(raise.quota.default),
            digits(raise.needed),
            raise.why
        );
    }
    text
}

fn bill(plan: &Plan) -> String {
    let mut text = format!("a month in {}: US dollars, prices of {}\n", plan.region, plan.prices_as_of);
    for line in &plan.bill.lines {
        row(&mut text, line.item, &format!("{:>12}  {} {}", money(line.usd), digits(whole(line.quantity)), line.unit));
    }
    row(
        &mut text,
        "all",
        &format!("{:>12}  {:.2} a million activities", money(plan.bill.usd), plan.bill.usd_per_million),
    );
    text.push_str("  not counted: webhooks, the quarantine, free tiers, discounts; `relayctl cost` tells what grows from what is fixed\n");
    text
}

fn findings(plan: &Plan) -> String {
    let mut text = String::new();
    for finding in &plan.findings {
        let _infallible = writeln!(text, "{}: {}", if finding.is_over { "OVER A LIMIT" } else { "note" }, finding.text);
    }
    let verdict =
        if plan.holds() { "every partition and shard is within its limits" } else { "the load cannot be borne so" };
    let _infallible =
        writeln!(text, "{verdict} (figures measured {}, simulation of seed {})", figures::MEASURED, plan.load.seed);
    text
}

/// With commas.
pub(crate) fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn several(count: u64, of: &str) -> String {
    format!("{} {of}{}", digits(count), if count == 1 { "" } else { "s" })
}

/// Cents up to a thousand dollars.
pub(crate) fn money(usd: f64) -> String {
    if usd >= 1_000.0 { digits(whole(usd.round())) } else { format!("{usd:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(digits), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.004, 12.346, 999.99, 1_234.5].map(money), ["0.00", "0.00", "12.35", "999.99", "1,235"]);
    }
}
