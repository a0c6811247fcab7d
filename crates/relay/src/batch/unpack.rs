//! Compressed bodies, never unpacked beyond what a batch may have.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use super::{BatchError, MAX_UNPACKED_BYTES};
use crate::callback::draft::shown;
use crate::http::Body;

/// The largest window of a zstd frame that is taken: log₂ of bytes. A decoder reserves the window the sender names, so 8 MiB bounds it;
/// zstd's own levels need no more for 4 MiB of data.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The most members of gzip or frames of zstd, one behind the other: two for each item of a batch. A piece may hold nothing and still costs its time:
/// 4 MiB of empty ones would cost a second.
const MAX_PIECES: usize = 1_000;

/// The body, unpacked by its `Content-Encoding`; `None` where it is not packed.
pub(super) fn unpack(encoding: &str, body: &Body) -> Result<Option<Vec<u8>>, BatchError> {
    let unpacked = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(None),
        "gzip" | "x-gzip" => all(body, gunzip),
        "zstd" => all(body, unzstd),
        other => return Err(BatchError::UnsupportedEncoding(shown(other))),
    };
    if body.is_empty() || (unpacked.is_err() && is_plain(body)) {
        let detail = format!("the body is not compressed, though `Content-Encoding` says {}", shown(encoding));
        return Err(BatchError::Malformed(detail));
    }
    let unpacked = unpacked.map_err(|error| {
        let detail = format!("the body does not unpack as {}: {error}", shown(encoding));
        if matches!(body, Body::Text(_)) { BatchError::DamagedText(detail) } else { BatchError::Malformed(detail) }
    })?;
    if unpacked.len() > MAX_UNPACKED_BYTES { Err(BatchError::TooLarge) } else { Ok(Some(unpacked)) }
}

/// Whether a body that does not unpack is JSON, or nothing, as it stands.
fn is_plain(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), None | Some(b'[' | b'{'))
}

/// A member of gzip: its text behind `unpacked`, as far as that may grow; answers what follows the member.
fn gunzip<'a>(body: &'a [u8], unpacked: &mut Vec<u8>) -> io::Result<&'a [u8]> {
    let mut member = GzDecoder::new(body).take(room(unpacked));
    member.read_to_end(unpacked)?;
    Ok(member.into_inner().into_inner())
}

/// A frame of zstd, likewise.
fn unzstd<'a>(body: &'a [u8], unpacked: &mut Vec<u8>) -> io::Result<&'a [u8]> {
    let mut frame = zstd::Decoder::with_buffer(body)?.single_frame();
    frame.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    let mut frame = frame.take(room(unpacked));
    frame.read_to_end(unpacked)?;
    Ok(frame.into_inner().finish())
}

/// How much more is read: one byte more than is allowed, at most, which is enough to know that it is too much.
fn room(unpacked: &[u8]) -> u64 {
    (MAX_UNPACKED_BYTES + 1).saturating_sub(unpacked.len()) as u64
}

/// All pieces of a body, one behind the other.
fn all(mut body: &[u8], one: impl for<'a> Fn(&'a [u8], &mut Vec<u8>) -> io::Result<&'a [u8]>) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    for _ in 0..MAX_PIECES {
        body = one(body, &mut unpacked)?;
        if body.is_empty() || unpacked.len() > MAX_UNPACKED_BYTES {
            return Ok(unpacked);
        }
    }
    Err(io::Error::other(format!("it has over {MAX_PIECES} members or frames")))
}
