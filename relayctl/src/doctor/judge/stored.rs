//! What came to lie somewhere: given up, not understood, left over.

use super::super::facts::{Count, Facts, Queue};
use super::{Entry, Finding, at_least, looked, seen, span};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let stored = &facts.stored;
    vec![
        looked("table pages", stored.pages.as_ref(), |()| Finding::ok("table pages", "answers")),
        looked("failed batches", stored.failed.as_ref(), failed),
        looked("quarantine", stored.quarantine.as_ref(), quarantine),
        letters("events notify gave up", &stored.notify_letters, "NotifyDeadLettersAlarm"),
        letters("ticks the dispatcher gave up", &stored.dispatcher_letters, "DispatcherDeadLettersAlarm"),
        looked("open uploads", stored.orphans.as_ref(), orphans),
    ]
}

fn failed(count: &Count) -> Finding {
    if count.objects == 0 {
        return Finding::ok("failed batches", "none that no replay has gone through");
    }
    let number = at_least(count.objects, count.is_at_least);
    Finding::wrong(
        "failed batches",
        format!("{number} batches of acknowledged activities were given up and not replayed"),
        "`relayctl failed list` says why; mend that, then `relayctl failed replay`",
        Entry::Alarm("BatchGivenUpAlarm"),
    )
}

fn quarantine(count: &Count) -> Finding {
    if count.objects == 0 {
        return none("quarantine", count, "nothing new within a week that no replay has gone through");
    }
    let (number, bytes) = (at_least(count.objects, count.is_at_least), count.bytes.div_ceil(1024));
    Finding::warn(
        "quarantine",
        format!("{number} objects ({bytes} KiB) within a week that no replay has gone through"),
        "`relayctl quarantine list` says whose and why; then `relayctl quarantine replay`",
        Entry::Alarm("QuarantineDayAlarm"),
    )
}

/// None was found: all is well where everything was looked at.
fn none(part: &str, count: &Count, found: &str) -> Finding {
    if count.is_at_least {
        let advice = "more than doctor reads: `relayctl quarantine list OWNER`, `relayctl failed list` look at all";
        return Finding::warn(part, format!("{found}, in what was looked at"), advice, Entry::Operations("Doctor"));
    }
    Finding::ok(part, found)
}

fn letters(part: &str, queue: &Queue, alarm: &'static str) -> Finding {
    looked(part, queue.depth.as_ref(), |depth| {
        let number = depth.waiting + depth.taken;
        if number == 0 {
            return Finding::ok(part, "none");
        }
        let age = seen(&queue.oldest).flatten().map(std::time::Duration::try_from_secs_f64).and_then(Result::ok);
        let oldest = age.map_or_else(String::new, |age| format!(", the oldest for {}", span(age)));
        let advice = "mend the cause, then move them back: the runbook has the commands";
        Finding::wrong(part, format!("{number} wait{oldest}"), advice, Entry::Alarm(alarm))
    })
}

fn orphans(count: &Count) -> Finding {
    if count.objects == 0 {
        return none("open uploads", count, "none without an export that goes on with it");
    }
    let number = at_least(count.objects, count.is_at_least);
    Finding::warn(
        "open uploads",
        format!("{number} are left over: their export has ended, or no export is as old"),
        "their parts are paid for until the bucket's rule ends them after four days; does the dispatcher run?",
        Entry::Alarm("AgendaAlarm"),
    )
}
