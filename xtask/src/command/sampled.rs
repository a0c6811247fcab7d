//! The bundled sample: sent once for the life of the data, then checked from the requests to the files in the mails.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    check::{compare, export, inbox},
    local::{
        place::Root,
        stack::{self, Stack, State},
    },
    os,
    sample::{
        Kind, Sample,
        send::{self, Answers, Door},
    },
    say::{self, Outcome},
    web::Client,
};

/// What was sent and what came out, for the picture.
pub(crate) struct Checked {
    /// The sample.
    pub(crate) sample: Sample,
    /// What the door answered; nothing when an earlier run had sent it all.
    pub(crate) answers: Option<Answers>,
    /// The files, in the order of the kinds.
    pub(crate) files: Vec<(Kind, String)>,
}

/// The note on the sample in the data. It lies beside the data, so whoever deletes the one deletes the other.
#[derive(Deserialize, Serialize)]
struct Note {
    app_token: String,
    /// The time of the run; with it the sample can be made again.
    now_ms: i64,
    /// [`Sample::fingerprint`]: another version of this tool may make another sample of the same time.
    fingerprint: String,
    reached: Reached,
}

/// How far the sample has come. What was cut off is taken up again: sending twice is harmless by the product's promise.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Reached {
    Sending,
    Sent,
    Checked,
}

impl Note {
    fn path(root: &Root) -> PathBuf {
        root.relay("state/sample.json")
    }

    /// What the note says, as far as the data can be trusted to hold it, and its sample; else a new one.
    fn find(root: &Root, stack: &Stack) -> (Self, Sample) {
        let found: Option<Self> = stack::read(&Self::path(root)).ok();
        let found = found.filter(|note| note.app_token == stack.keys.app_token && stack.place.state != State::New);
        if let Some(note) = found {
            let sample = Sample::bundled(note.now_ms, &note.app_token);
            let is_whole = stack.place.state == State::Kept;
            let reached = if is_whole { note.reached } else { Reached::Sending };
            // What was checked stays checked, whoever made it; what was not could not be compared with another sample.
            if reached == Reached::Checked || note.fingerprint == sample.fingerprint() {
                return (Self { reached, ..note }, sample);
            }
            say::progress("▸ the data hold a sample of another version, not checked: a new one is sent");
        }
        let (app_token, now_ms) = (stack.keys.app_token.clone(), os::now_ms());
        let sample = Sample::bundled(now_ms, &app_token);
        let fingerprint = sample.fingerprint();
        (Self { app_token, now_ms, fingerprint, reached: Reached::Sending }, sample)
    }

    fn set(&mut self, root: &Root, reached: Reached) -> Outcome<()> {
        self.reached = reached;
        stack::write(&Self::path(root), self)
    }
}

/// Sends the sample and checks what comes out, unless that has been done with this data; `None` then.
pub(crate) fn send_once(root: &Root, client: &Client, stack: &Stack) -> Outcome<Option<Checked>> {
    let (mut note, sample) = Note::find(root, stack);
    if note.reached == Reached::Checked {
        say::progress("▸ the sample is in the data already and is not sent again");
        return Ok(None);
    }
    let mut answers = None;
    if note.reached == Reached::Sending {
        note.set(root, Reached::Sending)?;
        let door = Door { authority: stack.place.authority()?, key: &stack.keys.ingest_key };
        answers = Some(send::all(&sample, &door)?);
        note.set(root, Reached::Sent)?;
    }
    let files =
        say::step("ask for an export of each kind and wait for the mails", || exported(client, stack, &sample))?;
    keep(root, &files)?;
    say::step("compare every row with what was sent", || compare_all(stack, &sample, &files))?;
    note.set(root, Reached::Checked)?;
    Ok(Some(Checked { sample, answers, files }))
}

/// The file of each kind, by the link in its mail.
fn exported(client: &Client, stack: &Stack, sample: &Sample) -> Outcome<Vec<(Kind, String)>> {
    let exports: Vec<_> =
        Kind::ALL.into_iter().map(|kind| export::ask(client, stack, sample, kind)).collect::<Outcome<_>>()?;
    let links = inbox::links(client, stack, &exports)?;
    let download = |link: &String| client.get(link, None)?.expect(&[200]);
    exports.iter().zip(&links).map(|(export, link)| Ok((export.kind, download(link)?))).collect()
}

/// Leaves the downloaded files in `.relay/sample`, for a look.
fn keep(root: &Root, files: &[(Kind, String)]) -> Outcome<()> {
    let folder = root.relay("sample");
    let failed = |error: std::io::Error| format!("cannot write into {}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    files
        .iter()
        .try_for_each(|(kind, text)| fs::write(folder.join(format!("{}.csv", kind.name())), text).map_err(failed))
}

/// Fails with the first differences of every file. Where there were data before the sample, rows of others are none.
fn compare_all(stack: &Stack, sample: &Sample, files: &[(Kind, String)]) -> Outcome<()> {
    let is_alone = stack.place.state == State::New;
    let mut lines = Vec::new();
    for (kind, text) in files {
        match compare::file(text, *kind, sample.expected(*kind)) {
            Ok(differences) if is_alone => lines.extend(differences.lines(*kind)),
            Ok(differences) => lines.extend(differences.without_unexpected().lines(*kind)),
            Err(error) => lines.push(format!("{}: {error}", kind.name())),
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(format!("the files differ from what was sent:\n  {}", lines.join("\n  ")))
}
