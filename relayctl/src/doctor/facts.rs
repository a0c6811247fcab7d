//! What doctor saw, part by part, without a judgement.

use relay::fault::Fault;
use relay::port::{ExecutionState, Sights};
use relay_aws::cloudformation::Deployed;
use relay_aws::cloudwatch::Alarm;
use relay_aws::kinesis::StreamState;
use relay_aws::lambda::{FunctionState, MappingState};
use relay_aws::sesv2::{Identity, Sending};
use relay_aws::sqs::Depth;

/// What a look showed, or why it showed nothing.
pub(crate) type Looked<T> = Result<T, Fault>;

/// Everything that doctor saw. Times are milliseconds since the epoch.
#[derive(Debug)]
pub(crate) struct Facts {
    /// When it looked.
    pub(crate) now: i64,
    /// The stack's name.
    pub(crate) name: String,
    /// Whether the stack stands on this machine.
    pub(crate) is_local: bool,
    /// The stack; none where there is none of this name.
    pub(crate) stack: Looked<Option<Deployed>>,
    /// How far AWS's clock is ahead of this machine's: milliseconds.
    pub(crate) clock_ahead: Looked<i64>,
    pub(crate) alarms: Looked<Vec<Alarm>>,
    pub(crate) flow: Flow,
    pub(crate) stored: Stored,
    pub(crate) exports: Looked<Line>,
    /// What is due of the agenda, then of the erasures.
    pub(crate) agenda: Looked<Due>,
    pub(crate) erasures: Looked<Due>,
    pub(crate) mail: Mail,
}

/// From the door to the pages.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) stream: Looked<StreamState>,
    /// What stands behind the writer's marks, by shard.
    pub(crate) undrained: Looked<Sights>,
    /// What drives the writer.
    pub(crate) mappings: Vec<(Driver, Looked<MappingState>)>,
    /// By function.
    pub(crate) functions: Vec<(&'static str, Looked<FunctionState>)>,
    /// What the account may run at the same time.
    pub(crate) concurrency: Looked<u64>,
    /// Calls that were throttled within [`THROTTLED_WITHIN`](super::gather::THROTTLED_WITHIN), by part.
    pub(crate) throttled: Vec<(&'static str, Looked<Option<f64>>)>,
    pub(crate) spill: Queue,
}

/// What brings batches to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    Stream,
    Spill,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) depth: Looked<Depth>,
    /// The age of its oldest message of late: seconds; none where CloudWatch has no value.
    pub(crate) oldest: Looked<Option<f64>>,
}

/// What came to lie somewhere.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Whether table `pages` answers.
    pub(crate) pages: Looked<()>,
    /// Batches that the stream's mapping gave up and nobody replayed.
    pub(crate) failed: Looked<Count>,
    /// Objects of the quarantine of the last week.
    pub(crate) quarantine: Looked<Count>,
    /// Events that notify and ticks that the dispatcher gave up.
    pub(crate) notify_letters: Queue,
    pub(crate) dispatcher_letters: Queue,
    /// Uploads into the export bucket that are open though their export has ended, or is older than any can be.
    pub(crate) orphans: Looked<Count>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// The look ended before it had seen all.
    pub(crate) is_at_least: bool,
}

/// Exports that wait or run.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) waiting: usize,
    /// Since when the one that waits longest does.
    pub(crate) oldest: Option<i64>,
    pub(crate) is_at_least: bool,
    pub(crate) held: Vec<Held>,
}

/// A run slot that is taken.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) owner: String,
    pub(crate) export_id: String,
    pub(crate) since: i64,
    /// Whether its export still has to run.
    pub(crate) is_open: bool,
    pub(crate) execution: ExecutionState,
}

/// What is due and not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) entries: usize,
    /// Since when the oldest is.
    pub(crate) oldest: Option<i64>,
    pub(crate) is_at_least: bool,
}

/// Whether mails go out.
#[derive(Debug)]
pub(crate) struct Mail {
    /// `MailFrom`; none where nobody says it.
    pub(crate) from: Option<String>,
    pub(crate) account: Looked<Sending>,
    /// The sender's address and its domain as SES knows them.
    pub(crate) address: Looked<Option<Identity>>,
    pub(crate) domain: Looked<Option<Identity>>,
    /// Addresses of all owners that were marked within the last week: they get no mail.
    pub(crate) marked: Looked<Marked>,
}

/// Addresses that get no mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    /// How many, by owner.
    pub(crate) by_owner: Vec<(String, usize)>,
    pub(crate) is_at_least: bool,
}
