//! The spill queue.

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{Spill, SpillBacklog};
use relay_aws::sqs::{AwsSpill, AwsSpillBacklog};
use serde_json::{Value, json};

use crate::server::{Answer, Service};

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/spill";

fn frames(count: usize, bytes: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![b'x'; bytes]); count]
}

fn taken(count: usize) -> Answer {
    let one = |id: usize| json!({"Id": id.to_string(), "MessageId": format!("m{id}"), "MD5OfMessageBody": "0"});
    Answer::Json(200, json!({"Successful": (0..count).map(one).collect::<Vec<_>>(), "Failed": []}))
}

fn kinds(results: &[Result<(), Fault>]) -> Vec<Option<FaultKind>> {
    results.iter().map(|result| result.as_ref().err().map(|fault| fault.kind)).collect()
}

async fn sent(answers: impl IntoIterator<Item = Answer>, frames: &[Bytes]) -> (Vec<Option<FaultKind>>, Service) {
    let service = Service::new(answers).await;
    let results = AwsSpill::new(&service.aws, QUEUE).send(frames).await;
    (kinds(&results), service)
}

#[tokio::test]
async fn a_message_that_was_refused_in_a_good_answer_is_not_durable() {
    let answer = json!({
        "Successful": [{"Id": "2", "MessageId": "m2", "MD5OfMessageBody": "0"}, {"Id": "0", "MessageId": "m0", "MD5OfMessageBody": "0"}],
        "Failed": [
            {"Id": "1", "SenderFault": false, "Code": "InternalError", "Message": "try again"},
            {"Id": "3", "SenderFault": true, "Code": "AccessDenied"},
        ],
    });
    let (kinds, service) = sent([Answer::Json(200, answer)], &frames(5, 3)).await;
    let expected = [None, Some(FaultKind::Unavailable), None, Some(FaultKind::Denied), Some(FaultKind::Unavailable)];
    assert_eq!(kinds, expected, "by id, in whatever order; an entry that nobody speaks of is not durable");
    let request = service.request();
    assert_eq!(request.header("x-amz-target"), "AmazonSQS.SendMessageBatch");
    let entries: Vec<Value> = (0..5).map(|id: usize| json!({"Id": id.to_string(), "MessageBody": "eHh4"})).collect();
    assert_eq!(request.json(), json!({"QueueUrl": QUEUE, "Entries": entries}));
}

#[tokio::test]
async fn a_call_holds_at_most_ten_messages_and_a_failed_call_fails_only_its_own() {
    let refused = Answer::Json(400, json!({"__type": "RequestThrottled", "message": "slow down"}));
    // Each call twice where it fails: two attempts, as `config::MAX_ATTEMPTS` says.
    let (kinds, service) = sent([refused.clone(), refused], &frames(10, 3)).await;
    assert_eq!(kinds, [Some(FaultKind::Throttled); 10]);
    assert_eq!(service.requests().len(), 2);
    let (kinds, service) = sent([taken(10), taken(10)], &frames(11, 3)).await;
    assert_eq!(kinds, [None; 11]);
    let mut sizes: Vec<_> = service.requests().iter().map(entries).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 10]);
}

fn entries(request: &crate::server::Request) -> usize {
    request.json()["Entries"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_call_holds_at_most_256_kib() {
    let (kinds, service) = sent([taken(1), taken(1), taken(1)], &frames(3, relay::frame::MAX_FRAME_BYTES)).await;
    assert_eq!(kinds, [None; 3], "three of the largest frames are three calls");
    assert_eq!(service.requests().iter().map(entries).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn nothing_to_send_is_no_call() {
    let (kinds, service) = sent([], &[]).await;
    assert!(kinds.is_empty() && service.requests().is_empty());
}

async fn is_empty(counts: &Value) -> (Result<bool, Fault>, Value) {
    let service = Service::new([Answer::Json(200, json!({"Attributes": counts}))]).await;
    let result = AwsSpillBacklog::new(&service.aws, QUEUE).is_empty().await;
    (result, service.request().json())
}

fn counts(visible: &str, taken: &str, delayed: &str) -> Value {
    json!({
        "ApproximateNumberOfMessages": visible,
        "ApproximateNumberOfMessagesNotVisible": taken,
        "ApproximateNumberOfMessagesDelayed": delayed,
    })
}

#[tokio::test]
async fn a_queue_is_empty_when_nothing_waits_is_worked_on_or_delayed() {
    let (result, asked) = is_empty(&counts("0", "0", "0")).await;
    assert_eq!(result, Ok(true));
    let names =
        ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"];
    assert_eq!(asked, json!({"QueueUrl": QUEUE, "AttributeNames": names}));
    for held in [counts("1", "0", "0"), counts("0", "2", "0"), counts("0", "0", "3")] {
        assert_eq!(is_empty(&held).await.0, Ok(false), "{held}");
    }
}

#[tokio::test]
async fn an_answer_without_a_count_is_a_fault_and_no_empty_queue() {
    let (result, _) = is_empty(&json!({"ApproximateNumberOfMessages": "0"})).await;
    assert_eq!(result.unwrap_err().kind, FaultKind::Unavailable);
}
