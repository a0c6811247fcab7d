//! Where a request's body ends.

use super::head::{Head, bad};
use super::message::Reply;

/// How a body is framed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(usize),
    /// RFC 9112's chunks.
    Chunked,
}

impl Framing {
    /// Contradictions are refused: they are how requests get smuggled.
    pub(super) fn of(head: &Head) -> Result<Self, Reply> {
        let lengths = head.headers.iter().filter(|(name, _)| name == "content-length");
        let mut lengths: Vec<&str> = lengths.map(|(_, value)| value.as_str()).collect();
        lengths.dedup();
        match (head.value("transfer-encoding"), lengths.as_slice()) {
            (None, []) => Ok(Self::Length(0)),
            (None, [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(Self::Length).map_err(|_| bad("the content length is not a number of bytes"))
            }
            (Some(coding), []) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (Some(_), []) => Err(bad("the transfer encoding is not chunked")),
            _ => Err(bad("the body has no one length")),
        }
    }
}

/// The size in a chunk's first line; extensions are ignored.
pub(super) fn chunk_size(line: &[u8]) -> Result<usize, Reply> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    let digits = if digits.starts_with('+') { "" } else { digits };
    usize::from_str_radix(digits, 16).map_err(|_| bad("a chunk's size is not a hexadecimal number"))
}
