//! From facts to findings. Pure: the same facts give the same findings.

mod exports;
mod flow;
mod mail;
mod stored;

use std::time::Duration;

use relay::fault::{Fault, FaultKind};
use relay_aws::cloudwatch::Alarm;
use serde::Serialize;

use super::facts::{Facts, Looked};

/// How far two clocks may lie apart before AWS refuses signatures: five minutes (IAM user guide, "Signature Version 4 for API requests").
const CLOCK_LIMIT_MS: i64 = 5 * 60_000;

/// A clock so far off will soon be too far.
const CLOCK_DRIFT_MS: i64 = 60_000;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Works, and somebody should look.
    Warn,
    /// Broken, or soon.
    Wrong,
    /// Could not be asked.
    Unknown,
}

/// Where the runbook says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// The entry of an alarm.
    Alarm(&'a str),
    /// A chapter of docs/operations.md.
    Operations(&'static str),
    /// A chapter of docs/ses.md.
    Ses(&'static str),
}

impl Entry<'_> {
    pub(super) fn text(self) -> String {
        match self {
            Self::Alarm(entry) => format!("docs/runbook.md, {entry}"),
            Self::Operations(chapter) => format!("docs/operations.md, {chapter}"),
            Self::Ses(chapter) => format!("docs/ses.md, {chapter}"),
        }
    }
}

/// What was found about a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// The part.
    pub(crate) part: String,
    /// How it is.
    pub(crate) found: String,
    /// What to do.
    pub(crate) advice: Option<String>,
    /// Where the runbook says more.
    pub(crate) runbook: Option<String>,
}

impl Finding {
    fn ok(part: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, part: part.into(), found: found.into(), advice: None, runbook: None }
    }

    fn trouble(
        level: Level,
        part: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
        entry: Entry<'_>,
    ) -> Self {
        let (advice, runbook) = (Some(advice.into()), Some(entry.text()));
        Self { level, part: part.into(), found: found.into(), advice, runbook }
    }

    fn warn(part: impl Into<String>, found: impl Into<String>, advice: impl Into<String>, entry: Entry<'_>) -> Self {
        Self::trouble(Level::Warn, part, found, advice, entry)
    }

    fn wrong(part: impl Into<String>, found: impl Into<String>, advice: impl Into<String>, entry: Entry<'_>) -> Self {
        Self::trouble(Level::Wrong, part, found, advice, entry)
    }
}

/// All findings, part by part.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![stack(facts), looked("clock", facts.clock_ahead.as_ref(), |ahead| clock(*ahead))];
    findings.extend(alarms(facts));
    findings.extend(flow::judge(facts));
    findings.extend(stored::judge(facts));
    findings.extend(exports::judge(facts));
    findings.extend(mail::judge(&facts.mail, facts.is_local));
    findings
}

/// The finding about what was seen; or why nothing was.
fn looked<T>(part: &str, seen: Result<&T, &Fault>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    seen.map_or_else(|fault| unseen(part, fault), judge)
}

/// A part that could not be asked, as its own findings show it.
fn unseen(part: &str, fault: &Fault) -> Finding {
    let entry = Entry::Operations("Doctor");
    let advice = match fault.kind {
        FaultKind::Denied if is_permission(fault) => {
            let action = action(fault.service);
            return Finding::trouble(
                Level::Unknown,
                part,
                format!("denied: these credentials lack {action}"),
                format!("allow {action} to whoever runs doctor, or run it as somebody else"),
                entry,
            );
        }
        FaultKind::Denied => {
            return Finding::wrong(part, fault.to_string(), "the part is not as the stack's outputs say", entry);
        }
        FaultKind::Throttled => "AWS asks for less: run doctor again in a minute",
        FaultKind::Unavailable | FaultKind::TimedOut => {
            "run doctor again; if that stays, AWS's health dashboard says more"
        }
    };
    Finding::trouble(Level::Unknown, part, fault.to_string(), advice, entry)
}

/// Services have each their own word for it.
fn is_permission(fault: &Fault) -> bool {
    ["AccessDenied", "UnauthorizedOperation", "not authorized", "Forbidden", "ExpiredToken", "UnrecognizedClient"]
        .iter()
        .any(|word| fault.detail.contains(word))
}

/// The permission that a call needs: as a rule it is named as the call is.
fn action(call: &str) -> &str {
    match call {
        "s3:ListObjectsV2" => "s3:ListBucket",
        other => other,
    }
}

fn stack(facts: &Facts) -> Finding {
    looked("stack", facts.stack.as_ref(), |stack| match stack {
        None => Finding::wrong(
            "stack",
            format!("CloudFormation knows no stack `{}`", facts.name),
            "deploy it again: `sam deploy`",
            Entry::Operations("Upgrade"),
        ),
        Some(stack) if stack.status.ends_with("_COMPLETE") && !stack.status.contains("ROLLBACK") => {
            Finding::ok("stack", format!("{} is {}", facts.name, stack.status))
        }
        Some(stack) if stack.status.ends_with("_IN_PROGRESS") => Finding::warn(
            "stack",
            format!("{} is {}", facts.name, stack.status),
            "wait until the deployment has ended, then run doctor again",
            Entry::Operations("Upgrade"),
        ),
        Some(stack) => Finding::wrong(
            "stack",
            format!("{} is {}: the last deployment did not come to its end", facts.name, stack.status),
            format!("`aws cloudformation describe-stack-events --stack-name {}` says why", facts.name),
            Entry::Operations("Upgrade"),
        ),
    })
}

fn clock(ahead: i64) -> Finding {
    let seconds = ahead.abs() / 1000;
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    let found = format!("this machine is {seconds} s {side} AWS");
    let advice = "set this machine's clock (NTP)";
    match ahead.abs() {
        off if off >= CLOCK_LIMIT_MS => Finding::wrong(
            "clock",
            format!("{found}: signatures over 5 min off are refused"),
            advice,
            Entry::Operations("Doctor"),
        ),
        off if off >= CLOCK_DRIFT_MS => Finding::warn("clock", found, advice, Entry::Operations("Doctor")),
        _ => Finding::ok("clock", "agrees with AWS's"),
    }
}

fn alarms(facts: &Facts) -> Vec<Finding> {
    let alarms = match &facts.alarms {
        Ok(alarms) => alarms,
        Err(fault) => return vec![unseen("alarms", fault)],
    };
    let alarms: Vec<(&str, &Alarm)> =
        alarms.iter().filter_map(|alarm| Some((logical_id(&facts.name, alarm)?, alarm))).collect();
    let ringing = alarms.iter().filter(|(_, alarm)| alarm.state == "ALARM");
    let mut findings: Vec<Finding> = ringing.map(|(id, alarm)| ring(id, alarm)).collect();
    if alarms.is_empty() {
        let advice = "alarms are part of the template: deploy it again";
        findings.push(Finding::warn("alarms", "there are none", advice, Entry::Operations("Doctor")));
    } else if findings.is_empty() {
        findings.push(Finding::ok("alarms", format!("none of {} rings", alarms.len())));
    }
    findings
}

/// An alarm is named `{stack}-{logical id}-{letters}`, or `{stack}-{logical id}` where the template names it. `None` where it is another stack's, whose name begins
/// with this one's: those of `relay-dev` are not those of `relay`.
fn logical_id<'a>(stack: &str, alarm: &'a Alarm) -> Option<&'a str> {
    let name = alarm.name.strip_prefix(stack)?.strip_prefix('-')?;
    name.split('-').next().filter(|id| id.ends_with("Alarm"))
}

fn ring(id: &str, alarm: &Alarm) -> Finding {
    let reason = if alarm.reason.is_empty() { "it rings".to_owned() } else { alarm.reason.clone() };
    Finding::wrong(format!("alarm {id}"), reason, "do what its entry in the runbook says", Entry::Alarm(id))
}

/// A stretch of time for people.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// How long something has lasted.
fn since(now: i64, moment: i64) -> Duration {
    Duration::from_millis(u64::try_from(now.saturating_sub(moment)).unwrap_or(0))
}

/// A number, which may be more.
fn at_least(number: u64, is_at_least: bool) -> String {
    if is_at_least { format!("at least {number}") } else { number.to_string() }
}

/// A parameter of the stack, as a number.
fn parameter(facts: &Facts, name: &str) -> Option<u64> {
    facts.stack.as_ref().ok()?.as_ref()?.parameters.get(name)?.parse().ok()
}

/// What a look showed where it showed anything.
fn seen<T: Copy>(looked: &Looked<T>) -> Option<T> {
    looked.as_ref().ok().copied()
}

#[cfg(test)]
mod tests;
