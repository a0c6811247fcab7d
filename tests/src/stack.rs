//! The running stack that tests talk to: its keys, its door, its API, its inbox, its files. What is not as it must be is a panic, which fails the test.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::wait::until;

/// How long a mail may take after the page has said that the file is ready.
const MAIL_LIMIT: Duration = Duration::from_mins(1);

/// What `.relay/stack.json` says.
pub struct Stack {
    facts: Value,
    agent: ureq::Agent,
}

/// A mail in the stack's inbox.
pub struct Mail {
    /// The plain text.
    pub text: String,
}

impl Stack {
    /// The stack that `RELAY_STACK` names. Without one the test cannot run, and says so past the harness's capture.
    #[must_use]
    pub fn running(case: &str) -> Option<Self> {
        let Some(path) = relay_lambda::process::env("RELAY_STACK") else {
            let said = writeln!(
                std::io::stderr(),
                "{case} is SKIPPED for want of a stack: set RELAY_STACK to the path of a running stack's .relay/stack.json"
            );
            said.expect("stderr can be written");
            return None;
        };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("RELAY_STACK={path}: {error}"));
        let facts = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} is not JSON: {error}"));
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        let agent = config.build().new_agent();
        Some(Self { facts, agent })
    }

    /// Sends a request; answers the status and the body, as JSON where it is.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        let request = http_request(method, &format!("{}{path}", self.get("api_url")));
        let request = request.header("authorization", format!("Bearer {}", self.get(key)));
        let sent = match body {
            None => self.agent.run(request.body(Vec::new()).expect("the request is well formed")),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string().into_bytes()).expect("the request is well formed"))
            }
        };
        read(sent.expect("the API answers"))
    }

    /// Sends bytes as they are to a path of the API.
    #[must_use]
    pub fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let mut request = http_request("POST", &format!("{}{path}", self.get("api_url")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(
            self.agent.run(request.body(body.to_vec()).expect("the request is well formed")).expect("the door answers"),
        )
    }

    /// Asks for the file of a kind and day range, waits for its mail, and downloads it by the mail's link. A second address makes it a request
    /// that nobody has sent: the same one within a minute would be the same export.
    #[must_use]
    pub fn export(&self, kind: &str, start_date: &str, end_date: &str) -> Vec<u8> {
        let email = self.get("email");
        let emails = [email.to_owned(), format!("{}.{email}", relay_lambda::process::trace_id())];
        let body = json!({"app_token": self.get("app_token"), "kind": kind, "start_date": start_date, "end_date": end_date, "email": emails});
        let (status, answer) = self.call("POST", "/v1/exports", "api_key", Some(&body));
        assert_eq!(status, 202, "{answer}");
        let export_id = answer["export_id"].as_str().expect("an export has an id").to_owned();
        let mail = self.mail_about(&export_id);
        self.download(mail.link(&export_id))
    }

    /// A fact by its name in the file.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("stack.json has no text `{name}`"))
    }

    /// A number by its name in the file.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.facts[name].as_u64().unwrap_or_else(|| panic!("stack.json has no number `{name}`"))
    }

    /// Sends installs of yesterday at the door; returns their event ids once every one is accepted.
    #[must_use]
    pub fn send_installs(&self, count: usize) -> Vec<String> {
        let run = relay_lambda::process::trace_id();
        let ids: Vec<String> = (0..count).map(|index| format!("browser-{run}-{index}")).collect();
        let yesterday = relay_lambda::process::now_ms() - 24 * 60 * 60 * 1000;
        let app = self.get("app_token");
        let install = |id| json!({ "kind": "install", "app_token": app, "created_at": yesterday, "event_id": id, "environment": "production" });
        let body: Value = ids.iter().map(install).collect();
        let answer = self
            .agent
            .post(format!("{}/v1/activities", self.get("api_url")))
            .header("authorization", format!("Bearer {}", self.get("ingest_key")))
            .content_type("application/json")
            .send(body.to_string());
        let mut answer = answer.expect("the door answers");
        let said = answer.body_mut().read_to_string().expect("the answer is text");
        assert_eq!(answer.status(), 200, "{said}");
        let said: Value = serde_json::from_str(&said).expect("the answer is JSON");
        assert_eq!(said["rejected"], json!([]));
        ids
    }

    /// The newest mail to the stack's address that speaks of an export.
    #[must_use]
    pub fn mail_about(&self, export_id: &str) -> Mail {
        let look = || {
            let inbox: Value =
                serde_json::from_slice(&self.download(self.get("inbox_url"))).expect("the inbox is JSON");
            let messages = inbox["messages"].as_array().expect("the inbox has messages");
            let mut mails = messages.iter().filter(|mail| mail["to"] == self.facts["email"]);
            let mail = mails.find(|mail| mail["text"].as_str().is_some_and(|text| text.contains(export_id)))?;
            let text = mail["text"].as_str()?.to_owned();
            Some(Mail { text })
        };
        until(MAIL_LIMIT, look).unwrap_or_else(|| panic!("no mail about export {export_id} within {MAIL_LIMIT:?}"))
    }

    /// A header of the answer at an address.
    #[must_use]
    pub fn header(&self, url: &str, name: &str) -> Option<String> {
        let answer = self.agent.get(url).call().expect("the address answers");
        Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
    }

    /// What lies at an address.
    #[must_use]
    pub fn download(&self, url: &str) -> Vec<u8> {
        let answer = self.agent.get(url).call();
        let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec();
        let body = body.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(&body));
        body
    }
}

fn http_request(method: &str, url: &str) -> ureq::http::request::Builder {
    ureq::http::Request::builder().method(method).uri(url)
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let text = answer.body_mut().read_to_string().expect("the answer is text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (answer.status().as_u16(), body)
}

impl Mail {
    /// The signed address of the export's file.
    #[must_use]
    pub fn link(&self, export_id: &str) -> &str {
        let mut words = self.text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
        let signed =
            |word: &&str| word.starts_with("http") && word.contains(export_id) && word.contains("X-Amz-Signature=");
        let found = words.find(signed);
        found.unwrap_or_else(|| panic!("the mail has no signed link:\n{}", self.text))
    }
}

/// The cells of one column of a file; every row must have as many cells as the header.
#[must_use]
pub fn column(csv: &[u8], name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().expect("the file has a header").clone();
    let place = header.iter().position(|cell| cell == name);
    let place = place.unwrap_or_else(|| panic!("no column `{name}` in {header:?}"));
    let rows = reader.records().map(|row| row.expect("each row parses"));
    rows.map(|row| row[place].to_owned()).collect()
}
