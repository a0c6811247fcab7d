//! What to do after a call: AWS's rules, without any I/O.
//!
//! A batch is worked through in [`Span`]s, in order. AWS's page "Configuring partial batch response with Kinesis Data Streams and Lambda": an
//! invocation that fails is bisected whatever the response types are; a partial response under bisect splits the batch *at the number it names*,
//! and only the rest is tried again. That page and "Kinesis error handling" leave two questions open; the answers here are: halves keep the
//! attempts of their whole (a split does not count as a retry), and a remainder counts as a retry where nothing before it got done, or without bisect.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

/// The settings that decide.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// Halve a failed batch.
    pub bisect: bool,
    /// Retries before a batch is given up; `None`: for ever.
    pub retries: Option<u32>,
    /// Records older than this are given up; `None`: never.
    pub record_age_ms: Option<i64>,
}

/// A part of a batch that goes to the function together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its records.
    pub range: Range<usize>,
    /// Retries it has had.
    pub retries: u32,
    /// Calls it has had, splits included: what the on-failure destination is told.
    pub calls: u32,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With this document.
    Succeeded(Vec<u8>),
    /// With a function error.
    Failed,
    /// The function was not reached.
    NotInvoked,
}

/// Why records are given up, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// All retries failed.
    RetryAttemptsExhausted,
    /// Too old.
    RecordAgeExceeded,
}

impl Reason {
    /// The word for `requestContext.condition`.
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// What follows a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// These succeeded.
    pub done: Range<usize>,
    /// These follow, in this order, before the rest of the batch.
    pub again: Vec<Span>,
    /// These are given up.
    pub given_up: Option<(Span, Reason)>,
}

impl Span {
    /// A whole batch, not yet tried.
    #[must_use]
    pub fn whole(records: usize) -> Self {
        Self { range: 0..records, retries: 0, calls: 0 }
    }

    fn part(&self, range: Range<usize>) -> Self {
        Self { range, ..self.clone() }
    }

    /// Takes away the records at its start that are too old; they arrived in order.
    #[must_use]
    pub fn without_expired(self, arrived_ms: &[i64], now_ms: i64, rules: Rules) -> (Option<Self>, Option<Self>) {
        let Some(age) = rules.record_age_ms else {
            return (None, Some(self));
        };
        let of_span = arrived_ms.get(self.range.clone()).unwrap_or_default();
        let expired = of_span.iter().take_while(|arrived| now_ms.saturating_sub(**arrived) > age).count();
        let border = self.range.start + expired;
        let (old, young) = (self.part(self.range.start..border), self.part(border..self.range.end));
        let filled = |span: Self| Some(span).filter(|span| !span.range.is_empty());
        (filled(old), filled(young))
    }
}

/// Decides what follows a call with `span`; `sequence_numbers` are the whole batch's.
#[must_use]
pub fn decide(span: Span, answer: &Answer, sequence_numbers: &[String], rules: Rules) -> Verdict {
    let Range { start, end } = span.range;
    let reported = match answer {
        Answer::NotInvoked => return again(start..start, vec![span]),
        Answer::Failed => Reported::Whole,
        Answer::Succeeded(document) if rules.reports_failures => {
            lowest_failure(document, sequence_numbers.get(start..end).unwrap_or_default())
        }
        Answer::Succeeded(_) => Reported::Nothing,
    };
    let span = Span { calls: span.calls + 1, ..span };
    match reported {
        Reported::Nothing => again(start..end, Vec::new()),
        Reported::Whole => whole_failed(span, rules),
        Reported::From(index) => {
            let (done, rest) = (start..start + index, span.part(start + index..end));
            if rules.bisect && index > 0 { again(done, vec![rest]) } else { Verdict { done, ..retry(rest, rules) } }
        }
    }
}

/// What failed by the answer.
enum Reported {
    Nothing,
    /// The record at this place of the span and all after it.
    From(usize),
    /// The invocation, or an answer that means so.
    Whole,
}

fn again(done: Range<usize>, again: Vec<Span>) -> Verdict {
    Verdict { done, again, given_up: None }
}

fn whole_failed(span: Span, rules: Rules) -> Verdict {
    let Range { start, end } = span.range;
    if rules.bisect && end - start > 1 {
        let middle = start + (end - start) / 2;
        return again(start..start, vec![span.part(start..middle), span.part(middle..end)]);
    }
    retry(span, rules)
}

fn retry(span: Span, rules: Rules) -> Verdict {
    let nothing = span.range.start..span.range.start;
    if rules.retries.is_some_and(|most| span.retries >= most) {
        return Verdict { done: nothing, again: Vec::new(), given_up: Some((span, Reason::RetryAttemptsExhausted)) };
    }
    let retried = Span { retries: span.retries.saturating_add(1), ..span };
    again(nothing, vec![retried])
}

/// The lowest record that the answer names. An answer that AWS would not understand, or that names a record that is not of
/// this batch, fails the whole.
fn lowest_failure(document: &[u8], sequence_numbers: &[String]) -> Reported {
    let Ok(document) = serde_json::from_slice::<Value>(document) else {
        return Reported::Whole;
    };
    let items = match (&document, document.get("batchItemFailures")) {
        (Value::Null, _) | (Value::Object(_), None | Some(Value::Null)) => return Reported::Nothing,
        (_, Some(Value::Array(items))) if items.is_empty() => return Reported::Nothing,
        (_, Some(Value::Array(items))) => items,
        _ => return Reported::Whole,
    };
    let places: HashMap<&str, usize> = sequence_numbers.iter().map(String::as_str).zip(0..).collect();
    let place = |item: &Value| places.get(item.get("itemIdentifier")?.as_str()?).copied();
    let named: Option<Vec<usize>> = items.iter().map(place).collect();
    named.and_then(|named| named.into_iter().min()).map_or(Reported::Whole, Reported::From)
}

#[cfg(test)]
mod tests;
