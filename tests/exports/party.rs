//! An owner, registered as an operator does it, and how it asks.

use std::time::Duration;

use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::Value;

/// How long the API may take to take a request.
const ASK: Duration = Duration::from_mins(1);

/// An owner with one app.
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) ingest_key: String,
    pub(crate) api_key: String,
}

impl Party {
    /// Registers it through relayctl.
    pub(crate) fn register(stage: &Stage, name: &str) -> Self {
        let app = format!("{name}-app");
        for verb in
            [&["owner", "add", name][..], &["app", "add", name, &app], &["domain", "add", name, "exports.example"]]
        {
            drop(stage.relayctl(verb));
        }
        let key = |role| {
            let made = stage.relayctl(&["key", "new", name, "--role", role]);
            made["key"].as_str().expect("a key was made").to_owned()
        };
        Self { name: name.to_owned(), app, ingest_key: key("ingest"), api_key: key("api") }
    }

    /// An address of its own for the nth export.
    pub(crate) fn email(&self, n: usize) -> String {
        format!("{}-{n}@exports.example", self.name)
    }

    /// Asks for an export until the API takes it; answers its id and its place in line.
    pub(crate) fn ask(&self, stage: &Stage, body: &Value) -> (String, Option<u64>) {
        let taken = until(ASK, || match stage.post("/v1/exports", &self.api_key, body) {
            Some((202, answer)) => Some(answer),
            None | Some((500 | 502 | 503 | 504, _)) => None,
            Some(other) => panic!("{}: {other:?}", self.name),
        });
        let answer = taken.expect("the API takes the export");
        (answer["export_id"].as_str().unwrap().to_owned(), answer["position"].as_u64())
    }

    /// An export as the API shows it.
    pub(crate) fn view(&self, stage: &Stage, id: &str) -> Value {
        let seen = until(ASK, || match stage.get_as(&format!("/v1/exports/{id}"), &self.api_key) {
            Some((200, view)) => Some(view),
            None | Some((500 | 502 | 503 | 504, _)) => None,
            Some(other) => panic!("{}: {other:?}", self.name),
        });
        seen.expect("the API shows the export")
    }
}

/// Does something with each of a list, four at a time; the answers in the list's order.
pub(crate) fn each<T: Sync, R: Send>(list: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let size = list.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> =
            list.chunks(size).map(|chunk| scope.spawn(move || chunk.iter().map(act).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread ends well")).collect()
    })
}
