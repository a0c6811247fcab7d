//! `relayctl trace`: the whole way of one callback, activity or export, told by what is stored and logged of it.
//!
//! Ids say nothing of what they are of, so the cheap places are looked at first: exports by their key, then the audit's records, then log lines and the
//! quarantine. Each place says what it showed, and which were not looked at. Bodies, keys, addresses and device ids are never told.

mod export;
mod find;
mod stored;
mod view;

use relay::activity::Kind;
use relay::fault::Fault;
use relay::tenancy;
use relay_aws::s3::AwsObjects;
use relay_aws::sfn::AwsExecutions;

use crate::logs::{Log, Wanted};
use crate::target::{PlaceError, Target};
pub(crate) use view::Trace;
use view::{Event, Look};

/// Lines are written a little before and after what they tell of.
const SLACK_MS: i64 = 60_000;

/// What is done about an export after its end: its mails come again for six hours, its webhook is tried for a day.
const AFTERMATH_MS: i64 = 26 * 3_600_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The id.
    pub(crate) id: String,
    /// From when on records, lines and objects are looked through: milliseconds since the epoch.
    pub(crate) since: i64,
    /// Now.
    pub(crate) now: i64,
    /// Where an activity is, as far as anybody knows.
    pub(crate) activity: Option<Place>,
}

/// The minute that an activity is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The app.
    pub(crate) app_token: String,
    /// The kind.
    pub(crate) kind: Kind,
    /// Its `created_at`: milliseconds since the epoch.
    pub(crate) created_at: i64,
}

/// Goes the whole way.
pub(crate) async fn trace(target: &Target, asked: &Asked) -> Result<Trace, PlaceError> {
    let stack = target.stack()?;
    let mut told = Trace::new(&asked.id);
    let (control, quarantine) = (target.control()?, target.quarantine()?);
    let owners = match tenancy::owner_names(&control).await {
        Ok(owners) => owners,
        Err(fault) => {
            told.looks.push(Look::failed("owners", &fault));
            Vec::new()
        }
    };
    let found = find::export(&control, &owners, asked, &mut told).await;
    let words = if let Some(export) = &found {
        told.tell_export(export);
        let machine = AwsExecutions::new(&target.aws, stack.output("StateMachineArn")?);
        find::executions(&machine, export, &mut told).await;
        find::line(&control, export, asked.now, &mut told).await;
        vec![export.export_id.clone(), export.trace_id.clone()]
    } else {
        stored::look(target, &quarantine, &control, asked, &mut told).await?;
        vec![asked.id.clone()]
    };
    let until = found.as_ref().and_then(|export| export.finished_at).map(|end| end.saturating_add(AFTERMATH_MS));
    let since = found.as_ref().map_or(asked.since, |export| export.as_of.saturating_sub(SLACK_MS));
    let until = until.unwrap_or(asked.now).min(asked.now).saturating_add(SLACK_MS);
    lines(&Log::of(&target.aws, stack), Wanted { since, until, words, ..Wanted::default() }, &mut told).await;
    told.events.sort_by_key(|event| event.at);
    Ok(told)
}

/// What the functions logged.
async fn lines(log: &Log, wanted: Wanted, told: &mut Trace) {
    match log.read(&wanted).await {
        Ok(found) => {
            let more = match found.cut.as_slice() {
                [] => String::new(),
                cut => format!("; there are more of {} than were read", cut.join(", ")),
            };
            let look = Look::new("log lines of all functions", format!("{} of them{more}", found.lines.len()));
            told.looks.push(look);
            told.events.extend(found.lines.iter().map(|line| Event::new(line.at, line.function, line.message())));
        }
        Err(fault) => told.looks.push(Look::failed("log lines of all functions", &fault)),
    }
}

/// The bucket, as those who look into it take it.
type Bucket = AwsObjects;

/// What a look answers.
type Looked<T> = Result<T, Fault>;
