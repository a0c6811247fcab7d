//! Two owners, what identifies persons, and how requests are made.

use std::time::Duration;

use local::fault_proxy::{Calls, Effect, Rule};
use relay_lambda::process::trace_id;
use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::Value;

use crate::secrets::Secrets;

/// How long anything may take.
pub(crate) const LONG: Duration = Duration::from_mins(2);

/// An owner's app, keys and secrets.
pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) app: String,
    pub(crate) ingest_key: String,
    pub(crate) api_key: String,
}

/// What identifies a person, in a callback and at a mailbox.
pub(crate) struct Person {
    pub(crate) adid: String,
    pub(crate) gps_adid: String,
    pub(crate) idfa: String,
    pub(crate) user: String,
    pub(crate) address: String,
    pub(crate) email: String,
    /// What a body says in words of its own.
    pub(crate) words: String,
}

pub(crate) struct World<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) secrets: Secrets,
    pub(crate) person: Person,
    /// Callbacks and batches from anywhere.
    pub(crate) open: Party,
    /// Its callbacks come from one network, its batches are signed.
    pub(crate) fenced: Party,
    pub(crate) signing_secret: String,
    agent: ureq::Agent,
}

impl<'a> World<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        let mut secrets = Secrets::default();
        let person = person(&mut secrets);
        let open = register(stage, &mut secrets, "open");
        let fenced = register(stage, &mut secrets, "fenced");
        drop(stage.relayctl(&["erase", "callbacks", "open", "on"]));
        drop(stage.relayctl(&["domain", "add", "open", "simulator.amazonses.com"]));
        let hook = stage.relayctl(&["webhook", "set", "open", "https://hooks.persons.example/relay"]);
        let secret = text(&hook, "secret");
        secrets.keep("a webhook's secret, decoded by hand", secret.trim_start_matches("whsec_"));
        let signing_secret =
            secrets.keep("a signing secret", text(&stage.relayctl(&["signing", "new", "fenced"]), "secret"));
        drop(stage.relayctl(&["signing", "require", "fenced"]));
        drop(stage.relayctl(&["source", "add", "fenced", "203.0.113.0/24", "--for", "callbacks"]));
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LONG));
        let agent = config.build().new_agent();
        Self { stage, secrets, person, open, fenced, signing_secret, agent }
    }

    /// Sends a request, and wants one of these statuses.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        wanted: &[u16],
    ) -> Value {
        let url = format!("{}{path}", self.stage.fact("api_url"));
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).expect("a request");
        let mut answer = self.agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = answer.status().as_u16();
        let said = answer.body_mut().read_to_string().unwrap_or_default();
        assert!(wanted.contains(&status), "{method} {path}: {status} {said}");
        serde_json::from_str(&said).unwrap_or(Value::String(said))
    }

    /// The same of JSON with the open owner's API key.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>, wanted: &[u16]) -> Value {
        let key = format!("Bearer {}", self.open.api_key);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(
            method,
            path,
            &[("authorization", &key), ("content-type", "application/json")],
            body.as_bytes(),
            wanted,
        )
    }

    /// The query of an install, without a key.
    pub(crate) fn install(&self, app: &str) -> String {
        let Person { adid, gps_adid, idfa, user, address, .. } = &self.person;
        let (now, nonce) = (relay_lambda::process::now_ms() / 1000, trace_id());
        format!(
            "activity_kind=install&app_token={app}&created_at={now}&adid={adid}&gps_adid={gps_adid}&idfa={idfa}\
             &user_id={user}&ip_address={address}&nonce={nonce}"
        )
    }

    /// Strikes these calls of a function, so often.
    pub(crate) fn strike(&self, rules: &[(&str, &[&str], Effect, usize)]) {
        let rule = |(function, operations, effect, most): &(&str, &[&str], Effect, usize)| Rule {
            calls: Calls::of(function, operations),
            effect: *effect,
            chance: 1000,
            most: *most,
        };
        self.stage.proxy.set_rules(1, rules.iter().map(rule).collect());
    }

    /// Waits until the rules have struck, each once at least, and takes them away.
    pub(crate) fn struck(&self) {
        let all = || self.stage.proxy.struck().iter().all(|times| *times > 0).then_some(());
        until(LONG, all).unwrap_or_else(|| panic!("not struck: {:?}", self.stage.proxy.struck()));
        self.stage.proxy.set_rules(1, Vec::new());
    }
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {value}")).to_owned()
}

fn person(secrets: &mut Secrets) -> Person {
    let run = trace_id();
    let part = |from: usize, to: usize| &run[from..to];
    let mut keep = |what: &str, text: String| secrets.keep(what, text);
    Person {
        adid: keep("a device id", run.clone()),
        gps_adid: keep("a device id", format!("{}-1111-4222-8333-{}", part(0, 8), part(8, 20))),
        idfa: keep("a device id", format!("{}-4444-4555-8666-{}", part(8, 16), part(16, 28)).to_uppercase()),
        user: keep("a user's id", format!("person-{}", part(20, 32))),
        address: keep("an address", "198.51.100.217".to_owned()),
        email: keep("a mail address", format!("kim.{}@persons.example", part(4, 12))),
        words: keep("words of a body", format!("words-of-a-body-{}", part(12, 24))),
    }
}

fn register(stage: &Stage, secrets: &mut Secrets, name: &'static str) -> Party {
    let app = format!("{name}-app");
    for verb in [&["owner", "add", name][..], &["app", "add", name, &app], &["domain", "add", name, "persons.example"]]
    {
        drop(stage.relayctl(verb));
    }
    let mut key =
        |role: &str| secrets.keep("a key", text(&stage.relayctl(&["key", "new", name, "--role", role]), "key"));
    Party { name, ingest_key: key("ingest"), api_key: key("api"), app }
}
