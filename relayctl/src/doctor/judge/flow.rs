//! The way from the door to the pages: the stream, the spill queue, what drives the writer, the functions, and what was throttled.

use std::time::Duration;

use relay::fault::Fault;
use relay::port::{Sight, Sights};
use relay_aws::kinesis::StreamState;
use relay_aws::lambda::{FunctionState, MappingState};
use relay_plan::quota;

use super::super::facts::{Driver, Facts, Looked, Queue};
use super::super::gather::THROTTLED_WITHIN;
use super::{Entry, Finding, Level, looked, parameter, seen, since, span, unseen};

/// Batches wait for a second or a few (`BatchWindowSeconds`); a minute behind is a writer that does not keep up.
const BEHIND_WARN: Duration = Duration::from_mins(1);

/// As `IteratorAgeAlarmMilliseconds` has it, where the stack does not say another.
const BEHIND_WRONG_MS: u64 = 600_000;

/// As `SpillOldAlarm` has it.
const SPILL_WRONG_SECONDS: f64 = 3_600.0;

/// Exports' executions, notify, the dispatcher and the API at their busiest (as `relay-plan` counts them).
const OTHERS: u64 = 50;

/// Executions of a writer that the spill queue may have (`template.yaml`).
const SPILL_WRITERS: u64 = 10;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let flow = &facts.flow;
    let mut findings = vec![
        looked("stream", flow.stream.as_ref(), stream),
        looked("backlog", flow.undrained.as_ref(), |sights| backlog(facts, sights)),
    ];
    if facts.is_local {
        findings.push(Finding::ok("mapping of the stream", "relay-local itself drives batch-writer"));
    }
    findings.extend(flow.mappings.iter().map(|(driver, state)| mapping(*driver, state.as_ref())));
    findings.push(spill(&flow.spill));
    findings.extend(functions(&flow.functions));
    findings.push(looked("concurrency", flow.concurrency.as_ref(), |limit| concurrency(facts, *limit)));
    findings.extend(throttled(&flow.throttled));
    findings
}

fn stream(stream: &StreamState) -> Finding {
    let StreamState { status, shards, kept_hours, mode } = stream;
    let found = format!("{status}, {mode}, {shards} shards, keeps {kept_hours} h");
    match (status.as_str(), kept_hours) {
        ("ACTIVE", 168..) => Finding::ok("stream", found),
        ("ACTIVE", _) => Finding::warn(
            "stream",
            format!("{found}: a writer that stops for longer loses activities"),
            "the template keeps a week: deploy it again",
            Entry::Alarm("WriterBehindAlarm"),
        ),
        _ => Finding::warn("stream", found, "wait until it is ACTIVE", Entry::Alarm("WriterBehindAlarm")),
    }
}

fn backlog(facts: &Facts, sights: &Sights) -> Finding {
    let wrong = Duration::from_millis(parameter(facts, "IteratorAgeAlarmMilliseconds").unwrap_or(BEHIND_WRONG_MS));
    let entry = Entry::Alarm("WriterBehindAlarm");
    if let Some(fault) = sights.iter().find_map(|(_, sight)| sight.as_ref().err()) {
        return unseen("backlog", fault);
    }
    let waiting = |sight: &Looked<Sight>| match sight {
        Ok(Sight::Record(moment)) => Some(*moment),
        Ok(Sight::Nothing | Sight::NothingBefore(_)) | Err(_) => None,
    };
    let behind: Vec<i64> = sights.iter().filter_map(|(_, sight)| waiting(sight)).collect();
    let Some(oldest) = behind.iter().min() else { return unwalked(facts, sights) };
    let age = since(facts.now, *oldest);
    let found =
        format!("batch-writer is {} behind the stream, in {} of {} shards", span(age), behind.len(), sights.len());
    let advice = "`relayctl tail --function batch-writer --level warn` says what stops it; the mapping and the function below are what drives it";
    match age {
        age if age >= wrong => Finding::wrong("backlog", found, advice, entry),
        age if age >= BEHIND_WARN => Finding::warn("backlog", found, advice, entry),
        _ => Finding::ok("backlog", found),
    }
}

/// Nothing waits as far as the look came.
fn unwalked(facts: &Facts, sights: &Sights) -> Finding {
    let until = |sight: &Looked<Sight>| match sight {
        Ok(Sight::NothingBefore(moment)) => Some(*moment),
        Ok(Sight::Nothing | Sight::Record(_)) | Err(_) => None,
    };
    match sights.iter().filter_map(|(_, sight)| until(sight)).min() {
        None => Finding::ok("backlog", format!("all {} shards are drained", sights.len())),
        Some(moment) => Finding::ok(
            "backlog",
            format!("nothing waits that came over {} ago; the look came no further", span(since(facts.now, moment))),
        ),
    }
}

fn mapping(driver: Driver, state: Result<&MappingState, &Fault>) -> Finding {
    let (part, entry) = match driver {
        Driver::Stream => ("mapping of the stream", Entry::Alarm("WriterBehindAlarm")),
        Driver::Spill => ("mapping of the spill queue", Entry::Alarm("SpillOldAlarm")),
    };
    looked(part, state, |mapping| {
        let failed = mapping.last_result.as_ref().filter(|result| result.starts_with("PROBLEM"));
        match (mapping.state.as_str(), failed) {
            ("Enabled", None) => Finding::ok(part, "Enabled"),
            ("Enabled", Some(problem)) => Finding::warn(
                part,
                format!("Enabled, and its last call ended with {problem}"),
                "`relayctl tail --function batch-writer --level warn` says why",
                entry,
            ),
            ("Creating" | "Enabling" | "Updating", _) => {
                Finding::warn(part, mapping.state.clone(), "wait a minute, then run doctor again", entry)
            }
            (state, _) => Finding::wrong(
                part,
                format!("{state}: nothing brings batches to batch-writer"),
                "`aws lambda update-event-source-mapping --enabled --uuid …` (output BatchWriterMapping or BatchWriterSpillMapping)",
                entry,
            ),
        }
    })
}

fn spill(queue: &Queue) -> Finding {
    looked("spill queue", queue.depth.as_ref(), |depth| {
        let age = seen(&queue.oldest).flatten().filter(|_| depth.waiting > 0);
        let oldest = age.map_or_else(String::new, |age| format!(", the oldest for {}", span(seconds(age))));
        if depth.waiting == 0 {
            return Finding::ok("spill queue", format!("nothing waits, {} in the writer's hands", depth.taken));
        }
        let found = format!("{} messages wait{oldest}: the stream did not take their frames", depth.waiting);
        if age.is_some_and(|age| age >= SPILL_WRONG_SECONDS) {
            let advice = "what keeps batch-writer from them? SQS forgets them after 14 days";
            return Finding::wrong("spill queue", found, advice, Entry::Alarm("SpillOldAlarm"));
        }
        let advice = "nothing is lost while the queue takes it; see what the stream refuses";
        Finding::warn("spill queue", found, advice, Entry::Alarm("SpillInUseAlarm"))
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an age in seconds; what is no number is 0"
)]
fn seconds(age: f64) -> Duration {
    Duration::from_secs(age.max(0.0) as u64)
}

/// One line for those that are well, and one for each that is not.
fn functions(functions: &[(&'static str, Looked<FunctionState>)]) -> Vec<Finding> {
    let found = functions.iter().filter_map(|(name, state)| function(name, state.as_ref()));
    let mut findings: Vec<Finding> = found.collect();
    let well = functions.len().saturating_sub(findings.len());
    if well > 0 {
        findings.push(Finding::ok("functions", format!("{well} of {} can run", functions.len())));
    }
    findings
}

fn function(name: &str, state: Result<&FunctionState, &Fault>) -> Option<Finding> {
    let part = format!("function {name}");
    let state = match state {
        Ok(state) => state,
        Err(fault) => return Some(unseen(&part, fault)),
    };
    let entry = Entry::Operations("Doctor");
    if state.reserved == Some(0) {
        return Some(Finding::wrong(
            part,
            "its reserved concurrency is 0: every call of it is throttled",
            "`aws lambda delete-function-concurrency --function-name …`, or deploy the stack again",
            entry,
        ));
    }
    let reason = state.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match state.state.as_str() {
        "Active" => None,
        // Idle for weeks; the next call wakes it (Lambda developer guide, "Lambda function states").
        "Inactive" | "Pending" => {
            let advice = "wait a minute, then run doctor again";
            Some(Finding::warn(part, format!("{}{reason}", state.state), advice, entry))
        }
        other => Some(Finding::wrong(part, format!("{other}{reason}"), "deploy the stack again", entry)),
    }
}

fn concurrency(facts: &Facts, limit: u64) -> Finding {
    let shards = facts.flow.stream.as_ref().map_or(1, |stream| u64::from(stream.shards));
    let exports = parameter(facts, "MaxConcurrentExports").unwrap_or(1);
    let needed = shards + SPILL_WRITERS + exports + OTHERS;
    let found = format!("{limit} executions at the same time for all functions of the account");
    if limit > needed {
        return Finding::ok("concurrency", found);
    }
    Finding::warn(
        "concurrency",
        format!("{found}: batch-writer, exports and mails alone may take {needed}"),
        format!("ask for more of `{}` (by default {})", quota::CONCURRENCY.name, quota::CONCURRENCY.default),
        Entry::Operations("Quotas"),
    )
}

fn throttled(parts: &[(&'static str, Looked<Option<f64>>)]) -> Vec<Finding> {
    let within = span(THROTTLED_WITHIN);
    let mut findings = Vec::new();
    for (part, count) in parts {
        match count {
            Ok(Some(count)) if *count > 0.0 => findings.push(Finding::warn(
                format!("throttling of {part}"),
                format!("{count:.0} calls within {within}"),
                "`relayctl plan` with your load says which parameter or quota is too small",
                Entry::Operations("Quotas"),
            )),
            Ok(_) => {}
            Err(fault) => findings.push(unseen(&format!("throttling of {part}"), fault)),
        }
    }
    if findings.iter().all(|finding| finding.level == Level::Unknown) && findings.len() < parts.len() {
        findings.push(Finding::ok("throttling", format!("none that CloudWatch knows of, within {within}")));
    }
    findings
}
