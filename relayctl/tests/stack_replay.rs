//! Replay by the program itself, against the whole local stack: what came over HTTP before its app was registered becomes a row, once; what the stream's
//! mapping gave up comes back. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use relay::activity::{Activity, Kind};
use relay::port::{Objects as _, Record, Stream as _};
use relay::reader::{Reader, Selection};
use relay::{arbitrary, frame, page};
use relay_aws::dynamodb::AwsPages;
use relay_aws::kinesis::AwsStream;
use relay_aws::s3::AwsObjects;
use relay_lambda::process;
use serde_json::{Value, json};
use support::Stack;

impl Stack {
    /// Sends an event as Adjust does; answers the body.
    fn callback(&self, key: &str, app_token: &str, nonce: &str) -> Value {
        let created_at = process::now_ms() / 1000;
        let path = format!(
            "/v1/callbacks/adjust?key={key}&app_token={app_token}&activity_kind=event&event=e1&created_at={created_at}&nonce={nonce}"
        );
        let (status, answer) = self.ask("GET", &path, "", "");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The app's rows of a kind, as an export would read them.
    async fn rows(&self, app_token: &str, kind: Kind) -> Vec<Activity<'static>> {
        let control = self.control();
        let now = process::now_ms();
        let selection = Selection {
            app_token: app_token.to_owned(),
            kind,
            from: now - 2 * 24 * 3600 * 1000,
            to: now + 24 * 3600 * 1000,
            as_of: now,
            kept_since: 0,
            received_since: 0,
            after: None,
            shards: page::largest_shards(&control).await.unwrap(),
            erased: relay::erase::Erased::none(),
        };
        let pages = AwsPages::new(&self.aws, self.get("pages_table"));
        let mut reader = Reader::new(&pages, selection);
        let mut rows = Vec::new();
        while let Some(minute) = reader.next().await.unwrap() {
            for row in minute.iter() {
                let mut datum = Vec::new();
                relay::avro::encode(&row.unwrap(), &mut datum);
                rows.push(relay::avro::decode(datum.leak()).unwrap());
            }
        }
        rows
    }
}

#[tokio::test]
async fn a_callback_of_an_unregistered_app_becomes_a_row_once() {
    let Some(stack) = Stack::of("replay").await else { return };
    let (owner, app) = (stack.owner.as_str(), format!("app.{}", process::trace_id()));
    let key = stack.key("ingest");
    let before = process::now_ms();
    assert_eq!(stack.callback(&key, &app, "n1")["status"], "quarantined");
    let after = process::now_ms();
    stack.drained().await;

    let listed = stack.all(&["quarantine", "list", owner]);
    let row = &listed[0]["days"][0];
    assert_eq!((&row["reason"], &row["entries"], &row["open"]), (&json!("unknown_app"), &json!(1), &json!(1)));
    let day = format!("{owner}/{}", row["day"].as_str().unwrap());
    let object = stack.all(&["quarantine", "list", &day])[0]["objects"][0]["object"].as_str().unwrap().to_owned();
    let shown = String::from_utf8(stack.relayctl(&["quarantine", "show", &object]).stdout).unwrap();
    assert!(shown.contains(&app) && !shown.contains(&key), "{shown}");

    let (code, told) = stack.documents(&["quarantine", "replay", owner]);
    assert_eq!((code, &told[0]["rejected"][0]["reason"]), (Some(3), &json!("unknown_app")));
    stack.all(&["app", "add", owner, &app]);
    let told = stack.all(&["quarantine", "replay", owner]);
    assert_eq!((&told[0]["accepted"], &told[1]["total"]["accepted"]), (&json!([0]), &json!(1)));
    stack.drained().await;
    let rows = stack.rows(&app, Kind::Event).await;
    assert_eq!(rows.len(), 1);
    assert!((before..=after).contains(&rows[0].received_at), "it came when it came, not when it was replayed");

    assert_eq!(stack.all(&["quarantine", "replay", owner])[0]["total"]["objects"], 0);
    let told = stack.all(&["quarantine", "replay", owner, "--again"]);
    assert_eq!(told[0]["accepted"], json!([0]));
    stack.drained().await;
    assert_eq!(stack.rows(&app, Kind::Event).await, rows);
    let entry = &stack.all(&["quarantine", "show", &object])[0]["entries"][0];
    assert_eq!((&entry["state"], &entry["received_at"]), (&json!("accepted"), &json!(rows[0].received_at)));
}

#[tokio::test]
async fn a_batch_that_was_given_up_comes_back_and_its_poison_is_set_aside() {
    let Some(stack) = Stack::of("failed").await else { return };
    let app = format!("app.{}", process::trace_id());
    let mut activity = arbitrary::one();
    activity.app_token = app.clone().into();
    activity.received_at = process::now_ms();
    activity.created_at = activity.received_at - 1000;
    let poison = process::trace_id();
    let frames = [frame::pack(30, std::slice::from_ref(&activity))[0].data.clone(), Bytes::from(poison.clone())];
    let record = |data: &Bytes| json!({"kinesis": {"data": STANDARD.encode(data), "partitionKey": "p"}});
    let event = json!({"Records": frames.iter().map(record).collect::<Vec<_>>()});
    let document = json!({
        "requestContext": {"condition": "RecordAgeExceeded"}, "timestamp": "2026-11-21T00:38:06.021Z",
        "KinesisBatchInfo": {"shardId": "shardId-000000000000", "batchSize": 2},
        "payload": event.to_string(),
    });
    let batch = format!("aws/lambda/mapping/shardId-000000000000/2026/11/21/2026-11-21T00.38.06-{poison}");
    let bucket = AwsObjects::new(&stack.aws, stack.get("failed_bucket"));
    bucket.put(&batch, Bytes::from(document.to_string())).await.unwrap();

    let listed = |documents: &[Value]| {
        let batches = documents[0]["batches"].as_array().unwrap().clone();
        batches.into_iter().find(|row| row["batch"] == json!(batch)).unwrap()
    };
    let row = listed(&stack.all(&["failed", "list", "--limit", "1000"]));
    assert_eq!((&row["records"], &row["replayed"]), (&json!(2), &json!(false)));
    let told = stack.all(&["failed", "replay", &batch]);
    assert_eq!(told[0]["accepted"], json!([0, 1]));
    assert_eq!(stack.all(&["failed", "replay", &batch])[0]["total"]["objects"], 0);
    assert_eq!(listed(&stack.all(&["failed", "list", "--limit", "1000"]))["replayed"], true);
    stack.drained().await;
    assert_eq!(stack.rows(&app, activity.kind).await, [activity]);
    // The writer could not read the other record, and set it aside: a replay does not read it either, until a release does.
    assert!(stack.holds_unknown(&poison), "the poison is in the quarantine");
}

#[tokio::test]
async fn poison_in_the_stream_is_shown_and_stays_until_it_is_understood() {
    let Some(stack) = Stack::of("poison").await else { return };
    let poison = process::trace_id();
    let record = Record { partition_key: "p".to_owned(), data: Bytes::from(poison.clone()) };
    assert_eq!(AwsStream::new(&stack.aws, stack.get("stream")).put(&[record]).await, [Ok(())]);
    stack.drained().await;
    assert!(stack.holds_unknown(&poison));
    let (code, told) = stack.documents(&["quarantine", "replay", "unknown", "--reason", "undecodable"]);
    let total = told.last().unwrap();
    assert_eq!((code, &total["total"]["accepted"]), (Some(3), &json!(0)), "{total}");
}

impl Stack {
    /// Whether a frame of these bytes lies among those whose owner nobody knows.
    fn holds_unknown(&self, bytes: &str) -> bool {
        let wanted = json!(STANDARD.encode(bytes));
        let days = self.all(&["quarantine", "list", "unknown"]);
        let days: std::collections::BTreeSet<&str> =
            days[0]["days"].as_array().unwrap().iter().filter_map(|row| row["day"].as_str()).collect();
        days.into_iter().any(|day| {
            let objects = self.all(&["quarantine", "list", &format!("unknown/{day}"), "--limit", "1000"]);
            let objects = objects[0]["objects"].as_array().unwrap().clone();
            objects.iter().filter_map(|row| row["object"].as_str()).any(|object| {
                let shown = self.all(&["quarantine", "show", object]);
                shown[0]["entries"].as_array().unwrap().iter().any(|entry| entry["body_base64"] == wanted)
            })
        })
    }
}
