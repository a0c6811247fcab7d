//! The stream driver with real function processes and a stand-in for the stream.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use local::aws::Aws;
use local::driver::{Mapping, drive};
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::{Stage, until};
use tokio::sync::watch;
use tokio::task::JoinHandle;

struct Scene {
    emulator: Arc<Emulator>,
    url: String,
    stage: Stage,
}

impl Scene {
    async fn new() -> Self {
        let (emulator, url) = Emulator::start().await;
        let stage = Stage::new();
        std::fs::create_dir_all(stage.path("checkpoints")).unwrap();
        Self { emulator, url, stage }
    }

    fn drive(&self, settings: &Value) -> Driving {
        let (stop, stopped) = watch::channel(false);
        let (aws, host) = (Aws::new(&self.url, "eu-central-1"), Arc::clone(&self.stage.host));
        let (mapping, folder) = (mapping(settings), self.stage.path("checkpoints"));
        let task = tokio::spawn(async move { drive(mapping, aws, host, &folder, stopped).await.unwrap() });
        Driving { stop, task }
    }

    /// The batches that the function was called with.
    fn calls(&self) -> Vec<Vec<String>> {
        let notes = self.stage.notes();
        notes.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn seen(&self) -> Vec<String> {
        self.calls().into_iter().flatten().collect()
    }
}

struct Driving {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Driving {
    async fn end(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

fn mapping(settings: &Value) -> Mapping {
    let mut mapping = json!({
        "UUID": "mapping-1",
        "EventSourceArn": "arn:aws:kinesis:eu-central-1:000000000000:stream/activities",
        "FunctionArn": "arn:aws:lambda:eu-central-1:000000000000:function:stack-Fake-1",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true,
        "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:s3:::failed" } },
    });
    let changes = settings.as_object().unwrap().clone();
    mapping.as_object_mut().unwrap().extend(changes);
    serde_json::from_value(mapping).unwrap()
}

#[tokio::test]
async fn records_arrive_in_order_in_batches_of_the_size_set() {
    let scene = Scene::new().await;
    for index in 0..5 {
        scene.emulator.put("shard-0", &format!("a{index}"), 0);
    }
    let driving = scene.drive(&json!({ "BatchSize": 2, "MaximumBatchingWindowInSeconds": 1 }));
    until(|| scene.seen().len() == 5).await;
    driving.end().await;
    assert_eq!(scene.calls(), [vec!["a0", "a1"], vec!["a2", "a3"], vec!["a4"]]);
}

#[tokio::test]
async fn a_second_run_goes_on_where_the_first_ended() {
    let scene = Scene::new().await;
    scene.emulator.put("shard-0", "a", 0);
    let driving = scene.drive(&json!({}));
    until(|| scene.seen().len() == 1).await;
    driving.end().await;
    scene.emulator.put("shard-0", "b", 0);
    let driving = scene.drive(&json!({}));
    until(|| scene.seen().len() == 2).await;
    driving.end().await;
    assert_eq!(scene.seen(), ["a", "b"]);
}

#[tokio::test]
async fn a_bad_record_is_isolated_given_up_and_kept_with_its_event() {
    let scene = Scene::new().await;
    for data in ["a", "crash", "b", "c"] {
        scene.emulator.put("shard-0", data, 0);
    }
    let driving = scene.drive(&json!({ "MaximumRetryAttempts": 1 }));
    until(|| scene.calls().iter().any(|call| call.ends_with(&["c".to_owned()]) && call.len() == 2)).await;
    driving.end().await;
    let objects = scene.emulator.objects.lock().unwrap();
    let (path, object) = objects.iter().next().unwrap();
    assert!(path.starts_with("/failed/aws/lambda/mapping-1/shard-0/20"), "{path}");
    assert_eq!(objects.len(), 1);
    let info = &object["KinesisBatchInfo"];
    assert_eq!((&info["batchSize"], &info["startSequenceNumber"]), (&json!(1), &info["endSequenceNumber"]));
    assert_eq!(object["requestContext"]["condition"], "RetryAttemptsExhausted");
    let payload: Value = serde_json::from_str(object["payload"].as_str().unwrap()).unwrap();
    let record = &payload["Records"][0];
    assert_eq!(record["kinesis"]["data"], "Y3Jhc2g=");
    assert_eq!(record["eventID"], format!("shard-0:{}", info["startSequenceNumber"].as_str().unwrap()));
    assert_eq!(record["invokeIdentityArn"], "arn:aws:iam::000000000000:role/fake");
    assert_eq!(record["eventSource"], "aws:kinesis");
}

#[tokio::test]
async fn after_a_partial_answer_only_the_rest_comes_again() {
    let scene = Scene::new().await;
    for data in ["a", "b", "poison", "c"] {
        scene.emulator.put("shard-0", data, 0);
    }
    let driving = scene.drive(&json!({ "MaximumRetryAttempts": 0 }));
    until(|| !scene.emulator.objects.lock().unwrap().is_empty() && scene.seen().last().is_some_and(|last| last == "c"))
        .await;
    driving.end().await;
    let times = |data: &str| scene.seen().iter().filter(|seen| *seen == data).count();
    assert_eq!((times("a"), times("b")), (1, 1));
    assert_eq!(scene.calls()[1], ["poison", "c"]);
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_up_without_a_call() {
    let scene = Scene::new().await;
    scene.emulator.put("shard-0", "old", 120_000);
    scene.emulator.put("shard-0", "new", 0);
    let driving = scene.drive(&json!({ "MaximumRecordAgeInSeconds": 60 }));
    until(|| scene.seen() == ["new"]).await;
    driving.end().await;
    let objects = scene.emulator.objects.lock().unwrap();
    let conditions: Vec<_> = objects.values().map(|object| &object["requestContext"]["condition"]).collect();
    assert_eq!(conditions, ["RecordAgeExceeded"]);
}

#[tokio::test]
async fn a_child_waits_for_its_parent() {
    let scene = Scene::new().await;
    for index in 0..50 {
        scene.emulator.put("shard-0", &format!("parent{index}"), 0);
    }
    scene.emulator.put("shard-1", "child", 0);
    scene.emulator.split("shard-0", "shard-1");
    let driving = scene.drive(&json!({ "BatchSize": 10 }));
    until(|| scene.seen().len() == 51).await;
    driving.end().await;
    assert_eq!(scene.seen().last().unwrap(), "child");
}

#[tokio::test]
async fn a_shard_that_the_stream_does_not_know_for_a_while_is_read_on() {
    let scene = Scene::new().await;
    scene.emulator.put("shard-0", "a", 0);
    let driving = scene.drive(&json!({}));
    until(|| scene.seen() == ["a"]).await;
    scene.emulator.forgets.store(2, Ordering::Relaxed);
    until(|| scene.emulator.forgets.load(Ordering::Relaxed) == 0).await;
    scene.emulator.put("shard-0", "b", 0);
    let read = tokio::time::timeout(Duration::from_secs(30), until(|| scene.seen() == ["a", "b"])).await;
    assert!(read.is_ok(), "{:?}", scene.seen());
    driving.end().await;
}

#[tokio::test]
async fn keys_keep_their_order_in_parallel_lanes_and_nothing_is_lost() {
    let scene = Scene::new().await;
    for index in 0..200 {
        scene.emulator.put("shard-0", &format!("k{index:03}"), 0);
    }
    let driving = scene.drive(&json!({ "BatchSize": 7, "ParallelizationFactor": 4 }));
    until(|| scene.seen().len() == 200).await;
    driving.end().await;
    let mut seen = scene.seen();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 200);
    let driving = scene.drive(&json!({ "BatchSize": 7, "ParallelizationFactor": 4 }));
    scene.emulator.put("shard-0", "last", 0);
    until(|| scene.seen().len() == 201).await;
    driving.end().await;
    assert_eq!(scene.seen().last().unwrap(), "last", "everything before was checkpointed");
}

#[tokio::test]
async fn a_batch_that_fails_for_ever_does_not_hold_up_the_stop() {
    let scene = Scene::new().await;
    scene.emulator.put("shard-0", "a", 0);
    scene.emulator.put("shard-0", "poison", 0);
    let driving = scene.drive(&json!({}));
    until(|| scene.seen().iter().filter(|data| *data == "poison").count() >= 3).await;
    driving.end().await;
    let checkpoint = std::fs::read_to_string(scene.stage.path("checkpoints/mapping-1.json")).unwrap();
    assert!(checkpoint.contains(&format!("{:030}", 0)), "what came before it is done: {checkpoint}");
}
