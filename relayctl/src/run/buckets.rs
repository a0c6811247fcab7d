//! The verbs on what could not become rows: lists are answers; a replay tells of each object as soon as it is done with it.

use std::io::Write;
use std::process::ExitCode;

use relay_lambda::process;

use super::{Failure, LEFT, answer};
use crate::cli::{FailedCommand, QuarantineCommand};
use crate::names::Place;
use crate::operations::failed::{ReplayBatches, list_batches};
use crate::operations::quarantine::{Options, Replay, list_days, list_objects, show};
use crate::target::Target;
use crate::view::{Answer, ObjectReport, Totals};

pub(super) async fn quarantine(target: &Target, command: QuarantineCommand, json: bool) -> Result<ExitCode, Failure> {
    let bucket = target.quarantine()?;
    match command {
        QuarantineCommand::List { place, filter, page } => {
            let found = match &place {
                Place::Days { owner } => Answer::Days(list_days(&bucket, owner.as_deref(), &filter, &page).await?),
                Place::Day { .. } | Place::Object(_) => {
                    Answer::Objects(list_objects(&bucket, &place.prefix(), &filter, &page).await?)
                }
            };
            answer(&found, json)
        }
        QuarantineCommand::Show { object, entry } => {
            answer(&Answer::Entries(show(&bucket, &object, entry).await?), json)
        }
        QuarantineCommand::Replay { place, filter, again } => {
            let (control, stream) = (target.control()?, target.stream()?);
            let options = Options { place, filter, again, now: process::now_ms() };
            let mut replay = Replay::new(&bucket, &control, &stream, options);
            let mut told = Told::new(json);
            while let Some(report) = replay.next().await? {
                told.tell(&report)?;
            }
            told.end()
        }
    }
}

pub(super) async fn failed(target: &Target, command: FailedCommand, json: bool) -> Result<ExitCode, Failure> {
    let bucket = target.failed()?;
    match command {
        FailedCommand::List { page } => answer(&Answer::Batches(list_batches(&bucket, &page).await?), json),
        FailedCommand::Replay { batch, again } => {
            let stream = target.stream()?;
            let mut replay = ReplayBatches::new(&bucket, &stream, batch, again, process::now_ms());
            let mut told = Told::new(json);
            while let Some(report) = replay.next().await? {
                told.tell(&report)?;
            }
            told.end()
        }
    }
}

/// What a replay has told so far.
struct Told {
    json: bool,
    totals: Totals,
}

impl Told {
    fn new(json: bool) -> Self {
        Self { json, totals: Totals::default() }
    }

    fn tell(&mut self, report: &ObjectReport) -> Result<(), Failure> {
        self.totals.add(report);
        Self::say(&if self.json { report.json()? } else { report.text() })
    }

    fn end(self) -> Result<ExitCode, Failure> {
        Self::say(&if self.json { self.totals.json()? } else { self.totals.text() })?;
        // A failed entry comes with the fault that ended the run, so it never gets here.
        Ok(if self.totals.rejected > 0 { ExitCode::from(LEFT) } else { ExitCode::SUCCESS })
    }

    fn say(text: &str) -> Result<(), Failure> {
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }
}
