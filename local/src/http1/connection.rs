//! One connection: bytes in, requests out, replies in, bytes out.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::body::{Framing, chunk_size};
use super::head::Head;
use super::message::{Reply, Request};
use super::serve::Limits;

/// A client gets so long to send the next piece of a request it has begun.
const PIECE: Duration = Duration::from_secs(30);
/// How long a client may go on sending a request that was refused.
const LINGER: Duration = Duration::from_secs(2);
/// The longest line of a chunked body: a size with extensions, or a trailer.
const LINE_MAX: usize = 8_192;

pub(super) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    read: BytesMut,
    limits: Limits,
}

/// Why no request came.
pub(super) enum End {
    /// The client is gone, too slow, or the network failed: nobody reads an answer.
    Gone,
    /// The request was refused; the connection ends after this answer.
    Refused(Reply),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, limits: Limits) -> Self {
        Self { stream, peer, read: BytesMut::with_capacity(8_192), limits }
    }

    /// Waits for the first byte of a request. `false` when the client closed the connection.
    pub(super) async fn wait(&mut self) -> bool {
        !self.read.is_empty() || matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }

    /// Reads one request, and whether the connection stays open after it.
    pub(super) async fn request(&mut self) -> Result<(Request, bool), End> {
        let head = Head::parse(&self.head().await?).map_err(End::Refused)?;
        let framing = Framing::of(&head).map_err(End::Refused)?;
        let expects = head.value("expect").unwrap_or_default();
        if expects.eq_ignore_ascii_case("100-continue") && self.announced_fits(&framing) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = match framing {
            Framing::Length(bytes) => self.sized(bytes).await?,
            Framing::Chunked => self.chunked().await?,
        };
        let keep = head.keeps_alive();
        let request = Request {
            method: head.method,
            path: head.path,
            query: head.query,
            headers: head.headers,
            body,
            peer: self.peer,
            head_bytes: head.counted_bytes,
        };
        Ok((request, keep))
    }

    fn announced_fits(&self, framing: &Framing) -> bool {
        !matches!(framing, Framing::Length(bytes) if *bytes > self.limits.body_bytes)
    }

    /// The head's bytes, its empty line taken away.
    async fn head(&mut self) -> Result<BytesMut, End> {
        loop {
            while self.read.starts_with(b"\r\n") {
                self.read.advance(2); // RFC 9112, 2.2: an empty line before a request is ignored
            }
            let end = head_end(&self.read);
            if end.map_or(self.read.len(), |(length, _)| length) > self.limits.head_bytes {
                return Err(End::Refused(Reply::message(431, "Request Header Fields Too Large")));
            }
            if let Some((length, blank)) = end {
                let head = self.read.split_to(length);
                self.read.advance(blank);
                return Ok(head);
            }
            self.more().await?;
        }
    }

    async fn sized(&mut self, bytes: usize) -> Result<Bytes, End> {
        self.check(bytes)?;
        while self.read.len() < bytes {
            self.more().await?;
        }
        Ok(self.read.split_to(bytes).freeze())
    }

    async fn chunked(&mut self) -> Result<Bytes, End> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = chunk_size(&line).map_err(End::Refused)?;
            if size == 0 {
                break;
            }
            self.check(body.len().saturating_add(size))?;
            body.extend_from_slice(&self.sized(size).await?);
            self.line().await?;
        }
        while !self.line().await?.is_empty() {} // trailers
        Ok(body.freeze())
    }

    async fn line(&mut self) -> Result<BytesMut, End> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let mut line = self.read.split_to(end + 1);
                let text = line.trim_ascii_end().len();
                line.truncate(text);
                return Ok(line);
            }
            if self.read.len() > LINE_MAX {
                return Err(End::Refused(Reply::message(400, "Bad Request: a chunk's line is too long")));
            }
            self.more().await?;
        }
    }

    fn check(&self, bytes: usize) -> Result<(), End> {
        if bytes > self.limits.body_bytes {
            return Err(End::Refused(Reply::message(413, "Request Entity Too Large")));
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), End> {
        match timeout(PIECE, self.stream.read_buf(&mut self.read)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(_) | Err(_) => Err(End::Gone),
        }
    }

    /// Writes a reply in one piece; `with_body` is false for HEAD.
    pub(super) async fn reply(&mut self, reply: &Reply, with_body: bool, keep: bool) -> io::Result<()> {
        let mut bytes = head_bytes(reply, keep).into_bytes();
        if with_body {
            bytes.extend_from_slice(&reply.body);
        }
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    /// Ends the connection.
    pub(super) async fn close(mut self) {
        self.stream.shutdown().await.ok();
    }

    /// Ends the connection in the middle of a request, so that the client still reads the answer: unread input would make the
    /// kernel reset it.
    pub(super) async fn close_early(mut self) {
        let drained = async {
            self.stream.shutdown().await?;
            let mut rest = vec![0; 16_384];
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        drop(timeout(LINGER, drained).await);
    }
}

/// Length of the head and of the empty line after it.
fn head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let crlf = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let lf = bytes.windows(2).position(|window| window == b"\n\n");
    match (crlf, lf) {
        (Some(crlf), Some(lf)) if lf < crlf => Some((lf, 2)),
        (Some(crlf), _) => Some((crlf, 4)),
        (None, lf) => lf.map(|lf| (lf, 2)),
    }
}

fn head_bytes(reply: &Reply, keep: bool) -> String {
    let mut head = format!("HTTP/1.1 {} \r\n", reply.status);
    for (name, value) in &reply.headers {
        let value = value.replace(['\r', '\n'], " ");
        head.extend([name.as_str(), ": ", &value, "\r\n"]);
    }
    let has_length = reply.headers.iter().any(|(name, _)| name == "content-length");
    if !has_length && !matches!(reply.status, 100..200 | 204 | 304) {
        head.extend(["content-length: ", &reply.body.len().to_string(), "\r\n"]);
    }
    head.push_str(if keep { "\r\n" } else { "connection: close\r\n\r\n" });
    head
}
