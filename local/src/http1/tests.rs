use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};

use super::*;

/// Answers with what it was asked; `/wait` only when it may.
struct Echo {
    waits: Notify,
    may: Semaphore,
}

impl Handler for Echo {
    async fn handle(&self, request: Request) -> Option<Reply> {
        if request.path == "/wait" {
            self.waits.notify_one();
            self.may.acquire().await.unwrap().forget();
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let Request { method, path, query, headers, .. } = request;
        Some(Reply::json(
            200,
            &json!({ "method": method, "path": path, "query": query, "headers": headers, "body": body }),
        ))
    }
}

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    echo: Arc<Echo>,
    task: tokio::task::JoinHandle<()>,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let echo = Arc::new(Echo { waits: Notify::new(), may: Semaphore::new(0) });
    let limits = Limits { head_bytes: 1_000, body_bytes: 100 };
    let task = tokio::spawn(serve(listener, limits, stopped, Arc::clone(&echo)));
    Server { address, stop, echo, task }
}

/// Sends bytes on a new connection and reads until the server closes it.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn asked(head: &[u8]) -> serde_json::Value {
    let server = server().await;
    let bytes = [head, b"\r\nHost: h\r\nConnection: close\r\n\r\n"].concat();
    let answer = exchange(server.address, &bytes).await;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn the_target_is_kept_byte_for_byte() {
    let answer = asked("GET /v1/a{b}|[c]^`\\<>\"?x={}|[]^<>\"`\\&bad=%zz%&name=한#frag HTTP/1.1".as_bytes()).await;
    assert_eq!(answer["path"], "/v1/a{b}|[c]^`\\<>\"");
    assert_eq!(answer["query"], "x={}|[]^<>\"`\\&bad=%zz%&name=한#frag");
}

#[tokio::test]
async fn bytes_that_are_not_text_are_percent_encoded() {
    let answer = asked(b"GET /\xff?a=\xb0\xa1&b=\xed\x95\x9c HTTP/1.1").await;
    assert_eq!(answer["path"], "/%FF");
    assert_eq!(answer["query"], "a=%B0%A1&b=한");
}

#[tokio::test]
async fn a_target_with_a_host_loses_it() {
    assert_eq!(asked(b"GET http://example.com/a?b HTTP/1.1").await["path"], "/a");
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let server = server().await;
    let requests = "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\nPOST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                    2;x=y\r\nde\r\n1\r\nf\r\n0\r\nTrailer: t\r\n\r\nGET /3 HTTP/1.0\r\n\r\n";
    let answer = exchange(server.address, requests.as_bytes()).await;
    for (path, body) in [("/1", "abc"), ("/2", "def"), ("/3", "")] {
        assert!(answer.contains(&format!("\"path\":\"{path}\"")), "{answer}");
        assert!(answer.contains(&format!("\"body\":\"{body}\"")), "{answer}");
    }
    assert_eq!(answer.matches("connection: close").count(), 1);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ok").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.contains("\"body\":\"ok\""), "{rest}");
}

#[tokio::test]
async fn head_gets_the_length_without_the_body() {
    let server = server().await;
    let answer = exchange(server.address, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(2_000));
    let cases: [(&str, &[u8]); 11] = [
        ("400", b"nonsense\r\n\r\n"),
        ("400", b"GET /a b HTTP/1.1\r\n\r\n"),
        ("400", b"GET / HTTP/2.0\r\n\r\n"),
        ("400", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        ("400", b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n"),
        ("400", b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ("400", b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n"),
        ("413", b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"),
        ("413", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"),
        ("431", long.as_bytes()),
    ];
    let server = server().await;
    for (status, bytes) in cases {
        let answer = exchange(server.address, bytes).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status} {answer}");
    }
}

#[tokio::test]
async fn stopping_finishes_what_has_begun_and_closes_what_has_not() {
    let server = server().await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET /before HTTP/1.1\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n").await.unwrap();
    server.echo.waits.notified().await;
    // The idle connection ends: the server has seen the signal while the other request runs.
    server.stop.send_replace(true);
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    server.echo.may.add_permits(1);
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("/wait") && !answer.contains("/next"), "{answer}");
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
