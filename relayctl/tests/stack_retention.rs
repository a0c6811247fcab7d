//! An owner's retention, lowered with relayctl, hides rows of the running stack at once; raised, it shows them again. Runs where `RELAY_STACK` names
//! a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use relay::activity::Kind;
use relay::port::{Record, Stream as _};
use relay::time::date_of_day;
use relay::{arbitrary, frame};
use relay_aws::kinesis::AwsStream;
use relay_lambda::process;
use serde_json::{Value, json};
use support::Stack;

const DAY_MS: i64 = 86_400_000;

/// The owner, and the key of whoever exports.
struct World {
    stack: Stack,
    key: String,
}

impl World {
    /// The body of a request for the day, that nobody has sent before.
    fn request(&self, day: i64) -> Value {
        let id = process::trace_id();
        let day = date_of_day(day);
        json!({"app_token": self.stack.app, "kind": "event", "start_date": day, "end_date": day, "email": format!("{id}@example.com")})
    }

    fn previewed(&self, day: i64) -> u64 {
        let mut request = self.request(day);
        request.as_object_mut().unwrap().remove("email");
        let (status, answer) = self.stack.ask("POST", "/v1/exports/preview", &self.key, &request.to_string());
        assert_eq!(status, 200, "{answer}");
        answer["previews"][0]["about_rows"].as_u64().unwrap()
    }

    /// The rows of a new export of the day.
    async fn exported(&self, day: i64) -> u64 {
        let export = self.stack.exported(&self.key, &self.request(day)).await;
        export.map_or(0, |export| export["rows"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn lowered_it_hides_rows_at_once_and_raised_it_shows_them_again() {
    let Some(stack) = Stack::of("retention").await else { return };
    let key = stack.key("api");
    let world = World { stack, key };
    let stack = &world.stack;
    let operated = |arguments: &[&str]| stack.json(&[&["--as", "kim@laptop"], arguments].concat());
    operated(&["domain", "add", &stack.owner, "example.com"]);
    let now = process::now_ms();
    let day = (now - 10 * DAY_MS).div_euclid(DAY_MS);
    // As ingest put them ten days ago; and one that was as late as that.
    let activities =
        [(1_u8, now - 9 * DAY_MS), (2, now - 9 * DAY_MS), (3, now - 9 * DAY_MS), (4, now)].map(|(n, received_at)| {
            let mut activity = arbitrary::one();
            activity.activity_id.0 = [n; 16];
            activity.kind = Kind::Event;
            activity.app_token = stack.app.clone().into();
            activity.created_at = day * DAY_MS + i64::from(n);
            activity.received_at = received_at;
            activity
        });
    let frames = frame::pack(90, &activities);
    let record = |data: &bytes::Bytes| Record { partition_key: stack.app.clone(), data: data.clone() };
    let records: Vec<Record> = frames.iter().map(|frame| record(&frame.data)).collect();
    assert!(AwsStream::new(&stack.aws, stack.get("stream")).put(&records).await.iter().all(Result::is_ok));

    assert_eq!((world.exported(day).await, world.previewed(day)), (4, 4));
    assert_eq!(operated(&["owner", "retention", &stack.owner, "7"])["retention_days"], 7);
    assert_eq!((world.previewed(day), world.exported(day).await), (1, 1));
    operated(&["owner", "retention", &stack.owner, "90"]);
    assert_eq!((world.previewed(day), world.exported(day).await), (4, 4));

    let records = stack.json(&["audit", &stack.owner, "--limit", "1000"]);
    let told: Vec<(&str, &str)> = records["records"].as_array().unwrap().iter().rev().map(told).collect();
    let operators: Vec<&str> =
        told.iter().filter(|(who, _)| *who == "operator kim@laptop").map(|(_, what)| *what).collect();
    let changes = ["domain.added", "retention.changed", "retention.changed"];
    assert_eq!(operators, changes);
    let asked = told.iter().filter(|(who, what)| who.starts_with("key ") && *what == "export.created");
    assert_eq!(asked.count(), 3);
}

fn told(record: &Value) -> (&str, &str) {
    (record["who"].as_str().unwrap(), record["action"].as_str().unwrap())
}
