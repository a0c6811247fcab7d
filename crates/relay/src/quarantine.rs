//! A quarantine object: what one batch brought of one owner that cannot become rows, kept raw and replayable.
//!
//! One JSON object a line (an [`Entry`]), compressed with zstd; key `quarantine/{owner}/{yyyy-mm-dd}/{HHMMSS}-{digest}.ndjson.zst`, day and time
//! of the first entry's `received_at`, UTC. The digest is over the lines, so the same batch again is the same object.
//!
//! The stream may bring a record again in another batch, and then its entry stands in two objects. Both times it has the same `id`: whoever counts,
//! lists or replays entries takes each id once.
//!
//! | entry | owner in the key | `id`: digest of | `body_base64` or `body` |
//! |---|---|---|---|
//! | a callback that could not be understood | whose key it came with | its Raw frame | the request's body |
//! | a frame that does not decode (`undecodable`) | `unknown` | the frame | the frame |
//! | a page the table refuses (`refused_page`) | `unknown`; the app is in `path` | the page's body | the page's body as table `pages` would hold it |

use std::io::{self, BufRead, BufReader, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::compression::compress;
use crate::discard::Reason;
use crate::frame::Raw;
use crate::page::Page;

/// The owner in the key of an object whose owner the writer cannot know: of a frame that does not decode, of a refused page.
pub const UNKNOWN_OWNER: &str = "unknown";

/// The largest window of a zstd frame that is taken: log₂ of bytes. A decoder reserves what the frame names; our level needs 2 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The most bytes of a line: base64 of the largest record that a stream takes (Kinesis, "Quotas and limits": 10 MiB) and the rest of its entry.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// One input that was refused, as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The same however often the stream brings it: 32 hexadecimal digits. Empty in objects of the first release.
    #[serde(default)]
    pub id: String,
    /// The counted reason's name.
    pub reason: String,
    /// The same in words.
    pub detail: String,
    /// When it reached the door (a callback) or the stream (a frame, a page's first record): milliseconds since the epoch, UTC.
    pub received_at: i64,
    /// The request's trace id; the record's sequence number for a frame, the first record's for a page.
    pub trace_id: String,
    /// The source: a provider's name, `sdk`, or `stream`.
    pub source: String,
    /// The request's method; empty for a frame.
    #[serde(default)]
    pub method: String,
    /// The request's path; `{pk}/{sk}` for a refused page.
    #[serde(default)]
    pub path: String,
    /// The request's query string as sent, less the key.
    #[serde(default)]
    pub query: String,
    /// The request's content type.
    #[serde(default)]
    pub content_type: String,
    /// The body, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in base64, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// How many activities a refused page holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activities: Option<u64>,
    /// When the table may forget a refused page: seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl Entry {
    /// The entry of a callback that could not be understood, and the frame it came in.
    #[must_use]
    pub fn of_callback(raw: Raw, frame: &[u8]) -> Self {
        let (body, body_base64) = text_or_base64(raw.body);
        Self {
            id: digest(frame),
            reason: raw.reason.name().to_owned(),
            detail: raw.detail,
            received_at: raw.received_at,
            trace_id: raw.trace_id,
            source: raw.provider,
            method: raw.method,
            path: raw.path,
            query: raw.query,
            content_type: raw.content_type,
            body,
            body_base64,
            activities: None,
            expires_at: None,
        }
    }

    /// The entry of a page that the table refuses; when its first record arrived, and which it is.
    #[must_use]
    pub fn of_page(detail: String, arrived_at: i64, sequence_number: &str, page: &Page) -> Self {
        Self {
            path: format!("{}/{}", page.day.pk(), page.sk),
            activities: Some(page.n),
            expires_at: Some(page.expires_at),
            ..Self::of_stream(Reason::RefusedPage, detail, arrived_at, sequence_number, &page.body)
        }
    }

    /// The entry of bytes of the stream that became nothing else: a frame that does not decode.
    #[must_use]
    pub fn of_stream(reason: Reason, detail: String, received_at: i64, sequence_number: &str, bytes: &[u8]) -> Self {
        Self {
            id: digest(bytes),
            reason: reason.name().to_owned(),
            detail,
            received_at,
            trace_id: sequence_number.to_owned(),
            source: "stream".to_owned(),
            method: String::new(),
            path: String::new(),
            query: String::new(),
            content_type: String::new(),
            body: None,
            body_base64: Some(STANDARD.encode(bytes)),
            activities: None,
            expires_at: None,
        }
    }

    /// The body as it came.
    pub fn body_bytes(&self) -> Result<Vec<u8>, base64::DecodeError> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Ok(text.clone().into_bytes()),
            (None, Some(base64)) => STANDARD.decode(base64),
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// 128 bits, in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    let mut digest = [0; 16];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut digest);
    hex::encode(digest)
}

fn text_or_base64(body: Vec<u8>) -> (Option<String>, Option<String>) {
    match String::from_utf8(body) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    }
}

/// An object for the quarantine bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where it goes; the same entries go to the same place.
    pub key: String,
    /// The compressed lines.
    pub body: Bytes,
}

/// The object of these entries of one owner.
#[must_use]
pub fn object(owner: &str, entries: &[Entry]) -> Object {
    let mut lines = Vec::new();
    for entry in entries {
        // A struct of texts and numbers always serialises.
        if let Ok(line) = serde_json::to_vec(entry) {
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
    }
    let first = entries.iter().map(|entry| entry.received_at).min().unwrap_or_default();
    let time = jiff::Timestamp::from_millisecond(first).unwrap_or_default();
    let key = format!("quarantine/{owner}/{}-{}.ndjson.zst", time.strftime("%Y-%m-%d/%H%M%S"), digest(&lines));
    // Compression of bytes in memory does not fail; kept plain, they would still be read (see `read`).
    let body = compress(&lines).unwrap_or(lines);
    Object { key, body: Bytes::from(body) }
}

/// The entries of an object, one at a time: unpacked, an object may be a hundred times its size. What stands behind an error cannot be told apart: it is
/// the last.
pub fn entries(body: &[u8]) -> Result<impl Iterator<Item = Result<Entry, io::Error>> + '_, io::Error> {
    let unpacked: Box<dyn Read + '_> = if body.starts_with(b"{") {
        Box::new(body)
    } else {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Box::new(decoder)
    };
    let mut lines = BufReader::new(unpacked);
    let mut is_broken = false;
    Ok(std::iter::from_fn(move || {
        if is_broken {
            return None;
        }
        let entry =
            next_line(&mut lines).transpose()?.and_then(|line| serde_json::from_slice(&line).map_err(io::Error::from));
        is_broken = entry.is_err();
        Some(entry)
    }))
}

/// The next line that is not empty.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)?;
        if read as u64 > MAX_LINE_BYTES {
            let detail = format!("a line has over {MAX_LINE_BYTES} bytes: more than any entry");
            return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
        }
        line.pop_if(|byte| *byte == b'\n');
        if read == 0 || !line.is_empty() {
            return Ok((read > 0).then_some(line));
        }
    }
}

/// All entries of an object at once.
pub fn read(body: &[u8]) -> Result<Vec<Entry>, io::Error> {
    entries(body)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(body: &[u8]) -> Raw {
        Raw {
            owner: "demo".into(),
            provider: "adjust".into(),
            reason: Reason::UnknownApp,
            detail: "app token `nope` is not registered".into(),
            received_at: 1_700_000_000_000,
            trace_id: "ab".into(),
            method: "POST".into(),
            path: "/v1/callbacks/adjust".into(),
            query: "campaign_name=%EA%B2%A8%EC%9A%B8".into(),
            content_type: "application/json".into(),
            body: body.to_vec(),
        }
    }

    #[test]
    fn entries_come_back_text_and_bytes() {
        let entries =
            [Entry::of_callback(raw("겨울 ❄".as_bytes()), b"1"), Entry::of_callback(raw(&[0xff, 0x00]), b"2")];
        assert_eq!(entries[0].body.as_deref(), Some("겨울 ❄"));
        assert_eq!(entries[1].body_base64.as_deref(), Some("/wA="));
        let object = object("demo", &entries);
        assert!(object.key.starts_with("quarantine/demo/2023-11-14/221320-"), "{}", object.key);
        assert_eq!(read(&object.body).unwrap(), entries);
    }

    #[test]
    fn the_same_entries_are_the_same_object() {
        let entries = [Entry::of_stream(Reason::Undecodable, "too short".into(), 0, "49", b"x")];
        assert_eq!(object("unknown", &entries), object("unknown", &entries));
    }

    #[test]
    fn a_line_that_never_ends_is_not_read_to_its_end_and_an_error_is_the_last() {
        let endless = compress(&vec![b' '; 20 << 20]).unwrap();
        let error = read(&endless).unwrap_err();
        assert!(error.to_string().contains("16777216"), "{error}");
        let cut = &endless[..endless.len() / 2];
        assert_eq!(entries(cut).unwrap().count(), 1);
        assert_eq!(entries(b"{\n\n{\n").unwrap().count(), 1);
    }

    #[test]
    fn an_entry_of_the_first_release_is_read() {
        let line =
            r#"{"reason":"bad_time","detail":"none","received_at":1,"trace_id":"ab","source":"adjust","method":"GET"}"#;
        let entries = read(line.as_bytes()).unwrap();
        assert_eq!((entries[0].id.as_str(), entries[0].activities, entries[0].body.as_ref()), ("", None, None));
    }
}
