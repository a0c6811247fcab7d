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

/// The most values that one line may give a metric (CloudWatch user guide, "Specification: Embedded metric format": 100).
const MAX_VALUES: usize = 100;

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
        matches!(
            self,
            Self::Received
                | Self::Accepted
                | Self::DryRuns
                | Self::Refused
                | Self::Decoded
                | Self::Stored
                | Self::PagesWritten
                | Self::PageWriteUnits
        )
    }

    /// Its unit, by the embedded metric format's name.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        if matches!(self, Self::QuarantinedBytes) {
            "Bytes"
        } else if matches!(self, Self::ExportWaitingMs | Self::ExportRunningMs) {
            "Milliseconds"
        } else {
            "Count"
        }
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
    PagesWritten "pages_written" "Pages that the table took, one that was there already among them.",
    PageWriteUnits "page_write_units" "Write units of those pages, by their size.",
    Undecodable "undecodable" "Frames that could not be decoded and went to the quarantine.",
    QuarantinedRaw "quarantined_raw" "What the writer put into the quarantine, by reason: a Raw or undecodable frame is one, a refused page as many as its activities.",
    QuarantinedBytes "quarantined_bytes" "Bytes of the objects that the writer put into the quarantine, by owner.",
    ExportsRequested "exports_requested" "Exports that were taken into the queue.",
    ExportsStarted "exports_started" "Exports that were given a slot.",
    ExportsQueued "exports_queued" "Measured each minute: exports that wait for a slot.",
    ExportsRunning "exports_running" "Measured each minute: slots that an export holds.",
    ExportWaitingMs "export_waiting_ms" "Measured at its start: how long an export waited for its slot, in milliseconds.",
    ExportRunningMs "export_running_ms" "Measured at its end: how long an export ran, in milliseconds.",
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
    measured: BTreeMap<Metric, Vec<u64>>,
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

    /// Takes in one measurement of what is not added up but compared: a time, a length. Zero is one, too.
    pub fn measure(&mut self, metric: Metric, value: u64) {
        self.measured.entry(metric).or_default().push(value);
    }

    /// What was measured since the last flush.
    #[must_use]
    pub fn measured(&self, metric: Metric) -> &[u64] {
        self.measured.get(&metric).map_or(&[], Vec::as_slice)
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
        let few = !self.of_owners.is_empty() || !self.measured.is_empty();
        let urgent = few || self.counts.keys().any(|(_, _, metric)| !metric.may_wait());
        if !(due || urgent) || (!few && self.counts.is_empty()) {
            return Vec::new();
        }
        self.flushed_at = Some(now);
        let mut sets: BTreeMap<Set, Vec<(Metric, u64)>> = BTreeMap::new();
        for ((labels, subject, metric), count) in std::mem::take(&mut self.counts) {
            sets.entry((labels, subject)).or_default().push((metric, count));
        }
        let lines = sets.into_iter().map(|((labels, subject), counts)| line(labels, subject, &counts, now));
        let of_owners = std::mem::take(&mut self.of_owners).into_iter();
        let of_owners = of_owners.map(|((owner, metric), bytes)| bytes_line(&owner, metric, bytes, now));
        let mut lines: Vec<String> = lines.chain(of_owners).collect();
        for (metric, values) in std::mem::take(&mut self.measured) {
            lines.extend(values.chunks(MAX_VALUES).map(|values| measured_line(metric, values, now)));
        }
        lines
    }
}

/// One line of measurements, under no labels. CloudWatch makes least, greatest and average of them.
fn measured_line(metric: Metric, values: &[u64], now: i64) -> String {
    let metrics = json!([{"Name": metric.name(), "Unit": metric.unit()}]);
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics});
    json!({"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, metric.name(): values}).to_string()
}

/// One line about an owner's bytes: under the owner, and under none so that an alarm sees the sum.
fn bytes_line(owner: &str, metric: Metric, bytes: u64, now: i64) -> String {
    let metrics = json!([{"Name": metric.name(), "Unit": metric.unit()}]);
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
        counts.iter().map(|(metric, _)| json!({"Name": metric.name(), "Unit": metric.unit()})).collect();
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
mod tests;
