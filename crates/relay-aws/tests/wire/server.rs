//! An HTTP server with scripted answers, one per connection, that keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relay_aws::config::Aws;
use serde_json::Value;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Answers JSON with this status.
    Json(u16, Value),
    /// Answers XML (or nothing) with this status and further header lines.
    Xml(u16, &'static str),
    /// Answers nothing but this status and these header lines.
    Head(u16, &'static str),
    /// Answers this XML with status 200, but not before so much time has passed.
    Late(Duration, &'static str),
    /// Closes the connection instead of answering.
    Cut,
    /// Never answers.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and target, `PUT /bucket/key?x`.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The call of a JSON protocol, `DynamoDB_20120810.GetItem` → `GetItem`.
    pub(crate) fn call(&self) -> &str {
        self.header("x-amz-target").rsplit('.').next().unwrap()
    }
}

/// The service on the other end.
pub(crate) struct Service {
    pub(crate) aws: Aws,
    /// Where it listens, `http://127.0.0.1:port`.
    pub(crate) endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    /// Answers in this order; more requests than answers find the connection closed.
    pub(crate) async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<Answer> = answers.into_iter().collect();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || serve(&listener, answers, &seen));
        Self { aws: Aws::at(&endpoint, "eu-west-1").await, endpoint, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].clone()
    }
}

fn serve(listener: &TcpListener, answers: Vec<Answer>, seen: &Mutex<Vec<Request>>) {
    for answer in answers {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let Some(request) = read(&mut reader) else { return };
        seen.lock().unwrap().push(request);
        // A client that has given up waiting does not mind what becomes of the answer.
        drop(answer_with(reader.get_mut(), &answer));
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn answer_with(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let (status, headers, body) = match answer {
        Answer::Json(status, body) => (status, "content-type: application/x-amz-json-1.1\r\n", body.to_string()),
        Answer::Xml(status, body) => (status, "content-type: application/xml\r\n", (*body).to_owned()),
        Answer::Late(time, body) => {
            #[expect(clippy::disallowed_methods, reason = "the server's thread has nothing else to do")]
            std::thread::sleep(*time);
            (&200, "content-type: application/xml\r\n", (*body).to_owned())
        }
        Answer::Head(status, headers) => {
            return write!(stream, "HTTP/1.1 {status} X\r\n{headers}connection: close\r\n\r\n");
        }
        Answer::Cut => return Ok(()),
        // Until the client hangs up.
        Answer::Silence => return stream.read(&mut [0; 1]).map(|_| ()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}
