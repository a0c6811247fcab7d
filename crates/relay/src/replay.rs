//! Replay: what a quarantined entry is when the present code reads it again, and the marker that says what became of an object.
//!
//! An entry is read as at its arrival: its `received_at` is the original one. So the window of `created_at` is judged as at the door, a row says
//! when it really came, and a second replay makes the very same activity, byte for byte.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, Provider};
use crate::avro::{self, DecodeError};
use crate::callback::{self, Callback};
use crate::discard::{Discard, Reason};
use crate::frame::{self, Frame};
use crate::page;
use crate::quarantine::Entry;

/// What an entry turns out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Understood {
    /// A callback's activity. Whether its owner may bring it is for [`crate::tenancy::admit`] to say.
    Callback {
        /// Who brought it, where the entry itself knows (a Raw frame does); else the owner of the quarantine object.
        owner: Option<String>,
        /// The activity.
        activity: Box<Activity<'static>>,
    },
    /// A frame that decodes now; it goes back as it is. Its owner was admitted at the door.
    Frame(Bytes),
    /// A page that the table refused; its activities go back into the stream.
    Page(RefusedPage),
}

/// The activities of a page that the table refused: of one app, each checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPage {
    /// The app.
    pub app_token: String,
    bytes: Vec<u8>,
}

impl RefusedPage {
    /// The activities as frames that are kept this long.
    pub fn frames(&self, retention_days: u16) -> Result<Vec<Bytes>, DecodeError> {
        let activities: Vec<Activity<'_>> = activities(&self.bytes).collect::<Result<_, _>>()?;
        Ok(frame::pack(retention_days, &activities).into_iter().map(|frame| frame.data).collect())
    }
}

/// Reads an entry again.
pub fn understand(entry: &Entry) -> Result<Understood, Discard> {
    let broken = |error| Discard::new(Reason::Malformed, format!("the body in the quarantine is no base64: {error}"));
    let body = entry.body_bytes().map_err(broken)?;
    if entry.reason == Reason::Undecodable.name() {
        understand_frame(body)
    } else if entry.reason == Reason::RefusedPage.name() {
        understand_page(&body).map(Understood::Page)
    } else {
        understand_callback(entry, &body, None)
    }
}

fn understand_callback(entry: &Entry, body: &[u8], owner: Option<String>) -> Result<Understood, Discard> {
    let unknown = || Discard::new(Reason::Malformed, format!("the source `{}` is no provider", entry.source));
    let activity = callback::parse(&Callback {
        provider: Provider::from_name(&entry.source).ok_or_else(unknown)?,
        method: &entry.method,
        query: &entry.query,
        content_type: &entry.content_type,
        body,
        received_at: entry.received_at,
    })?;
    Ok(Understood::Callback { owner, activity: Box::new(activity.into_owned()) })
}

fn understand_frame(bytes: Vec<u8>) -> Result<Understood, Discard> {
    match frame::decode(&bytes).map_err(|error| Discard::new(Reason::Undecodable, error.to_string()))? {
        Frame::Activities(_) => Ok(Understood::Frame(Bytes::from(bytes))),
        Frame::Raw(raw) => {
            let (owner, body) = (raw.owner.clone(), raw.body.clone());
            understand_callback(&Entry::of_callback(raw, &bytes), &body, Some(owner))
        }
    }
}

fn understand_page(body: &[u8]) -> Result<RefusedPage, Discard> {
    let refused = |detail: String| Discard::new(Reason::RefusedPage, detail);
    let bytes = page::unpack(body).map_err(|error| refused(error.to_string()))?;
    let mut app_token = None;
    for activity in activities(&bytes) {
        let activity = activity.map_err(|error| refused(error.to_string()))?;
        app_token.get_or_insert_with(|| activity.app_token.into_owned());
    }
    let app_token = app_token.ok_or_else(|| refused("the page holds no activity".to_owned()))?;
    Ok(RefusedPage { app_token, bytes })
}

fn activities(bytes: &[u8]) -> impl Iterator<Item = Result<Activity<'_>, DecodeError>> {
    page::datums(bytes).map(|range| avro::decode(bytes.get(range?).unwrap_or_default()))
}

/// What became of an object: written beside it under [`marker_key`] once everything that it counts is durable in the stream. The object itself
/// stays as it is until the bucket's lifecycle ends it. A crash between the two makes the next replay put the same activities again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// When it was replayed last: milliseconds since the epoch, UTC.
    pub replayed_at: i64,
    /// How many entries (of a batch that was given up: records) the object holds.
    pub entries: usize,
    /// Those that are in the stream again, by index from 0.
    pub accepted: BTreeSet<usize>,
    /// Those that the owner's allow-list leaves out, by index from 0.
    pub dropped: BTreeSet<usize>,
}

impl Marker {
    /// The marker of these bytes; what cannot be read counts as none, because to replay twice does no harm.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Whether there is nothing left to do with this entry.
    #[must_use]
    pub fn is_settled(&self, index: usize) -> bool {
        self.accepted.contains(&index) || self.dropped.contains(&index)
    }

    /// How many entries are settled.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.accepted.union(&self.dropped).count()
    }

    /// Whether there is nothing left to do with the object.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.settled() >= self.entries
    }
}

/// Where the marker of the object of this key stands, in the same bucket.
#[must_use]
pub fn marker_key(key: &str) -> String {
    format!("replayed/{key}")
}

#[cfg(test)]
mod tests;
