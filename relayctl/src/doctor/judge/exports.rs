//! Exports that wait and run, and what is due: whether the dispatcher does its work.

use std::time::Duration;

use relay::port::ExecutionState;

use super::super::facts::{Due, Facts, Held, Line};
use super::{Entry, Finding, at_least, looked, parameter, since, span};

/// The dispatcher comes each minute, an entry that was taken is its taker's for two.
const DISPATCHER_LATE: Duration = Duration::from_mins(5);

/// A slice of an erasure may take the writer's whole time, and owners take turns.
const ERASER_LATE: Duration = Duration::from_mins(30);

/// What `MaxConcurrentExports` is meant for: a day's rows within four hours (docs/operations.md).
const WAITING_LONG: Duration = Duration::from_hours(4);

/// An execution's longest (`template.yaml`: a day), after which another takes over.
const RUNNING_LONG: Duration = Duration::from_hours(24);

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = match &facts.exports {
        Ok(line) => stuck(facts.now, line),
        Err(fault) => vec![super::unseen("exports", fault)],
    };
    if let (Ok(line), true) = (&facts.exports, findings.is_empty()) {
        findings.push(waiting(facts, line));
    }
    findings.push(looked("agenda", facts.agenda.as_ref(), |due| agenda(facts.now, due)));
    findings.push(looked("erasures", facts.erasures.as_ref(), |due| erasures(facts.now, due)));
    findings
}

/// Slots that nobody will free, as it looks.
fn stuck(now: i64, line: &Line) -> Vec<Finding> {
    let entry = Entry::Alarm("DispatcherDeadLettersAlarm");
    let advice = |held: &Held| {
        format!(
            "the dispatcher frees it at its next tick: `relayctl tail --function export-dispatcher`, `relayctl trace {}`",
            held.export_id
        )
    };
    let finding = |held: &Held| {
        let age = since(now, held.since);
        let part = format!("export {}", held.export_id);
        let what = match held.execution {
            _ if !held.is_open => "it has ended and holds its slot",
            ExecutionState::Running if age >= RUNNING_LONG => "it runs for over a day",
            ExecutionState::Running => return None,
            ExecutionState::Unknown => "it has a slot and no execution",
            ExecutionState::Succeeded | ExecutionState::Failed => "its execution ended and it has not",
        };
        let found = format!("{what}, with a slot for {} (owner {})", span(age), held.owner);
        (age >= DISPATCHER_LATE).then(|| Finding::wrong(part, found, advice(held), entry))
    };
    line.held.iter().filter_map(finding).collect()
}

fn waiting(facts: &Facts, line: &Line) -> Finding {
    let slots = parameter(facts, "MaxConcurrentExports").unwrap_or(1);
    let running = line.held.len();
    let Some(oldest) = line.oldest else {
        return Finding::ok("exports", format!("none waits, {running} of {slots} slots are taken"));
    };
    let age = since(facts.now, oldest);
    let number = at_least(line.waiting as u64, line.is_at_least);
    let found = format!("{number} wait, the oldest for {}; {running} of {slots} slots are taken", span(age));
    let is_free = (running as u64) < slots;
    if is_free && age >= DISPATCHER_LATE {
        let advice = "the dispatcher does not run: `relayctl tail --function export-dispatcher`";
        return Finding::wrong("exports", found, advice, Entry::Alarm("DispatcherDeadLettersAlarm"));
    }
    if age >= WAITING_LONG {
        let advice = "more slots: `MaxConcurrentExports`";
        return Finding::warn("exports", found, advice, Entry::Operations("Parameters"));
    }
    Finding::ok("exports", found)
}

fn agenda(now: i64, due: &Due) -> Finding {
    overdue("agenda", now, due, DISPATCHER_LATE)
}

fn erasures(now: i64, due: &Due) -> Finding {
    overdue("erasures", now, due, ERASER_LATE)
}

fn overdue(part: &str, now: i64, due: &Due, late: Duration) -> Finding {
    let Some(oldest) = due.oldest.filter(|oldest| since(now, *oldest) >= late) else {
        return Finding::ok(part, "nothing is overdue");
    };
    let number = at_least(due.entries as u64, due.is_at_least);
    Finding::wrong(
        part,
        format!("{number} due and not done, the oldest for {}", span(since(now, oldest))),
        "`relayctl tail --function export-dispatcher --level error` names the entry that fails; without a line the dispatcher does not run",
        Entry::Alarm("AgendaAlarm"),
    )
}
