//! Sends the sample as its senders would: several connections, exactly 200 expected, 503 and cut connections tried again.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Batch, Sample};
use crate::{
    http::{Connection, Request, Response},
    os,
    say::{self, Outcome},
};

/// Connections at a time; a provider opens many, a small machine serves few.
const CONNECTIONS: usize = 4;
/// How often one request is sent before the sender gives up (Adjust: "up to six times").
const TRIES: u32 = 6;

/// Where and as whom to send.
pub(crate) struct Door<'a> {
    /// `host:port` of the API.
    pub(crate) authority: &'a str,
    /// The ingest key.
    pub(crate) key: &'a str,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Callbacks answered 200.
    pub(crate) callbacks: usize,
    /// Batches answered 200.
    pub(crate) batches: usize,
    /// Items accepted, those of batches sent twice counted twice.
    pub(crate) accepted: usize,
    /// Items refused by index.
    pub(crate) rejected: usize,
    /// Requests sent again after a 503 or a cut connection.
    pub(crate) again: usize,
}

/// Sends everything; an answer other than the expected one ends it.
pub(crate) fn all(sample: &Sample, door: &Door<'_>) -> Outcome<Answers> {
    let again = AtomicUsize::new(0);
    let send = |connection: &mut Connection<'_>, request: &Request<'_>| patient(connection, request, &again);

    say::step(&format!("send {} Adjust callbacks", say::count(sample.callbacks.len())), || {
        spread(&sample.callbacks, door, |connection, query| {
            let target = format!("/v1/callbacks/adjust?key={}&{query}", door.key);
            let request = Request { method: "GET", target: &target, headers: &[], body: b"" };
            let response = send(connection, &request)?;
            if response.status == 200 { Ok(()) } else { Err(unexpected(&response, query)) }
        })
    })?;
    say::step(&format!("send {} batches of activities", sample.batches.len()), || {
        spread(&sample.batches, door, |connection, batch| post(batch, door.key, |request| send(connection, request)))
    })?;
    Ok(Answers {
        callbacks: sample.callbacks.len(),
        batches: sample.batches.len(),
        accepted: sample.batches.iter().map(|batch| batch.accepted).sum(),
        rejected: sample.batches.iter().map(|batch| batch.rejected.len()).sum(),
        again: again.into_inner(),
    })
}

fn post(batch: &Batch, key: &str, send: impl FnOnce(&Request<'_>) -> Outcome<Response>) -> Outcome<()> {
    let bearer = format!("Bearer {key}");
    let headers =
        [("Authorization", bearer.as_str()), ("Content-Type", batch.content_type), ("Content-Encoding", "gzip")];
    let headers = if batch.gzip { &headers[..] } else { &headers[..2] };
    let response = send(&Request { method: "POST", target: "/v1/activities", headers, body: &batch.body })?;
    let what = format!("a batch of {} items as {}", batch.accepted + batch.rejected.len(), batch.content_type);
    if response.status != 200 {
        return Err(unexpected(&response, &what));
    }
    let (accepted, rejected) = counted(&response).ok_or_else(|| unexpected(&response, &what))?;
    if (accepted, &rejected) == (batch.accepted, &batch.rejected) {
        return Ok(());
    }
    Err(format!(
        "{what}: expected {} accepted and the items {:?} refused, answered {accepted} accepted and {rejected:?} refused",
        batch.accepted, batch.rejected
    ))
}

/// `{"accepted":n,"rejected":[{"index":i,…}]}`
fn counted(response: &Response) -> Option<(usize, Vec<u64>)> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    let accepted = usize::try_from(body.get("accepted")?.as_u64()?).ok()?;
    let rejected = body.get("rejected")?.as_array()?;
    let indexes: Option<Vec<u64>> = rejected.iter().map(|one| one.get("index")?.as_u64()).collect();
    Some((accepted, indexes?))
}

/// The error that an unexpected answer is.
pub(crate) fn unexpected(response: &Response, what: &str) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("expected 200, answered {} {body} to {what}", response.status)
}

/// Does `work` for every item on several connections, in order of the list, until the first error.
pub(crate) fn spread<T: Sync>(
    items: &[T],
    door: &Door<'_>,
    work: impl Fn(&mut Connection<'_>, &T) -> Outcome<()> + Sync,
) -> Outcome<()> {
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    let worker = || {
        let mut connection = Connection::new(door.authority);
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(&mut connection, item) {
                next.store(items.len(), Ordering::Relaxed);
                if let Ok(mut slot) = first_error.lock() {
                    slot.get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(worker);
        }
    });
    first_error.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// Sends until the answer is not a 503 and the connection was not cut, with growing pauses.
pub(crate) fn patient(
    connection: &mut Connection<'_>,
    request: &Request<'_>,
    again: &AtomicUsize,
) -> Outcome<Response> {
    let mut pause = Duration::from_millis(200);
    for _ in 1..TRIES {
        match connection.send(request) {
            Ok(response) if response.status != 503 => return Ok(response),
            Ok(_) | Err(_) => {
                again.fetch_add(1, Ordering::Relaxed);
                os::pause(pause);
                pause *= 2;
            }
        }
    }
    connection.send(request)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
    };

    use super::*;

    /// A server that answers the requests of one connection each with the next of `answers`, then ends.
    fn server(answers: &'static [&'static str]) -> (String, thread::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let authority = listener.local_addr().expect("bound").to_string();
        let served = thread::spawn(move || {
            let mut answers = answers.iter();
            let mut served = 0;
            while let Some(mut answer) = answers.next() {
                let (stream, _) = listener.accept().expect("a connection");
                let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
                while lines.by_ref().map_while(Result::ok).find(String::is_empty).is_some() {
                    (&stream).write_all(answer.as_bytes()).expect("the client reads");
                    served += 1;
                    match answers.next() {
                        Some(next) => answer = next,
                        None => return served,
                    }
                }
            }
            served
        });
        (authority, served)
    }

    const GET: Request<'_> = Request { method: "GET", target: "/", headers: &[], body: b"" };
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn a_busy_server_is_asked_again() {
        let (authority, served) = server(&[BUSY, BUSY, OK]);
        let again = AtomicUsize::new(0);
        let response = patient(&mut Connection::new(&authority), &GET, &again).expect("an answer");
        assert_eq!((response.status, again.into_inner()), (200, 2));
        assert_eq!(served.join().expect("the server ends"), 3);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let (authority, served) = server(&[REFUSED]);
        let again = AtomicUsize::new(0);
        let response = patient(&mut Connection::new(&authority), &GET, &again).expect("an answer");
        assert_eq!((response.status, again.into_inner()), (401, 0));
        assert_eq!(served.join().expect("the server ends"), 1);
    }

    #[test]
    fn the_answer_to_a_batch_is_read_by_index() {
        let response = |body: &str| {
            let wire = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let (authority, _) = server(Box::leak(Box::new([&*wire.leak()])));
            Connection::new(&authority).send(&GET).expect("an answer")
        };
        let body = r#"{"accepted":3,"rejected":[{"index":1,"code":"bad_time","detail":"…"}]}"#;
        assert_eq!(counted(&response(body)), Some((3, vec![1])));
        assert_eq!(counted(&response(r#"{"accepted":3}"#)), None);
    }
}
