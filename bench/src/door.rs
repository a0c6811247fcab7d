//! The door, whoever wrote it: one instance, one request after the other. What counts is the time of the function's process; on the wall the host and the
//! stand-in for AWS take their time, too.

use std::collections::BTreeSet;

use bytes::Bytes;
use relay::control::{Expect, Write};
use relay::owner::{App, KeyRecord, Owner, Role, new_secret};
use relay::port::ControlTable;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_plan::generator::Generator;
use serde_json::Value;

use crate::candidate::Candidate;
use crate::core_time::{Account, Cost, Effort, measure};
use crate::endpoint::Endpoint;
use crate::stage::{REGION, Stage};
use crate::{Outcome, requests, runtime};

/// Our own.
pub(crate) const RELAY: Candidate = Candidate::built("Relay", "ingest");

/// Passes the text on and looks at nothing.
pub(crate) const FLOOR: Candidate = Candidate::built("bare hyper call", "examples/floor");

/// Answers a word.
pub(crate) const HELLO: Candidate = Candidate::built("hello world in Rust", "examples/hello-world");

/// AWS SDK v3.
pub(crate) const NODE: Candidate = Candidate::node("ingest.mjs");

/// boto3 and orjson.
pub(crate) const PYTHON: Candidate = Candidate::python("ingest.py");

/// A function at the door.
pub(crate) struct Door {
    /// What runs it.
    pub(crate) stage: Stage,
    /// The key of the generator's app.
    pub(crate) secret: String,
}

impl Door {
    /// Nothing runs yet.
    pub(crate) fn cold(candidate: Candidate, endpoint: Endpoint) -> Result<Self, String> {
        let secret = new_secret(Role::Ingest, [7; 32]);
        runtime()?.block_on(register(&endpoint, &secret))?;
        let queue = "http://127.0.0.1:9/000000000000/spill";
        let environment = [("STREAM_NAME", "stream"), ("SPILL_QUEUE_URL", queue), ("CONTROL_TABLE", "control")];
        Ok(Self { stage: Stage::open(candidate, endpoint, &environment)?, secret })
    }

    /// One request was answered.
    pub(crate) fn warm(candidate: Candidate) -> Result<Self, String> {
        let door = Self::cold(candidate, Endpoint::start()?)?;
        let first = requests::singles(&door.secret).swap_remove(0);
        door.stage.runtime.block_on(door.answer(first))?;
        Ok(door)
    }

    /// What one of these requests takes.
    pub(crate) fn measure(&self, effort: Effort, requests: &[Bytes]) -> Result<Cost, String> {
        let turn = || self.stage.runtime.block_on(self.answer_all(requests));
        let Cost { core, wall } = measure(effort, Account::Process(self.stage.process()?), turn)?;
        let requests = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        Ok(Cost { core: core / requests, wall: wall / requests })
    }

    /// Each of these, one after the other.
    pub(crate) async fn answer_all(&self, requests: &[Bytes]) -> Outcome {
        for request in requests {
            self.answer(request.clone()).await?;
        }
        Ok(())
    }

    /// One request, which must be acknowledged; the answer.
    pub(crate) async fn answer(&self, request: Bytes) -> Result<Value, String> {
        let answer = self.stage.call(request).await?;
        let rejected = answer.get("body").and_then(|body| body.as_str()).is_none_or(|body| body.contains(r#""code""#));
        let acknowledged = answer.get("statusCode").and_then(Value::as_u64) == Some(200);
        if acknowledged && !rejected { Ok(answer) } else { Err(format!("a request was not acknowledged: {answer}")) }
    }
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
