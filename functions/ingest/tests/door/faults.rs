//! The world's faults: never a 200 for what is not durable, never a 4xx for what is not the sender's fault.

use relay::fault::FaultKind;
use relay::port::memory::Trouble;
use serde_json::json;

use super::*;

const PATH: &str = "/v1/callbacks/adjust";
const INSTALL: &str = "key=relay_ingest_1&activity_kind=install&app_token=app&created_at=1699999999&adid=a";

/// Incompressible, so that a batch needs several frames.
fn batch(n: usize) -> Request {
    let noise = |seed: usize| -> String {
        let mut state = seed as u64 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        (0..6_000).map(|_| next()).collect()
    };
    let item = |number: usize| json!({"kind": "event", "app_token": "app", "created_at": NOW, "event_id": number.to_string(), "noise": noise(number)});
    let body = (0..n).map(item).collect::<Value>().to_string();
    with_body(request("POST", "/v1/activities", "key=relay_ingest_1"), "application/json", body.as_bytes())
}

fn assert_unavailable(response: &Response) -> String {
    let detail = assert_problem(response, 503, "unavailable");
    assert!(header(response, "retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    assert!(!detail.contains("scripted"), "what the service said is not the sender's matter");
    detail
}

#[tokio::test(start_paused = true)]
async fn a_glitch_is_retried_before_the_sender_hears_of_it() {
    let door = Door::open().await;
    door.stream().script.refuse("put", 3, FaultKind::Throttled);
    assert_eq!(door.get(PATH, INSTALL).await.status, 200);
    assert_eq!(door.ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stream_and_spill_down_are_503_for_activities_and_raw_frames_and_nothing_is_acknowledged() {
    let door = Door::open().await;
    door.stream().script.refuse("put", 8, FaultKind::Unavailable);
    door.spill().script.refuse("send", 4, FaultKind::Unavailable);
    assert_unavailable(&door.get(PATH, INSTALL).await);
    assert_unavailable(&door.get(PATH, "key=relay_ingest_1").await);
    assert!(door.frames().is_empty());
    assert_eq!((door.total(Metric::Failed), door.total(Metric::Quarantined)), (2, 0));
    assert_eq!(door.get(PATH, INSTALL).await.status, 200);
    assert_eq!((door.total(Metric::Accepted), door.total(Metric::Spilled)), (1, 0), "the stream is well again");
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_that_is_down_does_not_take_the_spill_queue_does() {
    let door = Door::open().await;
    door.stream().script.refuse("put", 12, FaultKind::Unavailable);
    assert_eq!(json(&door.get(PATH, INSTALL).await), json!({"status": "accepted"}), "the sender need not know");
    assert_eq!(json(&door.get(PATH, "key=relay_ingest_1").await)["status"], "quarantined");
    assert_eq!(json(&door.answer(&batch(3)).await)["accepted"], 3);
    assert!(door.stream().all().is_empty());
    assert_eq!((door.ids().len(), door.raws().len()), (4, 1));
    assert_eq!((door.total(Metric::Accepted), door.total(Metric::Spilled)), (0, 4));
    assert_eq!(door.total(Metric::Quarantined), 1, "a raw frame is counted by what became of the callback");
}

#[tokio::test(start_paused = true)]
async fn only_the_frames_that_the_stream_did_not_take_are_spilled() {
    let door = Door::open().await;
    let first_put = || Trouble::Partial(vec![0, 2], FaultKind::Throttled);
    let retries = std::iter::repeat_n(Trouble::Partial(vec![0, 1], FaultKind::Throttled), 3);
    door.stream().script.add("put", std::iter::once(first_put()).chain(retries));
    assert_eq!(json(&door.answer(&batch(200)).await)["accepted"], 200);
    let (streamed, spilled) = (door.stream().all().len(), door.spill().messages().len());
    assert!(streamed > 0, "{streamed} frames");
    assert_eq!(spilled, 2);
    let mut ids = door.ids();
    assert_eq!(ids.len(), 200, "nothing twice");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200, "nothing lost");
    assert_eq!(door.total(Metric::Accepted) + door.total(Metric::Spilled), 200);
    assert!(door.total(Metric::Spilled) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_denies_us_is_a_matter_for_the_spill_queue_and_what_the_queue_refuses_is_sent_once_more() {
    let door = Door::open().await;
    door.stream().script.refuse("put", 1, FaultKind::Denied);
    door.spill().script.refuse("send", 1, FaultKind::Throttled);
    assert_eq!(door.get(PATH, INSTALL).await.status, 200);
    assert_eq!((door.stream().all().len(), door.spill().messages().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_answers_leaves_time_for_the_spill_queue_and_both_for_an_answer() {
    use ingest::config::{SPILL_WITHIN, STREAM_WITHIN};
    use ingest::durable::{Place, keep};

    let started = tokio::time::Instant::now();
    let frames = [bytes::Bytes::from_static(b"frame")];
    let (stream, spill) = (MemoryStream::new(1), MemorySpill::default());
    stream.script.silence(&["put"]);
    assert_eq!(keep(&stream, &spill, &frames).await, [Ok(Place::Spill)]);
    assert_eq!(started.elapsed(), STREAM_WITHIN);
    spill.script.silence(&["send"]);
    let results = keep(&stream, &spill, &frames).await;
    assert_eq!(results[0].as_ref().unwrap_err().kind, FaultKind::TimedOut);
    assert_eq!(started.elapsed(), STREAM_WITHIN * 2 + SPILL_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_not_retried() {
    let door = Door::open().await;
    door.stream().script.refuse("put", 1, FaultKind::Denied);
    door.spill().script.refuse("send", 1, FaultKind::Denied);
    assert_unavailable(&door.get(PATH, INSTALL).await);
    assert_eq!(door.get(PATH, INSTALL).await.status, 200, "one put, one send, one refusal each");
    assert_eq!(door.stream().all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_retried_and_makes_the_same_activity_twice() {
    let door = Door::open().await;
    door.stream().script.add("put", [Trouble::AnswerLost]);
    assert_eq!(door.get(PATH, INSTALL).await.status, 200);
    assert_eq!(door.ids().len(), 2);
    assert_eq!(door.ids()[0], door.ids()[1]);
}

#[tokio::test(start_paused = true)]
async fn only_the_failed_records_of_a_batch_are_put_again() {
    let door = Door::open().await;
    door.stream().script.add("put", [Trouble::Partial(vec![0], FaultKind::Throttled)]);
    let response = door.answer(&batch(100)).await;
    assert_eq!((response.status, json(&response)["accepted"].as_u64()), (200, Some(100)));
    let mut ids = door.ids();
    assert!(door.stream().all().len() > 1);
    assert_eq!(ids.len(), 100, "nothing twice");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100, "nothing lost");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_stored_in_part_is_503_and_says_how_much() {
    let door = Door::open().await;
    let always_first = || Trouble::Partial(vec![0], FaultKind::Throttled);
    door.stream().script.add("put", [always_first(), always_first(), always_first(), always_first()]);
    door.spill().script.refuse("send", 2, FaultKind::Unavailable);
    let request = batch(100);
    let detail = assert_unavailable(&door.answer(&request).await);
    let stored = door.ids().len();
    assert!((1..100).contains(&stored));
    assert!(detail.contains(&format!("{stored} of 100 activities are known to be stored")), "{detail}");
    assert_eq!((door.total(Metric::Failed), door.total(Metric::Accepted)), (100, 0));
    assert_eq!(door.answer(&request).await.status, 200);
    let mut ids = door.ids();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100, "the resend brings the rest and doubles nothing");
}

#[tokio::test]
async fn a_look_up_that_is_down_is_503_and_never_401() {
    let door = Door::open().await;
    // The first look-up of a fresh door is the key's, the second its owner's, the third the app's.
    for passed in 0..3 {
        let door = Door::open().await;
        let trouble = std::iter::repeat_n(Trouble::None, passed).chain([Trouble::Refused(FaultKind::TimedOut)]);
        door.control().script.add("get", trouble);
        assert_unavailable(&door.get(PATH, INSTALL).await);
        assert_eq!(door.total(Metric::Failed), 1);
        assert!(door.frames().is_empty());
    }
    let noted = door.get(PATH, INSTALL).await;
    assert_eq!(noted.status, 200);
    door.control().script.refuse("get", 9, FaultKind::Unavailable);
    assert_eq!(door.get(PATH, INSTALL).await.status, 200, "what was read lately is believed");
    assert_unavailable(&door.answer_at(&request("GET", PATH, INSTALL), NOW + 60_000).await);
}

#[tokio::test]
async fn a_batch_whose_apps_cannot_be_looked_up_is_503() {
    let door = Door::open().await;
    door.control().script.add("get", [Trouble::None, Trouble::None, Trouble::Refused(FaultKind::Throttled)]);
    assert_unavailable(&door.answer(&batch(3)).await);
    assert_eq!(door.total(Metric::Failed), 3);
    assert!(door.frames().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_is_503_before_the_functions_time_is_over() {
    let door = Door::open().await;
    door.control().script.silence(&["get"]);
    let started = tokio::time::Instant::now();
    assert_unavailable(&door.get(PATH, INSTALL).await);
    assert_eq!(started.elapsed(), ingest::config::LOOK_UP_WITHIN);
}

#[tokio::test]
async fn a_key_whose_owner_is_gone_waits_for_an_operator() {
    let door = Door::open().await;
    let gone = Write::Delete { key: Owner::key("demo"), expect: Expect::Any };
    door.control().commit(&[gone]).await.unwrap();
    assert_unavailable(&door.get(PATH, INSTALL).await);
}
