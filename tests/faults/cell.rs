//! The matrix's cells: which fault strikes where.

use std::time::Duration;

use local::fault_proxy::{Calls, Effect, Rule};

use crate::tenant::Tenant;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttled,
    Broken,
    Denied,
    Delayed,
    /// Carried out after its caller has given it up.
    Late,
    CutBefore,
    CutAfter,
    Partial,
    /// Every call is refused as long as activities are sent; at the door, until they were sent once and nothing was acknowledged.
    Off,
    /// Calls take long, and the process is killed in the middle of them.
    Killed,
}

impl Fault {
    /// As the table says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Broken => "500 and 503",
            Self::Denied => "access denied",
            Self::Delayed => "delayed",
            Self::Late => "answered after its time-out",
            Self::CutBefore => "cut before it is carried out",
            Self::CutAfter => "carried out, answer lost",
            Self::Partial => "partly refused",
            Self::Off => "off all the time",
            Self::Killed => "process killed",
        }
    }

    fn effect(self) -> Effect {
        match self {
            Self::Throttled | Self::Off => Effect::Throttle,
            Self::Broken => Effect::Break,
            Self::Denied => Effect::Deny,
            Self::Delayed | Self::Killed => Effect::Delay(Duration::from_millis(400)),
            // Ingest waits two seconds for an answer.
            Self::Late => Effect::Delay(Duration::from_millis(2_500)),
            Self::CutBefore => Effect::CutBefore,
            Self::CutAfter => Effect::CutAfter,
            Self::Partial => Effect::Partial(500),
        }
    }
}

/// When a cell's faults strike, and with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// While its activities are sent; no other cell is at work.
    Sending,
    /// While its export runs; aimed at its owner, beside other cells.
    Exporting,
    /// While its export runs; no other cell is at work.
    ExportingAlone,
}

/// Where calls are struck.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    /// The calling function's logical id; empty for any.
    function: &'static str,
    operations: &'static [&'static str],
    pub(crate) when: When,
    /// The text by which a call is known to be of a cell's owner.
    aim: fn(&Tenant) -> &str,
    faults: &'static [Fault],
    /// The binary that a killing cell kills.
    pub(crate) binary: &'static str,
}

use Fault::{Broken, CutAfter, CutBefore, Delayed, Denied, Killed, Late, Off, Partial, Throttled};

const EVERY: &[Fault] = &[Throttled, Broken, Denied, Delayed, CutBefore, CutAfter];

/// The call that spills.
const SPILL: &str = "sqs:SendMessageBatch";

/// The places, in the order of an activity's path.
const PLACES: [Place; 11] = [
    Place {
        name: "ingest → Kinesis",
        function: "IngestFunction",
        operations: &["kinesis:PutRecords"],
        when: When::Sending,
        aim: everyone,
        faults: &[Throttled, Broken, Denied, Delayed, Late, CutBefore, CutAfter, Partial, Off, Killed],
        binary: "ingest",
    },
    Place {
        name: "ingest → Kinesis and spill queue",
        function: "IngestFunction",
        operations: &["kinesis:PutRecords", SPILL],
        when: When::Sending,
        aim: everyone,
        faults: &[Broken, CutAfter, Partial, Off],
        binary: "",
    },
    Place {
        name: "ingest → table control",
        function: "IngestFunction",
        operations: &["dynamodb:GetItem"],
        when: When::Sending,
        aim: everyone,
        faults: EVERY,
        binary: "",
    },
    Place {
        name: "writer → table pages",
        function: "BatchWriterFunction",
        operations: &["dynamodb:BatchWriteItem"],
        when: When::Sending,
        aim: everyone,
        faults: &[Throttled, Broken, Denied, Delayed, CutBefore, CutAfter, Partial, Off, Killed],
        binary: "batch-writer",
    },
    Place {
        name: "writer → quarantine",
        function: "BatchWriterFunction",
        operations: &["s3:PutObject"],
        when: When::Sending,
        aim: everyone,
        faults: EVERY,
        binary: "",
    },
    Place {
        name: "writer → watermark",
        function: "BatchWriterFunction",
        operations: &["dynamodb:PutItem"],
        when: When::Sending,
        aim: everyone,
        faults: EVERY,
        binary: "",
    },
    Place {
        name: "worker → table pages",
        function: "ExportWorkerFunction",
        operations: &["dynamodb:Query"],
        when: When::Exporting,
        aim: |tenant| &tenant.app,
        faults: &[Throttled, Broken, Delayed, CutBefore, CutAfter],
        binary: "",
    },
    Place {
        name: "worker → file",
        function: "ExportWorkerFunction",
        operations: &["s3:UploadPart", "s3:CompleteMultipartUpload"],
        when: When::Exporting,
        aim: |tenant| &tenant.name,
        faults: &[Throttled, Broken, Delayed, CutBefore, CutAfter],
        binary: "",
    },
    Place {
        name: "dispatcher → state machine",
        function: "",
        operations: &["states:StartExecution"],
        when: When::Exporting,
        aim: |tenant| &tenant.name,
        faults: EVERY,
        binary: "",
    },
    Place {
        name: "notify → mail",
        function: "NotifyFunction",
        operations: &["ses:SendEmail"],
        when: When::Exporting,
        aim: |tenant| &tenant.email,
        faults: EVERY,
        binary: "",
    },
    Place {
        name: "notify → link",
        function: "NotifyFunction",
        operations: &["sts:AssumeRole"],
        when: When::ExportingAlone,
        aim: everyone,
        faults: &[Throttled, Broken, Denied, Delayed, CutBefore, CutAfter, Killed],
        binary: "notify",
    },
];

/// The worker is killed while it reads: a place of its own, because nobody else may be at work then.
const KILLED_WORKER: Place = Place {
    name: "worker → table pages",
    function: "ExportWorkerFunction",
    operations: &["dynamodb:Query"],
    when: When::ExportingAlone,
    aim: everyone,
    faults: &[Killed],
    binary: "export-worker",
};

fn everyone(_: &Tenant) -> &'static str {
    ""
}

/// One fault at one place, with its own owner.
pub(crate) struct Cell {
    pub(crate) place: Place,
    pub(crate) fault: Fault,
    pub(crate) tenant: Tenant,
}

impl Cell {
    /// All cells whose name contains `only`.
    pub(crate) fn all(only: &str) -> Vec<Self> {
        let places = PLACES.into_iter().chain([KILLED_WORKER]);
        let pairs = places.flat_map(|place| place.faults.iter().map(move |fault| (place, *fault)));
        let cells = (0..).zip(pairs).map(|(number, (place, fault))| Self { place, fault, tenant: Tenant::new(number) });
        cells.filter(|cell| cell.name().contains(only)).collect()
    }

    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.place.name, self.fault.name())
    }

    /// Whether nothing can be kept while the fault is there, so nothing may be acknowledged either.
    pub(crate) fn closes_the_door(&self) -> bool {
        self.fault == Off && self.place.operations.contains(&SPILL)
    }

    /// The script. First an outage, so that no retry can hide the fault; while activities are sent, then every third call.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let rule = |operations: &[&str], chance, most| {
            let of = if self.place.function.is_empty() {
                Calls::to(operations)
            } else {
                Calls::of(self.place.function, operations)
            };
            let calls = of.containing((self.place.aim)(&self.tenant));
            Rule { calls, effect: self.fault.effect(), chance, most }
        };
        let whole = self.place.operations;
        match (self.fault, self.place.when) {
            // Where kills are few, no call gets through before them; elsewhere every other one does, so that the work comes on.
            (Off, _) | (Killed, When::Exporting | When::ExportingAlone) => vec![rule(whole, 1000, usize::MAX)],
            (Killed, When::Sending) => vec![rule(whole, 500, usize::MAX)],
            (Late, _) => vec![rule(whole, 1000, 6)],
            (_, When::Sending) => vec![rule(whole, 1000, 6), rule(whole, 300, usize::MAX)],
            // One failed call of notify: a mail is handed over once a call, and no attempt follows a denial. Its next try comes after a second.
            (_, When::Exporting | When::ExportingAlone) if whole == ["ses:SendEmail"] => vec![rule(whole, 1000, 1)],
            (Denied, When::Exporting | When::ExportingAlone) => vec![rule(whole, 1000, 1)],
            // Both attempts of a call.
            (_, When::Exporting | When::ExportingAlone) if whole.len() == 1 => vec![rule(whole, 1000, 2)],
            // Each operation in its turn.
            (_, When::Exporting | When::ExportingAlone) => {
                whole.iter().map(|operation| rule(&[operation], 1000, 2)).collect()
            }
        }
    }

    /// So often must the fault have struck; a delay or a lost answer may leave nothing more to strike.
    pub(crate) fn strikes_wanted(&self) -> usize {
        match self.fault {
            Throttled | Broken | Late | CutBefore | Partial | Off => 3,
            Denied => 2,
            Delayed | CutAfter | Killed => 1,
        }
    }
}
