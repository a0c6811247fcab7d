//! What is counted, and how counts leave a process: CloudWatch's embedded metric format, one line per set of labels.
//!
//! Invariants, per activity: `received = accepted + spilled + quarantined + dropped + rejected + failed` at the door, and
//! `decoded = stored + erased + faulted`, and the activities of refused pages, in the writer; undecodable frames are counted apart.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::activity::Provider;
use crate::discard::Reason;

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "Relay";

/// How often counts of plain traffic leave a process: milliseconds. A line per request would cost more than the store.
pub const FLUSH_EVERY_MS: i64 = 60_000;

/// The most event tokens that one flush tells apart. They come from senders, so their number is theirs to choose.
pub const MAX_TOKENS: usize = 100;

/// What stands for the tokens beyond [`MAX_TOKENS`].
pub const OTHER_TOKENS: &str = "(others)";

/// The most characters of a token that are shown.
const MAX_TOKEN_CHARS: usize = 64;

macro_rules! metrics {
    ($($variant:ident $name:literal $doc:literal,)+) => {
        /// Everything that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $doc] $variant,)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in CloudWatch, dashboards and alarms.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

impl Metric {
    /// Whether it counts plain traffic, which may wait for its minute. Everything else is told before the answer: the last counts of a process that is
    /// frozen for good are lost, and a drop, a refusal or a fault must not be.
    #[must_use]
    pub const fn may_wait(self) -> bool {
        matches!(self, Self::Received | Self::Accepted | Self::DryRuns | Self::Refused | Self::Decoded | Self::Stored)
    }
}

metrics! {
    Received "received" "Activities that reached the door under a known key.",
    Accepted "accepted" "Activities that are durable in the stream and were answered 200.",
    Spilled "spilled" "Activities of which a frame went to the spill queue because the stream did not take it, and that were answered 200.",
    Quarantined "quarantined" "Callbacks that could not be understood and are durable as Raw frames, by reason.",
    Dropped "dropped" "Activities that the owner asked not to keep, by reason; in the log lines by event token, too.",
    Rejected "rejected" "Activities of a batch that were refused by index, by reason.",
    Failed "failed" "Activities that were answered 503 because of a fault, by kind of fault.",
    DryRuns "dry_runs" "Callbacks of which was only asked how they would be understood; nothing of them is stored or counted elsewhere.",
    Refused "refused" "Requests that were refused before any activity was seen, by problem code.",
    Decoded "decoded" "Activities that the writer read from frames.",
    Stored "stored" "Activities that are durable in pages.",
    Erased "erased" "Activities that a tombstone covers and the writer left out.",
    Faulted "faulted" "Activities whose page could not be stored because of a fault; the stream brings them again.",
    Undecodable "undecodable" "Frames that could not be decoded and went to the quarantine.",
    QuarantinedRaw "quarantined_raw" "What the writer put into the quarantine, by reason: a Raw or undecodable frame is one, a refused page as many as its activities.",
    QuarantinedBytes "quarantined_bytes" "Bytes of the objects that the writer put into the quarantine, by owner.",
    ExportsRequested "exports_requested" "Exports that were taken into the queue.",
    ExportsStarted "exports_started" "Exports that were given a slot.",
    ExportsDone "exports_done" "Exports whose file is complete.",
    ExportsEmpty "exports_empty" "Exports whose period held nothing.",
    ExportsFailed "exports_failed" "Exports that ended in failure, by error name.",
    ExportsCancelled "exports_cancelled" "Exports that were cancelled.",
    DispatchFaults "dispatch_faults" "Slots and waiting exports that the dispatcher could not judge and went on without, by kind of fault.",
    UploadsAborted "uploads_aborted" "Uploads that exports had left open when they ended, and that were aborted.",
    AgendaFaults "agenda_faults" "Entries of the agenda that were due and could not be read or carried out; they come again. By kind of fault.",
    RowsErased "rows_erased" "Activities that were taken out of pages because a tombstone covers them.",
    WebhooksDelivered "webhooks_delivered" "Ends of exports that an owner's webhook took.",
    WebhooksFailed "webhooks_failed" "Ends of exports that an owner's webhook did not take within a day.",
    ExportRows "export_rows" "Rows written into files.",
    MailsSent "mails_sent" "Mails that the mail service took.",
    MailsRejected "mails_rejected" "Mails that the mail service refuses for what they are.",
    MailsUndelivered "mails_undelivered" "Mails that came back or were reported as spam, by which of it.",
    MailsFailed "mails_failed" "Mails that a fault kept from being sent, by kind of fault.",
}

/// What a count is told apart by. All texts come from fixed lists, so that the number of metrics is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    provider: Option<&'static str>,
    reason: Option<&'static str>,
}

impl Labels {
    /// No labels.
    pub const NONE: Self = Self { provider: None, reason: None };

    /// Told apart by provider.
    #[must_use]
    pub const fn provider(provider: Provider) -> Self {
        Self { provider: Some(provider.name()), reason: None }
    }

    /// Told apart by the reason of a discard, too.
    #[must_use]
    pub const fn discard(self, reason: Reason) -> Self {
        self.reason(reason.name())
    }

    /// Told apart by a reason from a fixed list, too: a kind of fault, an error's or problem's name.
    #[must_use]
    pub const fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    fn pairs(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        [("provider", self.provider), ("reason", self.reason)]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
    }
}

/// What a count is told apart by in the log lines alone: no dimension, because CloudWatch bills each combination of dimensions as a metric of its own
/// (0.30 USD a month), and senders choose the tokens. Logs Insights sums the lines by them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    owner: String,
    event_token: String,
}

/// One line's labels and subject.
type Set = (Labels, Option<Subject>);

/// The counts of one process since they last left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    counts: BTreeMap<(Labels, Option<Subject>, Metric), u64>,
    of_owners: BTreeMap<(String, Metric), u64>,
    flushed_at: Option<i64>,
}

impl Counters {
    /// Counts `n` more.
    pub fn add(&mut self, metric: Metric, labels: Labels, n: usize) {
        self.add_about(metric, labels, None, n);
    }

    /// Counts an activity that the owner asked not to keep, for its event token.
    pub fn add_dropped(&mut self, labels: Labels, owner: &str, event_token: &str) {
        let known = self.counts.keys().filter(|(_, subject, _)| subject.is_some()).count();
        let shown = event_token.chars().take(MAX_TOKEN_CHARS).collect();
        let subject = Subject { owner: owner.to_owned(), event_token: shown };
        let key = (labels, Some(subject), Metric::Dropped);
        if known < MAX_TOKENS || self.counts.contains_key(&key) {
            self.add_about(Metric::Dropped, labels, key.1, 1);
        } else {
            let others = Subject { owner: OTHER_TOKENS.to_owned(), event_token: OTHER_TOKENS.to_owned() };
            self.add_about(Metric::Dropped, labels, Some(others), 1);
        }
    }

    fn add_about(&mut self, metric: Metric, labels: Labels, subject: Option<Subject>, n: usize) {
        if n > 0 {
            let count = self.counts.entry((labels, subject, metric)).or_default();
            *count = count.saturating_add(n as u64);
        }
    }

    /// Counts `bytes` more of an owner's. A dimension, though no fixed list bounds it: owners are few, and only an operator adds one.
    pub fn add_bytes(&mut self, metric: Metric, owner: &str, bytes: usize) {
        if bytes > 0 {
            let count = self.of_owners.entry((owner.to_owned(), metric)).or_default();
            *count = count.saturating_add(bytes as u64);
        }
    }

    /// How many were counted since the last flush under any labels and of any owner.
    #[must_use]
    pub fn total(&self, metric: Metric) -> u64 {
        let by_labels = self.counts.iter().filter(|((_, _, counted), _)| *counted == metric).map(|(_, count)| count);
        let by_owner = self.of_owners.iter().filter(|((_, counted), _)| *counted == metric).map(|(_, count)| count);
        by_labels.chain(by_owner).sum()
    }

    /// How many were counted since the last flush under exactly these labels.
    #[must_use]
    pub fn get(&self, metric: Metric, labels: Labels) -> u64 {
        let wanted = |(of, _, counted): &(Labels, Option<Subject>, Metric)| *of == labels && *counted == metric;
        self.counts.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count).sum()
    }

    /// The lines for the log, where a minute is over since the last ones or there is something that may not wait; `now` is milliseconds since the
    /// epoch. The first flush of a process is at once: one that serves a single request and is frozen for good has told of it.
    pub fn flush(&mut self, now: i64) -> Vec<String> {
        let due = self.flushed_at.is_none_or(|last| now.saturating_sub(last) >= FLUSH_EVERY_MS);
        let urgent = self.counts.keys().any(|(_, _, metric)| !metric.may_wait()) || !self.of_owners.is_empty();
        if !(due || urgent) || (self.counts.is_empty() && self.of_owners.is_empty()) {
            return Vec::new();
        }
        self.flushed_at = Some(now);
        let mut sets: BTreeMap<Set, Vec<(Metric, u64)>> = BTreeMap::new();
        for ((labels, subject, metric), count) in std::mem::take(&mut self.counts) {
            sets.entry((labels, subject)).or_default().push((metric, count));
        }
        let lines = sets.into_iter().map(|((labels, subject), counts)| line(labels, subject, &counts, now));
        let of_owners = std::mem::take(&mut self.of_owners).into_iter();
        lines.chain(of_owners.map(|((owner, metric), bytes)| bytes_line(&owner, metric, bytes, now))).collect()
    }
}

/// One line about an owner's bytes: under the owner, and under none so that an alarm sees the sum.
fn bytes_line(owner: &str, metric: Metric, bytes: u64, now: i64) -> String {
    let metrics = json!([{"Name": metric.name(), "Unit": "Bytes"}]);
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[], ["owner"]], "Metrics": metrics});
    json!({
        "_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]},
        "owner": owner,
        metric.name(): bytes,
    })
    .to_string()
}

/// One line of the embedded metric format: each count under its labels, and under none so that alarms see the sum. The subject is a property of the line.
fn line(labels: Labels, subject: Option<Subject>, counts: &[(Metric, u64)], now: i64) -> String {
    let names: Vec<&str> = labels.pairs().map(|(name, _)| name).collect();
    let dimensions = if names.is_empty() { json!([[]]) } else { json!([[], names]) };
    let metrics: Vec<Value> =
        counts.iter().map(|(metric, _)| json!({"Name": metric.name(), "Unit": "Count"})).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics});
    let mut object = Map::new();
    object.insert("_aws".to_owned(), json!({"Timestamp": now, "CloudWatchMetrics": [directive]}));
    for (name, value) in labels.pairs() {
        object.insert(name.to_owned(), Value::from(value));
    }
    if let Some(Subject { owner, event_token }) = subject {
        object.insert("owner".to_owned(), Value::from(owner));
        object.insert("event_token".to_owned(), Value::from(event_token));
    }
    for (metric, count) in counts {
        object.insert(metric.name().to_owned(), Value::from(*count));
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
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
    fn counts_are_told_apart_by_labels_and_summed_over_them() {
        let mut counters = Counters::default();
        counters.add(Metric::Quarantined, Labels::NONE.discard(Reason::BadTime), 1);
        counters.add(Metric::Quarantined, Labels::NONE.discard(Reason::UnknownApp), 2);
        assert_eq!(counters.total(Metric::Quarantined), 3);
        assert_eq!(counters.get(Metric::Quarantined, Labels::NONE.discard(Reason::UnknownApp)), 2);
    }
}
