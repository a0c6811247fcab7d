//! What an operator asks: the stack, functions and mappings, log lines, mail's account, queues, uploads, histories.

use std::collections::BTreeMap;

use relay::fault::FaultKind;
use relay_aws::cloudformation::{AwsStacks, Deployed};
use relay_aws::kinesis::{AwsStreamState, StreamState};
use relay_aws::lambda::{AwsFunctions, FunctionState, MappingState};
use relay_aws::logs::{AwsLogs, Line, Lines, Wanted};
use relay_aws::s3::{AwsUploads, OpenUpload};
use relay_aws::sesv2::{AwsSending, Identity, Sending};
use relay_aws::sfn::{AwsExecutions, Event};
use relay_aws::sqs::{AwsSpillBacklog, Depth};
use serde_json::json;

use crate::server::{Answer, Service};

const STACK: &str = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>relay</StackName>\
    <StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-29T09:00:00Z</CreationTime>\
    <Outputs><member><OutputKey>StreamName</OutputKey><OutputValue>s</OutputValue></member></Outputs>\
    <Parameters><member><ParameterKey>MailFrom</ParameterKey><ParameterValue>a@b.c</ParameterValue></member></Parameters>\
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>";

#[tokio::test]
async fn a_stack_is_its_outputs_and_parameters_and_none_is_none() {
    let service = Service::new([Answer::Xml(200, STACK)]).await;
    let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let expected = Deployed {
        status: "UPDATE_COMPLETE".into(),
        outputs: one("StreamName", "s"),
        parameters: one("MailFrom", "a@b.c"),
    };
    assert_eq!(AwsStacks::new(&service.aws).describe("relay").await, Ok(Some(expected)));
    assert!(service.request().body.contains("StackName=relay"));

    let none = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>";
    let service = Service::new([Answer::Xml(400, none)]).await;
    assert_eq!(AwsStacks::new(&service.aws).describe("x").await, Ok(None));

    let denied =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>";
    let service = Service::new([Answer::Xml(403, denied)]).await;
    assert_eq!(AwsStacks::new(&service.aws).describe("x").await.unwrap_err().kind, FaultKind::Denied);
}

#[tokio::test]
async fn functions_and_mappings_say_whether_they_are_on() {
    let function = Answer::Json(200, json!({"FunctionName": "f", "State": "Active"}));
    let service = Service::new([function.clone(), Answer::Json(200, json!({"ReservedConcurrentExecutions": 0}))]).await;
    let state = |reserved| FunctionState { state: "Active".into(), reason: None, reserved };
    assert_eq!(AwsFunctions::new(&service.aws).state("f").await, Ok(state(Some(0))));
    let service = Service::new([function, Answer::Json(200, json!({}))]).await;
    assert_eq!(AwsFunctions::new(&service.aws).state("f").await, Ok(state(None)));

    let body = json!({"UUID": "m", "State": "Disabled", "LastProcessingResult": "PROBLEM: x"});
    let service = Service::new([Answer::Json(200, body)]).await;
    let expected = MappingState { state: "Disabled".into(), last_result: Some("PROBLEM: x".into()) };
    assert_eq!(AwsFunctions::new(&service.aws).mapping("m").await, Ok(expected));
    let service = Service::new([Answer::Json(200, json!({"AccountLimit": {"ConcurrentExecutions": 10}}))]).await;
    assert_eq!(AwsFunctions::new(&service.aws).concurrency().await, Ok(10));
}

#[tokio::test]
async fn log_lines_come_with_their_time_and_a_group_that_is_not_there_has_none() {
    let body = json!({"events": [{"timestamp": 5, "message": "{}", "eventId": "e1"}], "nextToken": "more"});
    let service = Service::new([Answer::Json(200, body)]).await;
    let wanted = Wanted { since: 1, until: 9, pattern: "\"ab\"".into(), next: None, limit: 100 };
    let lines = AwsLogs::new(&service.aws).lines("/relay/ingest", &wanted).await.unwrap();
    let line = Line { at: 5, id: "e1".into(), text: "{}".into() };
    assert_eq!(lines, Lines { lines: vec![line], next: Some("more".into()) });
    let asked =
        json!({"logGroupName": "/relay/ingest", "startTime": 1, "endTime": 8, "filterPattern": "\"ab\"", "limit": 100});
    assert_eq!(service.request().json(), asked);
    let service = Service::new([Answer::Json(400, json!({"__type": "ResourceNotFoundException"}))]).await;
    assert_eq!(AwsLogs::new(&service.aws).lines("/relay/x", &Wanted::default()).await, Ok(Lines::default()));
}

#[tokio::test]
async fn mails_account_and_sender_are_told_and_a_stranger_is_none() {
    let body = json!({"ProductionAccessEnabled": false, "SendingEnabled": true, "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 3.0}});
    let service = Service::new([Answer::Json(200, body)]).await;
    let expected = Sending { production: false, enabled: true, reputation: "HEALTHY".into(), quota: 200.0, sent: 3.0 };
    assert_eq!(AwsSending::new(&service.aws).account().await, Ok(expected));

    let body = json!({"VerifiedForSendingStatus": true, "DkimAttributes": {"Status": "SUCCESS"},
        "MailFromAttributes": {"MailFromDomain": "mail.example.com", "MailFromDomainStatus": "SUCCESS", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}});
    let service = Service::new([Answer::Json(200, body)]).await;
    let expected = Identity { verified: true, dkim: "SUCCESS".into(), mail_from: Some("mail.example.com".into()) };
    assert_eq!(AwsSending::new(&service.aws).identity("example.com").await, Ok(Some(expected)));
    let service =
        Service::new([Answer::Head(404, "x-amzn-errortype: NotFoundException\r\ncontent-length: 0\r\n")]).await;
    assert_eq!(AwsSending::new(&service.aws).identity("example.com").await, Ok(None));
}

#[tokio::test]
async fn a_queue_a_stream_and_open_uploads_are_counted() {
    let counts = json!({"Attributes": {"ApproximateNumberOfMessages": "3",
        "ApproximateNumberOfMessagesNotVisible": "2", "ApproximateNumberOfMessagesDelayed": "1"}});
    let service = Service::new([Answer::Json(200, counts)]).await;
    let depth = AwsSpillBacklog::new(&service.aws, "https://sqs/1/q").depth().await;
    assert_eq!(depth, Ok(Depth { waiting: 4, taken: 2 }));

    let summary = json!({"StreamDescriptionSummary": {"StreamName": "s", "StreamARN": "a", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 168, "StreamCreationTimestamp": 1.0, "EnhancedMonitoring": [], "OpenShardCount": 4,
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}});
    let service = Service::new([Answer::Json(200, summary)]).await;
    let expected = StreamState { status: "ACTIVE".into(), shards: 4, kept_hours: 168, mode: "ON_DEMAND".into() };
    assert_eq!(AwsStreamState::new(&service.aws, "s").state().await, Ok(expected));

    let open = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><Upload><Key>exports/demo/x/a.csv</Key>\
                <UploadId>u</UploadId><Initiated>2026-11-29T09:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>";
    let service = Service::new([Answer::Xml(200, open)]).await;
    let expected = OpenUpload { key: "exports/demo/x/a.csv".into(), began_at: 1_795_942_800_000 };
    assert_eq!(AwsUploads::new(&service.aws, "b").first().await, Ok((vec![expected], true)));
}

#[tokio::test]
async fn an_executions_history_names_states_and_errors_and_holds_no_data() {
    let machine = "arn:aws:states:eu-west-1:1:stateMachine:exports";
    let described = json!({"executionArn": "a", "stateMachineArn": machine, "name": "x1", "status": "FAILED",
        "startDate": 1.0, "stopDate": 3.0, "error": "Export.Failed", "cause": "why"});
    let events = json!({"events": [
        {"id": 1, "timestamp": 1.0, "type": "ExecutionStarted"},
        {"id": 2, "timestamp": 2.0, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Step"}},
        {"id": 3, "timestamp": 3.0, "type": "TaskFailed",
         "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": "Export.Throttled"}},
    ]});
    let service = Service::new([Answer::Json(200, described), Answer::Json(200, events)]).await;
    let found = AwsExecutions::new(&service.aws, machine).history("x1").await.unwrap().unwrap();
    assert_eq!((found.status.as_str(), found.started_at, found.ended_at), ("FAILED", 1_000, Some(3_000)));
    assert_eq!((found.error.as_deref(), found.more), (Some("Export.Failed"), false));
    let event = |at, what: &str, name: Option<&str>| Event { at, what: what.into(), name: name.map(str::to_owned) };
    let step = event(2_000, "TaskStateEntered", Some("Step"));
    let failed = event(3_000, "TaskFailed", Some("Export.Throttled"));
    assert_eq!(found.events, [event(1_000, "ExecutionStarted", None), step, failed]);
    assert_eq!(service.requests()[1].json()["includeExecutionData"], false);

    let gone = Answer::Json(400, json!({"__type": "ExecutionDoesNotExist"}));
    let service = Service::new([gone]).await;
    assert_eq!(AwsExecutions::new(&service.aws, machine).history("x1").await, Ok(None));
}
