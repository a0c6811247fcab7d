//! Which calls are struck, and by what.

use std::time::Duration;

use super::call::Call;
use crate::host::environment::access_key_id;
use crate::http1::Request;

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Refused in the service's own words for "less, please".
    Throttle,
    /// Refused with 500 and 503 in turn, in the service's own words.
    Break,
    /// Refused for want of a permission.
    Deny,
    /// Forwarded after this time.
    Delay(Duration),
    /// The connection is cut; the call is not forwarded.
    CutBefore,
    /// The call is forwarded and carried out, then the connection is cut: its answer is lost.
    CutAfter,
    /// Of a `PutRecords`, `BatchWriteItem` or `SendMessageBatch` each entry is refused with this chance (per mille) in an answer of 200,
    /// one at least; the others are forwarded and carried out. Other calls are left alone.
    Partial(u16),
}

/// Which calls a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// The access key of the calling function; `None` for any caller.
    caller: Option<String>,
    /// IAM actions such as `kinesis:PutRecords`.
    operations: Vec<String>,
    /// What path, query or body must contain.
    containing: Option<String>,
}

impl Calls {
    /// Calls of the function with this logical id.
    #[must_use]
    pub fn of(function: &str, operations: &[&str]) -> Self {
        Self { caller: Some(access_key_id(function)), ..Self::to(operations) }
    }

    /// Anybody's calls of these operations, named `kinesis:PutRecords`.
    #[must_use]
    pub fn to(operations: &[&str]) -> Self {
        let operations = operations.iter().map(|&operation| operation.to_owned()).collect();
        Self { caller: None, operations, containing: None }
    }

    /// Only those with this text in path, query or body; any if it is empty.
    #[must_use]
    pub fn containing(self, text: &str) -> Self {
        Self { containing: Some(text.to_owned()).filter(|text| !text.is_empty()), ..self }
    }

    fn holds(&self, call: &Call, request: &Request) -> bool {
        self.caller.as_ref().is_none_or(|caller| *caller == call.caller)
            && self.operations.contains(&call.name())
            && self.containing.as_ref().is_none_or(|text| {
                let wanted = text.as_bytes();
                [request.path.as_bytes(), request.query.as_bytes(), request.body.as_ref()]
                    .iter()
                    .any(|part| part.windows(wanted.len()).any(|window| window == wanted))
            })
    }
}

/// One line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which calls.
    pub calls: Calls,
    /// What is done to them.
    pub effect: Effect,
    /// How likely a call is struck: per mille.
    pub chance: u16,
    /// The rule is over when it has struck so often.
    pub most: usize,
}

/// The rules with what became of them.
#[derive(Debug, Default)]
pub(super) struct Script {
    seed: u64,
    rules: Vec<Tried>,
}

#[derive(Debug)]
struct Tried {
    rule: Rule,
    seen: u64,
    struck: usize,
}

/// A call is struck: by what, and with which chances inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strike {
    pub(super) effect: Effect,
    seed: u64,
}

impl Strike {
    /// A number below 1000 for the nth entry of the call.
    pub(super) fn draw(&self, nth: u64) -> u16 {
        per_mille(self.seed, nth)
    }
}

impl Script {
    pub(super) fn new(seed: u64, rules: Vec<Rule>) -> Self {
        Self { seed, rules: rules.into_iter().map(|rule| Tried { rule, seen: 0, struck: 0 }).collect() }
    }

    pub(super) fn struck(&self) -> Vec<usize> {
        self.rules.iter().map(|tried| tried.struck).collect()
    }

    pub(super) fn strike(&mut self, call: &Call, request: &Request) -> Option<Strike> {
        for (number, tried) in (0u64..).zip(&mut self.rules) {
            let Tried { rule, seen, struck } = tried;
            if *struck >= rule.most || !rule.calls.holds(call, request) {
                continue;
            }
            *seen += 1;
            let seed = mixed(self.seed ^ mixed(number));
            if per_mille(seed, *seen) < rule.chance {
                *struck += 1;
                return Some(Strike { effect: rule.effect, seed: mixed(seed ^ *seen) });
            }
        }
        None
    }
}

/// A number below 1000, the same for the same seed and place.
fn per_mille(seed: u64, nth: u64) -> u16 {
    u16::try_from(mixed(seed.wrapping_add(mixed(nth))) % 1000).unwrap_or(0)
}

/// splitmix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
