//! What became of an execution, step by step.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::types::HistoryEvent;
use relay::fault::Fault;

use super::{AwsExecutions, DESCRIBE};
use crate::fault::fault;

const HISTORY: &str = "states:GetExecutionHistory";

/// The most events of one answer (Step Functions API reference, `GetExecutionHistory`).
const EVENTS_OF_AN_ANSWER: i32 = 1_000;

/// An execution as Step Functions kept it: for 90 days after its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`, `PENDING_REDRIVE`.
    pub status: String,
    /// When it began: milliseconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// The name of the error with which it ended.
    pub error: Option<String>,
    /// What happened in it, oldest first.
    pub events: Vec<Event>,
    /// Whether more happened than one answer holds.
    pub more: bool,
}

/// Something that happened in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When: milliseconds since the epoch.
    pub at: i64,
    /// What, in Step Functions' words, as `TaskStateEntered`.
    pub what: String,
    /// The state's or the error's name, where it has one.
    pub name: Option<String>,
}

impl AwsExecutions {
    /// The execution of this name with its history; `None` where there is none (any more). Neither input nor output is in it.
    pub async fn history(&self, name: &str) -> Result<Option<Execution>, Fault> {
        let arn = self.execution_arn(name);
        let described = match self.client.describe_execution().execution_arn(&arn).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) => {
                return Ok(None);
            }
            Err(error) => return Err(fault(DESCRIBE, &error)),
        };
        let (events, more) = events(&self.client, arn).await?;
        Ok(Some(Execution {
            status: described.status.as_str().to_owned(),
            started_at: described.start_date.to_millis().unwrap_or(0),
            ended_at: described.stop_date.and_then(|time| time.to_millis().ok()),
            error: described.error,
            events,
            more,
        }))
    }
}

async fn events(client: &Client, arn: String) -> Result<(Vec<Event>, bool), Fault> {
    let request = client.get_execution_history().execution_arn(arn).include_execution_data(false);
    let answer = request.max_results(EVENTS_OF_AN_ANSWER).send().await.map_err(|error| fault(HISTORY, &error))?;
    Ok((answer.events.into_iter().map(event).collect(), answer.next_token.is_some()))
}

fn event(event: HistoryEvent) -> Event {
    let entered = event.state_entered_event_details.map(|details| details.name);
    let failed = event.task_failed_event_details.and_then(|details| details.error);
    let ended = event.execution_failed_event_details.and_then(|details| details.error);
    let called = event.lambda_function_failed_event_details.and_then(|details| details.error);
    Event {
        at: event.timestamp.to_millis().unwrap_or(0),
        what: event.r#type.as_str().to_owned(),
        name: entered.or(failed).or(called).or(ended),
    }
}
