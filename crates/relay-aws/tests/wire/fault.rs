//! What becomes of a call that gets no proper answer.

use std::time::Duration;

use relay::control::Key;
use relay::fault::{Fault, FaultKind};
use relay::port::ControlTable;
use relay_aws::config::{Aws, MAX_ATTEMPTS};
use relay_aws::dynamodb::AwsControl;
use serde_json::json;

use crate::server::{Answer, Service};

async fn fault_of(aws: &Aws) -> Fault {
    let mut results = AwsControl::new(aws, "control").get(&[Key::new("a", "s")]).await;
    results.remove(0).unwrap_err()
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let service = Service::new([Answer::Silence, Answer::Silence]).await;
    let aws = service.aws.clone().with_timeouts(Duration::from_millis(200), Duration::from_secs(5));
    let fault = fault_of(&aws).await;
    assert_eq!((fault.kind, fault.service), (FaultKind::TimedOut, "dynamodb:GetItem"));
}

#[tokio::test]
async fn a_cut_connection_and_an_answer_of_5xx_are_unavailable_after_a_second_attempt() {
    for answer in [Answer::Cut, Answer::Json(500, json!({"__type": "InternalServerError"})), Answer::Xml(502, "<html>")]
    {
        let service = Service::new([answer.clone(), answer]).await;
        assert_eq!(fault_of(&service.aws).await.kind, FaultKind::Unavailable);
        assert_eq!(service.requests().len(), usize::try_from(MAX_ATTEMPTS).unwrap());
    }
}

#[tokio::test]
async fn a_single_cut_is_mended_by_the_second_attempt() {
    let service = Service::new([Answer::Cut, Answer::Json(200, json!({}))]).await;
    let results = AwsControl::new(&service.aws, "control").get(&[Key::new("a", "s")]).await;
    assert_eq!(results, [Ok(None)]);
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fault = fault_of(&Aws::at(&endpoint, "eu-west-1").await).await;
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.detail.contains("Connection refused"), "{}", fault.detail);
}

#[tokio::test]
async fn half_an_answer_is_unavailable() {
    let half = Answer::Head(200, "content-type: application/x-amz-json-1.0\r\ncontent-length: 100\r\n");
    let service = Service::new([half.clone(), half]).await;
    assert_eq!(fault_of(&service.aws).await.kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn access_denied_is_denied_at_once() {
    let denied = Answer::Json(
        400,
        json!({"__type": "AccessDeniedException", "Message": "not authorized to perform: dynamodb:GetItem"}),
    );
    let service = Service::new([denied]).await;
    let fault = fault_of(&service.aws).await;
    assert_eq!(fault.kind, FaultKind::Denied);
    assert_eq!(fault.detail, "AccessDeniedException (400): not authorized to perform: dynamodb:GetItem");
    assert_eq!(service.requests().len(), 1);
}
