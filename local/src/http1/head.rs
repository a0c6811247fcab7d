//! The request line and the headers.

use super::message::Reply;

/// What stands before a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) counted_bytes: usize,
    pub(super) http_1_0: bool,
}

impl Head {
    /// Reads a whole head, the empty line left out. An error is the answer to give.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reply> {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let (method, target, http_1_0) = request_line(first)?;
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect::<Result<Vec<_>, _>>()?;
        let mut parts = target.splitn(2, |byte| *byte == b'?');
        let path = readable(parts.next().unwrap_or_default());
        let query = readable(parts.next().unwrap_or_default());
        let values: usize = headers.iter().map(|(_, value)| value.len()).sum();
        Ok(Self { method, path, query, headers, counted_bytes: first.len() + values, http_1_0 })
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Whether the connection stays open after this request.
    pub(super) fn keeps_alive(&self) -> bool {
        let wish = self.value("connection").unwrap_or_default().to_ascii_lowercase();
        !wish.contains("close") && (!self.http_1_0 || wish.contains("keep-alive"))
    }
}

/// Method, target without scheme and host, and whether the client speaks HTTP/1.0.
fn request_line(line: &[u8]) -> Result<(String, &[u8], bool), Reply> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad("the request line is not method, target and version, one space between"));
    };
    if !is_token(method) {
        return Err(bad("the method is not a token"));
    }
    let http_1_0 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(bad("the version is not HTTP/1.1 or HTTP/1.0")),
    };
    let method = String::from_utf8_lossy(method).into_owned();
    Ok((method, origin_form(target)?, http_1_0))
}

/// A target in absolute form (`http://host/path`) loses its scheme and host.
fn origin_form(target: &[u8]) -> Result<&[u8], Reply> {
    if target.starts_with(b"/") || target == b"*" {
        return Ok(target);
    }
    let without_scheme = [b"http://".as_slice(), b"https://"]
        .iter()
        .find_map(|scheme| target.strip_prefix(*scheme))
        .ok_or_else(|| bad("the target is not a path"))?;
    let path = without_scheme.iter().position(|byte| *byte == b'/');
    Ok(path.and_then(|start| without_scheme.get(start..)).unwrap_or(b"/"))
}

fn header(line: &[u8]) -> Result<(String, String), Reply> {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    let name = parts.next().unwrap_or_default();
    let value = parts.next().ok_or_else(|| bad("a header line has no colon"))?;
    if !is_token(name) {
        return Err(bad("a header's name is not a token"));
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok((name, String::from_utf8_lossy(value.trim_ascii()).into_owned()))
}

/// RFC 9110's token: it also keeps folded header lines (they start with a space) out.
fn is_token(bytes: &[u8]) -> bool {
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(of_token)
}

/// The bytes as text; those that are not UTF-8 are percent-encoded, so that nothing of them is lost.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    text
}

pub(super) fn bad(why: &str) -> Reply {
    Reply::message(400, &format!("Bad Request: {why}"))
}
