//! The deployed binary of ingest, under the local Lambda host and before the in-process stand-in for AWS: one instance, one request after the other, as
//! Lambda does it. What counts is the time of the function's process; on the wall the host and the stand-in take their time, too.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use local::host::{Function, Host, Outcome as Answer, Surroundings};
use relay::activity::{Kind, Value};
use relay::control::{Expect, Write};
use relay::owner::{App, KeyRecord, Owner, Role, new_secret};
use relay::port::ControlTable;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_lambda::process;
use serde_json::{Map, json};
use tokio::runtime::Runtime;

use crate::core_time::{Account, Cost, Effort, measure, rate};
use crate::endpoint::Endpoint;
use crate::generator::Generator;
use crate::{Outcome, runtime, say};

/// The function and the file name of its binary.
const INGEST: &str = "ingest";

/// Items of a batch.
const BATCH: usize = 100;

/// Different requests of each sort.
const REQUESTS: usize = 50;

const REGION: &str = "eu-west-1";

/// Measures single callbacks, then batches.
pub(super) fn run(effort: Effort) -> Outcome {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let stage = Stage::open(program.parent().unwrap_or(Path::new(".")))?;
    let singles = stage.measure(effort, &stage.singles())?;
    let batches = stage.measure(effort, &stage.batches()?)?;
    say_rate("ingest, callbacks", singles, 1);
    say_rate("ingest, batches of 100", batches, BATCH as u64);
    let each = batches.core.as_nanos() / BATCH as u128;
    say(&format!("of a core an activity in a batch takes 1/{} of a callback", singles.core.as_nanos() / each.max(1)));
    Ok(())
}

fn say_rate(what: &str, cost: Cost, activities: u64) {
    let requests = rate(1, cost.wall);
    let each = cost.core.as_nanos() / u128::from(activities) / 1_000;
    say(&format!(
        "{what:<34} {requests:>8} requests a second, {} activities; of a core {} µs a request, {each} µs an activity",
        requests * activities,
        cost.core.as_micros(),
    ));
}

/// The function, warm, and what is around it.
struct Stage {
    runtime: Runtime,
    host: Host,
    /// The function's process.
    pid: u32,
    secret: String,
    _endpoint: Endpoint,
    _logs: Logs,
}

impl Stage {
    /// Starts the binary that lies in this folder.
    fn open(binaries: &Path) -> Result<Self, String> {
        let program = binaries.join(INGEST);
        if !program.is_file() {
            return Err(format!("{} is missing: build package ingest, too", program.display()));
        }
        let (runtime, endpoint, logs) = (runtime()?, Endpoint::start()?, Logs::new()?);
        let secret = new_secret(Role::Ingest, [7; 32]);
        runtime.block_on(register(&endpoint, &secret))?;
        let around = Surroundings {
            binaries: binaries.to_owned(),
            logs: logs.0.clone(),
            endpoint_url: endpoint.url().to_owned(),
            region: REGION.to_owned(),
        };
        let host = Host::new(vec![function()], &around);
        let mut stage = Self { runtime, host, pid: 0, secret, _endpoint: endpoint, _logs: logs };
        let first = stage.singles().swap_remove(0);
        stage.runtime.block_on(stage.answer(first))?;
        stage.pid = child().ok_or("the function's process is not to be found")?;
        Ok(stage)
    }

    /// What one request takes.
    fn measure(&self, effort: Effort, requests: &[Bytes]) -> Result<Cost, String> {
        let turn = || self.runtime.block_on(self.answer_all(requests));
        let Cost { core, wall } = measure(effort, Account::Process(self.pid), turn)?;
        let requests = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        Ok(Cost { core: core / requests, wall: wall / requests })
    }

    async fn answer_all(&self, requests: &[Bytes]) -> Outcome {
        for request in requests {
            self.answer(request.clone()).await?;
        }
        Ok(())
    }

    /// One request, which must be acknowledged.
    async fn answer(&self, request: Bytes) -> Outcome {
        let answer = self.host.invoke(INGEST, request).await;
        let acknowledged = match &answer {
            Answer::Answer(body) => {
                let status = serde_json::from_slice(body).ok().and_then(|body: serde_json::Value| {
                    let rejected = body.get("body")?.as_str()?.contains(r#""code""#);
                    (!rejected).then(|| body.get("statusCode")?.as_u64())?
                });
                status == Some(200)
            }
            Answer::Failed(_) | Answer::Refused(..) => false,
        };
        if acknowledged { Ok(()) } else { Err(format!("a request was not acknowledged: {answer:?}")) }
    }

    /// Callbacks of the present moment, as API Gateway brings them.
    fn singles(&self) -> Vec<Bytes> {
        let (mut generator, now) = (Generator::new(1), process::now_ms() / 1000);
        let query = |_| format!("{}&key={}", generator.query(Kind::Event, now), self.secret);
        (0..REQUESTS).map(query).map(|query| event("GET", "/v1/callbacks/adjust", &query, "")).collect()
    }

    fn batches(&self) -> Result<Vec<Bytes>, String> {
        let (mut generator, now) = (Generator::new(1), process::now_ms());
        let query = format!("key={}", self.secret);
        let batch = |_| {
            let body = items(&mut generator, Kind::Event, now, BATCH)?;
            Ok(event("POST", "/v1/activities", &query, &body))
        };
        (0..REQUESTS).map(batch).collect()
    }
}

/// The body of an SDK's batch: the fields of callbacks, by their canonical names.
pub(super) fn items(generator: &mut Generator, kind: Kind, created_at: i64, count: usize) -> Result<String, String> {
    let item = |_| {
        let activity = generator.activity(kind, created_at, created_at)?;
        let mut item = Map::new();
        item.insert("kind".to_owned(), kind.name().into());
        item.insert("app_token".to_owned(), activity.app_token.as_ref().into());
        item.insert("created_at".to_owned(), activity.created_at.into());
        for (field, value) in activity.fields.iter() {
            let value = match value {
                Value::Text(text) => text.as_ref().into(),
                Value::Time(time) => (*time).into(),
            };
            item.insert(field.name().to_owned(), value);
        }
        let extra = activity.extra.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().into()));
        item.extend(extra);
        Ok(serde_json::Value::Object(item))
    };
    (0..count).map(item).collect::<Result<serde_json::Value, String>>().map(|items| items.to_string())
}

/// API Gateway's payload 2.0, with the headers of a usual client.
fn event(method: &str, path: &str, query: &str, body: &str) -> Bytes {
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {
            "accept": "*/*", "content-type": "application/json", "host": "api.example.com", "user-agent": "okhttp/4.12.0",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e", "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "requestId": "id", "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "okhttp/4.12.0"},
            "timeEpoch": 1,
        },
        "isBase64Encoded": false,
    });
    if let Some(event) = event.as_object_mut().filter(|_| !body.is_empty()) {
        event.insert("body".to_owned(), body.into());
    }
    Bytes::from(event.to_string())
}

/// The owner of the generator's app, with this key.
async fn register(endpoint: &Endpoint, secret: &str) -> Outcome {
    let owner = Owner {
        owner: "bench".to_owned(),
        mail_domains: BTreeSet::new(),
        event_tokens: BTreeSet::new(),
        retention_days: 90,
        access: relay::access::Access::default(),
        created_at: 0,
    };
    let record = KeyRecord::of(secret, &owner.owner, Role::Ingest, 0);
    let app = App { app_token: Generator::APP_TOKEN.to_owned(), owner: owner.owner.clone(), created_at: 0 };
    let writes = [
        Write::put(Owner::key(&owner.owner), &owner, Expect::Any),
        Write::put(KeyRecord::key(&record.sha256), &record, Expect::Any),
        Write::put(App::key(&app.app_token), &app, Expect::Any),
    ];
    let writes = writes.into_iter().collect::<Result<Vec<_>, _>>().map_err(|fault| fault.to_string())?;
    let table = AwsControl::new(&Aws::at(endpoint.url(), REGION).await, "control");
    table.commit(&writes).await.map_err(|error| error.to_string())
}

fn function() -> Function {
    let queue = "http://127.0.0.1:9/000000000000/spill";
    let environment = [("STREAM_NAME", "stream"), ("SPILL_QUEUE_URL", queue), ("CONTROL_TABLE", "control")];
    Function {
        logical_id: INGEST.to_owned(),
        name: INGEST.to_owned(),
        arn: format!("arn:aws:lambda:{REGION}:000000000000:function:{INGEST}"),
        role: "arn:aws:iam::000000000000:role/ingest".to_owned(),
        binary: INGEST.to_owned(),
        timeout_seconds: 25,
        memory_mib: 512,
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<HashMap<_, _>>(),
        async_retries: 0,
        async_destination: None,
        dead_letters: None,
    }
}

/// The process of the function that this one has started (proc(5), `/proc/{pid}/stat`: the second field is the name, the fourth the parent).
fn child() -> Option<u32> {
    let of_ingest = format!("({INGEST}) ");
    let parent = std::process::id().to_string();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.split_once(&of_ingest).map(|(_, rest)| rest).unwrap_or_default();
        rest.split(' ').nth(1) == Some(&parent)
    })
}

/// A folder for the function's log, for as long as it is needed.
struct Logs(PathBuf);

impl Logs {
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("relay-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    /// Cargo builds the binary before the tests of the whole workspace; it lies in the folder above theirs.
    #[test]
    fn callbacks_and_batches_are_acknowledged() {
        let tests = std::env::current_exe().unwrap();
        let binaries = tests.ancestors().nth(2).unwrap();
        if !binaries.join(INGEST).is_file() {
            say("SKIPPED: cargo build --package ingest makes the binary for this test");
            return;
        }
        let stage = Stage::open(binaries).unwrap();
        let singles = stage.measure(TINY, &stage.singles()[..2]).unwrap();
        let batches = stage.measure(TINY, &stage.batches().unwrap()[..2]).unwrap();
        assert!(singles.wall > std::time::Duration::ZERO && batches.wall > std::time::Duration::ZERO);
    }
}
