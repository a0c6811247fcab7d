//! The running stack that the tests talk to, beside the browser: its keys, its door, its inbox, its files.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::wait::until;

/// How long a mail may take after the page has said that the file is ready.
const MAIL_LIMIT: Duration = Duration::from_mins(1);

/// What `.relay/stack.json` says.
pub(crate) struct Stack {
    facts: Value,
    agent: ureq::Agent,
}

/// A mail in the stack's inbox.
pub(crate) struct Mail {
    /// The plain text.
    pub(crate) text: String,
}

impl Stack {
    /// The stack that `RELAY_STACK` names. Without one the test cannot run, and says so past the harness's capture.
    pub(crate) fn running(case: &str) -> Option<Self> {
        let Some(path) = relay_lambda::process::env("RELAY_STACK") else {
            let said = writeln!(
                std::io::stderr(),
                "browser::{case} is SKIPPED for want of a stack: set RELAY_STACK to the path of a running stack's .relay/stack.json"
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

    /// A fact by its name in the file.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("stack.json has no text `{name}`"))
    }

    /// Sends installs of yesterday at the door; returns their event ids once every one is accepted.
    pub(crate) fn send_installs(&self, count: usize) -> Vec<String> {
        let run = relay_lambda::process::trace_id();
        let ids: Vec<String> = (0..count).map(|index| format!("browser-{run}-{index}")).collect();
        let yesterday = relay_lambda::process::now_ms() - 24 * 60 * 60 * 1000;
        let install = |id| json!({ "kind": "install", "app_token": self.get("app_token"), "created_at": yesterday, "event_id": id });
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
    pub(crate) fn mail_about(&self, export_id: &str) -> Mail {
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
    pub(crate) fn header(&self, url: &str, name: &str) -> Option<String> {
        let answer = self.agent.get(url).call().expect("the address answers");
        Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
    }

    /// What lies at an address.
    pub(crate) fn download(&self, url: &str) -> Vec<u8> {
        let answer = self.agent.get(url).call();
        let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec();
        let body = body.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(&body));
        body
    }
}

impl Mail {
    /// The signed address of the export's file.
    pub(crate) fn link(&self, export_id: &str) -> &str {
        let mut words = self.text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
        let signed =
            |word: &&str| word.starts_with("http") && word.contains(export_id) && word.contains("X-Amz-Signature=");
        let found = words.find(signed);
        found.unwrap_or_else(|| panic!("the mail has no signed link:\n{}", self.text))
    }
}

/// The cells of one column of a file; every row must have as many cells as the header.
pub(crate) fn column(csv: &[u8], name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().expect("the file has a header").clone();
    let place = header.iter().position(|cell| cell == name);
    let place = place.unwrap_or_else(|| panic!("no column `{name}` in {header:?}"));
    let rows = reader.records().map(|row| row.expect("each row parses"));
    rows.map(|row| row[place].to_owned()).collect()
}
