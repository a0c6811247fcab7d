use super::*;

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Metric::ALL.len());
}

#[test]
fn counts_leave_at_once_and_then_once_a_minute() {
    let mut counters = Counters::default();
    assert!(counters.flush(0).is_empty());
    counters.add(Metric::Received, Labels::NONE, 1);
    assert_eq!(counters.flush(1_000).len(), 1);
    counters.add(Metric::Received, Labels::NONE, 2);
    assert!(counters.flush(60_999).is_empty());
    assert_eq!(counters.total(Metric::Received), 2);
    assert_eq!(counters.flush(61_000).len(), 1);
    assert_eq!(counters.total(Metric::Received), 0);
}

#[test]
fn what_may_not_wait_takes_everything_with_it() {
    let mut counters = Counters::default();
    counters.add(Metric::Received, Labels::NONE, 1);
    counters.flush(1_000);
    for metric in Metric::ALL.iter().filter(|metric| !metric.may_wait()) {
        counters.add(Metric::Received, Labels::NONE, 1);
        assert!(counters.flush(1_001).is_empty(), "{}", metric.name());
        counters.add(*metric, Labels::NONE, 1);
        let lines = counters.flush(1_002);
        assert!(lines.len() == 1 && lines[0].contains("\"received\":1"), "{}: {lines:?}", metric.name());
    }
    for name in ["dropped", "failed", "quarantined", "rejected", "spilled", "faulted", "undecodable"] {
        assert!(Metric::ALL.iter().any(|metric| metric.name() == name && !metric.may_wait()), "{name}");
    }
}

#[test]
fn drops_are_told_apart_by_token_in_the_lines_and_in_no_dimension() {
    let labels = Labels::provider(Provider::Adjust).discard(Reason::NotAllowed);
    let mut counters = Counters::default();
    counters.add_dropped(labels, "demo", "abc123");
    counters.add_dropped(labels, "demo", "abc123");
    counters.add_dropped(labels, "demo", "zzz999");
    assert_eq!((counters.get(Metric::Dropped, labels), counters.total(Metric::Dropped)), (3, 3));
    let lines: Vec<Value> = counters.flush(0).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().map(|line| (line["event_token"].as_str(), line["dropped"].as_u64())).collect();
    assert_eq!(told, [(Some("abc123"), Some(2)), (Some("zzz999"), Some(1))]);
    assert_eq!(lines[0]["owner"], "demo");
    let dimensions = &lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
    assert_eq!(*dimensions, json!([[], ["provider", "reason"]]), "senders choose tokens: none is a metric");
}

#[test]
fn however_many_tokens_are_sent_a_flush_has_few_lines_and_every_drop() {
    let labels = Labels::provider(Provider::Sdk).discard(Reason::NotAllowed);
    let mut counters = Counters::default();
    for n in 0..1_000 {
        counters.add_dropped(labels, "demo", &format!("{n}{}", "x".repeat(1_000)));
    }
    counters.add_dropped(labels, "demo", &format!("0{}", "x".repeat(2_000)));
    assert_eq!(counters.total(Metric::Dropped), 1_001);
    let lines = counters.flush(0);
    assert_eq!(lines.len(), MAX_TOKENS + 1);
    assert!(lines.iter().all(|line| line.len() < 500));
    let dropped = |line: &String| serde_json::from_str::<Value>(line).unwrap()["dropped"].as_u64().unwrap();
    assert_eq!(lines.iter().map(dropped).sum::<u64>(), 1_001);
    assert_eq!(lines.iter().filter(|line| line.contains(OTHER_TOKENS)).count(), 1);
}

#[test]
fn a_line_counts_under_its_labels_and_under_none() {
    let adjust = Labels::provider(Provider::Adjust);
    let mut counters = Counters::default();
    counters.add(Metric::Received, adjust, 3);
    counters.add(Metric::Accepted, adjust, 2);
    counters.add(Metric::Quarantined, adjust.discard(Reason::BadTime), 1);
    counters.add(Metric::Dropped, adjust, 0);
    let lines = counters.flush(1_700_000_000_000);
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(parsed.len(), 2);
    assert_eq!(parsed[0]["received"], 3);
    assert_eq!(parsed[0]["accepted"], 2);
    assert_eq!(parsed[0]["provider"], "adjust");
    let directive = &parsed[1]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Relay");
    assert_eq!(directive["Dimensions"], json!([[], ["provider", "reason"]]));
    assert_eq!(directive["Metrics"], json!([{"Name": "quarantined", "Unit": "Count"}]));
    assert_eq!(parsed[1]["reason"], "bad_time");
    assert_eq!(parsed[1]["quarantined"], 1);
    assert_eq!(parsed[1]["_aws"]["Timestamp"], 1_700_000_000_000_i64);
}

#[test]
fn bytes_are_counted_under_their_owner_and_under_none() {
    let mut counters = Counters::default();
    counters.add_bytes(Metric::QuarantinedBytes, "demo", 700);
    counters.add_bytes(Metric::QuarantinedBytes, "demo", 300);
    counters.add_bytes(Metric::QuarantinedBytes, "acme", 1);
    counters.add_bytes(Metric::QuarantinedBytes, "nobody", 0);
    assert_eq!(counters.total(Metric::QuarantinedBytes), 1_001);
    let lines = counters.flush(1_700_000_000_000);
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = parsed.iter().map(|line| (&line["owner"], &line["quarantined_bytes"])).collect();
    assert_eq!(shown, [(&json!("acme"), &json!(1)), (&json!("demo"), &json!(1_000))]);
    let directive = &parsed[1]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Dimensions"], json!([[], ["owner"]]));
    assert_eq!(directive["Metrics"], json!([{"Name": "quarantined_bytes", "Unit": "Bytes"}]));
    assert!(counters.flush(1_700_000_090_000).is_empty());
}

#[test]
fn measurements_leave_at_once_each_as_it_is() {
    let mut counters = Counters::default();
    counters.measure(Metric::ExportsQueued, 0);
    for n in 0..101 {
        counters.measure(Metric::ExportWaitingMs, n);
    }
    assert_eq!(
        (counters.measured(Metric::ExportsQueued), counters.measured(Metric::ExportsRunning)),
        (&[0][..], &[][..])
    );
    let lines: Vec<Value> = counters.flush(1).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["exports_queued"], json!([0]));
    assert_eq!(lines[1]["export_waiting_ms"].as_array().map(Vec::len), Some(MAX_VALUES));
    assert_eq!(lines[2]["export_waiting_ms"], json!([100]));
    let directive = &lines[2]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Metrics"], json!([{"Name": "export_waiting_ms", "Unit": "Milliseconds"}]));
    assert_eq!(directive["Dimensions"], json!([[]]));
    assert!(counters.flush(100_000).is_empty());
}

#[test]
fn counts_are_told_apart_by_labels_and_summed_over_them() {
    let mut counters = Counters::default();
    counters.add(Metric::Quarantined, Labels::NONE.discard(Reason::BadTime), 1);
    counters.add(Metric::Quarantined, Labels::NONE.discard(Reason::UnknownApp), 2);
    assert_eq!(counters.total(Metric::Quarantined), 3);
    assert_eq!(counters.get(Metric::Quarantined, Labels::NONE.discard(Reason::UnknownApp)), 2);
}
