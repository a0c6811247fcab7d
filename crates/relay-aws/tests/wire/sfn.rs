//! Executions.

use relay::fault::FaultKind;
use relay::port::{ExecutionState, Executions};
use relay_aws::sfn::AwsExecutions;
use serde_json::{Value, json};

use crate::server::{Answer, Service};

const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:exports";
const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:exports:x1";

fn error(code: &str) -> Answer {
    Answer::Json(400, json!({"__type": code, "message": "why"}))
}

fn described(status: &str) -> Answer {
    let body = json!({"executionArn": EXECUTION, "stateMachineArn": MACHINE, "name": "x1", "status": status, "startDate": 1.0});
    Answer::Json(200, body)
}

async fn state(answer: Answer) -> (ExecutionState, Value) {
    let service = Service::new([answer]).await;
    let state = AwsExecutions::new(&service.aws, MACHINE).state("x1").await.unwrap();
    (state, service.request().json())
}

#[tokio::test]
async fn an_execution_is_started_by_name_and_one_that_is_there_is_fine() {
    let started = Answer::Json(200, json!({"executionArn": EXECUTION, "startDate": 1.0}));
    for answer in [started, error("ExecutionAlreadyExists")] {
        let service = Service::new([answer]).await;
        AwsExecutions::new(&service.aws, MACHINE).start("x1", "{\"owner\":\"demo\"}").await.unwrap();
        let request = service.request();
        assert_eq!(request.header("x-amz-target"), "AWSStepFunctions.StartExecution");
        let expected = json!({"stateMachineArn": MACHINE, "name": "x1", "input": "{\"owner\":\"demo\"}"});
        assert_eq!(request.json(), expected);
    }
}

#[tokio::test]
async fn a_state_is_asked_for_by_the_arn_that_name_and_machine_make() {
    for (status, expected) in [
        ("RUNNING", ExecutionState::Running),
        ("PENDING_REDRIVE", ExecutionState::Running),
        ("SUCCEEDED", ExecutionState::Succeeded),
        ("FAILED", ExecutionState::Failed),
        ("TIMED_OUT", ExecutionState::Failed),
        ("ABORTED", ExecutionState::Failed),
    ] {
        let (state, asked) = state(described(status)).await;
        assert_eq!(state, expected, "{status}");
        assert_eq!(asked, json!({"executionArn": EXECUTION}));
    }
    assert_eq!(state(error("ExecutionDoesNotExist")).await.0, ExecutionState::Unknown);
}

#[tokio::test]
async fn stopping_what_never_was_is_fine_and_a_missing_machine_is_not() {
    let service = Service::new([error("ExecutionDoesNotExist")]).await;
    let executions = AwsExecutions::new(&service.aws, MACHINE);
    executions.stop("x1").await.unwrap();
    assert_eq!(service.request().json(), json!({"executionArn": EXECUTION}));

    let service = Service::new([error("StateMachineDoesNotExist")]).await;
    let fault = AwsExecutions::new(&service.aws, MACHINE).start("x1", "{}").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);

    let service = Service::new([error("ExecutionLimitExceeded"), error("ExecutionLimitExceeded")]).await;
    let fault = AwsExecutions::new(&service.aws, MACHINE).start("x1", "{}").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled);
}
