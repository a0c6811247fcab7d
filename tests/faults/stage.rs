//! A stack of its own, new for each run, whose functions reach the emulator through the fault proxy.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::fault_proxy::FaultProxy;
use relay::quarantine;
use relay_tests::wait::until;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::size::Size;

/// How long the stack may take to start or to stop.
const LIMIT: Duration = Duration::from_mins(3);

/// The running stack.
pub(crate) struct Stage {
    facts: Value,
    agent: ureq::Agent,
    child: Child,
    /// Between its functions and the emulator.
    pub(crate) proxy: FaultProxy,
    /// The proxy runs on it.
    _runtime: Runtime,
}

impl Stage {
    /// Starts everything.
    pub(crate) fn start(size: &Size) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = root.join(".relay/faults");
        if folder.exists() {
            stop_leftover(&folder);
            std::fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
        }
        std::fs::create_dir_all(&folder).expect("a folder for the run");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let port = free_port();
        let proxy = runtime.block_on(FaultProxy::start(&format!("http://127.0.0.1:{port}"))).unwrap();
        let log = std::fs::File::create(folder.join("relay-local.log")).unwrap();
        let mut command = Command::new(size.programs.join("relay-local"));
        command.arg("--root").arg(root).arg("--state-dir").arg(&folder).arg("--bin-dir").arg(&size.programs);
        command.arg("--python").arg(&size.python).args(["--emulator-port", &port.to_string()]);
        command.args(["--functions-endpoint", proxy.url(), "--parameter", "MaxConcurrentExports=4"]);
        command.args(["--parameter", "BatchWindowSeconds=0"]);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        let agent = config.build().new_agent();
        let mut stage = Self { facts: Value::Null, agent, child, proxy, _runtime: runtime };
        stage.facts = stage.ready(&folder.join("ready.json"));
        stage
    }

    fn ready(&mut self, path: &PathBuf) -> Value {
        let facts = until(LIMIT, || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("relay-local ended with {status}; see {}", path.with_file_name("relay-local.log").display());
            }
            serde_json::from_slice(&std::fs::read(path).ok()?).ok()
        });
        facts.expect("the stack starts")
    }

    /// A text of `ready.json`.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("ready.json has no text `{name}`"))
    }

    /// The process whose children the functions are.
    pub(crate) fn host(&self) -> u64 {
        u64::from(self.child.id())
    }

    /// Asks the API; `None` when no answer comes.
    pub(crate) fn get(&self, target: &str) -> Option<(u16, Value)> {
        read(self.agent.get(format!("{}{target}", self.fact("api_url"))).call())
    }

    /// Posts to the API; `None` when no answer comes.
    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.agent.post(format!("{}{path}", self.fact("api_url")));
        let request = request.header("authorization", format!("Bearer {key}")).content_type("application/json");
        read(request.send(body.to_string()))
    }

    /// The mails so far: recipient and text.
    pub(crate) fn mails(&self) -> Vec<(String, String)> {
        let inbox: Value = serde_json::from_slice(&self.download(self.fact("inbox_url"))).unwrap();
        let text = |mail: &Value, name: &str| mail[name].as_str().unwrap_or_default().to_owned();
        inbox["messages"].as_array().unwrap().iter().map(|mail| (text(mail, "to"), text(mail, "text"))).collect()
    }

    /// What lies at an address.
    pub(crate) fn download(&self, url: &str) -> Vec<u8> {
        let mut answer = self.agent.get(url).call().unwrap_or_else(|error| panic!("{url}: {error}"));
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// Calls the emulator itself, past the proxy.
    pub(crate) fn aws(&self, service: &str, operation: &str, input: &Value) -> Value {
        let request = self.agent.post(self.fact("emulator_url")).header("x-amz-target", operation);
        let request = request.header("authorization", signature(service)).content_type("application/x-amz-json-1.0");
        let (status, answer) = read(request.send(input.to_string())).expect("the emulator answers");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Every entry of an owner's quarantine.
    pub(crate) fn quarantined(&self, owner: &str) -> Vec<quarantine::Entry> {
        let bucket = format!("{}/{}", self.fact("emulator_url"), self.fact("quarantine_bucket"));
        let listing = self.object(&format!("{bucket}?list-type=2&prefix=quarantine/{owner}/"));
        let listing = String::from_utf8(listing).unwrap();
        assert!(listing.contains("<IsTruncated>false</IsTruncated>"), "more objects than a listing holds: {listing}");
        let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.flat_map(|key| quarantine::read(&self.object(&format!("{bucket}/{key}"))).unwrap()).collect()
    }

    fn object(&self, url: &str) -> Vec<u8> {
        let mut answer = self.agent.get(url).header("authorization", signature("s3")).call().unwrap();
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(&body));
        body
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // In order, so that no process stays behind.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        if until(LIMIT, || self.child.try_wait().ok().flatten()).is_none() {
            drop(self.child.kill());
        }
    }
}

/// A run that was killed leaves its stack behind.
fn stop_leftover(folder: &Path) {
    let facts: Option<Value> =
        std::fs::read(folder.join("ready.json")).ok().and_then(|f| serde_json::from_slice(&f).ok());
    let Some(pid) = facts.and_then(|facts| facts["pid"].as_u64()) else { return };
    let runs = || {
        let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command_line).contains(&*folder.to_string_lossy())
    };
    if runs() {
        drop(Command::new("kill").arg(pid.to_string()).status());
        until(LIMIT, || (!runs()).then_some(())).expect("the stack of a killed run stops");
    }
}

/// Free when it was looked at.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The emulator reads key, region and service, and believes the rest.
fn signature(service: &str) -> String {
    let scope = format!("test/20260101/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<(u16, Value)> {
    let mut answer = answer.ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some((answer.status().as_u16(), body))
}
