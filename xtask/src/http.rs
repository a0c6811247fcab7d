//! A tiny HTTP/1.1 client over one keep-alive connection.
//!
//! Proper clients refuse to send a URL with raw `{}|[]^<>`; providers send such URLs, so the sample must as well.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::say::Outcome;

/// How long an answer may take. API Gateway gives up after 30 s, so a longer wait would see nothing a provider sees.
const TIMEOUT: Duration = Duration::from_secs(35);
/// The longest body that is read, bytes; answers at the door are tiny.
const LONGEST_BODY: usize = 1 << 20;

/// A request; `target` goes on the wire as it is.
pub(crate) struct Request<'a> {
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// Path and query, unchanged.
    pub(crate) target: &'a str,
    /// Names and values of further headers.
    pub(crate) headers: &'a [(&'static str, &'a str)],
    /// The body; empty for GET.
    pub(crate) body: &'a [u8],
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Whether the server closes the connection after this answer.
    closes: bool,
}

/// A connection that is opened when needed and opened again after an error.
pub(crate) struct Connection<'a> {
    /// `host:port`.
    authority: &'a str,
    stream: Option<BufReader<TcpStream>>,
}

impl<'a> Connection<'a> {
    /// A connection to `authority` (`host:port`), not yet opened.
    pub(crate) const fn new(authority: &'a str) -> Self {
        Self { authority, stream: None }
    }

    /// Sends one request and reads its answer.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> Outcome<Response> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.authority)?,
        };
        let failed = |error: std::io::Error| format!("{} {}: {error}", request.method, self.authority);
        stream.get_mut().write_all(&self.bytes(request)).map_err(failed)?;
        let response = read(&mut stream).map_err(failed)?;
        if !response.closes {
            self.stream = Some(stream);
        }
        Ok(response)
    }

    fn bytes(&self, request: &Request<'_>) -> Vec<u8> {
        let mut head =
            vec![format!("{} {} HTTP/1.1", request.method, request.target), format!("Host: {}", self.authority)];
        head.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if request.method == "POST" {
            head.push(format!("Content-Length: {}", request.body.len()));
        }
        let mut bytes = (head.join("\r\n") + "\r\n\r\n").into_bytes();
        bytes.extend_from_slice(request.body);
        bytes
    }
}

fn open(authority: &str) -> Outcome<BufReader<TcpStream>> {
    let opened = TcpStream::connect(authority).and_then(|stream| {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    });
    opened.map_err(|error| format!("cannot connect to {authority}: {error}"))
}

fn read(stream: &mut impl BufRead) -> std::io::Result<Response> {
    let status_line = line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| malformed(format!("not an HTTP status line: {status_line:?}")))?;
    let (mut length, mut closes) = (None, false);
    loop {
        let header = line(stream)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok(),
            "connection" => closes = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let length = length.filter(|length| *length <= LONGEST_BODY);
    let length =
        length.ok_or_else(|| malformed(format!("no content-length up to {LONGEST_BODY} in a {status} answer")))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Response { status, body, closes })
}

fn line(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut text = String::new();
    stream.take(16 * 1024).read_line(&mut text)?;
    if text.is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the server closed the connection"));
    }
    Ok(text.trim_end().to_owned())
}

fn malformed(what: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_answers_one_after_the_other() {
        let mut wire: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 503 Busy\r\ncontent-length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(read(&mut wire).expect("first"), Response { status: 200, body: b"ok".to_vec(), closes: false });
        assert_eq!(read(&mut wire).expect("second"), Response { status: 503, body: Vec::new(), closes: true });
        assert_eq!(read(&mut wire).expect_err("end").kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn refuses_what_is_no_answer() {
        for wire in ["hello\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n"] {
            assert_eq!(read(&mut wire.as_bytes()).expect_err(wire).kind(), std::io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn sends_the_target_unchanged() {
        let request = Request { method: "GET", target: "/a?b={c}|[d]^<e>%zz", headers: &[("X-A", "b")], body: b"" };
        let bytes = Connection::new("127.0.0.1:1").bytes(&request);
        let text = "GET /a?b={c}|[d]^<e>%zz HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-A: b\r\n\r\n";
        assert_eq!(String::from_utf8(bytes).expect("ascii"), text);
    }
}
