//! A stack of its own, new for each run, whose functions reach the emulator through the fault proxy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::fault_proxy::FaultProxy;
use relay::quarantine;
use relay_lambda::process::env;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::wait::until;

/// How long the stack may take to start or to stop.
const LIMIT: Duration = Duration::from_mins(3);

/// Where the programs of a stack are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Their folder.
    folder: PathBuf,
    /// The Python that has the emulator.
    python: PathBuf,
}

impl Programs {
    /// Programs in this folder, and this Python.
    #[must_use]
    pub fn new(folder: PathBuf, python: PathBuf) -> Self {
        Self { folder, python }
    }

    /// What `{prefix}_PROGRAMS` and `{prefix}_PYTHON` say; `None` where nothing does.
    #[must_use]
    pub fn from_env(prefix: &str) -> Option<Self> {
        let folder = PathBuf::from(env(&format!("{prefix}_PROGRAMS"))?);
        let python = PathBuf::from(env(&format!("{prefix}_PYTHON")).expect("the Python is set beside the programs"));
        Some(Self { folder, python })
    }
}

/// The running stack.
pub struct Stage {
    folder: PathBuf,
    programs: PathBuf,
    facts: Value,
    agent: ureq::Agent,
    child: Child,
    /// Between its functions and the emulator.
    pub proxy: FaultProxy,
    /// The proxy runs on it.
    _runtime: Runtime,
}

impl Stage {
    /// Starts everything, in a folder of this name under `.relay`, with these parameters of the template.
    #[must_use]
    pub fn start(programs: &Programs, name: &str, parameters: &[&str]) -> Self {
        let folder = programs.folder.to_string_lossy();
        Self::start_with(programs, name, parameters, &["--bin-dir", &folder])
    }

    /// The same with further arguments of relay-local; the folder of the functions is one.
    #[must_use]
    pub fn start_with(programs: &Programs, name: &str, parameters: &[&str], arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the checkout");
        let folder = root.join(".relay").join(name);
        if folder.exists() {
            stop_leftover(&folder);
            std::fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
        }
        std::fs::create_dir_all(&folder).expect("a folder for the run");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("as it must be");
        let port = free_port();
        let proxy = runtime.block_on(FaultProxy::start(&format!("http://127.0.0.1:{port}"))).expect("as it must be");
        let log = std::fs::File::create(folder.join("relay-local.log")).expect("as it must be");
        let mut command = Command::new(programs.folder.join("relay-local"));
        command.arg("--root").arg(root).arg("--state-dir").arg(&folder).args(arguments);
        command.arg("--python").arg(&programs.python).args(["--emulator-port", &port.to_string()]);
        command.args(["--functions-endpoint", proxy.url()]);
        command.args(parameters.iter().flat_map(|parameter| ["--parameter", parameter]));
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("as it must be"))
            .stderr(log)
            .spawn()
            .expect("as it must be");
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        let agent = config.build().new_agent();
        let programs = programs.folder.clone();
        let mut stage = Self { folder, programs, facts: Value::Null, agent, child, proxy, _runtime: runtime };
        stage.facts = stage.ready(&stage.folder.join("ready.json"));
        // The operator's tool finds a local stack by this file, in its folder or above.
        let for_tool = stage.folder.join(".relay");
        std::fs::create_dir_all(&for_tool).expect("a folder for the tool");
        std::fs::write(for_tool.join("stack.json"), stage.facts.to_string()).expect("a file for the tool");
        stage
    }

    fn ready(&mut self, path: &Path) -> Value {
        let facts = until(LIMIT, || {
            if let Some(status) = self.child.try_wait().expect("as it must be") {
                panic!("relay-local ended with {status}; see {}", path.with_file_name("relay-local.log").display());
            }
            serde_json::from_slice(&std::fs::read(path).ok()?).ok()
        });
        facts.expect("the stack starts")
    }

    /// A text of `ready.json`.
    #[must_use]
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("ready.json has no text `{name}`"))
    }

    /// The physical id of a resource of the template.
    #[must_use]
    pub fn resource(&self, logical_id: &str) -> &str {
        self.facts["resources"][logical_id].as_str().unwrap_or_else(|| panic!("no resource {logical_id}"))
    }

    /// Its state and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process whose children the functions are.
    #[must_use]
    pub fn host(&self) -> u64 {
        u64::from(self.child.id())
    }

    /// Asks the API; `None` when no answer comes.
    #[must_use]
    pub fn get(&self, target: &str) -> Option<(u16, Value)> {
        read(self.agent.get(format!("{}{target}", self.fact("api_url"))).call())
    }

    /// Asks the API with a key; `None` when no answer comes.
    #[must_use]
    pub fn get_as(&self, target: &str, key: &str) -> Option<(u16, Value)> {
        let request = self.agent.get(format!("{}{target}", self.fact("api_url")));
        read(request.header("authorization", format!("Bearer {key}")).call())
    }

    /// Posts to the API; `None` when no answer comes.
    #[must_use]
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.agent.post(format!("{}{path}", self.fact("api_url")));
        let request = request.header("authorization", format!("Bearer {key}")).content_type("application/json");
        read(request.send(body.to_string()))
    }

    /// The mails so far: recipient and text.
    #[must_use]
    pub fn mails(&self) -> Vec<(String, String)> {
        let inbox: Value = serde_json::from_slice(&self.download(self.fact("inbox_url"))).expect("as it must be");
        let text = |mail: &Value, name: &str| mail[name].as_str().unwrap_or_default().to_owned();
        inbox["messages"]
            .as_array()
            .expect("as it must be")
            .iter()
            .map(|mail| (text(mail, "to"), text(mail, "text")))
            .collect()
    }

    /// What lies at an address.
    #[must_use]
    pub fn download(&self, url: &str) -> Vec<u8> {
        let mut answer = self.agent.get(url).call().unwrap_or_else(|error| panic!("{url}: {error}"));
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().expect("as it must be");
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// Calls the emulator itself, past the proxy.
    #[must_use]
    pub fn aws(&self, service: &str, operation: &str, input: &Value) -> Value {
        let request = self.agent.post(self.fact("emulator_url")).header("x-amz-target", operation);
        let request = request.header("authorization", signature(service)).content_type("application/x-amz-json-1.0");
        let (status, answer) = read(request.send(input.to_string())).expect("the emulator answers");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Runs one verb of the operator's tool against this stack; of a replay, which says a document for each step, the last one.
    #[must_use]
    pub fn relayctl(&self, arguments: &[&str]) -> Value {
        self.relayctl_ends(arguments, &[0])
    }

    /// What `relayctl doctor` finds of this stack: something wrong is an exit code of 3.
    #[must_use]
    pub fn doctor(&self) -> Value {
        self.relayctl_ends(&["doctor"], &[0, 3])
    }

    fn relayctl_ends(&self, arguments: &[&str], codes: &[i32]) -> Value {
        let mut command = Command::new(self.programs.join("relayctl"));
        let output = command.args(["--local", "--json"]).args(arguments).current_dir(&self.folder).output();
        let output = output.expect("relayctl can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "relayctl {arguments:?}: {said}");
        let documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
        documents.last().expect("relayctl answers").expect("relayctl answers JSON")
    }

    /// Runs a function as AWS would, with this event.
    #[must_use]
    pub fn invoke(&self, function: &str, event: &Value) -> Option<(u16, Value)> {
        read(self.agent.post(format!("{}/{function}", self.fact("host_url"))).send(event.to_string()))
    }

    /// Every item of a partition of table `control`: its sort key and its document, as DynamoDB shows it.
    #[must_use]
    pub fn control(&self, partition: &str) -> Vec<(String, Value)> {
        let query = json!({
            "TableName": self.fact("control_table"), "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": partition } },
        });
        let answer = self.aws("dynamodb", "DynamoDB_20120810.Query", &query);
        assert!(answer["LastEvaluatedKey"].is_null(), "{partition} holds more than one answer does");
        let item = |item: &Value| (item["sk"]["S"].as_str().unwrap_or_default().to_owned(), item["doc"]["M"].clone());
        answer["Items"].as_array().expect("an answer has items").iter().map(item).collect()
    }

    /// The objects of the export bucket under a prefix, by key.
    #[must_use]
    pub fn exported(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let bucket = format!("{}/{}", self.fact("emulator_url"), self.fact("export_bucket"));
        let keys = self.keys(&format!("{bucket}?list-type=2&prefix={prefix}"));
        keys.into_iter().map(|key| (key.clone(), self.object(&format!("{bucket}/{key}")))).collect()
    }

    /// Puts an object into the export bucket, and begins an upload of the same key.
    pub fn put_export(&self, key: &str, body: &[u8]) {
        let url = format!("{}/{}/{key}", self.fact("emulator_url"), self.fact("export_bucket"));
        let put = self.agent.put(&url).header("authorization", signature("s3")).send(body);
        let begin = self.agent.post(format!("{url}?uploads")).header("authorization", signature("s3")).send_empty();
        for answer in [put, begin] {
            let (status, said) = read(answer).expect("the emulator answers");
            assert_eq!(status, 200, "{url}: {said}");
        }
    }

    /// The keys of the uploads that are open in the export bucket.
    #[must_use]
    pub fn uploads(&self) -> Vec<String> {
        self.keys(&format!("{}/{}?uploads", self.fact("emulator_url"), self.fact("export_bucket")))
    }

    fn keys(&self, url: &str) -> Vec<String> {
        let listing = String::from_utf8(self.object(url)).expect("a listing is text");
        assert!(listing.contains("<IsTruncated>false</IsTruncated>"), "more than a listing holds: {listing}");
        let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// Every entry of an owner's quarantine.
    #[must_use]
    pub fn quarantined(&self, owner: &str) -> Vec<quarantine::Entry> {
        let bucket = format!("{}/{}", self.fact("emulator_url"), self.fact("quarantine_bucket"));
        let keys = self.keys(&format!("{bucket}?list-type=2&prefix=quarantine/{owner}/"));
        let entries = |key: String| quarantine::read(&self.object(&format!("{bucket}/{key}")));
        keys.into_iter().flat_map(|key| entries(key).expect("an entry of ours")).collect()
    }

    fn object(&self, url: &str) -> Vec<u8> {
        let mut answer = self.agent.get(url).header("authorization", signature("s3")).call().expect("as it must be");
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().expect("as it must be");
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
    std::net::TcpListener::bind("127.0.0.1:0").expect("as it must be").local_addr().expect("as it must be").port()
}

/// The emulator reads key, region and service, and believes the rest.
pub(crate) fn signature(service: &str) -> String {
    let scope = format!("test/20260101/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<(u16, Value)> {
    let mut answer = answer.ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some((answer.status().as_u16(), body))
}
