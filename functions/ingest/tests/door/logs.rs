//! Nothing that is logged, counted or answered shows a key, a signing secret, an address, a device id or a body: for every answer the door gives.

use std::io;
use std::sync::{Arc, Mutex};

use relay::access::Access;
use relay::fault::FaultKind;
use relay::signature::{SIGNATURE_HEADER, SigningSecret};
use tracing_subscriber::filter::LevelFilter;

use super::*;

const CALLBACK: &str = "/v1/callbacks/adjust";
const INSTALL: &str = "activity_kind=install&app_token=app&created_at=1699999999&idfa=device-7";
const SECRET: &str = "relay_signing_1";
const ADDRESS: &str = "203.0.113.77";

/// What must not be seen: every key of these tests begins so, and a hash is half way to an item's key.
const PRIVATE: [&str; 5] = ["relay_ingest", "relay_api", "relay_signing", "device-7", ADDRESS];

/// What was logged so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Takes down what this thread logs, everything, until the guard is dropped.
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE);
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn with_header(name: &str, value: &str) -> Request {
    let mut request = request("GET", CALLBACK, INSTALL);
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

/// A key in each place where one may stand, good, wrong, of the wrong role, and where none is looked for.
fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for key in [INGEST_KEY, API_KEY, "relay_ingest_wrong", "%72elay_ingest_1", "relay_ingest_1%FF", "{relay_ingest_1"] {
        requests.push(request("GET", CALLBACK, &format!("{INSTALL}&key={key}")));
        requests.push(request("GET", CALLBACK, &format!("key={key}")));
        requests.push(request("GET", &format!("/v1/{key}"), ""));
        requests.push(request("GET", &format!("/v1/callbacks/{key}"), INSTALL));
        requests.push(request("DELETE", CALLBACK, &format!("key={key}")));
        requests.push(with_header("authorization", &format!("Bearer {key}")));
        requests.push(with_header("authorization", &format!("Basic {key}")));
        requests.push(with_header("authorization", key));
        requests.push(with_header("x-relay-key", key));
    }
    for app in ["nobodys", "others"] {
        requests.push(request(
            "GET",
            CALLBACK,
            &format!("key={INGEST_KEY}&{INSTALL}").replace("=app&", &format!("={app}&")),
        ));
    }
    requests.push(request("GET", CALLBACK, &format!("key={INGEST_KEY}&x={}", "device-7".repeat(20_000))));
    let bodies: [&[u8]; 4] =
        [b"[]", b"device-7", b"[\"device-7\"]", br#"[{"kind":"install","app_token":"app","idfa":"device-7"}]"#];
    for body in bodies {
        requests.push(with_body(request("POST", "/v1/activities", "key=relay_ingest_1"), "application/json", body));
        requests.push(with_body(request("POST", CALLBACK, "key=relay_ingest_1"), "application/json", body));
    }
    for header in ["relay_signing_1".to_owned(), SigningSecret::of("relay_signing_2", 0).sign(b"[]", NOW)] {
        let mut signed = with_body(request("POST", "/v1/activities", "key=relay_ingest_1"), "application/json", b"[]");
        signed.headers.push((SIGNATURE_HEADER.to_owned(), header));
        requests.push(signed);
    }
    requests.into_iter().map(|request| Request { source_ip: ADDRESS.to_owned(), ..request }).collect()
}

async fn door() -> Door {
    let door = Door::open().await;
    let (mut profile, _) = relay::tenancy::find::<Owner>(door.control(), Owner::key("demo")).await.unwrap().unwrap();
    profile.access = Access { signing_secrets: vec![SigningSecret::of(SECRET, 0)], ..Access::default() };
    door.put(Owner::key("demo"), &profile).await;
    door
}

#[tokio::test(start_paused = true)]
async fn no_answer_of_the_door_logs_or_tells_what_is_private() {
    let log = Log::default();
    let guard = log.start();
    let mut statuses = std::collections::BTreeSet::new();
    for trouble in ["none", "get", "put", "put and send"] {
        for request in requests() {
            let door = door().await;
            for call in ["get", "put", "send"].into_iter().filter(|call| trouble.contains(call)) {
                door.control().script.refuse(call, 9, FaultKind::Unavailable);
                door.stream().script.refuse(call, 9, FaultKind::Unavailable);
                door.spill().script.refuse(call, 9, FaultKind::Denied);
            }
            if !request.path.contains("elay_") {
                tracing::trace!(?request, "what a careless line would show");
            }
            let response = door.answer(&request).await;
            statuses.insert(response.status);
            let told = format!("{response:?} {:?}", door.app.counters().flush(NOW));
            // A provider that is none is told back to its sender; nothing else is.
            let mut private = PRIVATE.into_iter().filter(|private| !request.path.contains(private));
            assert_eq!(private.find(|private| told.contains(private)), None, "{request:?}: {told}");
        }
    }
    drop(guard);
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 400, 401, 404, 405, 413, 503]);
    let text = log.text();
    for line in [
        "a careless line",
        "refused",
        "not durable",
        "kept raw",
        "a request with a good key was refused",
        "the spill queue did",
    ] {
        assert!(text.contains(line), "the log was taken down: {line}");
    }
    for line in text.lines() {
        let hashes = [INGEST_KEY, API_KEY, SECRET, "relay_ingest_wrong"].map(owner::secret_hash);
        let private = PRIVATE.into_iter().chain(hashes.iter().map(String::as_str));
        assert_eq!(private.clone().find(|private| line.contains(private)), None, "{line}");
    }
}
