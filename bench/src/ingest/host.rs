//! The deployed binary of ingest, one request after the other. What counts is the time of the function's process; on the wall the host and the stand-in for
//! AWS take their time, too.

use std::collections::BTreeSet;

use bytes::Bytes;
use relay::activity::{Kind, Value};
use relay::control::{Expect, Write};
use relay::owner::{App, KeyRecord, Owner, Role, new_secret};
use relay::port::ControlTable;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_lambda::process;
use serde_json::{Map, json};

use crate::core_time::{Account, Cost, Effort, measure, rate};
use crate::endpoint::Endpoint;
use crate::stage::{self, REGION, Stage};
use crate::{Outcome, runtime, say};
use relay_plan::generator::Generator;

/// The file name of the function's binary.
const INGEST: &str = "ingest";

/// Items of a batch.
const BATCH: usize = 100;

/// Different requests of each sort.
const REQUESTS: usize = 50;

/// Measures single callbacks, then batches.
pub(super) fn run(effort: Effort) -> Outcome {
    let door = Door::open()?;
    let singles = door.measure(effort, &door.singles())?;
    let batches = door.measure(effort, &door.batches()?)?;
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

/// The function, warm.
struct Door {
    stage: Stage,
    /// The function's process.
    pid: u32,
    secret: String,
}

impl Door {
    fn open() -> Result<Self, String> {
        let endpoint = Endpoint::start()?;
        let secret = new_secret(Role::Ingest, [7; 32]);
        runtime()?.block_on(register(&endpoint, &secret))?;
        let queue = "http://127.0.0.1:9/000000000000/spill";
        let environment = [("STREAM_NAME", "stream"), ("SPILL_QUEUE_URL", queue), ("CONTROL_TABLE", "control")];
        let stage = Stage::open(&stage::binaries()?, INGEST, endpoint, &environment)?;
        let mut door = Self { stage, pid: 0, secret };
        let first = door.singles().swap_remove(0);
        door.stage.runtime.block_on(door.answer(first))?;
        door.pid = door.stage.process()?;
        Ok(door)
    }

    /// What one request takes.
    fn measure(&self, effort: Effort, requests: &[Bytes]) -> Result<Cost, String> {
        let turn = || self.stage.runtime.block_on(self.answer_all(requests));
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
        let answer = self.stage.call(request).await?;
        let rejected = answer.get("body").and_then(|body| body.as_str()).is_none_or(|body| body.contains(r#""code""#));
        let acknowledged = answer.get("statusCode").and_then(serde_json::Value::as_u64) == Some(200);
        if acknowledged && !rejected { Ok(()) } else { Err(format!("a request was not acknowledged: {answer}")) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    /// Cargo builds the binary before the tests of the whole workspace.
    #[test]
    fn callbacks_and_batches_are_acknowledged() {
        if !stage::binaries().unwrap().join(INGEST).is_file() {
            say("SKIPPED: cargo build --package ingest makes the binary for this test");
            return;
        }
        let door = Door::open().unwrap();
        let singles = door.measure(TINY, &door.singles()[..2]).unwrap();
        let batches = door.measure(TINY, &door.batches().unwrap()[..2]).unwrap();
        assert!(singles.wall > std::time::Duration::ZERO && batches.wall > std::time::Duration::ZERO);
    }
}
