//! Compressed bodies, never unpacked beyond what a batch may have.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::{BatchError, MAX_UNPACKED_BYTES};
use crate::callback::draft::shown;

/// The largest window of a zstd frame that is taken: log₂ of bytes. A decoder reserves the window the sender names, so 8 MiB bounds it;
/// zstd's own levels need no more for 4 MiB of data.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The body, unpacked by its `Content-Encoding`.
pub(super) fn unpack<'a>(encoding: &str, body: &'a [u8], body_was_text: bool) -> Result<Cow<'a, [u8]>, BatchError> {
    let unpacked = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(body)),
        "zstd" => unzstd(body),
        other => return Err(BatchError::UnsupportedEncoding(shown(other))),
    };
    if body.is_empty() || (unpacked.is_err() && is_plain(body)) {
        let detail = format!("the body is not compressed, though `Content-Encoding` says {}", shown(encoding));
        return Err(BatchError::Malformed(detail));
    }
    let unpacked = unpacked.map_err(|error| {
        let detail = format!("the body does not unpack as {}: {error}", shown(encoding));
        if body_was_text { BatchError::DamagedText(detail) } else { BatchError::Malformed(detail) }
    })?;
    if unpacked.len() > MAX_UNPACKED_BYTES { Err(BatchError::TooLarge) } else { Ok(Cow::Owned(unpacked)) }
}

/// Whether a body that does not unpack is JSON, or nothing, as it stands.
fn is_plain(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), None | Some(b'[' | b'{'))
}

fn unzstd(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    bounded(decoder)
}

/// Reads one byte more than is allowed, at most: enough to know that it is too much.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    reader.take(MAX_UNPACKED_BYTES as u64 + 1).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}
