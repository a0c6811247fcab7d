//! The way of an export, of a callback that was not understood and of an activity, told on the running stack; and its log lines. Runs where `RELAY_STACK`
//! names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use relay::activity::Kind;
use relay::frame;
use relay::port::{Record, Stream as _};
use relay_aws::kinesis::AwsStream;
use relay_lambda::process;
use serde_json::{Value, json};
use support::Stack;

impl Stack {
    /// Everything that a trace tells, as one text.
    fn traced(&self, arguments: &[&str]) -> String {
        self.json(&[&["trace"], arguments].concat()).to_string()
    }

    /// An event of the test's own in the stream, created now; its id.
    async fn put_event(&self) -> (String, i64) {
        let now = process::now_ms();
        let mut activity = relay::arbitrary::one();
        (activity.app_token, activity.kind) = (self.app.clone().into(), Kind::Event);
        (activity.created_at, activity.received_at) = (now, now);
        let frames = frame::pack(90, std::slice::from_ref(&activity));
        let records: Vec<Record> =
            frames.into_iter().map(|frame| Record { partition_key: process::trace_id(), data: frame.data }).collect();
        assert_eq!(AwsStream::new(&self.aws, self.get("stream")).put(&records).await, [Ok(())]);
        (activity.activity_id.to_string(), now)
    }
}

#[tokio::test]
async fn an_export_tells_its_whole_way_by_its_id_and_by_its_trace_id() {
    let Some(stack) = Stack::of("trace").await else { return };
    stack.json(&["domain", "add", &stack.owner, "example.com"]);
    stack.put_event().await;
    stack.drained().await;
    let today = relay::time::date_of_day(process::now_ms().div_euclid(86_400_000));
    let request = json!({"app_token": stack.app, "kind": "event", "start_date": today, "end_date": today, "email": "kim@example.com"});
    let export = stack.exported(&stack.key("api"), &request).await.unwrap();
    for id in ["export_id", "trace_id"] {
        let told = stack.traced(&[export[id].as_str().unwrap()]);
        for part in [
            "asked for, and queued",
            "got its slot",
            "SUCCEEDED",
            "export.created",
            "done, complete up to",
            "TaskStateEntered Step",
            "queued",
        ] {
            assert!(told.contains(part), "{id}: no {part} in {told}");
        }
        assert!(told.contains(&format!("owner {}: done", stack.owner)), "{told}");
        assert!(!told.contains("kim@example.com"), "{told}");
    }
    let lines = stack.all(&["tail", "--trace", export["export_id"].as_str().unwrap()]);
    assert!(
        lines.iter().any(|line| line["function"] == "export-worker" && line["line"]["message"] == "ended"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_callback_that_was_not_understood_is_found_by_its_trace_id_and_a_strangers_is_not() {
    let Some(stack) = Stack::of("kept").await else { return };
    let (key, now) = (stack.key("ingest"), process::now_ms() / 1000);
    let path = format!(
        "/v1/callbacks/adjust?key={key}&app_token=nobodys&activity_kind=event&event=e1&created_at={now}&nonce=1"
    );
    let trace_id = stack.trace_id_of(&path);
    stack.drained().await;
    let told = stack.traced(&[&trace_id]);
    assert!(told.contains("kept raw (unknown_app, adjust), open") && told.contains("quarantine/"), "{told}");
    assert!(!told.contains(&key), "{told}");

    let (code, documents) = stack.documents(&["trace", &process::trace_id()]);
    assert_eq!((code, &documents[0]["events"]), (Some(1), &Value::Array(vec![])));
    assert!(documents[0]["looks"].to_string().contains("--app, --kind and --at"), "{documents:?}");
}

#[tokio::test]
async fn an_activity_is_found_in_the_pages_of_its_minute() {
    let Some(stack) = Stack::of("paged").await else { return };
    let (id, created_at) = stack.put_event().await;
    stack.drained().await;
    let at = created_at.to_string();
    let told = stack.traced(&[&id, "--app", &stack.app, "--kind", "event", "--at", &at]);
    assert!(told.contains("a row from") && told.contains(&format!("in page {}#event#", stack.app)), "{told}");
}

#[tokio::test]
async fn lines_come_as_text_and_as_json_and_none_is_none() {
    let Some(stack) = Stack::of("tail").await else { return };
    let text = stack.relayctl(&["tail", "--since", "2d", "--limit", "5"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(String::from_utf8(text.stdout).unwrap().lines().count() <= 5);
    assert_eq!(stack.all(&["tail", "--trace", &process::trace_id()]), Vec::<Value>::new());
}
