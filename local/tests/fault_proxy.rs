//! The fault proxy on the wire: what the caller hears, and what comes through.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::aws::Aws;
use local::fault_proxy::{Calls, Effect, FaultProxy, Rule};
use local::http1::{Handler, Limits, Reply, Request, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands for the emulator: keeps what it is asked, stores every entry of a batch.
#[derive(Default)]
struct Upstream {
    seen: Mutex<Vec<Request>>,
}

impl Handler for Upstream {
    async fn handle(&self, request: Request) -> Option<Reply> {
        let input: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let is_head = request.method == "HEAD";
        self.seen.lock().unwrap().push(request);
        let count = |name: &str| input[name].as_array().map(Vec::len);
        let answer = if let Some(count) = count("Records") {
            let results: Vec<Value> = (0..count).map(|n| json!({ "SequenceNumber": n.to_string() })).collect();
            json!({ "FailedRecordCount": 0, "Records": results })
        } else if let Some(entries) = input["Entries"].as_array() {
            json!({ "Successful": entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect::<Vec<_>>() })
        } else {
            json!({})
        };
        let reply = Reply::json(200, &answer).with("x-amz-crc32", "1");
        Some(if is_head { reply.with("content-length", "4711") } else { reply })
    }
}

struct World {
    upstream: Arc<Upstream>,
    proxy: FaultProxy,
    aws: Aws,
}

impl World {
    async fn new(rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = Arc::new(Upstream::default());
        let (stop, stopped) = watch::channel(false);
        std::mem::forget(stop);
        let limits = Limits { head_bytes: 10_000, body_bytes: 10_000_000 };
        tokio::spawn(serve(listener, limits, stopped, Arc::clone(&upstream)));
        let proxy = FaultProxy::start(&url).await.unwrap();
        proxy.set_rules(7, rules);
        let aws = Aws::new(proxy.url(), "us-east-1");
        Self { upstream, proxy, aws }
    }

    /// The bodies that came through.
    fn through(&self) -> Vec<Value> {
        let seen = self.upstream.seen.lock().unwrap();
        seen.iter().map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
    }

    async fn put(&self, count: usize) -> Result<Value, local::aws::Refusal> {
        let records: Vec<Value> = (0..count).map(|n| json!({ "Data": n })).collect();
        self.aws.call("kinesis", "Kinesis_20131202.PutRecords", &json!({ "Records": records })).await
    }

    /// Sends bytes; answers all that comes back until the connection ends.
    async fn raw(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.proxy.url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(format!("{head}\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn rule(operation: &str, effect: Effect) -> Rule {
    Rule { calls: Calls::to(&[operation]), effect, chance: 1000, most: usize::MAX }
}

#[tokio::test]
async fn what_no_rule_is_about_comes_through_untouched() {
    let world = World::new(vec![rule("kinesis:PutRecords", Effect::Throttle)]).await;
    let answer = world.raw("PUT /bucket/a%2Bb?x=1&y=%20 HTTP/1.1\r\nx-amz-meta-a: b").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = world.upstream.seen.lock().unwrap();
    assert_eq!((seen[0].path.as_str(), seen[0].query.as_str()), ("/bucket/a%2Bb", "x=1&y=%20"));
    assert_eq!((seen[0].header("x-amz-meta-a"), seen[0].header("host")), (Some("b"), Some("h")));
}

#[tokio::test]
async fn a_head_answer_keeps_the_length_it_was_asked_for() {
    let world = World::new(Vec::new()).await;
    let answer = world.raw("HEAD /bucket/key HTTP/1.1").await;
    assert!(answer.contains("content-length: 4711\r\n") && answer.matches("content-length").count() == 1, "{answer}");
}

#[tokio::test]
async fn refusals_are_worded_as_the_services_do_and_nothing_comes_through() {
    let operations = ["dynamodb:GetItem", "s3:PutObject", "sts:AssumeRole", "ses:SendEmail"];
    let throttle = Rule { calls: Calls::to(&operations), effect: Effect::Throttle, chance: 1000, most: usize::MAX };
    let world = World::new(vec![throttle]).await;
    let refusal = world.aws.call("dynamodb", "DynamoDB_20120810.GetItem", &json!({})).await.unwrap_err();
    assert_eq!(refusal.code, "ProvisionedThroughputExceededException");
    let s3 = world.raw("PUT /bucket/key HTTP/1.1").await;
    assert!(s3.starts_with("HTTP/1.1 503") && s3.contains("<Code>SlowDown</Code>"), "{s3}");
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 17";
    let mut stream = TcpStream::connect(world.proxy.url().trim_start_matches("http://")).await.unwrap();
    let request = format!("POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{form}\r\n\r\nAction=AssumeRole");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut sts = String::new();
    stream.read_to_string(&mut sts).await.unwrap();
    assert!(sts.starts_with("HTTP/1.1 400") && sts.contains("<Code>Throttling</Code>"), "{sts}");
    let ses = world.raw("POST /v2/email/outbound-emails HTTP/1.1").await;
    assert!(ses.starts_with("HTTP/1.1 429") && ses.contains("x-amzn-errortype: TooManyRequestsException"), "{ses}");
    assert_eq!((world.through(), world.proxy.struck()), (Vec::new(), vec![4]));
}

#[tokio::test]
async fn broken_is_500_and_503_in_turn() {
    let world = World::new(vec![rule("kinesis:PutRecords", Effect::Break)]).await;
    assert_eq!(world.put(1).await.unwrap_err().code, "InternalFailure");
    assert_eq!(world.put(1).await.unwrap_err().code, "ServiceUnavailable");
}

#[tokio::test]
async fn a_cut_before_is_not_carried_out_and_a_cut_after_is() {
    let world = World::new(vec![rule("kinesis:PutRecords", Effect::CutBefore)]).await;
    assert_eq!(world.put(1).await.unwrap_err().code, "", "no answer");
    assert_eq!(world.through().len(), 0);
    world.proxy.set_rules(7, vec![rule("kinesis:PutRecords", Effect::CutAfter)]);
    assert_eq!(world.put(1).await.unwrap_err().code, "", "no answer");
    assert!(!world.through().is_empty());
}

#[tokio::test]
async fn a_delayed_call_is_held_then_carried_out_and_answered() {
    let world = World::new(vec![rule("kinesis:PutRecords", Effect::Delay(Duration::from_millis(100)))]).await;
    let held = async {
        while world.proxy.held() == 0 {
            tokio::task::yield_now().await;
        }
        world.through().len()
    };
    let (answer, through_before) = tokio::join!(world.put(2), held);
    assert_eq!(answer.unwrap()["Records"].as_array().unwrap().len(), 2);
    assert_eq!((through_before, world.proxy.struck(), world.proxy.held()), (0, vec![1], 0));
}

#[tokio::test]
async fn a_part_of_the_records_is_refused_and_the_rest_is_stored_in_order() {
    let world = World::new(vec![rule("kinesis:PutRecords", Effect::Partial(500))]).await;
    let answer = world.put(100).await.unwrap();
    let results = answer["Records"].as_array().unwrap();
    let refused: Vec<usize> = (0..100).filter(|n| results[*n]["ErrorCode"].is_string()).collect();
    assert!((20..80).contains(&refused.len()), "{refused:?}");
    assert_eq!(answer["FailedRecordCount"], refused.len());
    let through = world.through();
    let stored: Vec<u64> =
        through[0]["Records"].as_array().unwrap().iter().map(|r| r["Data"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (0..100).filter(|n| !refused.contains(&usize::try_from(*n).unwrap())).collect();
    assert_eq!(stored, expected);
    // A lone record is refused in an answer of 200, too.
    let answer = world.put(1).await.unwrap();
    assert_eq!((&answer["FailedRecordCount"], world.through().len()), (&json!(1), 1));
}

#[tokio::test]
async fn unprocessed_items_come_back_with_their_table() {
    let world = World::new(vec![rule("dynamodb:BatchWriteItem", Effect::Partial(500))]).await;
    let items: Vec<Value> = (0..25).map(|n| json!({ "PutRequest": { "Item": n } })).collect();
    let input = json!({ "RequestItems": { "pages": items } });
    let answer = world.aws.call("dynamodb", "DynamoDB_20120810.BatchWriteItem", &input).await.unwrap();
    let unprocessed = answer["UnprocessedItems"]["pages"].as_array().unwrap();
    let stored = world.through()[0]["RequestItems"]["pages"].as_array().unwrap().clone();
    assert!(!unprocessed.is_empty() && !stored.is_empty());
    let mut all: Vec<u64> =
        unprocessed.iter().chain(&stored).map(|i| i["PutRequest"]["Item"].as_u64().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..25).collect::<Vec<u64>>());
    // Nothing processed is a refusal of the call.
    world.proxy.set_rules(7, vec![rule("dynamodb:BatchWriteItem", Effect::Partial(1000))]);
    let refusal = world.aws.call("dynamodb", "DynamoDB_20120810.BatchWriteItem", &input).await.unwrap_err();
    assert_eq!(refusal.code, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn messages_that_failed_are_named_by_id() {
    let world = World::new(vec![rule("sqs:SendMessageBatch", Effect::Partial(500))]).await;
    let entries: Vec<Value> = (0..10).map(|n| json!({ "Id": n.to_string() })).collect();
    let answer = world.aws.call("sqs", "AmazonSQS.SendMessageBatch", &json!({ "Entries": entries })).await.unwrap();
    let (sent, failed) = (answer["Successful"].as_array().unwrap(), answer["Failed"].as_array().unwrap());
    assert!(!failed.is_empty() && sent.len() + failed.len() == 10, "{answer}");
}

#[tokio::test]
async fn rules_know_caller_content_chance_and_end() {
    let ingest = Rule {
        calls: Calls::of("IngestFunction", &["kinesis:PutRecords"]),
        effect: Effect::Deny,
        chance: 1000,
        most: usize::MAX,
    };
    let world = World::new(vec![ingest]).await;
    assert!(world.put(1).await.is_ok(), "the caller is another");
    let calls = || Calls::to(&["kinesis:PutRecords"]);
    let of = |calls, chance, most| Rule { calls, effect: Effect::Deny, chance, most };
    world.proxy.set_rules(7, vec![of(calls().containing("absent"), 1000, usize::MAX)]);
    assert!(world.put(1).await.is_ok(), "the content is another");
    world.proxy.set_rules(7, vec![of(calls().containing("Data"), 1000, 2)]);
    let mut denied = Vec::new();
    for _ in 0..4 {
        denied.push(world.put(1).await.is_err());
    }
    assert_eq!(denied, [true, true, false, false]);
    world.proxy.set_rules(7, vec![of(calls(), 500, usize::MAX)]);
    for _ in 0..40 {
        drop(world.put(1).await);
    }
    assert!((8..32).contains(&world.proxy.struck()[0]), "{:?}", world.proxy.struck());
}
